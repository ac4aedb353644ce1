"""The smallest number of documents whose removal meets a goal, found by few trainings and a prediction.

Each number that is tried either meets the goal or does not. The next one is where the prediction meets it, once its
change has been stretched to what came of the last number tried. It lies between the largest number that did not do and
the smallest that did; where the prediction leads out of these it is a step away from one of them, each step twice as
long as the last. So a prediction that is right is tried twice, and one that is wrong costs what bisection does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NEAR = 0.05  # share of the number found: nearer is not looked
ROUNDS = 10


@dataclass(frozen=True)
class Reached:
    """What came of a number of documents: |T|, below zero where it has turned round, and if that meets the goal."""

    value: float
    meets: bool


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


def search(
    foreseen: Foreseen, before: float, size: Callable[[], float], reach: Callable[[int], Reached]
) -> Sequence[int]:
    """The numbers that were tried, in that order; `reach` is asked for each once, `before` is |T| with all documents.

    `size()` is the |T| that is taken to meet the goal, as far as is known by now. The last number of `foreseen` is the
    largest that may be tried, and tried it is before the goal is given up.
    """
    most = int(foreseen.numbers[-1])
    tried: list[int] = []
    low, high, stretch, aside = 0, most + 1, 1.0, 1
    while len(tried) < ROUNDS and (low < most < high or high - low > max(1, NEAR * high)):
        number = foreseen.number(foreseen.values[0] - (before - size()) / stretch)
        if high > most:  # none has met it yet
            number = most if number is None else min(most, max(number, low + 1))
        elif number is None or not low < number < high:
            step = aside * max(1, int(NEAR * high))
            aside *= 2
            number = low + step if number is not None and number <= low else high - step
            number = number if low < number < high else (low + high) // 2
        tried.append(number)
        found = reach(number)
        low, high = (low, number) if found.meets else (number, high)
        change = foreseen.values[0] - foreseen.at(number)
        if change > 0 and found.value < before:
            stretch = (before - found.value) / change
    return tried
