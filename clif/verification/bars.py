"""Error bars of predictions, learnt from sets that were retrained, and judged on sets that they were not learnt from.

A prediction for a set that holds the share x of the tokens, p on the average over R models with deviation s, misses by

    half width = q sqrt(s^2 / R + (c g)^2)        g = (a sqrt(x) + b |p|) max(1, sqrt(x / X))

a sqrt(x) is the chance that grows with the number of documents, b |p| a prediction that is off in proportion. Beyond
the largest share X that was retrained the error may grow with x itself, as one does that all documents share.

a and b are fitted to the absolute errors of the n retrained sets by least squares with a, b >= 0; c then makes the mean
of error^2 / (s^2 / R + (c g)^2) one. q is the larger of two quantiles: Student's, times sqrt(1 + k / n), with n less
the k coefficients in use as degrees of freedom; and the one that ceil((n + 1) x level) of the n errors came within, for
errors that are not normal (Vovk et al. 2005). To be honest, a set's bar is fitted without any set of its size.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
LEVEL = 0.9
LEAST = 4  # sets that a fit needs


@dataclass(frozen=True, eq=False)
class Retrained:
    """Sets that were predicted and retrained, each array (sets,): what the bars are learnt from.

    `size` groups sets that were drawn alike; `variance` is that of the mean prediction over the models, s^2 / R.
    """

    size: NDArray[np.int64]
    share: Values
    predicted: Values
    realised: Values
    variance: Values

    def take(self, which: NDArray[np.bool_]) -> Retrained:
        """Some of the sets."""
        return Retrained(
            self.size[which], self.share[which], self.predicted[which], self.realised[which], self.variance[which]
        )


@dataclass(frozen=True)
class Bars:
    """What was learnt from so many sets: `half_width` gives the bar of any set, `q` is the quantile for LEVEL."""

    a: float
    b: float
    c: float
    q: float
    largest: float
    sets: int

    def deviation(self, share: Values, predicted: Values, variance: Values) -> Values:
        """sqrt(s^2 / R + (c g)^2) of each set, (sets,)."""
        g = self.a * np.sqrt(share) + self.b * np.abs(predicted)
        if self.largest > 0:
            g = g * np.maximum(1.0, np.sqrt(share / self.largest))
        return np.asarray(np.sqrt(variance + (self.c * g) ** 2))

    def half_width(self, share: Values, predicted: Values, variance: Values) -> Values:
        """Half widths (sets,) of the intervals that hold a realised change with chance LEVEL."""
        return self.q * self.deviation(share, predicted, variance)

    def to_dict(self) -> dict[str, Any]:
        """The coefficients."""
        return asdict(self)


def fit_bars(sets: Retrained) -> Bars | None:
    """Learn from all `sets`; None from fewer than LEAST."""
    from scipy.optimize import nnls
    from scipy.special import stdtrit

    count = len(sets.share)
    if count < LEAST:
        return None
    missed = np.abs(sets.realised - sets.predicted)
    terms = np.stack([np.sqrt(sets.share), np.abs(sets.predicted)], axis=1)
    # Columns of one length: the solver's notion of zero is absolute.
    lengths = np.linalg.norm(terms, axis=0)
    scale = float(missed.max()) or 1.0
    coefficients, _ = nnls(terms / np.where(lengths > 0, lengths, 1.0), missed / scale)
    a, b = coefficients * scale / np.where(lengths > 0, lengths, 1.0)
    used = int((coefficients > 0).sum())
    c = _calibrate(missed**2, sets.variance, (terms @ np.array([a, b])) ** 2)
    student = float(stdtrit(count - used, (1 + LEVEL) / 2)) * np.sqrt(1 + used / count)
    plain = Bars(float(a), float(b), c, float(student), float(sets.share.max()), count)
    expected = plain.deviation(sets.share, sets.predicted, sets.variance)
    apart = np.sort(missed / np.where(expected > 0, expected, np.inf))
    seen = float(apart[min(count, int(np.ceil((count + 1) * LEVEL))) - 1])
    return replace(plain, q=max(plain.q, seen))


def _calibrate(missed: Values, variance: Values, shape: Values) -> float:
    """The c for which the mean of missed / (variance + c^2 shape) is one; 0 where the variance alone is wide enough."""
    from scipy.optimize import brentq

    judged = shape > 0
    if not judged.any():
        return 1.0
    missed, variance, shape = missed[judged], variance[judged], shape[judged]

    def excess(square: float) -> float:
        return float(np.mean(missed / (variance + square * shape))) - 1.0

    most = float((missed / shape).max())  # here every term is one at the most
    least = most * 1e-12
    if most == 0 or excess(least) <= 0:
        return 0.0
    return float(np.sqrt(brentq(excess, least, most)))


def without_own_size(sets: Retrained) -> Values:
    """Half width of each set's bar, fitted to the sets of other sizes; NaN where these are too few.

    Sets of one size only are judged one by one, each by the others.
    """
    groups = sets.size if len(set(sets.size.tolist())) > 1 else np.arange(len(sets.size))
    widths = np.full(len(groups), np.nan)
    for group in np.unique(groups):
        own = groups == group
        bars = fit_bars(sets.take(~own))
        if bars:
            widths[own] = bars.half_width(sets.share[own], sets.predicted[own], sets.variance[own])
    return widths


def coverage(sets: Retrained, widths: Values) -> float | None:
    """Share of the sets with a bar whose realised change lies inside it; None if none has one."""
    known = np.isfinite(widths)
    inside = np.abs(sets.realised - sets.predicted)[known] <= widths[known]
    return float(inside.mean()) if known.any() else None
