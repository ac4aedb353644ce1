"""What removing a set of documents does to all vectors at once, predicted by one Newton step on what remains.

    Z = (U, C) -> Z + (H - H_S + damp I)^-1 g_S        g_S: gradient of the loss of the documents S alone

`groups` takes that step on the test's rows with the output vectors held fixed; here all vectors move, by the exact
Hessian or the Gauss-Newton one, over all pairs of words: for the vocabularies of the exact trainer. For a minimum of
the penalised loss, damp = l2, it is the first step that warm retraining by Newton's method would take.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clif.influence.problem import Problem
from clif.solvers import minimum_residual
from clif.threads import one_thread
from clif.training.exact import count_dense
from clif.training.expected import ExpectedLoss, Matrix

LIMIT = 500  # products


@dataclass(frozen=True, eq=False)
class JointStep:
    """Z (2, V, d) after the step, the relative residual of its solve, and how many products that took."""

    Z: Matrix
    residual: float
    products: int


def joint_step(
    problem: Problem,
    documents: NDArray[np.int64],
    *,
    counts: Matrix | None = None,
    exact: bool = True,
    tolerance: float = 1e-6,
    limit: int = LIMIT,
) -> JointStep:
    """Z after removing `documents`, each once, by MINRES to a relative residual of `tolerance`.

    `counts` (V, V) are those of all documents, if the caller has them. Not `exact`: by Gauss-Newton curvature. For a
    model of the exact trainer the directions of rotations are left out, see `Curvature`.
    """
    corpus, vocabulary, settings = problem.corpus, problem.vocabulary, problem.settings
    gone = np.zeros(len(corpus))
    gone[documents] = 1.0
    own = count_dense(corpus, vocabulary, settings, gone)
    everything = count_dense(corpus, vocabulary, settings) if counts is None else counts
    kq, Z = problem.negative * problem.noise, np.stack([problem.U, problem.C]).astype(np.float64)
    with one_thread():
        rest = ExpectedLoss(everything - own, kq, problem.damp).at(Z)
        project = rest.project if settings.trainer == "exact" else lambda Y: Y
        found = minimum_residual(
            lambda Y: project(rest.product(project(Y), exact=exact)),
            project(ExpectedLoss(own, kq, 0.0).at(Z).gradient),
            precondition=lambda Y: project(rest.precondition(project(Y))),
            tolerance=tolerance,
            limit=limit,
        )
    return JointStep(Z + found.s, found.residual, found.iterations)
