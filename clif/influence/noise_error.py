"""What the approximation of the noise part costs a solve, measured on a sample of exact rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from clif.counts import PairCounts
from clif.influence.noise import NoiseCurvature, logistic
from clif.noise_sample import NoiseSample

PART = 1 << 20  # pairs that are looked at at a time
SLAB = 64  # words
SAMPLE = 128, 128  # rows: those with the largest counts, and drawn ones


def noise_error(noise: NoiseCurvature, counts: PairCounts, s: NDArray[Any], g: NDArray[Any]) -> float:
    """Relative residual |(H_dense - H) s| / |g| that is due to the noise part, estimated without bias for its square.

    H_dense - H is zero but between two words of the tail that never occur together; its rows are formed exactly for
    a sample of input words, and its columns for a sample of output words.
    """
    tail = noise.tail
    size = float(np.linalg.norm(g))
    if not len(tail) or size == 0:
        return 0.0
    inputs = NoiseSample.draw(noise.totals[tail], *SAMPLE)
    outputs = NoiseSample.draw(noise.kq[tail], *SAMPLE)
    total = 0.0
    for sample, side in ((inputs, 0), (outputs, 1)):
        together = _together(counts, tail[sample.words], len(noise.U))[:, tail]
        for start in range(0, len(sample.words), SLAB):  # a few words with all others, which is what takes memory
            own = tail[sample.words[start : start + SLAB]]
            rows, columns = (own, tail) if side == 0 else (tail, own)
            gap = _gap(noise, rows, columns)
            met = together[start : start + SLAB]
            gap[met if side == 0 else met.T] = 0.0
            gap *= s[0][rows] @ noise.C[columns].T + noise.U[rows] @ s[1][columns].T
            moved = gap @ noise.C[columns] if side == 0 else gap.T @ noise.U[rows]
            total += float(sample.weights[start : start + SLAB] @ (moved.astype(np.float64) ** 2).sum(1))
    return float(np.sqrt(total)) / size


def _gap(noise: NoiseCurvature, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[Any]:
    """Exact minus approximate slope, (rows, columns)."""
    a, b = noise.factors
    sigma = logistic(noise.U[rows] @ noise.C[columns].T)
    exact = noise.totals[rows, None] * noise.kq[columns] * sigma * (1.0 - sigma)
    return np.asarray(exact - a[rows, None] * b[np.ix_(noise.cluster[rows], columns)])


def _together(counts: PairCounts, words: NDArray[np.int64], size: int) -> NDArray[np.bool_]:
    """Whether words[n] occurs with each word of the vocabulary, (words, V)."""
    place = np.full(size, -1)
    place[words] = np.arange(len(words))
    found = np.zeros((len(words), size), dtype=bool)
    for row, column, _ in counts.parts(PART):
        for one, other in ((row, column), (column, row)):
            mine = place[one] >= 0
            found[place[one[mine]], other[mine]] = True
    return found
