"""The direction of some pairs: the first principal component of their differences, and its derivative."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float64]

_GAP = 1e-9  # relative distance of the first two singular values below which rounding decides which is first


@dataclass(frozen=True, eq=False)
class Direction:
    """The unit vector g (d,) that maximises |D g| over the differences D (pairs, d), with sum_p D_p . g > 0.

    It is the first right singular vector of D, or the first eigenvector of M = D^T D, and D_1 / |D_1| for one pair.
    The differences are not centred: what all pairs have in common is what the direction is to show (a principal
    component of the words of each pair about the pair's own middle, as in Bolukbasi et al. 2016, is the same).

    Raises
    ------
    ValueError
        The differences have no single first component, or cancel along it, so that it has no sign.

    """

    D: Vectors
    g: Vectors
    values: Vectors
    components: Vectors

    @classmethod
    def of(cls, D: Vectors) -> Direction:
        """The direction of these differences."""
        _, values, components = np.linalg.svd(D, full_matrices=False)
        if not values[0] > 0 or (len(values) > 1 and values[0] - values[1] <= _GAP * values[0]):
            raise ValueError("the differences of the pairs have no first principal component")
        towards = float((D @ components[0]).sum())
        if abs(towards) <= _GAP * values[0]:
            raise ValueError("the differences of the pairs cancel along their first principal component")
        return cls(D, np.sign(towards) * components[0], values, components)

    def pull_back(self, h: Vectors) -> Vectors:
        """Gradient by D, (pairs, d), of a function whose gradient by g is h (d,).

        A change of M turns g by dg = (m_1 I - M)^+ dM g, with m_i = values_i^2 and ^+ leaving out g itself. So with
        q = (m_1 I - M)^+ h the gradient is (D g) q^T + (D q) g^T.
        """
        others, first = self.components[1:], self.values[0] ** 2
        within = others @ h
        rest = h - (self.g @ h) * self.g - within @ others
        q = (within / (first - self.values[1:] ** 2)) @ others + rest / first
        return np.outer(self.D @ self.g, q) + np.outer(self.D @ q, self.g)
