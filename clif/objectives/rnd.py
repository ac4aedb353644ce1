"""Relative norm distance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clif.objectives.words import MeanOfParts, Vectors, through_units


@dataclass(frozen=True, eq=False)
class RelativeNormDistance(MeanOfParts):
    """How much farther target words are from the middle of A than from that of B, all vectors scaled to unit length.

        s(w) = |w - mean_A a| - |w - mean_B b|        the parts, one a word of X
        rnd  = mean_{X} s

    The middles are means of unit vectors and not scaled again. The paper's formula is a sum over the words; this is
    their mean, as in the paper's own code and in WEFE, so that sets of different sizes can be compared.
    Sign: as in the paper, positive where X is nearer to **B**. At most 2 in size.
    Source: Garg, Schiebinger, Jurafsky and Zou 2018, PNAS 115:E3635 (group one is A, group two is B).

    Raises
    ------
    InputError
        A vector is zero or not finite.

    """

    def associations(self, E: Vectors) -> Vectors:
        """s of each target word, (n_X,)."""
        targets, A, B = self.sets(self._units(E)[0])
        s: Vectors = np.linalg.norm(targets - A.mean(0), axis=1) - np.linalg.norm(targets - B.mean(0), axis=1)
        return s

    def pull_back(self, E: Vectors, weights: Vectors) -> Vectors:
        """Gradient of sum_i weights_i s_i, (n, d), from the unit vectors that point from the middles to the words."""
        units, lengths = self._units(E)
        targets, A, B = self.sets(units)
        from_A, from_B = (weights[:, None] * _pointing(targets - side.mean(0)) for side in (A, B))
        by_A, by_B = -from_A.sum(0) / len(A), from_B.sum(0) / len(B)
        attributes = np.repeat([by_A, by_B], [len(A), len(B)], axis=0)
        return through_units(np.vstack([from_A - from_B, attributes]), units, lengths)


def _pointing(gaps: Vectors) -> Vectors:
    """Unit vectors along the gaps; zero where there is no gap, where the distance has a kink."""
    lengths = np.linalg.norm(gaps, axis=1, keepdims=True)
    return gaps / np.where(lengths > 0, lengths, 1.0)
