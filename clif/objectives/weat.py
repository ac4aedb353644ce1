"""The Word Embedding Association Test as a differentiable function of the vectors of its words."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from clif.errors import UsageError
from clif.objectives.kinds import KINDS, WEAT_KIND
from clif.objectives.words import ByParts, Vectors, through_units

if TYPE_CHECKING:
    from torch import Tensor

MEASURES = KINDS[WEAT_KIND].measures

# Associations lie within [-2, 2] and carry rounding of about 1e-15; vectors that differ in single
# precision move them by more than 1e-9. A spread below this is rounding.
_FLAT = 1e-13


@dataclass(frozen=True, eq=False)
class WEAT(ByParts):
    """WEAT over the covered words of a test, written in the vectors E = U[rows] of those words alone.

        s(w) = mean_{a in A} cos(w, a) - mean_{b in B} cos(w, b)        the parts, one a target word
        mean_difference = mean_{X} s - mean_{Y} s
        effect_size     = mean_difference / std_{X and Y}(s, ddof)

    Shapes: E is (n, d) in the order of `rows`: X, Y, A, B; s is (n_X + n_Y,), X first.
    Sign: positive where X is closer to A and Y to B. For sets of equal size and ddof 0, |effect_size| <= 2.
    Source: Caliskan, Bryson and Narayanan 2017, Science 356:183.

    Raises
    ------
    CoverageError
        The coverage names a reason why the test is not covered.
    UsageError
        `ddof` is negative or leaves no degree of freedom; a measure is unknown.
    InputError
        A vector of the test is zero or not finite, or the associations do not differ.

    """

    ddof: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.ddof < self.n_X + self.n_Y:
            raise UsageError(
                f"{self.ddof} degrees of freedom cannot be taken from {self.n_X + self.n_Y} target words",
                where="--ddof",
                next="Choose 0 (the default, |d| <= 2) or 1 (the sample deviation).",
            )

    @property
    def bound(self) -> float:
        """Largest |effect size| that sets of these sizes allow, at ddof 0: n / sqrt(n_X n_Y), 2 for equal sizes."""
        return float((self.n_X + self.n_Y) / np.sqrt(self.n_X * self.n_Y))

    @cached_property
    def _signs(self) -> Vectors:
        """Weights (n_A + n_B,) that make mean over A minus mean over B."""
        n_A, n_B = (len(self.coverage.rows[key]) for key in "AB")
        return np.repeat([1 / n_A, -1 / n_B], [n_A, n_B])

    @cached_property
    def _contrast(self) -> Vectors:
        """Weights (n_X + n_Y,) that make mean over X minus mean over Y."""
        return np.repeat([1 / self.n_X, -1 / self.n_Y], [self.n_X, self.n_Y])

    def associations(self, E: Vectors) -> Vectors:
        """s(w, A, B) of each target word, (n_X + n_Y,)."""
        units, _ = self._units(E)
        s: Vectors = self._split(units)[0] @ self._axis(units)
        return s

    def statistic(self, s: Vectors) -> float:
        """Difference of the mean associations of X and Y."""
        return float(self._contrast @ s)

    def effect_size(self, s: Vectors) -> float:
        """Statistic over the deviation of all associations; raises InputError where they do not differ."""
        return self.statistic(s) / self._deviation(s)

    def join(self, s: Vectors, measure: str | None = None) -> float:
        """T from its parts, the associations s."""
        return self.effect_size(s) if self.kind.check_measure(measure) == "effect_size" else self.statistic(s)

    def join_gradient(self, s: Vectors, measure: str | None = None) -> Vectors:
        """dT/ds, (n_X + n_Y,).

        With m the difference of means, c its weights, r the deviation and N its degrees of freedom:
        c for the difference, c / r - m (s - mean(s)) / (N r^3) for the effect size.
        """
        if self.kind.check_measure(measure) == "mean_difference":
            return self._contrast.copy()
        deviation = self._deviation(s)
        freedom = len(s) - self.ddof
        pull = self.statistic(s) * (s - s.mean()) / (freedom * deviation**2)
        slope: Vectors = (self._contrast - pull) / deviation
        return slope

    def attribute_gradients(self, E: Vectors, measure: str | None = None) -> Vectors:
        """What each attribute word contributes to dT/dE, (n_A + n_B, n, d), by its cosines: they add up to it."""
        weights = self.join_gradient(self.associations(E), measure)
        return np.stack([self.pull_back(E, weights, signs) for signs in np.diag(self._signs)])

    def pull_back(self, E: Vectors, weights: Vectors, signs: Vectors | None = None) -> Vectors:
        """Gradient with respect to E of sum_i weights_i s_i, (n, d), without the gradient of each part.

        `signs` are the weights of the attribute words; 1 / n_A and -1 / n_B if left out.

        With unit vectors e, axis v = mean_A e - mean_B e and m = sum_i weights_i e_i, the derivative
        is (weights_i v) at target i and (m / n_A) or (-m / n_B) at an attribute, each freed of its
        component along the word's own vector and divided by its length.
        """
        units, lengths = self._units(E)
        targets, attributes = self._split(units)
        signs = self._signs if signs is None else signs
        raw = np.vstack([np.outer(weights, signs @ attributes), np.outer(signs, weights @ targets)])
        return through_units(raw, units, lengths)

    def torch_value(self, E: Tensor, measure: str | None = None) -> Tensor:
        """T as a differentiable torch scalar, E an (n, d) tensor; the same value as `value`."""
        targets = self.n_X + self.n_Y
        lengths = E.norm(dim=1)
        self._check_lengths(lengths.detach().cpu().numpy())
        units = E / lengths[:, None]
        s: Tensor = units[:targets] @ (E.new_tensor(self._signs) @ units[targets:])
        T: Tensor = E.new_tensor(self._contrast) @ s
        if self.kind.check_measure(measure) == "effect_size":
            self._check_spread(float(s.detach().max() - s.detach().min()))
            T = T / s.std(correction=self.ddof)
        return T

    def _axis(self, units: Vectors) -> Vectors:
        axis: Vectors = self._signs @ self._split(units)[1]
        return axis

    def _split(self, units: Vectors) -> tuple[Vectors, Vectors]:
        return units[: self.n_X + self.n_Y], units[self.n_X + self.n_Y :]

    def _deviation(self, s: Vectors) -> float:
        self._check_spread(float(np.ptp(s)))
        return float(np.std(s, ddof=self.ddof))

    def _check_spread(self, spread: float) -> None:
        if spread <= _FLAT:
            raise self._undefined(
                "the associations of the target words do not differ, so the effect size is not defined",
                "Check that the words have vectors of their own, or use --measure mean_difference.",
            )
