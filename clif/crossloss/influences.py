"""Cross-loss influence of every sample on every measure (Silva, Chopra and Gombolay 2022; Koh and Liang 2017)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import grad, jacrev, vjp

from clif.crossloss.curvature import matrix_of, operator
from clif.crossloss.solving import ITERATIVE, iterate, solve
from clif.crossloss.task import BLOCK, Flat, Part, Task, losses_of, measures_of, parts_of
from clif.errors import UsageError
from clif.progress import Progress, silent
from clif.solvers import reached

SOLVERS = ("exact", *ITERATIVE, "lissa-released", "gradient")
# The recursion as the released code sets it, see clif/influence/released.py.
DEPTH, DECAY, SCALE = 5000, 0.01, 25.0


@dataclass(frozen=True, eq=False)
class Influence:
    """What `influence` found.

    values      (m, n), predicted change of measure j when sample i is removed
    solutions   s (m, p) = (H + damp I)^-1 grad m_j, as far as the solver came
    residual    the worst of |(H + damp I) s - g| / |g| over the m solves
    iterations  products with the curvature, all solves together; those of single samples for lissa-released
    converged   whether the residual came below the tolerance
    """

    values: Tensor
    solutions: Tensor
    residual: float
    iterations: int
    converged: bool


def influence(
    task: Task,
    model: nn.Module,
    *,
    solver: str = "exact",
    damping: float = 0.0,
    tolerance: float = 1e-8,
    limit: int = 20_000,
    seed: int = 0,
    matrix: Tensor | None = None,
    progress: Progress = silent,
) -> Influence:
    """Predicted change of each measure when each sample is removed, m(without i) - m(with i).

        values[j, i] = + grad m_j . (H + damp I)^-1 grad loss_i

    H is the Hessian of the objective, penalty included, at the model's parameters; the prediction is that for a
    model at a minimum of the objective. The last product is the derivative of the losses along s: no gradient of a
    single sample is stored.

    solver    exact            the matrix is formed and solved: for some thousands of parameters
              cg, minres       by products alone; conjugate gradients need H + damp I to be positive definite
              lissa            s <- s + (g - (H + damp I) s) / scale, scale above the largest eigenvalue, until it
                               converges (Agarwal, Bullins and Hazan 2017)
              lissa-released   h <- g + (1 - .01) h - H_i h / 25, H_i the Hessian of the loss of one sample, over the
                               samples once in random order; influence h . grad loss_i / n. Damping and
                               tolerance have no part in it, the factor of 25 is never taken out. For comparison
              gradient         s = grad m: no curvature
    limit     products of one solve at most
    seed      of the random order, where there is one
    matrix    H (p, p), if `hessian` gave it before; for the exact solver

    Raises
    ------
    UsageError
        The solver is unknown, or H + damp I is singular; what a task returns is of the wrong shape or precision.

    """
    if solver not in SOLVERS:
        raise UsageError(f"unknown solver {solver!r}", where="influence", next=f"Choose one of: {', '.join(SOLVERS)}.")
    flat, parts = Flat(model), parts_of(task)
    g = jacrev(flat.at(lambda model: measures_of(task, model)))(flat.vector)

    product = operator(flat, parts)

    def damped(vectors: Tensor) -> Tensor:
        return product(vectors) + damping * vectors

    iterations, scale = 0, 1.0
    if solver == "exact":
        if matrix is None:
            matrix = matrix_of(flat, parts, progress)
        s = solve(matrix + damping * torch.eye(len(flat), dtype=torch.float64), g)
    elif solver == "lissa-released":
        s, iterations = _released(task, flat, g, seed)
        scale = 1.0 / task.n
    elif solver == "gradient":
        s = g.clone()
    else:
        s, iterations = iterate(damped, g, solver, tolerance, limit, progress)
    residual = float(((damped(s) - g).norm(dim=1) / g.norm(dim=1).clamp_min(1e-300)).max())
    return Influence(scale * _along(task, flat, s), s, residual, iterations, reached(residual, tolerance))


def _released(task: Task, flat: Flat, g: Tensor, seed: int) -> tuple[Tensor, int]:
    order = torch.from_numpy(np.random.default_rng(seed).permutation(task.n)[:DEPTH])
    h, visited = g.clone(), 0
    for sample in torch.split(order, 1):
        h = g + (1.0 - DECAY) * h - operator(flat, [_loss_of(task, sample)])(h) / SCALE
        visited += 1
        if not torch.isfinite(h).all():
            break
    return h, visited


def _along(task: Task, flat: Flat, s: Tensor) -> Tensor:
    """Derivative (m, n) of each sample's loss along each s."""

    def of(samples: Tensor) -> Tensor:
        pull = vjp(flat.at(lambda model: losses_of(task, model, samples)), flat.vector)[1]
        # The gradient of u -> u^T J v is J v: forward derivatives by two backward ones, which every operation has.
        along = grad(lambda u, v: pull(u)[0] @ v)
        nowhere = torch.zeros(len(samples), dtype=torch.float64)
        return torch.stack([along(nowhere, v) for v in s])

    return torch.cat([of(samples) for samples in torch.split(torch.arange(task.n), BLOCK)], dim=1)


def _loss_of(task: Task, samples: Tensor) -> Part:
    return lambda model: losses_of(task, model, samples).sum()
