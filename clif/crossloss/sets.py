"""What removing a set of samples does, predicted by one Newton step."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.func import grad

from clif.crossloss.curvature import matrix_of, operator
from clif.crossloss.solving import iterate, solve
from clif.crossloss.task import Flat, Task, measures_of, parts_of
from clif.errors import UsageError
from clif.progress import Progress, silent

SET_SOLVERS = ("exact", "cg", "minres")


def predict_set(
    task: Task,
    model: nn.Module,
    samples: Tensor,
    *,
    solver: str = "exact",
    damping: float = 0.0,
    tolerance: float = 1e-8,
    limit: int = 20_000,
    matrix: Tensor | None = None,
    progress: Progress = silent,
) -> Tensor:
    """Predicted change (m,) of the measures when the samples (indices) are removed together.

        theta' = theta + (H - H_S + damp I)^-1 g_S        m(theta') - m(theta)

    H - H_S is the Hessian of the objective without the set, g_S the gradient of the set's losses: one Newton step
    on what remains, for a model at a minimum of the objective. The measure is re-evaluated, not linearised.

    solver   exact, cg or minres, see `influence`
    matrix   H (p, p) of all samples, if `hessian` gave it before: the exact solver then computes H_S only

    Raises
    ------
    UsageError
        The solver is unknown, a sample does not exist or comes twice, or H - H_S + damp I is singular.

    """
    if solver not in SET_SOLVERS:
        raise UsageError(
            f"unknown solver {solver!r}", where="predict_set", next=f"Choose one of: {', '.join(SET_SOLVERS)}."
        )
    flat, removed = Flat(model), _marked(task, samples)
    *losses, _penalty = parts_of(task, removed)
    g = torch.zeros_like(flat.vector)[None]
    for part in losses:
        g += grad(flat.at(part))(flat.vector)
    rest = parts_of(task, 1.0 - removed)
    if solver == "exact":
        left = matrix_of(flat, rest, progress) if matrix is None else matrix - matrix_of(flat, losses, progress)
        step = solve(left + damping * torch.eye(len(flat), dtype=torch.float64), g)
    else:
        product = operator(flat, rest)
        step, _ = iterate(lambda v: product(v) + damping * v, g, solver, tolerance, limit, progress)
    measures = flat.at(lambda model: measures_of(task, model))
    return measures(flat.vector + step[0]) - measures(flat.vector)


def _marked(task: Task, samples: Tensor) -> Tensor:
    if len(samples) and not (
        samples.min() >= 0 and samples.max() < task.n and len(torch.unique(samples)) == len(samples)
    ):
        raise UsageError(
            "a sample does not exist or comes twice", where="predict_set", next=f"Give each of 0 to {task.n - 1} once."
        )
    marked = torch.zeros(task.n, dtype=torch.float64)
    marked[samples] = 1.0
    return marked
