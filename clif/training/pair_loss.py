"""The mean loss of the expected pairs of some documents, as a function of all vectors: value and gradient.

    L(U, C) = sum_wc [ N_wc softplus(-x_wc) + k (N_w - N_wc) q_c softplus(x_wc) ] / sum_wc N_wc,     x = U C^T

The sum over the pairs that occur is exact; the noise, k q_c sum_w N_w softplus(x_wc), takes in some output words that
stand for all (`NoiseSample`), the same for every model, so that models can be compared.

    dL/dx_wc = [ N_wc (sigma(x) - 1 - k q_c sigma(x)) + k N_w q_c sigma(x) ] / sum N = r
    gradient   r C,   r^T U
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from clif.noise_sample import NoiseSample

Matrix = NDArray[Any]
CHUNK = 1 << 17  # pairs
ROWS = 1024


class PairLoss:
    """L for the counts N (V, V) of pairs, sparse; `noise` (V,) is q, `negative` is k, `sample` is of the noise."""

    def __init__(self, counts: csr_array, noise: NDArray[np.float64], negative: int, sample: NoiseSample) -> None:
        pairs = counts.tocoo()
        self.inputs, self.outputs, self.weights = pairs.row, pairs.col, pairs.data.astype(np.float64)
        self.totals = np.bincount(self.inputs, self.weights, counts.shape[0]).astype(np.float64)
        self.kq = negative * noise
        self.words, self.shares = sample.words, self.kq[sample.words] * sample.weights

    @property
    def pairs(self) -> float:
        """How many pairs are expected, sum N."""
        return float(self.totals.sum())

    def mean(self, U: Matrix, C: Matrix) -> float | None:
        """L at U and C (V, d); None if there are no pairs."""
        total = 0.0
        for start in range(0, len(self.weights), CHUNK):
            part = slice(start, start + CHUNK)
            c, x = self.outputs[part], self._scores(U, C, part)
            total += float(self.weights[part] @ (np.logaddexp(0, -x) - self.kq[c] * np.logaddexp(0, x)))
        for rows in self._rows():
            total += float(self.totals[rows] @ (np.logaddexp(0, U[rows] @ C[self.words].T) @ self.shares))
        return total / self.pairs if self.pairs else None

    def gradient(self, U: Matrix, C: Matrix) -> NDArray[np.float64]:
        """dL/d(U, C), (2, V, d), in double precision; there must be pairs."""
        from scipy.special import expit

        found = np.zeros((2, *U.shape))
        for start in range(0, len(self.weights), CHUNK):
            part = slice(start, start + CHUNK)
            w, c = self.inputs[part], self.outputs[part]
            rest = self.weights[part] * (expit(self._scores(U, C, part)) * (1.0 - self.kq[c]) - 1.0)
            pairs = csr_array((rest, (w, c)), shape=(len(U), len(C)))
            found[0] += pairs @ C
            found[1] += pairs.T @ U
        outputs = C[self.words].astype(np.float64)
        for rows in self._rows():
            r = expit(U[rows] @ outputs.T) * self.shares * self.totals[rows, None]
            found[0, rows] += r @ outputs
            np.add.at(found[1], self.words, r.T @ U[rows])  # a word may stand there twice
        return found / self.pairs

    def _scores(self, U: Matrix, C: Matrix, part: slice) -> Matrix:
        return np.asarray(np.einsum("nd,nd->n", U[self.inputs[part]], C[self.outputs[part]]))

    def _rows(self) -> list[NDArray[np.int64]]:
        """Input words that have pairs, in blocks."""
        words = np.flatnonzero(self.totals)
        return [words[start : start + ROWS] for start in range(0, len(words), ROWS)]
