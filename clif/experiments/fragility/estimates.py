"""What is predicted for sets of removed points, by the exact Hessian of the objective that was trained."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.func import grad, jacrev, vmap

from clif.crossloss import hessian
from clif.experiments.fragility.problems import Classifying, Problem

FLAT = 1e-12  # eigenvalues below this share of the largest count as none: the exact solve leaves them out


class Trained:
    """A trained network, what is measured in it, and its curvature.

    tests      indices of test points; their losses are the measures
    H          Hessian (p, p) of the objective, decay included; `bends` and `turns` its eigenvalues and eigenvectors
    slopes     gradients (n, p) of the training points' losses
    measures   losses (m,) of the test points, and `pushes` (m, p) their gradients
    """

    def __init__(self, problem: Problem, vector: Tensor, tests: Tensor) -> None:
        self.problem, self.vector, self.tests = problem, vector, tests
        self.H = hessian(Classifying(problem, tests), problem.network.module(vector))
        self.bends, self.turns = torch.linalg.eigh(self.H)
        data = problem.data
        self.slopes = vmap(grad(self._loss), (None, 0, 0))(vector, data.X, data.y)
        self.pushes = vmap(grad(self._loss), (None, 0, 0))(vector, data.test_x[tests], data.test_y[tests])
        self.measures = self.measure(vector[None])[0]

    def _loss(self, vector: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return self.problem.network.losses(vector[None], x[None], y[None])[0, 0]

    def measure(self, vectors: Tensor) -> Tensor:
        """Losses (k, m) of the test points in networks (k, p)."""
        data = self.problem.data
        return self.problem.network.losses(vectors, data.test_x[self.tests], data.test_y[self.tests])

    def inverse(self) -> Tensor:
        """H^-1 without the directions whose eigenvalue is below FLAT of the largest."""
        kept = self.bends.abs() > FLAT * self.bends.abs().amax()
        inverse: Tensor = (self.turns * torch.where(kept, 1 / self.bends, 0.0)) @ self.turns.T
        return inverse

    def positive_inverse(self, least: float) -> Tensor:
        """|H|^-1, eigenvalues taken by their size, at least `least` of (the largest + 1): it leads downhill."""
        sizes = self.bends.abs()
        inverse: Tensor = (self.turns / sizes.clamp_min(least * (float(sizes.amax()) + 1))) @ self.turns.T
        return inverse

    def hessians(self) -> Tensor:
        """Hessians (n, p, p) of the losses of single training points."""
        data = self.problem.data
        found: Tensor = vmap(jacrev(grad(self._loss)), (None, 0, 0))(self.vector, data.X, data.y)
        return found


def predict(trained: Trained, sets: Sequence[Tensor]) -> dict[str, Tensor]:
    """Change of each measure when each set is removed, (m, sets), by the name of the estimate.

    exact     grad m . H^-1 sum grad loss_i: influence, H exact (its flat directions left out)
    gradient  grad m . sum grad loss_i: no curvature
    """
    sums = _sums(trained, sets)
    return {"exact": trained.pushes @ trained.inverse() @ sums.T, "gradient": trained.pushes @ sums.T}


def newton(trained: Trained, sets: Sequence[Tensor]) -> Tensor:
    """m(theta + (H - H_S)^-1 sum grad loss_i) - m(theta), (m, sets): one Newton step on what remains of each set.

    A share FLAT of (the largest eigenvalue of H + 1) is added to H - H_S, which may be singular.
    """
    single = trained.hessians()
    rest = torch.stack([trained.H - single[members].sum(0) for members in sets])
    rest.diagonal(dim1=1, dim2=2).add_(FLAT * (float(trained.bends.abs().amax()) + 1))
    steps = torch.linalg.solve(rest, _sums(trained, sets))
    return (trained.measure(trained.vector + steps) - trained.measures).T


def _sums(trained: Trained, sets: Sequence[Tensor]) -> Tensor:
    return torch.stack([trained.slopes[members].sum(0) for members in sets])
