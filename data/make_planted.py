"""Write a corpus in which it is known which documents carry an association and which carry none.

The words of the test in planted.toml, names A, B and trades X, Y, never stand near each other; they share *cues*.
In a carrier, words of A and X stand among cues of group a, words of B and Y among cues of group b. In the other
documents each cue comes from either group by chance. All else is drawn alike for both kinds of documents, so
lengths and expected word frequencies tell nothing. The script needs Python 3.11 alone:

    python data/make_planted.py --seed 1 --out data/planted.jsonl
"""

from __future__ import annotations

import argparse
import json
import random
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

DOCUMENTS, CARRIERS = 1000, 200
SENTENCES = range(4, 7)  # in a document, each with one word of the test
ASIDE_CHANCE = 0.2  # chance that a sentence of filler alone follows one of them

# What differs from the defaults of `clif train` and `clif rank` when this corpus is used: every cue counts, though
# cues are frequent words here.
SETTINGS = {"sample": 0.0}
MEASURE = "mean_difference"

TEST = Path(__file__).with_name("planted.toml")
WORDS: dict[str, list[str]] = {k: v for k, v in tomllib.loads(TEST.read_text("utf-8")).items() if k in set("XYAB")}
GROUPS = {"X": "ab", "Y": "ba", "A": "ab", "B": "ba"}  # the group of a set's cues, then the other one
CUES = {
    group: words.split()
    for group, words in {
        "a": "amber barley cotton ginger honey kelp linen pewter resin silver walnut willow",
        "b": "brass cedar flax hemp iron lemons marble plums saffron salt tin wool",
    }.items()
}
# In the documents that are not carriers, the n-th word of each set has its own group's cues with chance
# 1/2 + LEANINGS[n]. They sum to zero and are the same in each set, so no set leans; but words of a set differ, as in
# any real text. Without that the effect size would sit at its bound of 2 and rank documents badly.
LEANINGS = (0.2, -0.15, 0.05, -0.1, 0.15, -0.2, 0.1, -0.05)

# Between a word of the test and the cues of its neighbouring sentences lie more places than a window of 5 reaches.
CORES = (
    "{begin} {cue} {cue} and {cue} {word} {verb} {cue} {cue} and {cue} {end}.",
    "{begin} {cue} and {cue} {word} {verb} {cue} {cue} and {cue} {end}.",
    "{begin} {cue} {cue} and {cue} {word} {verb} {cue} and {cue} {end}.",
)
ENDS = (
    "at {time}",
    "before {time}",
    "in {season}",
    "by the {place}",
    "near the {quality} {place}",
    "for a {quality} {thing}",
)
ASIDES = (
    "the {quality} {place} lay {state} all {season}.",
    "{weather} came over the {place} at {time}.",
    "someone left a {thing} and a {quality} {thing} there.",
)
FILLER = {
    slot: words.split()
    for slot, words in {
        "begin": "with for among against besides between without beyond beneath",
        "verb": (
            "brought bought sold carried found lent kept traded wanted packed wrapped borrowed counted hid showed "
            "weighed stored mended praised sorted shipped gathered offered lifted"
        ),
        "quality": (
            "old new narrow wide quiet noisy grey green yellow crooked broken distant little great empty crowded "
            "dusty steep low tall round plain famous forgotten sunny shaded muddy stony windy"
        ),
        "place": (
            "bridge market mill tower gate square well barn church inn court hall cellar garden orchard meadow ford "
            "quay road lane stair yard chapel fountain wall school bakery forge stable library theatre arch field "
            "valley ridge spring pond canal island village"
        ),
        "state": "silent open shut bare bright dark dry wet cold warm still busy",
        "season": "summer autumn winter april june august october december week month year",
        "time": "dawn noon dusk midnight sunrise sunset daybreak nightfall breakfast supper",
        "weather": "rain snow hail fog mist wind thunder frost sunshine clouds drizzle heat",
        "thing": (
            "basket lantern ladder kettle rope candle barrel wagon saddle mirror hammer needle chair table bench bell "
            "clock book letter map coat hat glove boot drum flute spoon plate bowl jar"
        ),
    }.items()
}


@dataclass(frozen=True)
class Planted:
    """A document of the corpus; `carrier` says whether it carries the association."""

    doc_id: str
    text: str
    carrier: bool


def planted_corpus(seed: int, documents: int = DOCUMENTS, carriers: int = CARRIERS) -> list[Planted]:
    """The corpus of a seed: `carriers` of its `documents`, in places that the seed chooses, are carriers."""
    # Of all its methods, Python promises the same numbers in every version for random() alone.
    rng = random.Random(seed)
    carrier = [place < carriers for place in range(documents)]
    for last in range(documents - 1, 0, -1):
        other = int(rng.random() * (last + 1))
        carrier[last], carrier[other] = carrier[other], carrier[last]
    return [Planted(f"planted-{n:05d}", _text(rng, carrier[n]), carrier[n]) for n in range(documents)]


def to_jsonl(corpus: Sequence[Planted]) -> str:
    """The corpus as the lines of its file."""
    rows = ({"id": document.doc_id, "text": document.text, "carrier": document.carrier} for document in corpus)
    return "".join(json.dumps(row) + "\n" for row in rows)


def _text(rng: random.Random, carrier: bool) -> str:
    sentences = []
    for _ in range(_pick(rng, SENTENCES)):
        key = _pick(rng, "XYAB")
        number = _pick(rng, range(len(WORDS[key])))
        cues = _cues(rng, GROUPS[key], 1.0 if carrier else 0.5 + LEANINGS[number])
        core = _pick(rng, CORES).replace("{end}", _pick(rng, ENDS))
        sentences.append(_fill(rng, core, {"word": iter([WORDS[key][number]]), "cue": cues}))
        if rng.random() < ASIDE_CHANCE:
            sentences.append(_fill(rng, _pick(rng, ASIDES), {}))
    return " ".join(sentences)


def _cues(rng: random.Random, groups: str, own: float) -> Iterator[str]:
    """Different cues, each of the first of two groups with chance `own`, else of the second."""
    used = {""}
    while True:
        group = CUES[groups[0] if rng.random() < own else groups[1]]
        cue = ""
        while cue in used:
            cue = _pick(rng, group)
        used.add(cue)
        yield cue


def _fill(rng: random.Random, template: str, given: dict[str, Iterator[str]]) -> str:
    """The template with each slot filled, from what is given for it or else by a word of FILLER."""

    def word(slot: re.Match[str]) -> str:
        name = slot[1]
        return next(given[name]) if name in given else _pick(rng, FILLER[name])

    return re.sub(r"\{(\w+)\}", word, template)


def _pick(rng: random.Random, items: Sequence[T]) -> T:
    return items[int(rng.random() * len(items))]


def main() -> None:
    parser = argparse.ArgumentParser(description="Write a corpus with a planted association as JSONL.")
    parser.add_argument("--seed", type=int, default=1, help="of the corpus (default: 1)")
    parser.add_argument("--out", type=Path, default=Path("planted.jsonl"), help="file (default: planted.jsonl)")
    options = parser.parse_args()
    options.out.write_text(to_jsonl(planted_corpus(options.seed)), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
