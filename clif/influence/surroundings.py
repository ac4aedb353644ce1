"""The training loss around a few input words, with the output vectors held fixed.

For an input word w and the expected pair counts N_wc (one epoch), with x = u_w . c_c and N_w = sum_c N_wc,

    L_w(u) = sum_c [ N_wc softplus(-x) + k (N_w - N_wc) q_c softplus(x) ]

is convex in u_w, and no other input vector enters: each word has a d x d Hessian of its own. Gradient and
Hessian are linear in the counts, so a document, or a set of documents, enters by its own counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
_CHUNK = 1024


@dataclass(frozen=True, eq=False)
class Surroundings:
    """Gradient and curvature of the loss of `n` input words.

    `U` (n, d) their input vectors; `C` (V, d) all output vectors, in any precision; `noise` (V,) is q; `negative` is k.
    Counts of pairs are (n, V); they may be negative, for documents that are added.
    """

    U: Matrix
    C: NDArray[np.floating]
    noise: NDArray[np.float64]
    negative: int

    @cached_property
    def sigma(self) -> Matrix:
        """sigma(x_wc), shape (n, V)."""
        sigma = self._scores(self.U)
        with np.errstate(over="ignore"):  # exp of a very negative score: sigma is 0, as it should be
            np.exp(np.negative(sigma, out=sigma), out=sigma)
        sigma += 1.0
        return np.reciprocal(sigma, out=sigma)

    @cached_property
    def _noise_hessian(self) -> NDArray[np.float64]:
        """Hessian (n, d, d) that one unit of N_w adds through the negatives: k E_q[slope c c^T]."""
        return np.stack([_weighted_gram(self.C, self.negative * self.noise * row * (1.0 - row)) for row in self.sigma])

    def gradient(self, counts: Matrix) -> Matrix:
        """Gradient (n, d) of the loss of the pairs `counts` with respect to U."""
        result = np.zeros(self.U.shape)
        totals = counts.sum(1, keepdims=True)
        for part in self._chunks():
            own, sigma = counts[:, part], self.sigma[:, part]
            negatives = self.negative * (totals - own) * self.noise[part]
            result += (negatives * sigma - own * (1.0 - sigma)) @ self.C[part].astype(np.float64)
        return result

    def hessian(self, counts: Matrix) -> NDArray[np.float64]:
        """Hessian (n, d, d) of the loss of the pairs `counts` with respect to each row of U.

        H_w = sum_c (N_wc + k (N_w - N_wc) q_c) sigma(x) (1 - sigma(x)) c_c c_c^T. The part that is
        proportional to N_w does not depend on the pairs and is formed once; the rest has as few terms as
        the word has neighbours.
        """
        result = np.asarray(counts.sum(1)[:, None, None] * self._noise_hessian)
        for n, row in enumerate(counts):
            near = np.flatnonzero(row)
            sigma = self.sigma[n, near]
            weights = row[near] * (1.0 - self.negative * self.noise[near]) * sigma * (1.0 - sigma)
            result[n] += _weighted_gram(self.C, weights, near)
        return result

    def losses(self) -> Matrix:
        """Loss (n, V) of one expected pair (w, c), with its negatives.

        softplus(-x_wc) - k q_c softplus(x_wc) + k sum_c' q_c' softplus(x_wc').
        """
        x = self._scores(self.U)
        negatives = self.negative * self.noise * np.logaddexp(0.0, x)
        return np.asarray(np.logaddexp(0.0, -x) - negatives + negatives.sum(1, keepdims=True))

    def contraction(self, s: Matrix) -> Matrix:
        """Table F (n, V): s_w . (gradient of one expected pair (w, c), with its negatives) = F[w, c].

        With t_wc = s_w . c_c: F = -sigma(-x) t - k q_c sigma(x) t + k sum_c' q_c' sigma(x_wc') t_wc'.
        """
        table = self._scores(s)
        noise_part = np.zeros((len(s), 1))
        for part in self._chunks():
            t, sigma = table[:, part], self.sigma[:, part]
            negatives = self.negative * self.noise[part] * sigma * t
            noise_part += negatives.sum(1, keepdims=True)
            table[:, part] = -(1.0 - sigma) * t - negatives
        table += noise_part
        return table

    def _scores(self, vectors: Matrix) -> Matrix:
        """vectors C^T, (n, V), in double precision without a copy of C in it."""
        scores = np.empty((len(vectors), len(self.C)))
        for part in self._chunks():
            scores[:, part] = vectors @ self.C[part].astype(np.float64).T
        return scores

    def _chunks(self) -> Iterator[slice]:
        return (slice(start, start + _CHUNK) for start in range(0, len(self.C), _CHUNK))


def _weighted_gram(
    C: NDArray[np.floating], weights: NDArray[np.float64], words: NDArray[np.int64] | None = None
) -> Matrix:
    """C^T diag(weights) C, (d, d), in chunks that stay in cache, by the symmetric product of BLAS.

    With `words`, `weights` are theirs alone, and all others are zero.
    """
    total = np.zeros((C.shape[1], C.shape[1]))
    for start in range(0, len(weights), _CHUNK):
        part = slice(start, start + _CHUNK)
        vectors = C[part if words is None else words[part]].astype(np.float64)
        for sign in (1.0, -1.0):
            some = np.maximum(sign * weights[part], 0.0)
            if some.any():
                scaled = np.sqrt(some)[:, None] * vectors
                total += sign * (scaled.T @ scaled)
    return total
