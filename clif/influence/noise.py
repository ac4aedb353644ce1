"""The noise part of the training loss, k sum_wc N_w q_c softplus(u_w . c_c): dense, so never formed whole.

Two ways to sum over it:

`NoiseCurvature`, for products with slope_wc = k N_w q_c sigma'(x_wc). Rows and columns of the HEAD most probable words
are exact, in tiles that stay in cache. Between two words of the tail the slope is replaced by

    a_w b_kc    with k the cluster of u_w, one of CLUSTERS, and a, b such that (sampled) row and column sums agree,

so that a product costs V d^2. Where two words of the tail occur together, the sparse pairs put the exact slope in
(see `kernels.pair_derivatives`). All entries stay positive, so the product stays positive semi-definite. Up to EXACT
words, and for the exact Hessian, there is no tail.

`NoiseSample`, for sums that are taken once: frequent words all, the others drawn and weighted by one over their chance.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clif.noise_sample import NoiseSample

Array = NDArray[Any]
Values = NDArray[np.float64]

EXACT = 4096  # words up to which nothing is approximated
HEAD = 800
CLUSTERS = 8
MEANS = 2000  # words that the means of a row or column are taken over
TILE = 256, 1024  # rows and columns of a tile
SLAB = 512  # words of the tail at a time
KEPT = 1 << 28  # bytes of tiles that are kept from product to product


@dataclass(frozen=True, eq=False)
class NoiseCurvature:
    """Products with the noise part of the curvature.

    `U`, `C` (V, d); `totals` (V,) is N_w; `kq` (V,) is k q_c. `rests` keeps first derivatives too, for the exact
    Hessian; `dense` approximates nothing.
    """

    U: Array
    C: Array
    totals: Values
    kq: Values
    rests: bool = False
    dense: bool = False

    @cached_property
    def tail(self) -> NDArray[np.int64]:
        """Words between which the slope is approximated, by cluster."""
        order = np.argsort(-self.kq, kind="stable")
        none = self.dense or self.rests or len(order) <= EXACT
        words = np.sort(order[len(order) if none else HEAD :])
        return words[np.argsort(self._nearest(words), kind="stable")] if len(words) else words

    @cached_property
    def cluster(self) -> NDArray[np.int64]:
        """Cluster of each word, -1 for those of the head, (V,)."""
        cluster = np.full(len(self.U), -1)
        words = np.sort(self.tail)  # in the order in which `tail` sorted them, to round alike
        if len(words):
            cluster[words] = self._nearest(words)
        return cluster

    @cached_property
    def factors(self) -> tuple[Values, Values]:
        """a (V,) and b (CLUSTERS, V) of a_w b_kc, zero outside the tail."""
        a, b = np.zeros(len(self.U)), np.zeros((CLUSTERS, len(self.U)))
        tail = self.tail
        if not len(tail):
            return a, b
        kq, totals, cluster = self.kq[tail], self.totals[tail], self.cluster[tail]
        members = (cluster == np.arange(CLUSTERS)[:, None]) * totals
        rows = NoiseSample.draw(totals, MEANS // 2, MEANS // 2)
        columns = NoiseSample.draw(kq, MEANS // 2, MEANS // 2)
        # Mean slope of each output word with the input words of a cluster, of each input word with all output words.
        picked = members[:, rows.words] * rows.weights
        by_cluster = np.zeros((CLUSTERS, len(tail)))
        by_word = np.zeros(len(tail))
        shares = kq[columns.words] * columns.weights
        for start in range(0, len(tail), TILE[0]):
            part = slice(start, start + TILE[0])
            by_cluster[:, part] = picked @ _slope(self.C[tail[part]] @ self.U[tail[rows.words]].T).T
            by_word[part] = _slope(self.U[tail[part]] @ self.C[tail[columns.words]].T) @ shares
        mass = picked.sum(1, keepdims=True)
        by_cluster = np.divide(by_cluster, mass, out=np.zeros_like(by_cluster), where=mass > 0)
        expected = (by_cluster[:, columns.words] @ shares)[cluster]
        a[tail] = totals * np.divide(by_word, expected, out=np.zeros_like(expected), where=expected > 0)
        b[:, tail] = kq * by_cluster
        return a, b

    def add_product(self, left: Array, right: Array, out: Array) -> None:
        """Add the product with (P, Q) to `out` (2, V, d); left = [P, U] and right = [C, Q], (V, 2d)."""
        dim = self.U.shape[1]
        for rows, words, slope, rest in self._tiles():
            t = left[rows] @ right[words].T
            t *= slope
            out[0][rows] += t @ self.C[words]
            out[1][words] += t.T @ self.U[rows]
            if rest is not None:
                out[0][rows] += rest @ right[words, dim:]
                out[1][words] += rest.T @ left[rows, :dim]
        if len(self.tail):
            self._add_tail(left[self.tail], right[self.tail], out)

    def _add_tail(self, left: Array, right: Array, out: Array) -> None:
        dim = self.U.shape[1]
        P, U, C, Q = left[:, :dim], left[:, dim:], right[:, :dim], right[:, dim:]
        a, b, ends, grams_C, grams_U = self._tail_parts
        # All clusters in one product, a few hundred words at a time: Q scaled by each b_k, beside each other.
        parts = [slice(start, start + SLAB) for start in range(0, len(P), SLAB)]
        push = np.zeros((CLUSTERS * dim, dim), dtype=P.dtype)
        for part in parts:
            push += (b[part, :, None] * Q[part, None, :]).reshape(-1, CLUSTERS * dim).T @ C[part]
        weighted = P * a
        to_U = np.empty_like(P)
        back = np.empty((2 * dim, CLUSTERS * dim), dtype=P.dtype)
        for k, (begin, end) in enumerate(ends):
            own, to = slice(begin, end), slice(k * dim, (k + 1) * dim)
            to_U[own] = P[own] @ grams_C[k] + U[own] @ push[to]
            back[:dim, to] = weighted[own].T @ U[own]
            back[dim:, to] = grams_U[k]
        out[0][self.tail] += a * to_U
        to_C = np.empty_like(Q)
        for part in parts:
            each = (right[part] @ back).reshape(-1, CLUSTERS, dim)
            each *= b[part, :, None]
            to_C[part] = each.sum(1)
        out[1][self.tail] += to_C

    @cached_property
    def _tail_parts(self) -> tuple[Array, Array, list[tuple[int, int]], list[Array], list[Array]]:
        kind = self.U.dtype
        a, b = self.factors
        a, b = a[self.tail, None].astype(kind), b[:, self.tail].T.astype(kind)
        U, C = self.U[self.tail], self.C[self.tail]
        marks = np.searchsorted(self.cluster[self.tail], np.arange(CLUSTERS + 1))
        ends = list(zip(marks[:-1].tolist(), marks[1:].tolist(), strict=True))
        grams_C = [(C * weights[:, None]).T @ C for weights in b.T]
        grams_U = [(U[begin:end] * a[begin:end]).T @ U[begin:end] for begin, end in ends]
        return a, b, ends, grams_C, grams_U

    def add_sums(self, by_input: Values, by_output: Values) -> None:
        """Add sum_c slope_wc to `by_input` and sum_w slope_wc to `by_output`, both (V,)."""
        for rows, words, slope, _ in self._tiles():
            by_input[rows] += slope.sum(1, dtype=np.float64)
            by_output[words] += slope.sum(0, dtype=np.float64)
        if len(self.tail):
            a, b = self.factors
            by_input += a * np.where(self.cluster >= 0, b.sum(1)[self.cluster], 0.0)
            by_output += np.bincount(self.cluster[self.tail], a[self.tail], minlength=CLUSTERS) @ b

    def _tiles(self) -> Iterator[tuple[Any, Any, Array, Array | None]]:
        for n, (rows, words) in enumerate(self._places):
            yield rows, words, *(self._kept[n] if self._kept is not None else self._tile(rows, words))

    @cached_property
    def _places(self) -> list[tuple[Any, Any]]:
        """Rows and columns of each tile: all rows with the head's columns, and the head's rows with the tail's."""
        tail = np.sort(self.tail)
        head = np.setdiff1d(np.arange(len(self.U)), tail)
        every = np.arange(len(self.U))
        high, wide = TILE
        return [
            (_run(rows[r : r + high]), _run(words[c : c + wide]))
            for rows, words in ((every, head), (head, tail))
            for c in range(0, len(words), wide)
            for r in range(0, len(rows), high)
        ]

    @cached_property
    def _kept(self) -> list[tuple[Array, Array | None]] | None:
        """All tiles, if they are few enough to keep."""
        head = len(self.U) - len(self.tail)
        size = head * (len(self.U) + len(self.tail)) * self.U.dtype.itemsize * (2 if self.rests else 1)
        return [self._tile(rows, words) for rows, words in self._places] if size <= KEPT else None

    def _tile(self, rows: Any, words: Any) -> tuple[Array, Array | None]:
        """Second and first derivative of k N_w q_c softplus(x) by x, for a tile of words."""
        sigma = logistic(self.U[rows] @ self.C[words].T)
        first = sigma * self.kq[words].astype(sigma.dtype)
        first *= self.totals[rows, None].astype(sigma.dtype)
        sigma -= 1.0
        return first * -sigma, first if self.rests else None

    def _nearest(self, words: NDArray[np.int64]) -> NDArray[np.int64]:
        nearest: NDArray[np.int64] = (self.U[words] @ self._centres.T).argmax(1)
        return nearest

    @cached_property
    def _centres(self) -> Array:
        """Directions (CLUSTERS, d) by spherical k-means over a sample of the tail, from its most frequent words."""
        order = np.argsort(-self.kq, kind="stable")[HEAD:]
        units = self.U[order[:: max(1, len(order) // 20_000)]]
        units = units / np.maximum(np.linalg.norm(units, axis=1, keepdims=True), np.finfo(units.dtype).tiny)
        centres: Array = units[:CLUSTERS].copy()
        for _ in range(10):
            nearest = (units @ centres.T).argmax(1)
            for k in range(CLUSTERS):
                centre = units[nearest == k].sum(0)
                if centre.any():
                    centres[k] = centre / np.linalg.norm(centre)
        return centres


def logistic(x: Array) -> Array:
    """sigma(x), in place."""
    with np.errstate(over="ignore"):  # exp of a very negative score: sigma is 0, as it should be
        np.negative(x, out=x)
        np.exp(x, out=x)
        x += 1.0
        return np.asarray(np.reciprocal(x, out=x))


def _slope(x: Array) -> Array:
    sigma = logistic(x)
    return np.asarray(sigma * (1.0 - sigma))


def _run(words: NDArray[np.int64]) -> Any:
    """A slice where the words are consecutive, which spares copies."""
    consecutive = len(words) and words[-1] - words[0] == len(words) - 1
    return slice(int(words[0]), int(words[-1]) + 1) if consecutive else words
