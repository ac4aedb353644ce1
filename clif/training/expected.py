"""The expected skip-gram loss with an L2 penalty: value, gradient, and Hessian, over all pairs of the vocabulary.

    L(U, C) = sum_wc [ N_wc softplus(-x_wc) + k (N_w - N_wc) q_c softplus(x_wc) ] + (l2 / 2) (|U|^2 + |C|^2),  x = U C^T

With m_wc = N_wc + k (N_w - N_wc) q_c, how often a pair stands on either side, and sigma the logistic:

    dL/dx = m sigma(x) - N = rest        d2L/dx2 = m sigma(x) (1 - sigma(x)) = slope
    gradient            rest C + l2 U,                       rest^T U + l2 C
    Hessian by (P, Q)   (slope t) C + rest Q + l2 P,         (slope t)^T U + rest^T P + l2 Q,    t = P C^T + U Q^T

Z, Y are (2, V, d): Z[0] for U, Z[1] for C. Everything is dense and in double precision, in tiles of rows that stay in
cache, so that the time goes into products of matrices.

L is the same for (U R, C R), R any rotation. So it changes in none of the directions (U A, C A), A antisymmetric, and
at a minimum its Hessian vanishes there: `project` leaves them out. Away from a minimum the Hessian has small values of
any sign there, and a step that follows them stretches all vectors and goes nowhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
TILE = 32  # rows


@dataclass(frozen=True, eq=False)
class ExpectedLoss:
    """L for the pair counts N (V, V); `kq` (V,) is k q_c."""

    counts: Matrix
    kq: NDArray[np.float64]
    l2: float

    @cached_property
    def totals(self) -> NDArray[np.float64]:
        """N_w, (V,)."""
        totals: NDArray[np.float64] = self.counts.sum(1)
        return totals

    def at(self, Z: Matrix) -> Place:
        """The loss around the vectors Z."""
        return Place(self, Z)

    def scores(self, Z: Matrix) -> Iterator[tuple[slice, Matrix, Matrix, Matrix]]:
        """Rows of a tile, and their N, m and x."""
        outputs = np.ascontiguousarray(Z[1].T)
        for start in range(0, len(self.counts), TILE):
            rows = slice(start, start + TILE)
            own = self.counts[rows]
            yield rows, own, own + (self.totals[rows, None] - own) * self.kq, Z[0, rows] @ outputs


@dataclass(frozen=True, eq=False)
class Place:
    """L at one Z and around it. The first product with the Hessian keeps two matrices (V, V)."""

    loss: ExpectedLoss
    Z: Matrix

    @cached_property
    def _first(self) -> tuple[float, Matrix]:
        loss, Z = self.loss, self.Z
        value, gradient = loss.l2 / 2 * float(np.vdot(Z, Z)), loss.l2 * Z
        for rows, own, both, x in loss.scores(Z):
            small = np.exp(-np.abs(x))
            value += float(np.vdot(both, np.log1p(small) + np.maximum(x, 0.0)) - np.vdot(own, x))
            rest = both * _logistic(x, small) - own
            gradient[0, rows] += rest @ Z[1]
            gradient[1] += rest.T @ Z[0, rows]
        return value, gradient

    @property
    def value(self) -> float:
        """L."""
        return self._first[0]

    @property
    def gradient(self) -> Matrix:
        """dL/dZ."""
        return self._first[1]

    @cached_property
    def _second(self) -> tuple[Matrix, Matrix]:
        """Slope and rest of all pairs, each (V, V)."""
        slope, first = np.empty_like(self.loss.counts), np.empty_like(self.loss.counts)
        for rows, own, both, x in self.loss.scores(self.Z):
            sigma = _logistic(x, np.exp(-np.abs(x)))
            both *= sigma
            slope[rows] = both * (1.0 - sigma)
            first[rows] = both - own
        return slope, first

    def product(self, Y: Matrix, *, exact: bool = True) -> Matrix:
        """Hessian times Y; without the term in `rest`, which makes it the Gauss-Newton one, if not `exact`."""
        (U, C), (P, Q), (slope, first) = self.Z, Y, self._second
        result = self.loss.l2 * Y
        left, right = np.hstack([P, U]), np.ascontiguousarray(np.hstack([C, Q]).T)
        for start in range(0, len(U), TILE):
            rows = slice(start, start + TILE)
            t = left[rows] @ right
            t *= slope[rows]
            result[0, rows] += t @ C
            result[1] += t.T @ U[rows]
            if exact:
                result[0, rows] += first[rows] @ Q
                result[1] += first[rows].T @ P[rows]
        return result

    def precondition(self, Y: Matrix) -> Matrix:
        """A rough inverse of the Hessian times Y, always positive definite.

        slope_wc ~ alpha_w beta_c / total, U and C apart: (alpha_w S_C + l2)^-1 for row w of U with
        S_C = C^T diag(beta) C / total, and likewise for C (after Martens and Grosse 2015).
        """
        both = zip(Y, self._factors, strict=True)
        return np.stack([((side @ axes) * scale) @ axes.T for side, (scale, axes) in both])

    def length(self, Y: Matrix) -> float:
        """Length of Y in the metric of which `precondition` is the inverse."""
        both = zip(Y, self._factors, strict=True)
        return float(np.sqrt(sum(float(((side @ axes) ** 2 / scale).sum()) for side, (scale, axes) in both)))

    @cached_property
    def _factors(self) -> list[tuple[Matrix, Matrix]]:
        slope = self._second[0]
        alpha, beta = slope.sum(1), slope.sum(0)
        factors = []
        for own, others, vectors in ((alpha, beta, self.Z[1]), (beta, alpha, self.Z[0])):
            values, axes = np.linalg.eigh((vectors.T * others) @ vectors / (alpha.sum() or 1.0))
            factors.append((1.0 / (own[:, None] * np.maximum(values, 0.0) + self.loss.l2), axes))
        return factors

    def project(self, Y: Matrix) -> Matrix:
        """Y without its part in the rotations, see `Rotations`."""
        return self._rotations.leave_out(Y)

    @cached_property
    def _rotations(self) -> Rotations:
        return Rotations(self.Z)


@dataclass(frozen=True, eq=False)
class Rotations:
    """The directions (U A, C A), A antisymmetric, in which all vectors of Z = (U, C) turn alike."""

    Z: NDArray[Any]

    def leave_out(self, Y: NDArray[Any]) -> NDArray[Any]:
        """Y less the nearest of these directions: A solves G A + A G = K - K^T with G = U^T U + C^T C.

        K = U^T P + C^T Q for Y = (P, Q); Y is orthogonal to all rotations where K is symmetric.
        """
        (U, C), (sums, axes) = self.Z, self._gram
        K = axes.T @ (U.T @ Y[0] + C.T @ Y[1]).astype(np.float64) @ axes
        A = np.divide(K - K.T, sums, out=np.zeros_like(K), where=sums > 1e-12 * sums.max(initial=0.0))
        A = (axes @ A @ axes.T).astype(Y.dtype)
        return np.stack([Y[0] - U @ A, Y[1] - C @ A])

    @cached_property
    def _gram(self) -> tuple[Matrix, Matrix]:
        """Sums of any two eigenvalues of G, and its eigenvectors, each (d, d)."""
        values, axes = np.linalg.eigh(sum(side.T @ side for side in self.Z.astype(np.float64)))
        return values[:, None] + values, axes


def _logistic(x: Matrix, small: Matrix) -> Matrix:
    """sigma(x), given exp(-|x|)."""
    return np.asarray(np.where(x >= 0.0, 1.0, small) / (1.0 + small))
