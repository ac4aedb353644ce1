"""The predicted effect of removing, or repeating, a set of documents.

Influences add up only for small sets: the curvature changes with the documents, and the effect size is a ratio.
So a set S is predicted by one Newton step on what remains and by re-evaluation of T,

    (H_w - H_S,w + damp I) delta_w = g_S,w  for each test word w,        T(U + delta) - T(U).

Repeated documents enter with the opposite sign.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from clif.influence.problem import Problem


def predict_value(problem: Problem, times: NDArray[np.float64]) -> float:
    """T after each document z has been taken out `times[z]` times (1 removes, -2 adds two copies)."""
    documents = np.flatnonzero(times)
    if not len(documents):
        return problem.value
    counts = problem.count(documents, times)
    around = problem.surroundings
    with threadpool_limits(1):
        damped = problem.hessian - around.hessian(counts) + problem.damp * np.eye(problem.E.shape[1])
        delta = np.linalg.solve(damped, around.gradient(counts)[:, :, None])[:, :, 0]
    return problem.objective.value(problem.E + delta, problem.measure)


def removal(problem: Problem, documents: NDArray[np.int64]) -> NDArray[np.float64]:
    """`times` for removing these documents, each once."""
    times = np.zeros(len(problem.corpus))
    times[documents] = 1.0
    return times


def zero_crossing(problem: Problem, order: NDArray[np.int64], limit: int | None = None) -> int | None:
    """How many of the first documents of `order` bring the predicted T nearest to zero by being removed.

    None where no number of them (up to `limit`) makes it change its sign.
    """
    limit = len(order) - 1 if limit is None else min(limit, len(order) - 1)
    sign = np.sign(problem.value)

    def predicted(k: int) -> float:
        return float(sign * predict_value(problem, removal(problem, order[:k])))

    return nearest_zero(predicted, limit)


def nearest_zero(predicted: Callable[[int], float], limit: int) -> int | None:
    """Smallest k up to `limit`, within a factor of two and bisection, at which `predicted(k)` is nearest zero.

    `predicted` is positive at 0; None where it stays positive at every k tried.
    """
    low, high = 0, 1
    while high <= limit and predicted(high) > 0:
        low, high = high, 2 * high
    if high > limit:
        if low >= limit or predicted(limit) > 0:
            return None
        high = limit
    while high - low > 1:
        middle = (low + high) // 2
        if predicted(middle) > 0:
            low = middle
        else:
            high = middle
    return high if low == 0 or abs(predicted(high)) <= abs(predicted(low)) else low
