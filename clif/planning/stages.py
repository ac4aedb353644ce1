"""From the costs of a sample to those of each stage on the whole corpus.

What is done for each token grows with the tokens; types, words of the vocabulary and different pairs grow more slowly
(see `growth`); a solve costs pairs and words. Constants were measured on two corpora of 2 million tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from clif.corpus.encoding import A_TYPE
from clif.corpus.parts import BLOCK
from clif.counts import ROOM
from clif.influence.layout import PIECE
from clif.influence.noise import EXACT, HEAD, KEPT
from clif.planning.growth import BEND, extrapolate
from clif.planning.sampling import Sample
from clif.planning.timing import Costs
from clif.settings import TrainingSettings
from clif.spilling import BAND, FAN, counts_fit

PRODUCTS = 16  # with the curvature, until a solve of the usual tolerance is done
STARTED = {"encode": 1.6, "train": 0.5, "rank": 2.2, "retrain": 2.4, "worker": 1.7}  # CPU seconds before anything
BASE = {"train": 300e6, "rank": 265e6, "retrain": 290e6, "worker": 140e6}  # bytes of a process before anything
A_WORD, A_DOCUMENT = 300, 400  # bytes in memory
MERGING = 1.5  # how often what is counted is written and read again on disk


@dataclass(frozen=True)
class Size:
    """What a corpus will be: estimates of its numbers."""

    documents: float
    tokens: float
    types: float
    words: float
    pairs: float

    @classmethod
    def of(cls, sample: Sample, costs: Costs) -> Size:
        """From a sample, which may be all of it."""
        tokens = costs.tokens / sample.share
        words = extrapolate(*costs.vocabulary, tokens, BEND)
        pairs = extrapolate(*costs.different, tokens, BEND)
        types = extrapolate(*costs.types, tokens, BEND)
        return cls(sample.documents, tokens, types, min(words, types), min(pairs, words * (words + 1) / 2))


@dataclass(frozen=True)
class Stage:
    """CPU and wall seconds of a stage, bytes of memory at its height, and bytes on disk that stay and that go.

    `memory` is resident in the largest process, and `more` in the others, what they share with it left out; `fixed` is
    what of both does not grow with the corpus.
    """

    name: str
    cpu: float
    wall: float
    memory: float
    disk: float
    scratch: float
    fixed: float
    more: float = 0.0

    @property
    def together(self) -> float:
        """Memory of all processes."""
        return self.memory + self.more

    def to_dict(self) -> dict[str, Any]:
        """The stage as plain values."""
        return {
            "stage": self.name,
            "cpu_seconds": round(self.cpu, 2),
            "wall_seconds": round(self.wall, 2),
            "memory_bytes": int(self.memory),
            "memory_of_all_bytes": int(self.together),
            "disk_bytes": int(self.disk),
            "scratch_bytes": int(self.scratch),
        }


def encoding(sample: Sample, costs: Costs, size: Size) -> Stage:
    """Reading, tokenising and writing."""
    cpu = STARTED["encode"] + sample.seconds + costs.seconds["encode"] / sample.share
    files = costs.files
    grows = size.tokens / costs.tokens
    disk = (files["tokens.npy"] + files["sentences.npy"]) * grows
    disk += (files["documents.parquet"] + files["metadata.parquet"]) * size.documents / costs.documents
    disk += files["vocabulary.parquet"] * size.types / costs.types[1][-1]
    memory = BASE["train"] + A_TYPE * size.types + A_DOCUMENT * size.documents
    return Stage("encode", cpu, cpu, memory, disk, files["tokens.npy"] * grows, BASE["train"])


def training(sample: Sample, costs: Costs, size: Size, settings: TrainingSettings) -> Stage:
    """All epochs, with the vectors kept after each."""
    cpu = STARTED["train"] + settings.epochs * costs.seconds["train"] / sample.share
    model = _model(size, settings)
    kept = settings.epochs if settings.trainer == "paired" and settings.workers == 1 else 1
    memory = BASE["train"] + _held(size) + 1.5 * model
    return Stage("train", cpu, cpu / settings.workers, memory, kept * model, 0.0, BASE["train"])


def ranking(sample: Sample, costs: Costs, size: Size, settings: TrainingSettings, method: str, cores: int) -> Stage:
    """A list by `block` or by `clif`."""
    seconds, share = costs.seconds, sample.share
    words, model = size.words / costs.words, _model(size, settings)
    listed = 60.0 * size.documents
    base = BASE["rank"] + _held(size) + model
    tables = 8 * 6 * 32 * size.words
    started = STARTED["rank"] + 2e-5 * size.documents
    if method == "block":
        cpu = started + (seconds["look"] + seconds["score_block"]) / share + seconds["tables"] * words
        return Stage("rank, block", cpu, cpu, base + tables + BLOCK * 32, listed, 0.0, BASE["rank"] + BLOCK * 32)
    wide = 4
    fewest, most = costs.different[1][0], costs.different[1][-1]
    pairs = size.pairs / max(most, 1.0)
    noise = words if costs.words > EXACT else words * max(words, 1.0)
    # A product takes so long for each pair, for each word, and for the noise.
    a_pair = max(seconds["product"] - seconds["product_of_fewer"], 0.0) / max(most - fewest, 1.0)
    a_word = max(seconds["product"] - seconds["noise"] - a_pair * most, 0.0)
    product = a_pair * size.pairs + a_word * words + seconds["noise"] * noise
    score = seconds["score_clif"] / share
    cpu = started + seconds["count"] / share + seconds["lay_out"] * pairs + score
    cpu += (seconds["factors"] + seconds["ends"] + PRODUCTS * seconds["vectors"]) * words + PRODUCTS * product
    held, laid = size.pairs * (4 + wide), 2 * size.pairs * (2 + wide)
    tiles = min(KEPT, 2 * size.words * min(size.words, HEAD) * wide)
    solving = 10 * model + tiles
    wall = cpu - score * (1 - 1 / cores)
    if counts_fit(round(size.tokens), round(size.words), wide):  # as the ranking decides, by tokens
        memory = base + max(ROOM * 28 + 2 * held, held + laid + solving)
        return Stage("rank, clif", cpu, wall, memory, listed + model, 0.0, BASE["rank"])
    memory = base + max(ROOM * 28 + 2 * BAND * 8, PIECE * 10 + solving)
    blocks = min(FAN, seconds["count"] / share) * ROOM * 8
    return Stage("rank, clif", cpu, wall, memory, listed + model, MERGING * held + max(blocks, laid), BASE["rank"])


def retraining(
    sample: Sample, costs: Costs, size: Size, settings: TrainingSettings, seeds: int, controls: int, processes: int
) -> Stage:
    """Before, after and controls of each seed; the model of the run is one of them."""
    trainings = (seeds - 1) + seeds * (1 + controls)
    one = settings.epochs * costs.seconds["train"] / sample.share
    block = ranking(sample, costs, size, settings, "block", 1)
    # The corpus is read twice, to be checked and to be written again.
    around = STARTED["retrain"] + block.cpu - STARTED["rank"] + 3.0 * sample.seconds
    at_once = min(processes, trainings)
    rounds = -(-trainings // at_once)
    model = _model(size, settings)
    fixed = BASE["retrain"] + at_once * BASE["worker"]
    return Stage(
        f"retrain, {seeds} seed{'s' * (seeds > 1)}, {controls} control{'s' * (controls != 1)}",
        around + trainings * one + at_once * STARTED["worker"],
        around + rounds * one + STARTED["worker"],
        BASE["retrain"] + _held(size) + 3 * model,
        (seeds - 1) * model + sample.bytes,
        seeds * (1 + controls) * model,
        fixed,
        at_once * (BASE["worker"] + _held(size) + 1.5 * model),
    )


def total(stages: Sequence[Stage]) -> Stage:
    """All of them one after the other: memory is the largest, disk is the sum."""
    return Stage(
        "together",
        sum(stage.cpu for stage in stages),
        sum(stage.wall for stage in stages),
        max(stage.memory for stage in stages),
        sum(stage.disk for stage in stages),
        max(stage.scratch for stage in stages),
        0.0,
        max(stage.together for stage in stages) - max(stage.memory for stage in stages),
    )


def _model(size: Size, settings: TrainingSettings) -> float:
    return 2.0 * size.words * settings.dim * 4


def _held(size: Size) -> float:
    """What an open corpus and its vocabulary take."""
    return 30 * size.types + A_WORD * size.words + A_DOCUMENT * size.documents
