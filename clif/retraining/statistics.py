"""Honest statistics of a handful of retrainings."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

P_VALUE_TEST = (
    "Crawford-Howell t test, two-sided: the edited set against the control sets, each by its mean over the seeds; "
    "the unit is the set, S - 1 degrees of freedom"
)


@dataclass(frozen=True)
class Sample:
    """Values of runs with mean, sample deviation and the 95% t interval of the mean (None for one run).

    `sets` says that the runs are those of as many sets of documents, one set after the other. Runs of a set are
    not independent, so the interval is then that of the mean over sets.
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
    """
    sets = len(controls)
    if sets < 2 or not controls.shape[1]:
        return None
    from scipy.stats import t

    means = controls.mean(1)
    gap = abs(float(after.mean() - means.mean()))
    spread = float(means.std(ddof=1)) * math.sqrt(1 + 1 / sets)
    if spread == 0:
        return 1.0 if gap == 0 else 0.0
    return float(2 * t.sf(gap / spread, sets - 1))
