"""Solvers of (H + damp I) s = g by products alone.

Each takes `product`, the damped curvature; `precondition`, a rough inverse; `project`, off the directions in which the
curvature is flat; and gives back s together with how far it came: the relative residual |g - (H + damp I) s| / |g|,
computed anew from s at the end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clif.progress import Progress, silent

Array = NDArray[Any]
Map = Callable[[Array], Array]


@dataclass(frozen=True, eq=False)
class Solution:
    """s, how many products it took, and its relative residual, after each of them and in the end."""

    s: Array
    iterations: int
    residual: float
    converged: bool
    residuals: tuple[float, ...] = ()


def conjugate_gradients(
    product: Map,
    g: Array,
    *,
    precondition: Map,
    project: Map,
    tolerance: float,
    limit: int,
    progress: Progress = silent,
) -> Solution:
    """Preconditioned conjugate gradients, for a positive definite curvature (Hestenes and Stiefel 1952)."""
    g = project(g)
    size = _norm(g)
    s = np.zeros_like(g)
    if size == 0:
        return Solution(s, 0, 0.0, converged=True)
    r = g.copy()
    z = project(precondition(r))
    direction, rz = z.copy(), _dot(r, z)
    residuals: list[float] = []
    for step in range(limit):
        pushed = product(direction)
        bend = _dot(direction, pushed)
        if not bend > 0:  # rounding is all that is left
            break
        pace = g.dtype.type(rz / bend)
        s += pace * direction
        r -= pace * pushed
        residuals.append(_norm(r) / size)
        progress("solve", step + 1, None, f"step {step + 1}, residual {residuals[-1]:.1e}")
        if residuals[-1] <= tolerance:
            break
        z = project(precondition(r))
        last, rz = rz, _dot(r, z)
        direction *= g.dtype.type(rz / last)
        direction += z
    return _judge(product, project, g, s, tolerance, residuals)


def minimum_residual(
    product: Map,
    g: Array,
    *,
    precondition: Map,
    tolerance: float,
    limit: int,
    progress: Progress = silent,
) -> Solution:
    """MINRES, for a curvature that may be indefinite (Paige and Saunders 1975), as SciPy has it.

    SciPy stops by a norm of its own, so it is called again, more strictly, until the plain residual is small enough.
    """
    from scipy.sparse.linalg import LinearOperator, minres

    size = _norm(g)
    if size == 0:
        return Solution(np.zeros_like(g), 0, 0.0, converged=True)
    taken = 0

    def count(_x: Array) -> None:
        nonlocal taken
        taken += 1
        progress("solve", taken, None, f"step {taken}")

    def operator(function: Map) -> Any:
        return LinearOperator(
            (g.size, g.size), matvec=lambda x: function(x.reshape(g.shape).astype(g.dtype)).ravel(), dtype=g.dtype
        )

    finest = float(np.finfo(g.dtype).eps) / 100
    s, residuals, strict = np.zeros(g.size, dtype=g.dtype), [1.0], max(tolerance, finest)
    while taken < limit and residuals[-1] > tolerance and strict >= finest:
        s, _ = minres(
            operator(product),
            g.ravel(),
            x0=s,
            M=operator(precondition),
            rtol=strict,
            maxiter=limit - taken,
            callback=count,
        )
        s = s.astype(g.dtype)
        residuals.append(_norm(g - product(s.reshape(g.shape))) / size)
        strict /= 10
    return Solution(s.reshape(g.shape), taken, residuals[-1], residuals[-1] <= tolerance, tuple(residuals[1:]))


def lissa(
    product: Map,
    g: Array,
    *,
    project: Map,
    tolerance: float,
    limit: int,
    progress: Progress = silent,
) -> Solution:
    """The recursion s <- s + (g - (H + damp I) s) / scale, as it should be run (Agarwal, Bullins and Hazan 2017).

    `scale` is above the largest eigenvalue, found by power iteration, so the recursion contracts; it stops by its
    residual. The products are those of the whole corpus, of which the published algorithm draws samples.
    """
    g = project(g)
    size = _norm(g)
    if size == 0:
        return Solution(g, 0, 0.0, converged=True)
    scale = 1.1 * largest_eigenvalue(product, project(np.random.default_rng(0).normal(size=g.shape).astype(g.dtype)))
    s, residuals = np.zeros_like(g), []
    for step in range(limit):
        r = g - product(s)
        residuals.append(_norm(r) / size)
        progress("solve", step + 1, limit, f"step {step + 1}, residual {residuals[-1]:.1e}")
        if residuals[-1] <= tolerance or residuals[-1] > 1e6:
            break
        s += r / g.dtype.type(scale)
    return _judge(product, project, g, s, tolerance, residuals)


def largest_eigenvalue(product: Map, start: Array, steps: int = 20) -> float:
    """Largest eigenvalue of a positive semi-definite product, by power iteration; an estimate from below."""
    z, value = start / start.dtype.type(_norm(start)), 0.0
    for _ in range(steps):
        pushed = product(z)
        value = _norm(pushed)
        z = pushed / start.dtype.type(value)
    return value


def _judge(product: Map, project: Map, g: Array, s: Array, tolerance: float, residuals: list[float]) -> Solution:
    residual = _norm(g - project(product(s))) / _norm(g)
    return Solution(s, len(residuals), residual, reached(residual, tolerance), tuple(residuals))


def reached(residual: float, tolerance: float) -> bool:
    """Whether a solve converged.

    Conjugate gradients update their residual; what it lost to rounding since is no failure to converge.
    """
    return residual <= 1.1 * tolerance


def _dot(a: Array, b: Array) -> float:
    return float(np.vdot(a, b))


def _norm(a: Array) -> float:
    return float(np.sqrt(np.vdot(a, a)))
