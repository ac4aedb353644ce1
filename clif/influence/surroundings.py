"""The training loss around a few input words, with the output vectors held fixed.

For an input word w and the expected pair counts N_wc (one epoch), with x = u_w . c_c and N_w = sum_c N_wc,

    L_w(u) = sum_c [ N_wc softplus(-x) + k (N_w - N_wc) q_c softplus(x) ]

is convex in u_w, and no other input vector enters: each word has a d x d Hessian of its own. Gradient and
Hessian are linear in the counts, so a document, or a set of documents, enters by its own counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
_CHUNK = 1024


@dataclass(frozen=True, eq=False)
class Surroundings:
    """Gradient and curvature of the loss of `n` input words.

    `U` (n, d) their input vectors; `C` (V, d) all output vectors; `noise` (V,) is q; `negative` is k. Counts
    of pairs are (n, V); they may be negative, for documents that are added.
    """

    U: Matrix
    C: Matrix
    noise: NDArray[np.float64]
    negative: int

    @cached_property
    def sigma(self) -> Matrix:
        """sigma(x_wc), shape (n, V)."""
        with np.errstate(over="ignore"):  # exp of a very negative score: sigma is 0, as it should be
            return np.asarray(1.0 / (1.0 + np.exp(-(self.U @ self.C.T))))

    @cached_property
    def _slope(self) -> Matrix:
        return self.sigma * (1.0 - self.sigma)

    @cached_property
    def _noise_hessian(self) -> NDArray[np.float64]:
        """Hessian (n, d, d) that one unit of N_w adds through the negatives: k E_q[slope c c^T]."""
        weights = self.negative * self.noise * self._slope
        return np.stack([_weighted_gram(self.C, row) for row in weights])

    def gradient(self, counts: Matrix) -> Matrix:
        """Gradient (n, d) of the loss of the pairs `counts` with respect to U."""
        negatives = self.negative * (counts.sum(1, keepdims=True) - counts) * self.noise
        return np.asarray((negatives * self.sigma - counts * (1.0 - self.sigma)) @ self.C)

    def hessian(self, counts: Matrix) -> NDArray[np.float64]:
        """Hessian (n, d, d) of the loss of the pairs `counts` with respect to each row of U.

        H_w = sum_c (N_wc + k (N_w - N_wc) q_c) sigma(x) (1 - sigma(x)) c_c c_c^T. The part that is
        proportional to N_w does not depend on the pairs and is formed once; the rest has as few terms as
        the word has neighbours.
        """
        result = np.asarray(counts.sum(1)[:, None, None] * self._noise_hessian)
        weights = counts * (1.0 - self.negative * self.noise) * self._slope
        for n, row in enumerate(weights):
            near = np.flatnonzero(row)
            result[n] += _weighted_gram(self.C[near], row[near])
        return result

    def contraction(self, s: Matrix) -> Matrix:
        """Table F (n, V): s_w . (gradient of one expected pair (w, c), with its negatives) = F[w, c].

        With t_wc = s_w . c_c: F = -sigma(-x) t - k q_c sigma(x) t + k sum_c' q_c' sigma(x_wc') t_wc'.
        """
        t = s @ self.C.T
        negatives = self.negative * self.noise * self.sigma * t
        return np.asarray(-(1.0 - self.sigma) * t - negatives + negatives.sum(1, keepdims=True))


def _weighted_gram(C: Matrix, weights: NDArray[np.float64]) -> Matrix:
    """C^T diag(weights) C, (d, d), in chunks that stay in cache, by the symmetric product of BLAS."""
    total = np.zeros((C.shape[1], C.shape[1]))
    for sign in (1.0, -1.0):
        part = np.maximum(sign * weights, 0.0)
        if not part.any():
            continue
        root = np.sqrt(part)[:, None]
        for start in range(0, len(C), _CHUNK):
            scaled = root[start : start + _CHUNK] * C[start : start + _CHUNK]
            total += sign * (scaled.T @ scaled)
    return total
