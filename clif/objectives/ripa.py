"""Relational inner product association."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clif.objectives.direction import Direction
from clif.objectives.words import MeanOfParts, Vectors


@dataclass(frozen=True, eq=False)
class RIPA(MeanOfParts):
    """Inner product of target words with the relation vector of the pairs of A and B.

        s(w) = w . g        the parts, one a word of X
        ripa = mean_{X} s

    with g = (a - b) / |a - b| for one pair, and for several the first principal component of their differences, signed
    so that A is the positive side (see `Direction`). Vectors are taken as they are, not scaled to unit length.
    The paper has single words w; the mean over X is that of their values.
    Sign: positive where X goes with A. No bound.
    Source: Ethayarajh, Duvenaud and Hirst 2019, ACL, P19-1166.

    Raises
    ------
    InputError
        The pairs have no first component, or cancel along it.

    """

    def associations(self, E: Vectors) -> Vectors:
        """w . g of each target word, (n_X,)."""
        targets, A, B = self.sets(E)
        s: Vectors = targets @ self._direction(A, B).g
        return s

    def pull_back(self, E: Vectors, weights: Vectors) -> Vectors:
        """Gradient of sum_i weights_i s_i, (n, d)."""
        targets, A, B = self.sets(E)
        direction = self._direction(A, B)
        pairs = direction.pull_back(weights @ targets)
        return np.vstack([np.outer(weights, direction.g), pairs, -pairs])

    def _direction(self, A: Vectors, B: Vectors) -> Direction:
        try:
            return Direction.of(A - B)
        except ValueError as error:
            raise self._undefined(str(error), "Give other pairs, or one pair alone.") from None
