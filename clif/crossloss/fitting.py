"""The objective minimised again, for many weightings of the samples at once: what predictions are held against."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import grad, jacrev, vmap

from clif.crossloss.task import Flat, Task, losses_of, measures_of
from clif.errors import UsageError
from clif.progress import Progress, silent

ENTRIES = 2**19  # directions times samples times models that are computed together
TRIES = 20  # dampings that a step is tried with
LEAST = 1e-6  # the damping after none, relative to the largest eigenvalue; each further is 10 times as large
FLATTEST = 1e-12  # eigenvalues count as this large at least, likewise
ROUNDING = 1e-13  # changes of the objective below this share of it mean nothing


@dataclass(frozen=True, eq=False)
class Fit:
    """Models that `fit` found.

    vectors    (k, p), their parameters as `Flat` has them
    gradients  (k,), what is left of the objective's gradient, as its norm
    steps      of the longest of them
    converged  whether all gradients came below the tolerance
    """

    vectors: Tensor
    gradients: Tensor
    steps: int
    converged: bool

    def measures(self, task: Task, model: nn.Module) -> Tensor:
        """What is measured in each, (k, m)."""
        return vmap(Flat(model).at(lambda held: measures_of(task, held)))(self.vectors)


def fit(
    task: Task,
    model: nn.Module,
    weights: Tensor | None = None,
    *,
    tolerance: float = 1e-9,
    limit: int = 200,
    progress: Progress = silent,
) -> Fit:
    """Minimise sum_i w_i loss_i + penalty from the model as it is, for each row of weights (k, n), to a gradient.

    Newton's method with the exact Hessian; eigenvalues are taken by their size, so that a step leads downhill where
    the objective bends down, and the damping of a step falls when it succeeds and rises when it fails. For models of
    up to some hundreds of parameters. The model itself is not changed: `Flat(model).load(vector)` does it.

    weights    (k, n) or (n,); one model with weights of one unless given
    tolerance  norm of the gradient to come below
    limit      steps at most

    Raises
    ------
    UsageError
        The weights are not one a sample.

    """
    flat = Flat(model)
    weights = torch.ones(1, task.n, dtype=torch.float64) if weights is None else weights.reshape(-1, weights.shape[-1])
    if weights.shape[1] != task.n:
        raise UsageError(
            f"weights have the shape {tuple(weights.shape)}", where="fit", next=f"Give {task.n} a model, one a sample."
        )
    samples = torch.arange(task.n)

    def total(vector: Tensor, w: Tensor) -> Tensor:
        return flat.at(lambda held: w @ losses_of(task, held, samples) + task.penalty(held))(vector)

    together = max(1, ENTRIES // (len(flat) * task.n))
    value = vmap(total, chunk_size=together * len(flat))
    slope = vmap(grad(total), chunk_size=together * len(flat))
    bend = vmap(jacrev(grad(total)), chunk_size=together)

    theta = flat.vector.repeat(len(weights), 1)
    height, g = value(theta, weights), slope(theta, weights)
    damping = torch.zeros(len(weights), dtype=torch.float64)
    active, steps = torch.nonzero(g.norm(dim=1) > tolerance).ravel(), 0
    while len(active) and steps < limit:
        steps += 1
        progress("fit", len(weights) - len(active), len(weights), f"step {steps}, {len(active)} models left")
        bends, turns = torch.linalg.eigh(bend(theta[active], weights[active]))
        bends = bends.abs()
        bends = bends.maximum(bends.amax(1, keepdim=True) * FLATTEST)
        trying, moved = torch.arange(len(active)), []
        for _ in range(TRIES):
            rows = active[trying]
            damped = bends[trying] + (damping[rows] * bends[trying].amax(1))[:, None]
            inside = torch.einsum("kpq,kp->kq", turns[trying], g[rows])
            step = -torch.einsum("kpq,kq->kp", turns[trying], inside / damped)
            after = theta[rows] + step
            new_height, new_g = value(after, weights[rows]), slope(after, weights[rows])
            gain, rounding = height[rows] - new_height, ROUNDING * (1.0 + height[rows].abs())
            lower = gain > 1e-4 * (inside**2 / damped).sum(1)
            flatter = (gain.abs() <= rounding) & (new_g.norm(dim=1) < g[rows].norm(dim=1))
            good = lower | flatter
            done = rows[good]
            theta[done], height[done], g[done] = after[good], new_height[good], new_g[good]
            damping[done] = torch.where(damping[done] > LEAST, damping[done] / 10, 0.0)
            damping[rows[~good]] = (damping[rows[~good]] * 10).clamp_min(LEAST)
            moved.append(done)
            trying = trying[~good]
            if not len(trying):
                break
        moving = torch.cat(moved).sort().values  # a model that no step makes better is as good as rounding allows
        active = moving[g[moving].norm(dim=1) > tolerance]
    sizes = g.norm(dim=1)
    return Fit(theta, sizes, steps, bool((sizes <= tolerance).all()))
