"""Newton's method with a trust region, for a loss that is not convex: to a minimum, and to a gradient that is zero.

A step comes from conjugate gradients on the exact Hessian, preconditioned, and ends at the edge of the trust region
where it gets there or where the loss curves downwards (Steihaug 1983; the radius as in Nocedal and Wright 2006,
algorithm 4.1). So it leaves saddles, and near a minimum it converges faster than linearly: to gradients of 1e-10 of
the first one, where L-BFGS, which compares values of the loss, ends near 1e-6.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from clif.training.expected import ExpectedLoss, Matrix, Place

STEPS = 1000
PRODUCTS = 500  # of one step
ROUNDED = 1e-9  # share of the loss below which a fall of it is not taken from its values


@dataclass(frozen=True, eq=False)
class Minimum:
    """Where the search ended: Z (2, V, d), |gradient| there, and what it took. `reached`: below what was asked for."""

    Z: Matrix
    gradient: float
    steps: int
    products: int
    reached: bool


@dataclass(frozen=True, eq=False)
class _Step:
    Y: Matrix
    fall: float  # of the quadratic model
    length: float
    at_edge: bool
    products: int


def minimise(
    loss: ExpectedLoss, Z: Matrix, below: float, seen: Callable[[int, float], None] | None = None, steps: int = STEPS
) -> Minimum:
    """Go downhill from Z until |gradient| <= `below`; `seen(steps, |gradient|)` is called after each step.

    The first step is at most as long as Z itself. Where the fall of the loss comes near the rounding of its values, it
    is taken from the gradients before and after, -(g + g') . Y / 2, which have none of that rounding (an idea of Hager
    and Zhang 2005).
    """
    here, radius, products = loss.at(Z), 0.0, 0
    size = start = _norm(here.gradient)
    for number in range(steps):
        if size <= below:
            return Minimum(here.Z, size, number, products, reached=True)
        radius = radius or here.length(here.Z)
        step = _conjugate(here, radius, max(min(0.5, (size / start) ** 0.5), 0.1 * below / size))
        there = loss.at(here.Z + step.Y)
        products += step.products
        fall = here.value - there.value
        if step.fall < ROUNDED * abs(here.value):
            fall = -0.5 * _dot(here.gradient + there.gradient, step.Y)
        quality = fall / step.fall
        if quality < 0.25:
            radius = 0.25 * step.length
        elif quality > 0.75 and step.at_edge:
            radius *= 3.0
        if quality > 1e-4:
            here, size = there, _norm(there.gradient)
        elif radius <= 1e-12 * here.length(here.Z):
            break  # rounding is all that is left
        if seen:
            seen(number + 1, size)
    return Minimum(here.Z, size, number + 1, products, reached=size <= below)


def _conjugate(here: Place, radius: float, share: float) -> _Step:
    """Conjugate gradients on the quadratic model, until the residual is `share` of the gradient or at the edge.

    Lengths are those of `Place.length`; |Y|^2, Y . p and |p|^2 in it are carried along.
    """
    residual = here.project(here.gradient)
    enough = share * _norm(residual)
    near = here.project(here.precondition(residual))
    direction, rz = -near, _dot(residual, near)
    Y, pushed_Y = np.zeros_like(residual), np.zeros_like(residual)
    yy, yp, pp = 0.0, 0.0, rz
    at_edge = False
    products = 0
    while products < PRODUCTS and not at_edge:
        pushed = here.product(direction)
        products += 1
        bend = _dot(direction, pushed)
        pace = rz / bend if bend > 0.0 else np.inf
        at_edge = not yy + 2.0 * pace * yp + pace * pace * pp < radius * radius
        if at_edge:
            pace = (np.sqrt(yp * yp + pp * (radius * radius - yy)) - yp) / pp
        Y += pace * direction
        pushed_Y += pace * pushed
        yy += 2.0 * pace * yp + pace * pace * pp
        residual = residual + pace * here.project(pushed)
        if _norm(residual) <= enough:
            break
        near = here.project(here.precondition(residual))
        last, rz = rz, _dot(residual, near)
        turn = rz / last
        yp, pp = turn * (yp + pace * pp), rz + turn * turn * pp
        direction = turn * direction - near
    fall = -_dot(here.gradient, Y) - 0.5 * _dot(Y, pushed_Y)
    return _Step(Y, fall, float(np.sqrt(yy)), at_edge, products)


def _dot(a: Matrix, b: Matrix) -> float:
    return float(np.vdot(a, b))


def _norm(a: Matrix) -> float:
    return float(np.sqrt(np.vdot(a, a)))
