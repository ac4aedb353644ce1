"""Words in two dimensions, before and after in one map."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]


def project(before: NDArray[np.floating], after: NDArray[np.floating]) -> tuple[Points, Points, float]:
    """Both (n, d) on the first two principal components of the unit vectors `before`, (n, 2) each.

    Components are those of the centred unit vectors before, and what is after is centred by the mean before, so an
    arrow between two points is a move of the word, not of the map. Each component has its largest weight positive,
    which leaves nothing to chance. The last value is the share of the variance before that the map shows.
    """
    first, second = _units(before), _units(after)
    centre = first.mean(0)
    _, sizes, axes = np.linalg.svd(first - centre, full_matrices=False)
    axes = axes[:2] * np.sign(axes[np.arange(2), np.abs(axes[:2]).argmax(1)])[:, None]
    total = float((sizes**2).sum())
    shown = float((sizes[:2] ** 2).sum()) / total if total else 0.0
    return (first - centre) @ axes.T, (second - centre) @ axes.T, shown


def _units(vectors: NDArray[np.floating]) -> Points:
    """Vectors of length one, as bias is a matter of cosines; zero stays zero."""
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1.0), dtype=np.float64)
