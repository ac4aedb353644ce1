"""Methods that move all vectors: s = (H + damp I)^-1 dT/dU on the joint curvature of U and C."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clif.errors import InputError, UsageError
from clif.influence.attribution import Attribution, JointPairs, SolveReport
from clif.influence.noise_error import noise_error
from clif.influence.problem import Problem
from clif.solvers import Solution, conjugate_gradients, lissa, minimum_residual

CURVATURES = ("gn", "exact")
STEPS = 500
LISSA_STEPS = 5000
Solve = tuple[NDArray[Any], SolveReport]
# Keeps solves: store(method, solve) gives the stored one, or what `solve` gives.
Store = Callable[[str, Callable[[], Solve]], Solve]


@dataclass(frozen=True)
class SolveSettings:
    """How the joint solve is done.

    curvature   "gn" (Gauss-Newton, by conjugate gradients) or "exact" (the Hessian, by MINRES)
    tolerance   relative residual to come below
    dense       sum over all noise words in every product (V^2 d each), instead of what `noise` says
    steps       products at most; None: the method's own limit

    Raises
    ------
    UsageError
        The curvature is unknown, the tolerance is not between 0 and 1, or the steps are not positive.

    """

    curvature: str = "gn"
    tolerance: float = 1e-3
    dense: bool = False
    steps: int | None = None

    def __post_init__(self) -> None:
        if self.curvature not in CURVATURES:
            raise UsageError(
                f"unknown curvature {self.curvature!r}",
                where="--curvature",
                next=f"Choose one of: {', '.join(CURVATURES)}.",
            )
        if not 0 < self.tolerance < 1:
            raise UsageError(
                f"the tolerance must be between 0 and 1, got {self.tolerance}",
                where="--tolerance",
                next="The default is 0.001.",
            )
        if self.steps is not None and self.steps < 1:
            raise UsageError(f"cannot solve in {self.steps} steps", where="--steps", next="Give 1 or more.")

    def to_dict(self) -> dict[str, Any]:
        """The settings as plain values."""
        return asdict(self)


def solve_joint(problem: Problem, settings: SolveSettings, *, by_lissa: bool = False) -> Solve:
    """s (2, V, d) of a problem, in the precision of its model, and how the solve went.

    Gauss-Newton leaves out the part of s in the flat directions, on which no score depends.
    """
    gradient = np.zeros((2, *problem.U.shape), dtype=problem.U.dtype)
    gradient[0, problem.rows] = problem.gradient
    return solve_gradient(problem, gradient, settings, by_lissa=by_lissa)


def solve_gradient(
    problem: Problem, gradient: NDArray[Any], settings: SolveSettings, *, by_lissa: bool = False
) -> Solve:
    """As `solve_joint`, for the gradient (2, V, d) of any function of U and C, in the model's precision."""
    exact = settings.curvature == "exact"
    curvature = problem.curvature(exact=exact, dense=settings.dense)
    damp = problem.damp

    def product(Z: NDArray[Any]) -> NDArray[Any]:
        return curvature.product(Z, damp)

    def precondition(Z: NDArray[Any]) -> NDArray[Any]:
        return curvature.precondition(Z, damp)

    common: dict[str, Any] = {"tolerance": settings.tolerance, "progress": problem.progress}
    found: Solution
    if by_lissa:
        limit = settings.steps or LISSA_STEPS
        found = lissa(product, gradient, project=curvature.project, limit=limit, **common)
    elif exact:
        limit = settings.steps or STEPS
        project = curvature.project
        found = minimum_residual(
            lambda Z: project(product(project(Z))),
            project(gradient),
            precondition=lambda Z: project(precondition(project(Z))),
            limit=limit,
            **common,
        )
    else:
        limit = settings.steps or STEPS
        found = conjugate_gradients(
            product, gradient, precondition=precondition, project=curvature.project, limit=limit, **common
        )
    error = noise_error(curvature.noise_curvature, problem.pair_counts, found.s, curvature.project(gradient))
    return found.s, SolveReport(found.residual, found.iterations, found.converged, error, residuals=found.residuals)


def _damaged(name: str) -> InputError:
    return InputError(
        "the stored solve has another shape than the model's vectors",
        where=f"solves of {name}",
        next="Remove the folder `solves` of the run, or rank with --no-cache.",
    )


def joint(problem: Problem, settings: SolveSettings, store: Store, *, by_lissa: bool = False) -> Attribution:
    """Solve, or take the stored solve, and make the influence of pairs of it."""
    name = "lissa" if by_lissa else "clif"
    s, report = store(name, lambda: solve_joint(problem, settings, by_lissa=by_lissa))
    if s.shape != (2, *problem.U.shape):
        raise _damaged(name)
    return Attribution(JointPairs.of_solve(problem, s), solve=report)
