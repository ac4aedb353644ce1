"""Documents, or sentences, chosen chunk by chunk, each chunk by what its removal does once those before it are gone.

A ranking by single influences takes no account of what the documents at its top share: once some of them are out, the
others may do more, or less. So after each chunk S_1, S_2, ... the test's vectors take one Newton step on what remains
(see `groups`), and the influences are estimated anew there,

    E <- U + delta(S_1 + ... + S_i)        s = (H(E; corpus without them) + damp I)^-1 dT/dE        influence = s . g_z

for `block`; for `source` the same is done at every checkpoint of the training (see `Course.without`). Sentences are
chosen in the same way: g_z is that of a sentence in the text that is left.

Hu et al. 2024, "Most Influential Subset Selection: Challenges, Promises, and Beyond", show when this finds better sets.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from clif.influence.attribution import PairTable
from clif.influence.groups import mean_value, vectors_after
from clif.influence.problem import Matrix, Problem
from clif.influence.source import course_of
from clif.influence.units import Documents, Units
from clif.progress import Progress, silent
from clif.threads import one_thread

CHUNK = 10
# From the counts (n, V) of pairs that are gone to the vectors E (n, d) that are then predicted, and to the influence of
# each pair that is left, (n, V).
Without = Callable[[Matrix], tuple[Matrix, Matrix]]
# From numbers (documents,), the lower the better, the documents chosen so far, and how many may follow now and in all:
# those that follow, fewer or none where no others may.
Pick = Callable[[NDArray[np.float64], NDArray[np.int64], int, int], NDArray[np.int64]]


@dataclass(frozen=True, eq=False)
class Choice:
    """Documents, or sentences, in the order chosen, and the influence of each given that earlier chunks are gone.

    `values` are the predicted T before each chunk, and at the end where it was asked if that was `enough`; `numbers` of
    documents were chosen by then.
    """

    documents: NDArray[np.int64]
    influence: NDArray[np.float64]
    values: tuple[float, ...]
    numbers: tuple[int, ...]


def lowest(score: NDArray[np.float64], chosen: NDArray[np.int64], most: int, _left: int) -> NDArray[np.int64]:
    """The `most` documents with the lowest scores of those that are not chosen yet."""
    free = np.ones(len(score), dtype=np.bool_)
    free[chosen] = False
    return np.argsort(np.where(free, score, np.inf), kind="stable")[: min(most, int(free.sum()))]


def choose_adaptively(
    problems: Sequence[Problem],
    limit: int,
    chunk: int = CHUNK,
    *,
    method: str = "block",
    units: Units | None = None,
    pick: Pick = lowest,
    enough: Callable[[Sequence[float]], bool] | None = None,
    threads: int | None = None,
    progress: Progress = silent,
) -> Choice:
    """Choose `limit` units whose removal lowers |T|, for the mean over several models of the same question.

    It goes on in one direction where the predicted T changes its sign. Influences are those of a `method` of ADAPTIVE.
    `units` are documents unless given, and `pick` takes each chunk of them. `enough` is asked with the values so far
    whether no more are needed.

    Raises
    ------
    UsageError
        As the method raises it.

    """
    sign = np.sign(mean_value(problems)) or 1.0
    units = Documents(problems[0].corpus) if units is None else units
    limit = min(limit, len(units))
    models = [ADAPTIVE[method](problem) for problem in problems]
    chosen, influences = np.empty(0, dtype=np.int64), np.empty(0)
    values: list[float] = []
    numbers: list[int] = []
    while len(chosen) < limit or enough:
        progress("choose", len(chosen), limit, f"{units.name}s")
        gone = units.without(chosen)
        counts = problems[0].gone(gone) if len(chosen) else np.zeros_like(problems[0].counts)
        found = [without(counts) for without in models]
        after = [p.objective.value(E, p.measure) for p, (E, _) in zip(problems, found, strict=True)]
        values.append(float(np.mean(after)))
        numbers.append(len(chosen))
        if enough and (enough(values) or len(chosen) == limit):
            break
        pairs = PairTable(problems[0], np.mean([table for _, table in found], axis=0))
        influence = units.influence(pairs, gone, threads)
        left = limit - len(chosen)
        taken = pick(sign * influence, chosen, min(chunk, left), left)
        if not len(taken):
            break
        chosen = np.concatenate([chosen, taken])
        influences = np.concatenate([influences, influence[taken]])
    return Choice(chosen, influences, tuple(values), tuple(numbers))


def _block(problem: Problem) -> Without:
    """Influences at the end of the training."""

    def without(counts: Matrix) -> tuple[Matrix, Matrix]:
        E = vectors_after(problem, counts) if counts.any() else problem.E
        around = replace(problem.surroundings, U=np.asarray(E, dtype=np.float64))
        with one_thread():
            damped = around.hessian(problem.counts - counts) + problem.damp * np.eye(E.shape[1])
            gradient = problem.objective.gradient(E, problem.measure)
            s = np.asarray(np.linalg.solve(damped, gradient[:, :, None])[:, :, 0])
            return E, around.contraction(s)

    return without


def _source(problem: Problem) -> Without:
    """Influences through all epochs."""
    course = course_of(problem)

    def without(counts: Matrix) -> tuple[Matrix, Matrix]:
        left = course.without(counts)
        E = left.around[-1].U
        return E, left.table(problem.objective.gradient(E, problem.measure))

    return without


ADAPTIVE: dict[str, Callable[[Problem], Without]] = {"block": _block, "source": _source}
