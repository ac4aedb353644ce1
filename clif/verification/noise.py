"""How much a change of T varies by chance, and how small a change a number of retrainings can tell from none."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
ALPHA, POWER = 0.05, 0.8
SETS, SEEDS = "changes by random sets", "seeds of the unedited training"


@dataclass(frozen=True)
class Spread:
    """Deviation of one realised change about the mean of its set, its degrees of freedom, and what it was seen in."""

    sd: float
    freedom: int
    source: str


def of_sets(changes: list[Values]) -> Spread | None:
    """Deviation of paired changes within sets, pooled: each entry holds one set's changes, one a seed.

    sqrt(sum_s sum_r (d_sr - mean d_s)^2 / sum_s (R_s - 1)); None if no set has two seeds.
    """
    freedom = sum(len(runs) - 1 for runs in changes if len(runs))
    if freedom < 1:
        return None
    squares = sum(float(((runs - runs.mean()) ** 2).sum()) for runs in changes if len(runs))
    return Spread(float(np.sqrt(squares / freedom)), freedom, SETS)


def of_seeds(values: Values) -> Spread | None:
    """As if two runs of a seed shared nothing: sqrt(2) times the deviation of T over the seeds; None for one."""
    if len(values) < 2:
        return None
    return Spread(float(np.sqrt(2) * values.std(ddof=1)), len(values) - 1, SEEDS)


def half_width(spread: Spread | None, runs: int) -> float | None:
    """Half of the 95% interval of the mean of `runs` changes: t(.975) sd / sqrt(R)."""
    return None if spread is None else _t(1 - ALPHA / 2, spread.freedom) * spread.sd / float(np.sqrt(runs))


@dataclass(frozen=True)
class Detectable:
    """The smallest mean change over R paired retrainings that a t test at `alpha`, two-sided, finds with `power`.

        change = (t(1 - alpha / 2) + t(power)) sd / sqrt(R)      t of the spread's degrees of freedom

    `source` says what the deviation was seen in; `change` is None where nothing is known of it, as of one run.
    """

    change: float | None
    runs: int
    source: str | None
    alpha: float = ALPHA
    power: float = POWER

    def to_dict(self) -> dict[str, Any]:
        """The figure as plain values."""
        return asdict(self)


def detectable(spread: Spread | None, runs: int) -> Detectable:
    """What `runs` paired retrainings can detect, with changes that vary by `spread`."""
    if spread is None:
        return Detectable(None, runs, None)
    quantiles = _t(1 - ALPHA / 2, spread.freedom) + _t(POWER, spread.freedom)
    return Detectable(float(quantiles * spread.sd / np.sqrt(runs)), runs, spread.source)


def _t(share: float, freedom: int) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom, share))
