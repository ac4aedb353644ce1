"""Direct bias, and the signed projection on the same direction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clif.errors import UsageError
from clif.objectives.direction import Direction
from clif.objectives.words import ByParts, Vectors, through_units


@dataclass(frozen=True, eq=False)
class DirectBias(ByParts):
    """How far target words lie along the direction of the pairs of A and B, all vectors scaled to unit length.

        s(w)       = cos(w, g)          the parts, one a word of X
        direct     = mean_{X} |s|^c     c = 1 unless [options] of the test says otherwise
        projection = mean_{X} s

    with g the first principal component of the differences of the pairs (see `Direction`), positive towards A.
    Sign: `direct` is never negative, so it can come near zero but not beyond; `projection` is positive where X goes
    with A. Both are at most 1 in size.
    Source: Bolukbasi, Chang, Zou, Saligrama and Kalai 2016, NeurIPS (arXiv:1607.06520), section 5.2.

    Raises
    ------
    UsageError
        c is not positive.
    InputError
        A vector is zero or not finite, or the pairs have no first component, or cancel along it.

    """

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.option("c") < float("inf"):
            raise UsageError(
                f"the strictness c must be positive, got {self.option('c'):g}",
                where=f"test {self.coverage.test.name!r}, [options]",
                next="Leave it out for 1.",
            )

    def associations(self, E: Vectors) -> Vectors:
        """cos(w, g) of each target word, (n_X,)."""
        targets, A, B = self.sets(self._units(E)[0])
        s: Vectors = targets @ self._direction(A, B).g
        return s

    def pull_back(self, E: Vectors, weights: Vectors) -> Vectors:
        """Gradient of sum_i weights_i s_i, (n, d)."""
        units, lengths = self._units(E)
        targets, A, B = self.sets(units)
        direction = self._direction(A, B)
        pairs = direction.pull_back(weights @ targets)
        return through_units(np.vstack([np.outer(weights, direction.g), pairs, -pairs]), units, lengths)

    def join(self, s: Vectors, measure: str | None = None) -> float:
        """T from its parts."""
        if self.kind.check_measure(measure) == "projection":
            return float(s.mean())
        return float((np.abs(s) ** self.option("c")).mean())

    def join_gradient(self, s: Vectors, measure: str | None = None) -> Vectors:
        """dT/ds, (n_X,): 1 / n, or c |s|^(c-1) sign(s) / n, and zero where s is."""
        if self.kind.check_measure(measure) == "projection":
            return np.full(len(s), 1 / len(s))
        c, size = self.option("c"), np.where(s == 0, 1.0, np.abs(s))
        slope: Vectors = c * size ** (c - 1) * np.sign(s) / len(s)
        return slope

    def _direction(self, A: Vectors, B: Vectors) -> Direction:
        try:
            return Direction.of(A - B)
        except ValueError as error:
            raise self._undefined(str(error), "Give other pairs, or one pair alone.") from None
