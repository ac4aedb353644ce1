"""Where a bias shall be brought: |T| to a number at most, or its p-value above one."""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass

import numpy as np

from clif.errors import UsageError
from clif.objectives import WEAT
from clif.objectives.permutation import permutation_p_values

_STEPS = 20  # of a bisection


@dataclass(frozen=True)
class Goal:
    """|T| at most `bound`, or, where it `is_p`, the two-sided p-value of the test above it."""

    bound: float
    is_p: bool = False

    @classmethod
    def parse(cls, text: str) -> Goal:
        """From "0.2", or "p>0.05"; raises UsageError for anything else."""
        p, above, number = str(text).strip().rpartition(">")
        goal = None
        if p.strip() == ("p" if above else ""):
            with contextlib.suppress(ValueError):
                goal = cls(float(number), bool(above))
        if goal is None or not 0 <= goal.bound < math.inf or (goal.is_p and not 0 < goal.bound < 1):
            raise UsageError(
                f"{text!r} is no goal",
                where="--until",
                next="Give the size that the bias shall have at most, as 0.2, or p>0.05.",
            )
        return goal

    def __str__(self) -> str:
        return f"p>{self.bound:g}" if self.is_p else f"{self.bound:g}"

    def size(self, weat: WEAT, s: np.ndarray, measure: str) -> float:
        """The largest |T| that meets the goal, where target words have the associations s (n,).

        For a p-value X and Y are moved together, all words of a set alike, until it is above the bound: what is left of
        T then is the size, if the spread within the sets stays as it is.
        """
        if not self.is_p:
            return self.bound
        gap = s[: weat.n_X].mean() - s[weat.n_X :].mean()
        apart = np.repeat([gap / 2, -gap / 2], [weat.n_X, weat.n_Y])

        def p_value(left: float) -> float:
            return permutation_p_values(s - (1 - left) * apart, weat.n_X).two_sided

        if p_value(1.0) > self.bound:
            return abs(weat.join(s, measure))
        low, high = 0.0, 1.0  # share of the difference that is left
        for _ in range(_STEPS):
            middle = (low + high) / 2
            low, high = (middle, high) if p_value(middle) > self.bound else (low, middle)
        return abs(weat.join(s - (1 - low) * apart, measure))
