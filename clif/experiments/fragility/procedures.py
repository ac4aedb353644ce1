"""The ways in which removals are checked by retraining."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from clif.experiments.fragility.curvature import rough_inverse
from clif.experiments.fragility.minimising import Minimum, Renew, minimise
from clif.experiments.fragility.problems import Problem

_NAMES = {
    "optimum": "from the optimum, converged",
    "adam-few": "from the optimum, {few} steps of Adam",
    "adam-fresh": "from the optimum, {steps} steps of Adam",
    "adam-kept": "the same, moments kept",
    "scratch-same": "from scratch, same start",
    "scratch-other": "from scratch, other starts",
}
PROCEDURES = tuple(_NAMES)
REFERENCE = "optimum"  # the retraining that influence is about
LEAST = 1e-9  # smallest curvature that a preconditioner may have, relative to the largest
ENTRIES = 2**24  # of the preconditioners that are held at once

Moments = dict[str, Tensor]  # Adam's, as torch.optim keeps them


@dataclass(frozen=True)
class Effort:
    """How networks are trained: by `minimise` (`tolerance` to `preconditioned`), and how Adam is run (`few` to `rate`).

    preconditioned  networks of up to so many parameters have a preconditioner
    """

    tolerance: float
    limit: int
    after: int
    every: int
    preconditioned: int
    few: int
    steps: int
    batch: int
    rate: float

    def about(self, procedure: str) -> str:
        """What a procedure does, in some words."""
        return _NAMES[procedure].format(few=self.few, steps=self.steps)


def generator(*numbers: int) -> torch.Generator:
    """Random numbers of their own for each tuple of numbers."""
    return torch.Generator().manual_seed(int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> 1))


def weights_without(sets: Sequence[Tensor], points: int) -> Tensor:
    """Weights (sets, points): 0 where a point is removed, else 1."""
    weights = torch.ones(len(sets), points, dtype=torch.float64)
    for row, members in enumerate(sets):
        weights[row, members] = 0.0
    return weights


def from_scratch(problem: Problem, starts: Tensor, weights: Tensor, effort: Effort) -> Minimum:
    """Networks trained from these parameters (k, p) with these weights of the points (k, n), until they converge."""
    dense = problem.network.parameters <= effort.preconditioned
    renew = (lambda vectors, rows: rough_inverse(problem, vectors, weights[rows], LEAST)) if dense else None
    return _in_parts(problem, starts, weights, effort, renew, effort.after, effort.every)


def from_optimum(problem: Problem, vectors: Tensor, inverses: Tensor, weights: Tensor, effort: Effort) -> Tensor:
    """Networks (r, k, p) retrained from r optima (r, p) until they converge, with weights (r, k, n).

    inverses   positive inverses (r, p, p) of the curvature there, by which the steps are preconditioned
    """
    repeats, k, _ = weights.shape
    owners = torch.arange(repeats).repeat_interleave(k)
    found = _in_parts(problem, vectors[owners], weights.flatten(0, 1), effort,
                      lambda _, rows: inverses[owners[rows]], 0, effort.limit)  # fmt: skip
    return found.vectors.view(repeats, k, -1)


def _in_parts(
    problem: Problem, starts: Tensor, weights: Tensor, effort: Effort, renew: Renew | None, after: int, every: int
) -> Minimum:
    """As many at a time as there is room for their preconditioners."""

    def minimum(part: Tensor) -> Minimum:
        def slopes(vectors: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
            return problem.slopes(vectors, weights[part[rows]])

        def fresh(vectors: Tensor, rows: Tensor) -> Tensor:
            return renew(vectors, part[rows]) if renew else torch.empty(0)

        return minimise(
            slopes,
            starts[part],
            tolerance=effort.tolerance,
            limit=effort.limit,
            renew=fresh if renew else None,
            after=after,
            every=every,
        )

    together = max(1, ENTRIES // problem.network.parameters**2)
    found = [minimum(part) for part in torch.split(torch.arange(len(starts)), together)]
    vectors, values, gradients = zip(*((each.vectors, each.values, each.gradients) for each in found), strict=True)
    return Minimum(torch.cat(vectors), torch.cat(values), torch.cat(gradients))


def by_adam(
    problem: Problem,
    vectors: Tensor,
    weights: Tensor,
    effort: Effort,
    draws: Sequence[torch.Generator],
    *,
    rate: float,
    moments: Moments | None = None,
) -> tuple[Tensor, Tensor, Moments]:
    """Networks after a few and after all steps of Adam from r optima (r, p), both (r, k, p), and Adam's moments.

    weights   of the points (r, k, n); a batch of b of the n points stands for all: its losses count n/b times beside
              the decay. Each network draws its own batches, those of a repeat from one of `draws`
    rate      zero leaves the networks where they are, and gathers the moments there
    moments   to begin with, one row a repeat, as another call gave them
    """
    repeats, k, n = weights.shape
    here = vectors.repeat_interleave(k, 0).requires_grad_()
    optimiser = torch.optim.Adam([here], lr=rate)
    if moments is not None:
        optimiser.state[here] = {
            key: each.clone() if key == "step" else each.repeat_interleave(k, 0) for key, each in moments.items()
        }
    data, order, few = problem.data, torch.empty(len(here), 0, dtype=torch.int64), here.detach().clone()
    for step in range(1, effort.steps + 1):
        if order.shape[1] < effort.batch:
            order = torch.cat([torch.rand(k, n, generator=each).argsort(1) for each in draws])
        members, order = order[:, : effort.batch], order[:, effort.batch :]
        losses = problem.network.losses(here, data.X[members], data.y[members])
        total = (weights.flatten(0, 1).gather(1, members) * losses).sum() * (n / effort.batch)
        optimiser.zero_grad()
        (total + problem.decay / 2 * (here**2).sum()).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        if step == effort.few:
            few = here.detach().clone()
    return few.view(repeats, k, -1), here.detach().view(repeats, k, -1), dict(optimiser.state[here])
