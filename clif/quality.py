"""Is the embedding still good for anything? Rank correlation with human judgements of word similarity."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

LEAST_PAIRS = 10


@dataclass(frozen=True)
class Quality:
    """Spearman correlation of cosines with human judgements of pairs of words, and the pairs it rests on.

    `spearman` is None where fewer than LEAST_PAIRS pairs are in the vocabulary.
    """

    spearman: float | None
    pairs: int


def wordsim353(U: NDArray[np.float32], index: Mapping[str, int]) -> Quality:
    """Quality of the input vectors (V, d) on the pairs of WordSim-353 (Finkelstein et al. 2002)."""
    return similarity(U, index, _wordsim_pairs())


def similarity(
    U: NDArray[np.float32], index: Mapping[str, int], judgements: Iterable[tuple[str, str, float]]
) -> Quality:
    """Quality on the pairs that the vocabulary covers; words as written, else lower-cased."""
    from scipy.stats import spearmanr

    rows, human = [], []
    for first, second, score in judgements:
        pair = [index.get(word, index.get(word.lower(), -1)) for word in (first, second)]
        if min(pair) >= 0:
            rows.append(pair)
            human.append(score)
    if len(rows) < LEAST_PAIRS:
        return Quality(None, len(rows))
    left, right = (U[column].astype(np.float64) for column in np.array(rows).T)
    lengths = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    cosine = np.einsum("nd,nd->n", left, right) / np.where(lengths > 0, lengths, 1.0)
    return Quality(float(spearmanr(cosine, human).statistic), len(rows))


@cache
def _wordsim_pairs() -> list[tuple[str, str, float]]:
    # Found, not imported: importing gensim takes longer than everything else here.
    spec = find_spec("gensim")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    path = Path(spec.submodule_search_locations[0]) / "test" / "test_data" / "wordsim353.tsv"
    rows = (line.split("\t") for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    return [(first, second, float(score)) for first, second, score in rows]
