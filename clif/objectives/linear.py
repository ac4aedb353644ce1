"""A linear objective: what a gradient that is already known asks for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clif.objectives.objective import Vectors


@dataclass(frozen=True, eq=False)
class Linear:
    """T = <slope, E> of the vectors at `rows` (n,), with slope (n, d), which is its gradient everywhere."""

    rows: NDArray[np.int64]
    slope: Vectors

    parts = 1

    def associations(self, E: Vectors) -> Vectors:
        """T as the only part, (1,)."""
        return np.array([(self.slope * E).sum()])

    def part_gradients(self, E: Vectors) -> Vectors:
        """The slope, (1, n, d)."""
        return self.slope[None]

    def join(self, s: Vectors, measure: str) -> float:
        """The part."""
        return float(s[0])

    def join_gradient(self, s: Vectors, measure: str) -> Vectors:
        """1, (1,)."""
        return np.ones_like(s)

    def value(self, E: Vectors, measure: str) -> float:
        """<slope, E>."""
        return float((self.slope * E).sum())

    def gradient(self, E: Vectors, measure: str) -> Vectors:
        """The slope, (n, d)."""
        return self.slope
