"""A training problem and a question about its solution, and a model as a function of one vector of parameters."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from clif.errors import UsageError

BLOCK = 1024  # samples whose losses are computed together
Part = Callable[[Any], Tensor]


class Task(ABC):
    """What a model is trained with, and what is measured in it; the two need not have anything in common.

    n        number of samples
    losses   training loss (len(samples),) of the samples (indices, LongTensor), each a function of that sample alone
    penalty  scalar added to their sum once, weight decay for instance; none by default
    measure  (m,), any other differentiable function of the model

    All three compute in double precision, so the model and the data have to be so. Call parts of the model, or
    read its parameters, as usual; torch.func differentiates them, so operations have to be those of torch.
    """

    n: int

    @abstractmethod
    def losses(self, model: Any, samples: Tensor) -> Tensor:
        """Training loss of each sample, (len(samples),); the objective is their sum."""

    def penalty(self, model: Any) -> Tensor:
        """What the objective adds to the losses, a scalar."""
        return torch.zeros((), dtype=torch.float64)

    @abstractmethod
    def measure(self, model: Any) -> Tensor:
        """What is measured, (m,)."""


def objective(task: Task, model: nn.Module, weights: Tensor | None = None) -> Tensor:
    """What training minimises, sum_i w_i loss_i + penalty, with weights (n,) of one unless given.

    Differentiable in the model's parameters, so a model can be trained by it.
    """
    return torch.stack([part(model) for part in parts_of(task, weights)]).sum()


def parts_of(task: Task, weights: Tensor | None = None) -> list[Part]:
    """The objective as functions of the model that add up to it: one a block of samples, and the penalty.

    Raises
    ------
    UsageError
        The weights are not one a sample, or (when a part is called) the losses are not.

    """
    if weights is None:
        weights = torch.ones(task.n, dtype=torch.float64)
    if weights.shape != (task.n,):
        raise UsageError(
            f"weights have the shape {tuple(weights.shape)}", where="crossloss", next=f"Give {task.n}, one a sample."
        )
    blocks = torch.split(torch.nonzero(weights).ravel(), BLOCK)
    return [_weighted(task, block, weights[block]) for block in blocks if len(block)] + [task.penalty]


def _weighted(task: Task, samples: Tensor, weights: Tensor) -> Part:
    return lambda model: weights @ losses_of(task, model, samples)


def losses_of(task: Task, model: Any, samples: Tensor) -> Tensor:
    """`task.losses`, with its shape and precision checked."""
    losses = task.losses(model, samples)
    if losses.shape != samples.shape or losses.dtype != torch.float64:
        raise UsageError(
            f"losses of {len(samples)} samples came as {losses.dtype}, shape {tuple(losses.shape)}",
            where=f"{type(task).__name__}.losses",
            next="Return one number a sample, in torch.float64.",
        )
    return losses


def measures_of(task: Task, model: Any) -> Tensor:
    """`task.measure`, with its shape and precision checked."""
    measures = task.measure(model)
    if measures.ndim != 1 or not len(measures) or measures.dtype != torch.float64:
        raise UsageError(
            f"the measure came as {measures.dtype}, shape {tuple(measures.shape)}",
            where=f"{type(task).__name__}.measure",
            next="Return a vector of one number or more, in torch.float64.",
        )
    return measures


def squared_norm(model: nn.Module) -> Tensor:
    """Sum of the squares of all parameters; those that do not move add a constant."""
    return torch.stack([(each**2).sum() for each in model.parameters()]).sum()


class _Held(nn.Module):
    """Calls a function with the model, so that parameters can be exchanged for any function of it."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, function: Callable[..., Tensor]) -> Tensor:
        return function(self.model)


class Flat:
    """A model as a function of one vector (p,): the parameters that require a gradient, one after the other.

    Raises
    ------
    UsageError
        No parameter requires a gradient, or one is not in double precision.

    """

    def __init__(self, model: nn.Module) -> None:
        self._held = _Held(model)
        moving = {name: each.detach() for name, each in self._held.named_parameters() if each.requires_grad}
        self._shapes = {name: each.shape for name, each in moving.items()}
        if not moving:
            raise UsageError(
                "no parameter of the model requires a gradient", where="crossloss", next="Set requires_grad of some."
            )
        if any(each.dtype != torch.float64 for each in self._held.parameters()):
            raise UsageError(
                "the model is not in double precision", where="crossloss", next="Call model.double(), data likewise."
            )
        self.vector = torch.cat([each.reshape(-1) for each in moving.values()])

    def __len__(self) -> int:
        return len(self.vector)

    def split(self, vector: Tensor) -> dict[str, Tensor]:
        """The vector as the parameters of the model, by their names."""
        pieces = torch.split(vector, [shape.numel() for shape in self._shapes.values()])
        named = zip(self._shapes.items(), pieces, strict=True)
        return {name: piece.reshape(shape) for (name, shape), piece in named}

    def at(self, function: Callable[[Any], Tensor]) -> Callable[[Tensor], Tensor]:
        """A function of the model as a function of the vector."""
        return lambda vector: functional_call(self._held, self.split(vector), (function,))

    def load(self, vector: Tensor) -> None:
        """Put the vector into the model."""
        parameters = dict(self._held.named_parameters())
        with torch.no_grad():
            for name, value in self.split(vector).items():
                parameters[name].copy_(value)
