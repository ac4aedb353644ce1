"""How well predicted and realised changes agree, and how that is spread over repeats and test points."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Array = NDArray[np.float64]


def pearson(x: Array, y: Array) -> Array:
    """Correlation (m,) of the rows of two matrices (m, n); NaN where a row does not vary."""
    x, y = _centred(x), _centred(y)
    sizes = np.sqrt((x**2).sum(1) * (y**2).sum(1))
    found: Array = np.full(len(x), np.nan)
    np.divide((x * y).sum(1), sizes, out=found, where=sizes > 0)
    return found


def spearman(x: Array, y: Array) -> Array:
    """Rank correlation (m,) of the rows, ties sharing their mean rank; NaN where a row does not vary."""
    return pearson(rankdata(x, axis=1), rankdata(y, axis=1))


def _centred(x: Array) -> Array:
    """Rows less their mean, the largest entry of each made 1: squares of tiny changes would vanish."""
    x = np.where(np.ptp(x, axis=1, keepdims=True) > 0, x - x.mean(1, keepdims=True), 0.0)
    size = np.abs(x).max(1, keepdims=True)
    centred: Array = x / np.where(size > 0, size, 1.0)
    return centred


def spread(values: Array, name: str) -> dict[str, Any]:
    """Median and quartiles of what is defined of some values; None where nothing is."""
    values = values[np.isfinite(values)]
    if not len(values):
        return {name: None, f"{name}_low": None, f"{name}_high": None}
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
    return {name: float(middle), f"{name}_low": float(low), f"{name}_high": float(high)}
