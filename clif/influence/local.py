"""Methods whose s lives on the rows of the test's words, the output vectors held fixed."""

from __future__ import annotations

import numpy as np

from clif.influence.attribution import Attribution, PairTable, SolveReport
from clif.influence.problem import Matrix, Problem
from clif.influence.surroundings import Surroundings

STEPS = 10  # of mirrored descent
NEWTON = 50  # steps at most, to the optimum that the representer theorem asks for


def block(problem: Problem) -> Attribution:
    """s_w = (H_w + damp I)^-1 dT/du_w for each test word w, by an exact solve.

    Brunet et al. 2019 make the same approximation for GloVe.
    """
    damped = problem.hessian + problem.damp * np.eye(problem.E.shape[1])
    s = np.asarray(np.linalg.solve(damped, problem.gradient[:, :, None])[:, :, 0])
    return _of(problem, s, SolveReport(residual_of(problem, s)))


def kfac(problem: Problem) -> Attribution:
    """s_w = (alpha_w S_C + damp I)^-1 dT/du_w: the Kronecker-factored curvature (see `curvature`)."""
    gradient = np.zeros((2, *problem.U.shape), dtype=problem.U.dtype)
    gradient[0, problem.rows] = problem.gradient
    s = problem.curvature().precondition(gradient, problem.damp)[0, problem.rows]
    return _of(problem, s.astype(np.float64))


def gradient(problem: Problem) -> Attribution:
    """s = tau dT/dU: plain descent on the document's loss over the learning rates' sum tau.

    TracIn (Pruthi et al. 2020) at the final checkpoint.
    """
    return _of(problem, problem.settings.tau * problem.gradient)


def mirrored(problem: Problem) -> Attribution:
    """The fall of each pair's loss while T itself descends: loss(U) - loss(U'), the mirror image of removal.

    U' is reached in STEPS equal steps U <- U - (tau / STEPS) dT/dU from the trained model; to first order that is
    `gradient` (Ko et al. 2024).
    """
    vectors = problem.E
    for _ in range(STEPS):
        slope = problem.objective.gradient(vectors, problem.measure)
        vectors = vectors - problem.settings.tau / STEPS * slope
    moved = Surroundings(vectors, problem.C, problem.noise, problem.negative)
    return Attribution(PairTable(problem, problem.surroundings.losses() - moved.losses()))


def representer(problem: Problem) -> Attribution:
    """T's gradient with the share that each pair has in the vectors of the test's words (after Yeh et al. 2018).

    Where the loss of u_w plus (damp / 2)|u_w|^2 is least, u_w = -(1 / damp) sum of the pairs' gradients: a pair's share
    is its gradient over -damp, and without it the vector loses that share. The trained model is at no such point, so
    the test's rows are taken to it first, by Newton steps, and T and the gradients are those found there.
    """
    around, counts, damp = problem.surroundings, problem.counts, problem.damp
    identity = np.eye(problem.E.shape[1])
    for _ in range(NEWTON):
        slope = around.gradient(counts) + damp * around.U
        curvature = around.hessian(counts) + damp * identity
        step = np.linalg.solve(curvature, slope[:, :, None])[:, :, 0]
        longest = np.abs(step).max()
        # The loss is convex, but its curvature dies away from the data: short steps cannot overshoot.
        around = Surroundings(around.U - step / max(1.0, longest), around.C, around.noise, around.negative)
        if longest < 1e-10:
            break
    slope = problem.objective.gradient(around.U, problem.measure)
    return Attribution(PairTable(problem, around.contraction(slope / damp)))


def _of(problem: Problem, s: Matrix, solve: SolveReport | None = None) -> Attribution:
    return Attribution(PairTable(problem, problem.surroundings.contraction(s)), solve=solve)


def residual_of(problem: Problem, s: Matrix) -> float:
    """Largest relative residual |(H_w + damp I) s_w - g_w| / |g_w| over the test's words, output vectors held fixed."""
    product = np.einsum("nij,nj->ni", problem.hessian, s) + problem.damp * s
    gap = np.linalg.norm(product - problem.gradient, axis=1)
    size = np.linalg.norm(problem.gradient, axis=1)
    return float((gap / np.where(size > 0, size, 1.0)).max())
