"""The smallest number of documents whose removal meets a goal, found by few trainings and a prediction.

Each number that is tried falls short of the goal, meets it, or goes beyond: then the bias has turned round. The next
one is where the prediction meets the goal, once its change has been stretched to what came of the last number tried. It
lies between the largest number that fell short and the smallest that did not; where the prediction leads out of these
it is a step away from one of them, each step twice as long as the last. So a prediction that is right is tried twice,
and one that is wrong costs what bisection does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NEAR = 0.05  # share of the number found: nearer is not looked
ROUNDS = 10


@dataclass(frozen=True)
class Reached:
    """What came of a number of documents: |T|, below zero where it has turned round, and whether that meets the goal.

    `size` is the |T| that meets it, as far as this training knows.
    """

    value: float
    size: float
    meets: bool

    @property
    def short(self) -> bool:
        """Whether more documents must go."""
        return not self.meets and self.value > 0


@dataclass(frozen=True, eq=False)
class Foreseen:
    """The predicted |T| (n,), below zero where it turns round, without 0 and more documents, `numbers` (n,)."""

    numbers: NDArray[np.int64]
    values: NDArray[np.float64]

    def at(self, number: int) -> float:
        """Between two predictions: in a straight line."""
        return float(np.interp(number, self.numbers, self.values))

    def number(self, value: float) -> int | None:
        """The least number of documents at which the prediction is `value` or less; None if it never is."""
        below = np.flatnonzero(self.values <= value)
        if not len(below):
            return None
        n = int(below[0])
        if n == 0:
            return 0
        (first, last), (high, low) = self.numbers[n - 1 : n + 1], self.values[n - 1 : n + 1]
        return int(np.ceil(first + (last - first) * (high - value) / (high - low)))


def search(foreseen: Foreseen, before: Reached, reach: Callable[[int], Reached]) -> None:
    """Ask `reach` for numbers of documents, each once, until the smallest that meets the goal is known, or none does.

    `before` is what all documents give. The last number of `foreseen` is the largest that may be tried, and tried it is
    before the goal is given up.
    """
    most = int(foreseen.numbers[-1])
    low, high, met, stretch, aside = 0, most + 1, False, 1.0, 1
    last = before
    for left in range(ROUNDS, 0, -1):
        if high - low <= (max(1, NEAR * high) if met else 1):
            return
        number = foreseen.number(foreseen.values[0] - (before.value - last.size) / stretch)
        if high > most and (number is None or left == 1):
            number = most
        elif number is None or not low < number < high:
            step = aside * max(1, int(NEAR * min(high, most)))
            number = high - step if number is None or number >= high else low + step
            number = number if low < number < high else most if high > most else (low + high) // 2
            aside *= 2
        last = reach(number)
        met = met or last.meets
        low, high = (number, high) if last.short else (low, number)
        change = foreseen.values[0] - foreseen.at(number)
        if change > 0 and last.value < before.value:
            stretch = (before.value - last.value) / change
