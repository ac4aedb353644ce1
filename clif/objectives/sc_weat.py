"""WEAT with one set of targets: an effect size for each word."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clif.errors import UsageError
from clif.objectives.words import ByParts, Vectors, through_units

_FLAT = 1e-13  # cosines carry rounding of about 1e-16


@dataclass(frozen=True, eq=False)
class SCWEAT(ByParts):
    """The mean over target words of the effect size that each has by itself.

        m(w) = mean_A cos(w, a) - mean_B cos(w, b)        r(w) = std_{A and B}(cos(w, .), ddof)
        mean_difference = mean_{X} m                      effect_size = mean_{X} (m / r)

    Parts: m of all words of X, then log r of all words: what documents do to r is carried as a factor, so a predicted r
    stays positive. The paper has single words; several are averaged.
    Sign: positive where X goes with A. For A and B of equal size and ddof 0, |effect_size| <= 2.
    Source: Caliskan, Bryson and Narayanan 2017, Science 356:183, the word embedding factual association test.

    Raises
    ------
    UsageError
        `ddof` is negative or leaves no degree of freedom.
    InputError
        A vector is zero or not finite, or the cosines of a target word do not differ, so it has no effect size.

    """

    ddof: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.ddof < len(self._signs):
            raise UsageError(
                f"{self.ddof} degrees of freedom cannot be taken from {len(self._signs)} attribute words",
                where="--ddof",
                next="Choose 0 (the default, |d| <= 2) or 1 (the sample deviation).",
            )

    @property
    def parts(self) -> int:
        """Number of parts: two a target word."""
        return 2 * self.n_X

    @property
    def bound(self) -> float:
        """Largest |effect size| that sets of these sizes allow, at ddof 0: n / sqrt(n_A n_B)."""
        n_A, n_B = (len(self.coverage.rows[key]) for key in "AB")
        return float((n_A + n_B) / np.sqrt(n_A * n_B))

    @property
    def _signs(self) -> Vectors:
        """Weights (n_A + n_B,) that make mean over A minus mean over B."""
        n_A, n_B = (len(self.coverage.rows[key]) for key in "AB")
        return np.repeat([1 / n_A, -1 / n_B], [n_A, n_B])

    def associations(self, E: Vectors) -> Vectors:
        """m, then log r, of each target word, (2 n_X,)."""
        cosines = self._cosines(self._units(E)[0])
        return np.concatenate([cosines @ self._signs, np.log(self._deviations(cosines))])

    def pull_back(self, E: Vectors, weights: Vectors) -> Vectors:
        """Gradient of sum_i weights_i s_i, (n, d); d log r / d cos = (cos - mean) / ((N - ddof) r^2)."""
        units, lengths = self._units(E)
        cosines = self._cosines(units)
        freedom = cosines.shape[1] - self.ddof
        centred = cosines - cosines.mean(1, keepdims=True)
        by_deviation = centred / (freedom * self._deviations(cosines)[:, None] ** 2)
        slopes = np.outer(weights[: self.n_X], self._signs) + weights[self.n_X :, None] * by_deviation
        raw = np.vstack([slopes @ units[self.n_X :], slopes.T @ units[: self.n_X]])
        return through_units(raw, units, lengths)

    def join(self, s: Vectors, measure: str | None = None) -> float:
        """T from its parts."""
        m, log_r = np.split(s, 2)
        if self.kind.check_measure(measure) == "mean_difference":
            return float(m.mean())
        return float((m * np.exp(-log_r)).mean())

    def join_gradient(self, s: Vectors, measure: str | None = None) -> Vectors:
        """dT/ds, (2 n_X,): 1 / n and 0; or 1 / (n r) and -m / (n r)."""
        m, log_r = np.split(s, 2)
        if self.kind.check_measure(measure) == "mean_difference":
            return np.concatenate([np.full(self.n_X, 1 / self.n_X), np.zeros(self.n_X)])
        each = np.exp(-log_r) / self.n_X
        return np.concatenate([each, -m * each])

    def _cosines(self, units: Vectors) -> Vectors:
        """Of each target word with each attribute, (n_X, n_A + n_B)."""
        cosines: Vectors = units[: self.n_X] @ units[self.n_X :].T
        return cosines

    def _deviations(self, cosines: Vectors) -> Vectors:
        flat = np.flatnonzero(np.ptp(cosines, axis=1) <= _FLAT)
        if len(flat):
            raise self._undefined(
                f"the cosines of {self.words[flat[0]]!r} with the attributes do not differ, so it has no effect size",
                "Check that the words have vectors of their own.",
            )
        return np.asarray(np.std(cosines, axis=1, ddof=self.ddof))
