"""Where a bias shall be brought: |T| to a number at most, or its p-value above one."""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass

import numpy as np

from clif.errors import UsageError
from clif.objectives import BiasObjective, Kind, permutation_p_values

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

    def check(self, kind: Kind) -> None:
        """Raise UsageError if tests of this kind have no p-value that could meet the goal."""
        if self.is_p and not kind.permutes:
            raise UsageError(
                f"a test of kind {kind.name!r} has no p-value: no words of it can change places",
                where=f"--until {self}",
                next=f"Give the size that {kind.measures[0]} shall have at most, as --until 0.1.",
            )

    def met(self, value: float, p_value: float | None) -> bool:
        """Whether T, and the p-value of the test if it has one, are where they shall be."""
        return (p_value or 0.0) > self.bound if self.is_p else abs(value) <= self.bound

    def size(self, objective: BiasObjective, s: np.ndarray, measure: str) -> float:
        """The largest |T| that meets the goal, where target words have the associations s (n,).

        For a p-value X and Y are moved together, all words of a set alike, until it is above the bound: what is left of
        T then is the size, if the spread within the sets stays as it is.
        """
        if not self.is_p:
            return self.bound
        n_X, n_Y = (len(objective.coverage.rows[key]) for key in "XY")
        gap = s[:n_X].mean() - s[n_X:].mean()
        apart = np.repeat([gap / 2, -gap / 2], [n_X, n_Y])

        def p_value(left: float) -> float:
            return permutation_p_values(s - (1 - left) * apart, n_X).two_sided

        if p_value(1.0) > self.bound:
            return abs(objective.join(s, measure))
        low, high = 0.0, 1.0  # share of the difference that is left
        for _ in range(_STEPS):
            middle = (low + high) / 2
            low, high = (middle, high) if p_value(middle) > self.bound else (low, middle)
        return abs(objective.join(s - (1 - low) * apart, measure))
