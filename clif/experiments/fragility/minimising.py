"""Many objectives minimised at once by L-BFGS, preconditioned where a rough inverse of the curvature is at hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

MEMORY = 10  # pairs of steps and changes of gradient
TRIES = 20  # lengths of a step
FALL, BEND = 1e-4, 0.9  # Armijo's and Wolfe's constants
ROUNDING = 1e-13  # of a value, relative: below it the slope decides (Hager and Zhang 2005)

Slopes = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
Renew = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class Minimum:
    """Where `minimise` came to: vectors (k, p), values (k,) and norms of gradients (k,)."""

    vectors: Tensor
    values: Tensor
    gradients: Tensor


def minimise(
    slopes: Slopes,
    starts: Tensor,
    *,
    tolerance: float,
    limit: int,
    renew: Renew | None = None,
    every: int = 0,
    after: int = 0,
) -> Minimum:
    """Minimise k objectives from `starts` (k, p) until the norm of the gradient is below `tolerance`.

    slopes   (vectors (m, p), rows (m,)) -> values (m,), gradients (m, p); rows say which objectives the vectors are of
    limit    iterations at most
    renew    (vectors, rows) -> rough inverses of the curvature there, (m, p, p); after the first `after` iterations,
             which do without, and after each `every` further ones, L-BFGS begins anew with them

    A step fulfils Wolfe's weak conditions, found by bisection; an objective for which no length of a step does is left
    where it is until the inverse is renewed. (Nocedal 1980; Lewis and Overton 2013 for the line search.)
    """
    vectors = starts.clone()
    values, gradients = slopes(vectors, torch.arange(len(vectors)))
    active, done = torch.nonzero(gradients.norm(dim=1) > tolerance).ravel(), 0
    while len(active) and done < limit:
        plain = renew is None or done < after
        steps = limit if renew is None else after if plain else every
        steps = min(steps, limit - done)
        inverse = None if renew is None or plain else renew(vectors[active], active)
        before = values[active]
        found = _descend(slopes, vectors[active], values[active], gradients[active], active,
                         tolerance, steps, inverse)  # fmt: skip
        vectors[active], values[active], gradients[active] = found
        done += steps
        going = gradients[active].norm(dim=1) > tolerance
        if not plain:  # what moves no further with a fresh inverse is as good as rounding, or a kink, allows
            going &= before - values[active] > 0
        active = active[going]
    return Minimum(vectors, values, gradients.norm(dim=1))


def _descend(
    slopes: Slopes, x: Tensor, value: Tensor, g: Tensor, names: Tensor, tolerance: float, limit: int,
    inverse: Tensor | None,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    x, value, g = x.clone(), value.clone(), g.clone()
    k, p = x.shape
    moves, turns = torch.zeros(2, MEMORY, k, p, dtype=torch.float64)
    scales = torch.zeros(MEMORY, k, dtype=torch.float64)  # 1 / (move . turn); 0 where there is none
    active = torch.nonzero(g.norm(dim=1) > tolerance).ravel()
    for iteration in range(limit):
        if not len(active):
            break
        slot = iteration % MEMORY
        newest = [(iteration - 1 - age) % MEMORY for age in range(min(iteration, MEMORY))]
        direction = -_apply(g[active], moves[:, active], turns[:, active], scales[:, active], newest,
                            inverse if inverse is None or len(active) == k else inverse[active])  # fmt: skip
        slope = (direction * g[active]).sum(1)
        up = ~(slope < 0)
        direction[up], slope[up] = -g[active[up]], -(g[active[up]] ** 2).sum(1)
        length, low, high = torch.ones_like(slope), torch.zeros_like(slope), torch.full_like(slope, math.inf)
        scales[slot, active] = 0.0
        trying, moved = torch.arange(len(active)), []
        for _ in range(TRIES):
            rows = active[trying]
            there = x[rows] + length[trying, None] * direction[trying]
            new_value, new_g = slopes(there, names[rows])
            new_slope, old_slope = (new_g * direction[trying]).sum(1), slope[trying]
            fell = new_value <= value[rows] + FALL * length[trying] * old_slope
            level = new_value <= value[rows] + ROUNDING * (1 + value[rows].abs())
            fell |= level & (new_slope <= (2 * FALL - 1) * old_slope)
            bent = new_slope >= BEND * old_slope
            good = fell & bent
            done = rows[good]
            move, turn = there[good] - x[done], new_g[good] - g[done]
            curve = (move * turn).sum(1)
            moves[slot, done], turns[slot, done] = move, turn
            scales[slot, done] = torch.where(curve > 0, 1 / curve, 0.0)
            x[done], value[done], g[done] = there[good], new_value[good], new_g[good]
            moved.append(done)
            high[trying] = torch.where(fell, high[trying], length[trying])
            low[trying] = torch.where(fell & ~bent, length[trying], low[trying])
            length[trying] = torch.where(high[trying].isinf(), 2 * length[trying], (low[trying] + high[trying]) / 2)
            trying = trying[~good]
            if not len(trying):
                break
        active = torch.cat(moved).sort().values
        active = active[g[active].norm(dim=1) > tolerance]
    return x, value, g


def _apply(
    g: Tensor, moves: Tensor, turns: Tensor, scales: Tensor, newest: list[int], inverse: Tensor | None
) -> Tensor:
    """The approximate inverse of the curvature on each gradient, by the recursion over the pairs that are kept."""
    q, parts = g.clone(), {}
    for slot in newest:
        parts[slot] = scales[slot] * (moves[slot] * q).sum(1)
        q -= parts[slot][:, None] * turns[slot]
    if inverse is not None:
        q = torch.bmm(inverse, q[..., None])[..., 0]
    elif newest:
        size = scales[newest[0]] * (turns[newest[0]] ** 2).sum(1)
        q = torch.where(size > 0, 1 / size, 1.0)[:, None] * q
    else:
        q = q / g.norm(dim=1, keepdim=True).clamp_min(1.0)
    for slot in reversed(newest):
        q += moves[slot] * (parts[slot] - scales[slot] * (turns[slot] * q).sum(1))[:, None]
    return q
