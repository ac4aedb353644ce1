"""Honest statistics of a handful of retrainings."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

P_VALUE_TEST = (
    "Crawford-Howell t test, two-sided: the edited set against the control sets, each by its mean over the seeds; "
    "the unit is the set, S - 1 degrees of freedom (of several halves: their mean, sets compared within each half, "
    "S - 1 degrees of freedom a half)"
)


@dataclass(frozen=True)
class Sample:
    """Values of runs with mean, sample deviation and the 95% t interval of the mean (None for one run).

    `sets` says that the runs are those of as many sets of documents, or halves of the words, one after the other. Runs
    of one are not independent, so the interval is then that of the mean over sets, or halves.
    """

    runs: tuple[float, ...]
    sets: int | None = None

    @property
    def mean(self) -> float | None:
        """Mean of the runs; None if there are none."""
        return float(np.mean(self.runs)) if self.runs else None

    @property
    def sd(self) -> float | None:
        """Deviation with n - 1; None for fewer than two runs."""
        return float(np.std(self.runs, ddof=1)) if len(self.runs) > 1 else None

    @property
    def ci95(self) -> tuple[float, float] | None:
        """Student's 95% interval of the mean."""
        units = np.array(self.runs) if not self.sets else np.reshape(self.runs, (self.sets, -1)).mean(1)
        n = len(units)
        if n < 2 or self.mean is None:
            return None
        from scipy.stats import t

        half = float(t.ppf(0.975, n - 1)) * float(np.std(units, ddof=1)) / math.sqrt(n)
        return (self.mean - half, self.mean + half)

    def to_dict(self) -> dict[str, Any]:
        """Mean, sd, interval and runs."""
        return {"mean": self.mean, "sd": self.sd, "ci95": self.ci95, "runs": list(self.runs)}


def against_controls(after: NDArray[np.float64], controls: NDArray[np.float64]) -> float | None:
    """Two-sided p-value of one edited set (R,) against S control sets (S, R), one column a seed.

    t = (m - mean(m_s)) / (sd(m_s) sqrt(1 + 1/S)) with S - 1 degrees of freedom, m and m_s the means over the seeds
    (Crawford and Howell 1998: a single case against a small sample). The runs of one set share its documents, so they
    are not independent: the set is the unit, however many seeds there are. Seeds are common to all sets and drop out.
    Null: the edited set is one more draw from the (normal) distribution of random sets. None below two control sets.

    Several halves, after (H, R) and controls (H, S, R), each with sets of its own: m and mean(m_s) are averaged over
    the halves, sd pools the deviations within halves over H (S - 1) degrees of freedom, and 1/S becomes 1/(H S). The
    edited sets of the halves share most of their documents and so count as one set, not as H: the most that their mean
    can vary.
    """
    after, controls = np.atleast_2d(after), controls if controls.ndim == 3 else controls[None]
    halves, sets, seeds = controls.shape
    if sets < 2 or not seeds:
        return None
    from scipy.stats import t

    means = controls.mean(2)
    gap = abs(float((after.mean(1) - means.mean(1)).mean()))
    freedom = halves * (sets - 1)
    variance = float(((means - means.mean(1, keepdims=True)) ** 2).sum()) / freedom
    spread = math.sqrt(variance * (1 + 1 / (halves * sets)))
    if spread == 0:
        return 1.0 if gap == 0 else 0.0
    return float(2 * t.sf(gap / spread, freedom))
