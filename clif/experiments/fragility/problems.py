"""The data, and the objective that networks are trained with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from clif.crossloss import Task, squared_norm
from clif.experiments.fragility.networks import Network

DATASETS = ("iris", "digits")


@dataclass(frozen=True, eq=False)
class Data:
    """Points that a network is trained with, and points whose losses may be measured."""

    X: Tensor
    y: Tensor
    test_x: Tensor
    test_y: Tensor

    @property
    def classes(self) -> int:
        """How many classes there are."""
        return int(torch.cat([self.y, self.test_y]).max()) + 1


def load(name: str, points: int, seed: int) -> Data:
    """`points` training points of a data set that scikit-learn brings, drawn at random; all the others are for tests.

    Features are scaled by the training points: Iris to mean 0 and deviation 1. The 8 by 8 pixels of digits are averaged
    two by two, so 16 are left, and scaled to at most 1.
    """
    from sklearn.datasets import load_digits, load_iris

    raw = load_iris() if name == "iris" else load_digits()
    X, y = torch.tensor(raw.data, dtype=torch.float64), torch.tensor(raw.target, dtype=torch.int64)
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(seed))
    X, y = X[order], y[order]
    if name == "iris":
        X = (X - X[:points].mean(0)) / X[:points].std(0)
    else:
        X = X.view(-1, 4, 2, 4, 2).mean((2, 4)).flatten(1)
        X = X / X[:points].max()
    return Data(X[:points], y[:points], X[points:], y[points:])


@dataclass(frozen=True, eq=False)
class Problem:
    """sum_i w_i cross-entropy_i + (decay/2)|theta|^2 for many networks, each with weights of its own."""

    network: Network
    data: Data
    decay: float

    @property
    def points(self) -> int:
        """How many there are to train with, n."""
        return len(self.data.y)

    def values(self, vectors: Tensor, weights: Tensor) -> Tensor:
        """The objective (k,) of vectors (k, p) with weights (k, n)."""
        losses = self.network.losses(vectors, self.data.X, self.data.y)
        return (weights * losses).sum(1) + self.decay / 2 * (vectors**2).sum(1)

    def slopes(self, vectors: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
        """The objective (k,) and its gradient (k, p)."""
        vectors = vectors.detach().requires_grad_()
        values = self.values(vectors, weights)
        (gradients,) = torch.autograd.grad(values.sum(), vectors)
        return values.detach(), gradients

    def accuracy(self, vectors: Tensor, *, test: bool) -> Tensor:
        """Share of points (k,) that the largest logit belongs to the right class of."""
        X, y = (self.data.test_x, self.data.test_y) if test else (self.data.X, self.data.y)
        return (self.network.layers(vectors, X)[-1][1].argmax(2) == y).double().mean(1)


class Classifying(Task):
    """The same objective as a task of clif.crossloss, for one network; what is measured are losses of test points."""

    def __init__(self, problem: Problem, tests: Tensor) -> None:
        self.problem, self.tests, self.n = problem, tests, problem.points

    def losses(self, model: Any, samples: Tensor) -> Tensor:
        """Cross-entropy of training points."""
        data = self.problem.data
        return torch.nn.functional.cross_entropy(model(data.X[samples]), data.y[samples], reduction="none")

    def penalty(self, model: Any) -> Tensor:
        """Weight decay."""
        return self.problem.decay / 2 * squared_norm(model)

    def measure(self, model: Any) -> Tensor:
        """Cross-entropy of the test points."""
        data = self.problem.data
        return torch.nn.functional.cross_entropy(
            model(data.test_x[self.tests]), data.test_y[self.tests], reduction="none"
        )
