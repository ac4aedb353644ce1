"""Honest statistics of a handful of retrainings."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST = 200_000
P_VALUE_TEST = (
    "permutation within seeds, two-sided: for each seed, which of the edited and the control runs is the edited "
    "one; statistic: mean over the seeds of edited minus mean of controls"
)


@dataclass(frozen=True)
class Sample:
    """Values of runs with mean, sample deviation and the 95% t interval of the mean (None for one run)."""

    runs: tuple[float, ...]

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
        if self.sd is None or self.mean is None:
            return None
        from scipy.stats import t

        n = len(self.runs)
        half = float(t.ppf(0.975, n - 1)) * self.sd / math.sqrt(n)
        return (self.mean - half, self.mean + half)

    def to_dict(self) -> dict[str, Any]:
        """Mean, sd, interval and runs."""
        return {"mean": self.mean, "sd": self.sd, "ci95": self.ci95, "runs": list(self.runs)}


def permutation_within_seeds(after: NDArray[np.float64], controls: NDArray[np.float64]) -> float | None:
    """Two-sided p-value of `after` (R,) against `controls` (S, R), one column a seed.

    Null: removing these documents acts as removing random ones, so within a seed any of the 1 + S runs could
    be the edited one. Exact over all (1 + S)^R relabellings, or MOST of them drawn with a fixed seed. With R = S = 3
    it cannot fall below 1/64. None without controls.
    """
    sets, seeds = controls.shape
    if not sets or not seeds:
        return None
    runs = np.vstack([after, controls])
    # Value of the statistic for one seed if run i is the edited one.
    each = runs - (runs.sum(0) - runs) / sets
    total = (1 + sets) ** seeds
    if total <= MOST:
        labels = np.array(list(itertools.product(range(1 + sets), repeat=seeds)))
    else:
        labels = np.random.default_rng(0).integers(0, 1 + sets, size=(MOST, seeds))
        labels[0] = 0
    statistic = np.abs(each[labels, np.arange(seeds)].mean(1))
    return float((statistic >= statistic[0] - 1e-12).mean())
