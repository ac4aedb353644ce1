"""The neighbours of a word before and after, and all of them in two dimensions.

Cosines know no turns of the whole space, so the vectors of the model after are turned first, such that the frequent
words lie as much as can be where they lay (orthogonal Procrustes on unit vectors). The two dimensions are the first
principal components of the neighbours' unit vectors before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clif.experiments.membership.clusters import unit_vectors

NEAREST = 8  # neighbours before, and after
HELD = 3  # of the words that it is held against, those that are always drawn
DIGITS = 6

Matrix = NDArray[np.float64]


def nearest(units: Matrix, row: int, frequent: int) -> list[int]:
    """The NEAREST of the frequent words by their cosine with the word at `row`, nearest first."""
    cosine = units[:frequent] @ units[row]
    order = np.argsort(-cosine, kind="stable")
    found: list[int] = order[order != row][:NEAREST].tolist()
    return found


def neighbourhood(
    before: NDArray[np.floating], after: NDArray[np.floating], rows: Sequence[int], frequent: int
) -> dict[str, Any]:
    """Neighbours of the word at rows[0], which is held against the others, in U (V, d) before and after.

    `nearest` holds rows of the vocabulary, before and after; `rows` those that are drawn, the word first, and `places`
    where they are, (2, rows, 2); `shown` is the share of the neighbours' variance that the two dimensions show.
    """
    from scipy.linalg import orthogonal_procrustes

    old, new = unit_vectors(before), unit_vectors(after)
    turn, _ = orthogonal_procrustes(new[:frequent], old[:frequent])
    new = new @ turn
    near = [nearest(units, rows[0], frequent) for units in (old, new)]
    around = list(dict.fromkeys([*rows[1 : 1 + HELD], *near[0], *near[1]]))
    drawn = [rows[0], *around]
    middle = old[around].mean(0)
    _, sizes, axes = np.linalg.svd(old[around] - middle)
    axes = axes[:2] * np.sign(axes[[0, 1], np.abs(axes[:2]).argmax(1)])[:, None]  # a sign of one's own choice
    places = np.stack([(units[drawn] - middle) @ axes.T for units in (old, new)])
    return {
        "nearest": near,
        "rows": drawn,
        "places": np.round(places, DIGITS),
        "shown": round(float((sizes[:2] ** 2).sum() / (sizes**2).sum()), DIGITS),
    }
