"""The predicted effect of an edit: documents removed or repeated, sentences taken out, words replaced.

Influences add up only for small sets: the curvature changes with the documents, and the effect size is a ratio.
So a set S is predicted by one Newton step on what remains and by re-evaluation of T,

    (H_w - H_S,w + damp I) delta_w = g_S,w  for each test word w,        T(U + delta) - T(U).

Repeated documents enter with the opposite sign, those that stand for a half with a half, and of a document with other
tokens what counts is the difference of its pairs (`Problem.gone`). A method may bring a predictor of its own
(`Problem.knowing`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from clif.corpus.change import Change
from clif.influence.problem import Matrix, Problem
from clif.threads import one_thread

# A change of the corpus, or (documents,) how often each document is taken out: 1 removes it, -2 adds two copies.
Edited = Change | NDArray[np.float64]

# A prediction below this share of T counts as having come to zero.
NEAR = 0.05


def predict_value(problem: Problem, edited: Edited) -> float:
    """T after an edit."""
    return predict_mean([problem], edited)


def predict_mean(problems: Sequence[Problem], edited: Edited) -> float:
    """Mean over several models of the same question of T after an edit, each in its own way."""
    change = Change.of(edited)
    if not change.times.any() and not len(change.places):
        return mean_value(problems)
    counts = None
    after = []
    for problem in problems:
        if problem.predictor is not None:
            after.append(problem.predictor(change))
        else:
            if counts is None:  # of the corpus, so they are the same for all
                counts = problems[0].gone(change)
            after.append(problem.objective.value(vectors_after(problem, counts), problem.measure))
    return float(np.mean(after))


def predict_change(problem: Problem, sets: str, influence: NDArray[np.float64], times: NDArray[np.float64]) -> float:
    """Change of T by an edit, as the method predicts it.

    `sets` is Method.sets, `influence` (documents,) its scores; the problem knows what else the method found.
    """
    return float(times @ influence) if sets == "sum" else predict_value(problem, times) - problem.value


def mean_value(problems: Sequence[Problem]) -> float:
    """Mean over several models of T as it is."""
    return float(np.mean([problem.value for problem in problems]))


def vectors_after(problem: Problem, counts: Matrix) -> Matrix:
    """U + delta (n, d) of the test's words after pairs of these counts (n, V) have been taken out."""
    around = problem.surroundings
    with one_thread():
        damped = problem.hessian - around.hessian(counts) + problem.damp * np.eye(problem.E.shape[1])
        delta = np.linalg.solve(damped, around.gradient(counts)[:, :, None])[:, :, 0]
    return np.asarray(problem.E + delta)


def removal(problem: Problem, documents: NDArray[np.int64]) -> NDArray[np.float64]:
    """`times` for removing these documents, each once."""
    times = np.zeros(len(problem.corpus))
    times[documents] = 1.0
    return times


def zero_crossing(problem: Problem, order: NDArray[np.int64], limit: int) -> int | None:
    """How many of the first documents of `order` bring the predicted T nearest to zero by being removed.

    At most `limit`, and never all of them; None where no number does (see `nearest_zero`).
    """
    return mean_crossing([problem], order, min(limit, len(order) - 1))


def mean_crossing(
    problems: Sequence[Problem],
    order: NDArray[np.int64],
    limit: int,
    edited: Callable[[NDArray[np.int64]], Edited] | None = None,
) -> int | None:
    """As `zero_crossing`, for the mean over several models of the same question.

    `order` may hold some documents only, and then all of them may go; one document of the corpus always stays. It may
    hold other things than documents, or documents that shall not go as a whole: `edited` then says of some of them what
    edit of the corpus they make.
    """
    sign = np.sign(mean_value(problems))
    if sign == 0:
        return None
    if edited is None:
        limit = min(limit, len(problems[0].corpus) - 1)
    made = edited or (lambda documents: removal(problems[0], documents))

    def predicted(k: int) -> float:
        return float(sign * predict_mean(problems, made(order[:k])))

    return nearest_zero(predicted, min(limit, len(order)))


def nearest_zero(predicted: Callable[[int], float], limit: int) -> int | None:
    """The k from 1 to `limit` at which `predicted(k)`, positive at 0, is nearest zero.

    Probes k = 1, 2, 3, 4, 6, 9, ... (steps of a half) up to the first change of sign, then bisects. Without a change
    of sign among the probes: the smallest of them if it is below NEAR of the value at 0, else None.
    """
    value = {0: predicted(0)}
    low, high = 0, 1
    while high <= limit:
        value[high] = predicted(high)
        if value[high] <= 0:
            break
        step = max(high + 1, high * 3 // 2)
        low, high = high, limit if high < limit < step else step
    if high > limit:
        best = min(value, key=lambda k: value[k])
        return best if best and value[best] < NEAR * value[0] else None
    while high - low > 1:
        middle = (low + high) // 2
        value[middle] = predicted(middle)
        low, high = (middle, high) if value[middle] > 0 else (low, middle)
    return low if low and value[low] < -value[high] else high
