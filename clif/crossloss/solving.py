"""(H + damp I)^-1 g for the rows of a matrix, by a factorisation or by products alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from clif.errors import UsageError
from clif.progress import Progress
from clif.solvers import conjugate_gradients, lissa, minimum_residual

ITERATIVE = ("cg", "minres", "lissa")


def solve(matrix: Tensor, g: Tensor) -> Tensor:
    """matrix^-1 g for each row of g (m, p).

    Raises
    ------
    UsageError
        The matrix is singular.

    """
    try:
        solutions: Tensor = torch.linalg.solve(matrix, g.T)
    except RuntimeError as error:  # torch.linalg.LinAlgError, which torch has under another name in its types
        raise UsageError(
            "the Hessian is singular", where="crossloss", next="Give a damping above 0, or the task a penalty."
        ) from error
    return solutions.T


def iterate(
    product: Callable[[Tensor], Tensor], g: Tensor, solver: str, tolerance: float, limit: int, progress: Progress
) -> tuple[Tensor, int]:
    """The same by one of ITERATIVE, and the products that it took; `product` maps (1, p) to (1, p)."""

    def by_numpy(v: Any) -> Any:
        return product(torch.from_numpy(np.ascontiguousarray(v))[None])[0].numpy()

    def same(v: Any) -> Any:
        return v

    common: dict[str, Any] = {"tolerance": tolerance, "limit": limit, "progress": progress}
    solutions, iterations = [], 0
    for row in g.numpy():
        if solver == "cg":
            found = conjugate_gradients(by_numpy, row, precondition=same, project=same, **common)
        elif solver == "minres":
            found = minimum_residual(by_numpy, row, precondition=same, **common)
        else:
            found = lissa(by_numpy, row, project=same, **common)
        solutions.append(torch.from_numpy(found.s))
        iterations += found.iterations
    return torch.stack(solutions), iterations
