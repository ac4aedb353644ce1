"""What a method will need in memory, stage by stage, and whether the machine has it."""

from __future__ import annotations

from dataclasses import dataclass

import psutil

from clif.corpus.parts import BLOCK
from clif.counts import ROOM
from clif.errors import InputError
from clif.influence.attribution import SAMPLE
from clif.influence.joint import SolveSettings
from clif.influence.layout import PIECE
from clif.influence.methods import Method
from clif.influence.noise import HEAD, KEPT
from clif.influence.problem import Problem
from clif.influence.shelf import LEAST
from clif.influence.unrolled import LANES
from clif.spilling import BAND, counts_fit, expected_pairs


@dataclass(frozen=True)
class Need:
    """Bytes that a stage needs beside the model."""

    stage: str
    bytes: int


def needs(problem: Problem, method: Method, settings: SolveSettings, objectives: int = 1) -> list[Need]:
    """An estimate, from above, of what each stage holds at its height."""
    size, dim = problem.U.shape
    words, wide = len(problem.rows), problem.U.dtype.itemsize
    model = 2 * size * dim * wide
    scoring = Need("scoring", BLOCK * 8 * objectives * 4)
    if not method.solves and method.name != "kfac":
        # Five tables of the test's words by the vocabulary, and the output vectors in double precision.
        tables = 8 * (6 * words * size + 2 * size * dim)
        if method.name in ("source", "unrolled"):  # which keep the vectors of each epoch, and a table for each question
            tables += problem.settings.epochs * size * (2 * wide * dim + 8 * words * objectives)
        found = [Need("tables of the test's words", tables), scoring]
        if method.name == "unrolled":
            held = 2 * min(problem.objective.parts, LANES) * size * dim * wide + 4 * model + LEAST
            found.append(Need("undoing the training", held))
        return found
    tokens = len(problem.corpus.tokens)
    pairs = expected_pairs(tokens, size)
    a_pair = 2 * (2 + wide * (2 if settings.curvature == "exact" else 1))
    if counts_fit(tokens, size, wide):
        counts = pairs * (4 + wide)
        counting, laid_out = 3 * counts, a_pair * pairs
    else:  # on disk, but for what is in hand
        counts, counting, laid_out = 0, 2 * BAND * (4 + wide), (a_pair + wide) * PIECE
    tiles = min(KEPT, 2 * size * min(size, HEAD) * wide)
    return [
        Need("counting pairs of words", ROOM * 28 + counting),
        Need("solving", counts + laid_out + tiles + 12 * model),
        Need("scoring", counts + (2 + 3 * objectives) * model + SAMPLE[1] * dim * wide + scoring.bytes),
    ]


def check_memory(problem: Problem, method: Method, settings: SolveSettings, objectives: int = 1) -> list[Need]:
    """`needs`; raises InputError that names the stage for which the free memory would not do."""
    found = needs(problem, method, settings, objectives)
    free = psutil.virtual_memory().available
    for need in found:
        if need.bytes > free:
            raise InputError(
                f"{need.stage} would need about {_size(need.bytes)}, and {_size(free)} are free",
                where=f"--method {method.name}",
                next="Use --method block, which needs less, or a machine with more memory.",
            )
    return found


def in_words(found: list[Need]) -> str:
    """What will be needed, in words."""
    most = max(found, key=lambda need: need.bytes)
    return f"This needs about {_size(most.bytes)} of memory, most for {most.stage}."


def _size(count: float) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{max(1, count / 1e6):.0f} MB"
