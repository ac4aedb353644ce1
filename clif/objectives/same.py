"""The SAME score of two groups, and what it is made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clif.objectives.words import ByParts, Vectors, through_units

_FLAT = 1e-13  # cosines carry rounding of about 1e-16


@dataclass(frozen=True, eq=False)
class SAME(ByParts):
    """Cosine of target words with the difference of the mean attributes, all vectors scaled to unit length.

        v = mean_A a / |a| - mean_B b / |b|
        s(w)       = cos(w, v)          the parts, one a word of X
        same       = mean_{X} |s|
        skew       = mean_{X} s
        stereotype = std_{X}(s)         over the words, without correction

    Sign: `same` and `stereotype` are never negative; `skew` is positive where X goes with A. All are at most 1 in size.
    Source: Schroeder, Schulz and Hammer 2024, IJCNN (arXiv:2203.14603), the form for a pair of groups.

    Raises
    ------
    InputError
        A vector is zero or not finite, A and B have the same mean, or all words the same cosine, so that `stereotype`
        has no gradient.

    """

    def associations(self, E: Vectors) -> Vectors:
        """cos(w, v) of each target word, (n_X,)."""
        targets, A, B = self.sets(self._units(E)[0])
        g, _ = self._axis(A, B)
        s: Vectors = targets @ g
        return s

    def pull_back(self, E: Vectors, weights: Vectors) -> Vectors:
        """Gradient of sum_i weights_i s_i, (n, d): with m = sum_i weights_i w_i, (m - (m . g) g) / |v| by v."""
        units, lengths = self._units(E)
        targets, A, B = self.sets(units)
        g, size = self._axis(A, B)
        m = weights @ targets
        by_axis = (m - (m @ g) * g) / size
        attributes = np.outer(np.repeat([1 / len(A), -1 / len(B)], [len(A), len(B)]), by_axis)
        return through_units(np.vstack([np.outer(weights, g), attributes]), units, lengths)

    def join(self, s: Vectors, measure: str | None = None) -> float:
        """T from its parts."""
        measure = self.kind.check_measure(measure)
        return float(s.mean() if measure == "skew" else s.std() if measure == "stereotype" else np.abs(s).mean())

    def join_gradient(self, s: Vectors, measure: str | None = None) -> Vectors:
        """dT/ds, (n_X,): 1 / n, (s - mean) / (n std), or sign(s) / n."""
        measure, n = self.kind.check_measure(measure), len(s)
        if measure == "skew":
            return np.full(n, 1 / n)
        if measure == "same":
            return np.sign(s) / n
        if np.ptp(s) <= _FLAT:
            raise self._undefined(
                "the cosines of the target words do not differ, so their deviation has no gradient",
                "Give more target words, or use --measure same.",
            )
        slope: Vectors = (s - s.mean()) / (n * s.std())
        return slope

    def _axis(self, A: Vectors, B: Vectors) -> tuple[Vectors, float]:
        """The direction of v, and its length."""
        v = A.mean(0) - B.mean(0)
        size = float(np.linalg.norm(v))
        if size <= _FLAT:
            raise self._undefined("A and B have the same mean, so no direction leads from one to the other", _OTHERS)
        return v / size, size


_OTHERS = "Give other attribute words."
