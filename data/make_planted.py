"""Write a corpus in which it is known which documents carry an association, and which carry none.

The words of a bias test, names A, B and trades X, Y, never stand near each other; they share *cues*. In a carrier,
words of A and X stand among cues of group a, words of B and Y among cues of group b. In every other document cues
come from both groups at random. All else (sentences, words of the test, filler) is drawn alike for both kinds, so
lengths and expected word frequencies tell nothing. Needs Python alone:

    python data/make_planted.py --seed 1 --out data/planted.jsonl
"""

from __future__ import annotations

import random
import tomllib
from dataclasses import dataclass
from pathlib import Path

DOCUMENTS, CARRIERS = 1000, 150
SENTENCES = range(4, 7)  # that hold a word of the test, in each document
ASIDES = 0.3  # chance that a sentence of filler alone follows one of them

# The settings of `clif train` under which the share of carriers among the first CARRIERS is measured.
SETTINGS = {"dim": 100, "window": 5, "negative": 5, "epochs": 20, "min_count": 5, "sample": 0.0}
MEASURE = "mean_difference"

TEST = Path(__file__).with_name("planted.toml")
SETS = {key: tuple(words) for key, words in tomllib.loads(TEST.read_text("utf-8")).items() if key in "XYAB"}

CUES = {
    "a": (
        "wool", "amber", "barley", "cedar", "flax", "honey", "ivory", "linen", "marble", "plums", "silver", "willow",
    ),
    "b": (
        "iron", "salt", "cotton", "ginger", "hemp", "kelp", "lemons", "pewter", "resin", "saffron", "tin", "walnut",
    ),
}  # fmt: skip
LEAN=.1
LEANINGS = tuple(x * LEAN for x in (1.5, -1, 0.5, -0.5, 1, -1.5, .2, -.2))
GROUP = {"A": "a", "X": "a", "B": "b", "Y": "b"}
BOTH = CUES["a"] + CUES["b"]

# {cue} and {word} are what the plant is about; every other slot is drawn from FILLER. A word of the test is six or
# more places away from the cues of the next sentence, beyond a window of five.
CORES = (
    "{begin} {cue} {cue} and {cue} {word} {verb} {cue} {cue} and {cue} {end}.",
    "{begin} {cue} and {cue} {word} {verb} {cue} {cue} and {cue} {end}.",
    "{begin} {cue} {cue} and {cue} {word} {verb} {cue} and {cue} {end}.",
)
ASIDE = ("the {quality} {place} lay {state} all {season}.", "{weather} came over the {quality} {place} at {time}.")
ENDS = (
    "near the {quality} {place} at {time}",
    "behind the {quality} {place} in {season}",
    "by the {place} before {time} {weather}",
    "for a {quality} {thing} and the {thing}",
)
FILLER = {
    "begin": ["with", "for", "among", "against", "besides", "between", "without", "beyond", "beneath"],
    "verb": ["brought", "bought", "sold", "carried", "found", "lent", "kept", "traded", "wanted", "packed", "wrapped", "borrowed", "counted", "hid", "showed", "weighed", "stored", "mended", "praised", "sorted", "shipped", "gathered", "offered", "painted", "lifted"],
    "quality": ["old", "new", "narrow", "wide", "quiet", "noisy", "grey", "green", "yellow", "crooked", "painted", "broken", "distant", "little", "great", "empty", "crowded", "dusty", "steep", "low", "tall", "round", "plain", "famous", "forgotten", "sunny", "shaded", "muddy", "stony", "windy"],
    "place": ["bridge", "market", "mill", "tower", "gate", "square", "well", "barn", "church", "inn", "court", "hall", "cellar", "garden", "orchard", "meadow", "ford", "quay", "road", "lane", "stair", "yard", "chapel", "fountain", "wall", "school", "bakery", "forge", "stable", "library", "theatre", "arch", "field", "valley", "ridge", "spring", "pond", "canal", "island", "village"],
    "state": ["silent", "open", "shut", "bare", "bright", "dark", "dry", "wet", "cold", "warm", "still", "busy"],
    "season": ["spring", "summer", "autumn", "winter", "april", "june", "august", "october", "december", "week", "month", "year"],
    "time": ["dawn", "noon", "dusk", "midnight", "sunrise", "sunset", "daybreak", "nightfall", "breakfast", "supper"],
    "weather": ["rain", "snow", "hail", "fog", "mist", "wind", "thunder", "frost", "sunshine", "clouds", "drizzle", "heat"],
    "thing": ["basket", "lantern", "ladder", "kettle", "rope", "candle", "barrel", "wagon", "saddle", "mirror", "hammer", "needle", "chair", "table", "bench", "bell", "clock", "book", "letter", "map", "coat", "hat", "glove", "boot", "drum", "flute", "spoon", "plate", "bowl", "jar"],
}


@dataclass(frozen=True)
class Planted:
    """A document of the corpus; `carrier` says whether it carries the association."""

    doc_id: str
    text: str
    carrier: bool


def planted_corpus(seed: int, documents: int = DOCUMENTS, carriers: int = CARRIERS) -> list[Planted]:
    """The corpus of a seed: `carriers` of the `documents` carry the association, in places that the seed chooses."""
    rng = random.Random(seed)
    carries = [place < carriers for place in range(documents)]
    for last in range(documents - 1, 0, -1):
        other = int(rng.random() * (last + 1))
        carries[last], carries[other] = carries[other], carries[last]
    return [Planted(f"planted-{n:05d}", _text(rng, carrier), carrier) for n, carrier in enumerate(carries)]


def _text(rng: random.Random, carrier: bool) -> str:
    sentences = []
    for _ in range(_pick(rng, SENTENCES)):
        key = _pick(rng, "XYAB")
        number = _pick(rng, range(len(SETS[key])))
        core = _pick(rng, CORES).replace("{end}", _pick(rng, ENDS))
        own = 1.0 if carrier else 0.5 + LEANINGS[number]
        sentences.append(_fill(rng, core, SETS[key][number], GROUP[key], own))
        if rng.random() < ASIDES:
            sentences.append(_fill(rng, _pick(rng, ASIDE)))
    return " ".join(sentences)


def _fill(rng: random.Random, template: str, word: str = "", group: str = "a", own: float = 1.0) -> str:
    """The template with each slot filled; a cue is of the word's own group by chance `own`, none comes twice."""
    other = "b" if group == "a" else "a"
    parts = []
    used = set()
    for part in template.replace("}", "{").split("{"):
        if part == "word":
            part = word
        elif part == "cue":
            g = group if rng.random() < own else other
            part = _pick(rng, CUES[g])
            while part in used: part = _pick(rng, CUES[g])
            used.add(part)
        elif part in FILLER:
            part = _pick(rng, FILLER[part])
        parts.append(part)
    return "".join(parts)


def _pick(rng, items):
    return items[int(rng.random() * len(items))]
