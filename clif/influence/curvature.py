"""The curvature of the training loss in all vectors at once, as a product that never forms a V x V array.

With x_wc = u_w . c_c, the loss L = sum_wc N_wc softplus(-x) + k (N_w - N_wc) q_c softplus(x) has, in the direction
Z = (P, Q) of (U, C), with t_wc = P_w . c_c + u_w . Q_c,

    slope_wc = (N_wc + k (N_w - N_wc) q_c) sigma(x) (1 - sigma(x))      d2L/dx2 of one pair, never negative
    rest_wc  = -N_wc sigma(-x) + k (N_w - N_wc) q_c sigma(x)            dL/dx of one pair

    Gauss-Newton   (slope t) C,             (slope t)^T U               positive semi-definite
    exact          (slope t) C + rest Q,    (slope t)^T U + rest^T P    the Hessian; may be indefinite

What is proportional to N_wc comes from the sparse counts; the noise part k N_w q_c from `noise`.

L depends on U C^T only, so the Gauss-Newton product vanishes in the *flat* directions (U M, -C M^T), M any d x d
matrix, and no gradient of a document has a part in them. Solves therefore leave them out (`project`): it changes no
score and halves the number of steps.

Where the loss has a penalty (l2 / 2) (|U|^2 + |C|^2) that was minimised too, damp = l2 makes the exact product that of
the whole loss. It then vanishes at a minimum along rotations of all vectors, (U A, C A) with A antisymmetric, and those
are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clif.counts import PairCounts
from clif.influence.kernels import pair_derivatives, pair_product, pair_sums
from clif.influence.layout import Layout, point
from clif.influence.noise import NoiseCurvature
from clif.training.expected import Rotations

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Curvature:
    """Products with H + damp I, a preconditioner, and the projection off the flat directions.

    `U`, `C` (V, d); a direction or a result Z is (2, V, d): Z[0] for U, Z[1] for C, in the precision of U. `noise` (V,)
    is q, `negative` is k. `exact` adds the term that Gauss-Newton drops; `dense` approximates no part of the noise.
    `penalised` says that the model is a minimum of the loss with a penalty.
    """

    U: Array
    C: Array
    counts: PairCounts
    noise: NDArray[np.float64]
    negative: int
    exact: bool = False
    dense: bool = False
    penalised: bool = False

    def product(self, Z: Array, damp: float) -> Array:
        """(H + damp I) Z."""
        out = self.U.dtype.type(damp) * Z
        left, right = np.hstack([Z[0], self.U]), np.hstack([self.C, Z[1]])
        pairs = self._pairs
        for first, last, place, slope, rest in pairs:
            pair_product(pairs.pointer, first, last, pairs.block, place, slope, rest, left, right, out[0], out[1])
        self.noise_curvature.add_product(left, right, out)
        return np.asarray(out)

    def precondition(self, Z: Array, damp: float) -> Array:
        """Solve with the Kronecker-factored curvature: slope_wc ~ alpha_w beta_c / total, blocks U and C apart.

        With S_C = C^T diag(beta) C / total: (alpha_w S_C + damp I)^-1 for row w of U, and likewise for C, by one
        eigendecomposition each (after Martens and Grosse 2015).
        """
        out = np.empty_like(Z)
        for side, (weights, values, vectors) in enumerate(self._factors):
            scale = 1.0 / (weights[:, None] * values + damp)
            out[side] = ((Z[side] @ vectors) * scale.astype(Z.dtype)) @ vectors.T
        return out

    def project(self, Z: Array) -> Array:
        """Z without its part in the flat directions, to which no score is sensitive.

        For `exact` Z itself, or, where it is `penalised`, without its part in the rotations.
        """
        if self.exact:  # away from a minimum the others are not flat for the Hessian
            return self._rotations.leave_out(Z) if self.penalised else Z
        (u_values, u_vectors), (c_values, c_vectors) = self._grams
        # The M nearest to Z solves the Sylvester equation U^T U M + M C^T C = U^T P - Q^T C.
        push = (self.U.T @ Z[0] - Z[1].T @ self.C).astype(np.float64)
        sums = u_values[:, None] + c_values
        rotated = u_vectors.T @ push @ c_vectors
        solved = np.divide(rotated, sums, out=np.zeros_like(sums), where=sums > 1e-12 * sums.max())
        M = (u_vectors @ solved @ c_vectors.T).astype(Z.dtype)
        return np.stack([Z[0] - self.U @ M, Z[1] + self.C @ M.T])

    @cached_property
    def noise_curvature(self) -> NoiseCurvature:
        """The part of the negatives."""
        kq = self.negative * self.noise
        return NoiseCurvature(self.U, self.C, self.counts.totals, kq, rests=self.exact, dense=self.dense)

    @cached_property
    def _pairs(self) -> Layout:
        """The sparse pairs laid out for products, with their slopes and, if exact, first derivatives."""
        return self._lay_out(min(1 << 16, max(2048, -(-len(self.U) // 32))))

    def _lay_out(self, block: int) -> Layout:
        noise = self.noise_curvature

        def derive(first: int, last: int, place: Array, count: Array, slope: Array, rest: Array) -> None:
            pair_derivatives(
                pointer, first, last, block, place, count, self.counts.totals, self.U, self.C, noise.kq,
                noise.cluster, *noise.factors, slope, rest,
            )  # fmt: skip

        pointer = point(self.counts, block)
        return Layout.of(self.counts, block, pointer, derive, rests=self.exact)

    @cached_property
    def _factors(self) -> list[tuple[NDArray[np.float64], NDArray[np.float64], Array]]:
        """For U and for C: the weight of each word, and eigenvalues and eigenvectors of the common factor."""
        pairs = self._pairs
        alpha, beta = np.zeros(len(self.U)), np.zeros(len(self.U))
        for first, last, place, slope, _ in pairs:
            pair_sums(pairs.pointer, first, last, pairs.block, place, slope, alpha, beta)
        self.noise_curvature.add_sums(alpha, beta)
        total = alpha.sum() or 1.0
        factors = []
        for weights, others, matrix in ((alpha, beta, self.C), (beta, alpha, self.U)):
            gram = (matrix.T * others) @ matrix.astype(np.float64) / total
            values, vectors = np.linalg.eigh(gram)
            factors.append((np.maximum(weights, 0.0), np.maximum(values, 0.0), vectors.astype(self.U.dtype)))
        return factors

    @cached_property
    def _rotations(self) -> Rotations:
        return Rotations(np.stack([self.U, self.C]))

    @cached_property
    def _grams(self) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
        found = []
        for matrix in (self.U, self.C):
            wide = matrix.astype(np.float64)
            values, vectors = np.linalg.eigh(wide.T @ wide)
            found.append((values, vectors))
        return found
