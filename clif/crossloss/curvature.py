"""The exact Hessian of a training objective: its products, and the matrix."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.func import grad, vjp, vmap

from clif.crossloss.task import Flat, Part, Task, parts_of
from clif.progress import Progress, silent

DIRECTIONS = 64  # columns of the Hessian that are computed together
KEPT = 16  # parts whose derivatives are kept between products; of more, they are taken anew each time


def product(task: Task, model: nn.Module, vector: Tensor, weights: Tensor | None = None) -> Tensor:
    """H v for one vector (p,) or several (k, p), H the Hessian of sum_i w_i loss_i + penalty, see `objective`."""
    several = vector if vector.ndim == 2 else vector[None]
    return operator(Flat(model), parts_of(task, weights))(several).reshape(vector.shape)


def hessian(task: Task, model: nn.Module, weights: Tensor | None = None, *, progress: Progress = silent) -> Tensor:
    """H (p, p) of sum_i w_i loss_i + penalty in the parameters that may move, in the order of `Flat`.

    Columns and samples are taken in chunks, so that memory beyond H itself grows with neither.
    """
    return matrix_of(Flat(model), parts_of(task, weights), progress)


def operator(flat: Flat, parts: Sequence[Part]) -> Callable[[Tensor], Tensor]:
    """v (k, p) -> H v (k, p), row by row, H the Hessian of the sum of some parts of an objective.

    H is symmetric, so H v is also the gradient pulled back along v: the derivatives are recorded once, and every
    product then takes one pass through the record.
    """

    def pull(part: Part) -> Callable[[Tensor], tuple[Tensor]]:
        return vjp(grad(flat.at(part)), flat.vector)[1]

    kept = [pull(part) for part in parts] if len(parts) <= KEPT else None

    def product(vectors: Tensor) -> Tensor:
        total = torch.zeros_like(vectors)
        for pulled in kept or map(pull, parts):
            total += pulled(vectors[0])[0] if len(vectors) == 1 else vmap(pulled)(vectors)[0]
        return total

    return product


def matrix_of(flat: Flat, parts: Sequence[Part], progress: Progress = silent) -> Tensor:
    """The Hessian (p, p) of the sum of some parts of an objective."""
    p, matrix = len(flat), torch.zeros(len(flat), len(flat), dtype=torch.float64)
    for part in parts:
        product = operator(flat, [part])
        for start in range(0, p, DIRECTIONS):
            progress("curvature", start, p, f"columns {start} of {p}")
            basis = torch.zeros(min(DIRECTIONS, p - start), p, dtype=torch.float64)
            basis[:, start : start + DIRECTIONS].fill_diagonal_(1.0)
            matrix[start : start + DIRECTIONS] += product(basis)
    return (matrix + matrix.T) / 2
