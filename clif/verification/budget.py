"""What a verification will take, and what of it fits into a length of time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from clif.errors import UsageError
from clif.verification.sets import RANDOM, SHARE, SUBSET, DocumentSet

FEWEST = 20  # subsets: fewer rank too badly to be worth their time
START = 4.0  # seconds until the first training begins
BESIDE = 0.5  # seconds of a training that are no training: opening the run, measuring, writing


@dataclass(frozen=True)
class Pace:
    """How fast trainings are done: `seconds` for each, `processes` at a time."""

    seconds: float
    processes: int

    def time(self, trainings: int) -> float:
        """Seconds that so many trainings take."""
        if not trainings:
            return 0.0
        return START + math.ceil(trainings / self.processes) * (self.seconds + BESIDE)


def reductions(sets: Sequence[DocumentSet]) -> Iterator[list[DocumentSet]]:
    """The sets, and ever fewer of them, in the order in which they are given up; the last is one size of targeted sets.

    First random subsets, down to FEWEST of each share and then all; then the largest of the random shares, the random
    sets of the largest size, and the largest size, one after the other.
    """
    left = list(sets)
    yield left
    most = max((each.number + 1 for each in left if each.kind == SUBSET), default=0)
    for count in [*range(most - 1, FEWEST - 1, -1), 0]:
        if count < most:
            left = [each for each in left if each.kind != SUBSET or each.number < count]
            yield left
    for kind in (SHARE, RANDOM):
        for size in _falling(each.size for each in left if each.kind == kind):
            left = [each for each in left if each.kind != kind or each.size != size]
            yield left
    for size in _falling(each.size for each in left)[:-1]:
        left = [each for each in left if each.size != size]
        yield left


def fit(
    sets: Sequence[DocumentSet], trainings: Callable[[Sequence[DocumentSet]], int], pace: Pace, seconds: float
) -> list[DocumentSet]:
    """The most of the sets whose `trainings` (those that are still to be done) take no longer than `seconds`.

    Raises
    ------
    UsageError
        Not even the least does.

    """
    least, count = 0.0, 0
    for left in reductions(sets):
        if not left:
            break
        count = trainings(left)
        least = pace.time(count)
        if least <= seconds:
            return left
    raise UsageError(
        f"the least that can be verified needs {count} trainings, which take about {duration(least)} here",
        where="--budget",
        next=f"Give --budget {round_up(least)} or more, or ask for fewer or smaller --sizes or --seeds.",
    )


def duration(seconds: float) -> str:
    """A length of time for people."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def round_up(seconds: float) -> str:
    """A length of time that holds `seconds`, as --budget takes it."""
    return f"{math.ceil(seconds)}s" if seconds < 120 else f"{math.ceil(seconds / 60)}m"


def _falling(sizes: Iterator[int]) -> list[int]:
    return sorted(set(sizes), reverse=True)
