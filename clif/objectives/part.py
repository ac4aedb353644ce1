"""One part of an objective as an objective of its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clif.objectives.objective import Objective, Vectors


@dataclass(frozen=True, eq=False)
class Part:
    """What part k contributes to T of `whole`: to first order dT/ds_k x s_k, so that contributions add up to T.

    Its gradient is dT/ds_k x ds_k/dE; the gradients of all parts add up to dT/dE. Errors are those of `whole`.
    """

    whole: Objective
    k: int

    parts = 1

    @property
    def rows(self) -> NDArray[np.int64]:
        """Those of the whole objective."""
        return self.whole.rows

    def associations(self, E: Vectors) -> Vectors:
        """s_k, (1,)."""
        return self.whole.associations(E)[self.k : self.k + 1]

    def part_gradients(self, E: Vectors) -> Vectors:
        """ds_k/dE, (1, n, d)."""
        return self.whole.part_gradients(E)[self.k : self.k + 1]

    def join(self, s: Vectors, measure: str) -> float:
        """The part itself."""
        return float(s[0])

    def join_gradient(self, s: Vectors, measure: str) -> Vectors:
        """1, (1,)."""
        return np.ones_like(s)

    def value(self, E: Vectors, measure: str) -> float:
        """dT/ds_k x s_k."""
        s = self.whole.associations(E)
        return float((self.whole.join_gradient(s, measure) * s)[self.k])

    def gradient(self, E: Vectors, measure: str) -> Vectors:
        """dT/ds_k x ds_k/dE, (n, d)."""
        slope = self.whole.join_gradient(self.whole.associations(E), measure)[self.k]
        return np.asarray(slope * self.part_gradients(E)[0])
