"""Clusters of the frequent words: k-means on their unit vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from clif.run import Run

if TYPE_CHECKING:
    from clif.experiments.membership import Settings

SHOWN = 8  # words of a cluster that are shown at least


def find_clusters(run: Run, settings: Settings) -> list[dict[str, Any]]:
    """The clusters by falling size: how many words, their middle (d,), and the words nearest to it, nearest first.

    One word more than the settings ask for, as a word is not held against itself.
    """
    from sklearn.cluster import KMeans

    units = unit_vectors(run.model.U[: settings.frequent])
    count = min(settings.clusters, len(np.unique(units, axis=0)))
    found = KMeans(count, n_init=4, random_state=settings.seed).fit(units)
    clusters: list[dict[str, Any]] = []
    for number in np.argsort(-np.bincount(found.labels_, minlength=count), kind="stable"):
        own = np.flatnonzero(found.labels_ == number)
        middle = found.cluster_centers_[number]
        nearest = own[np.argsort(-(units[own] @ middle), kind="stable")][: max(SHOWN, settings.members + 1)]
        clusters.append(
            {
                "cluster": len(clusters) + 1,
                "words": len(own),
                "nearest": [run.vocabulary.words[row] for row in nearest],
                "middle": middle.tolist(),
            }
        )
    return clusters


def cluster_of(run: Run, word: str, clusters: Sequence[dict[str, Any]]) -> int:
    """Place in `clusters` of the one that a word belongs to: k-means takes the nearest middle, for rare words too."""
    unit = unit_vectors(run.model.U[[run.vocabulary.index[word]]])[0]
    return int(np.argmin([np.linalg.norm(unit - np.array(cluster["middle"])) for cluster in clusters]))


def unit_vectors(U: NDArray[np.floating]) -> NDArray[np.float64]:
    """The rows of U in unit length; those without length stay zero."""
    vectors = U.astype(np.float64)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1.0))
