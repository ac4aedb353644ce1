"""Documents chosen chunk by chunk, each chunk by what its removal does once those before it are gone.

A ranking by single influences takes no account of what the documents at its top share: once some of them are out, the
others may do more, or less. So after each chunk S_1, S_2, ... the test's vectors take one Newton step on what remains
(see `groups`), and the influences are estimated anew there,

    E <- U + delta(S_1 + ... + S_i)        s = (H(E; corpus without them) + damp I)^-1 dT/dE        influence = s . g_z

for `block`; for `source` the same is done at every checkpoint of the training (see `Course.without`).

Hu et al. 2024, "Most Influential Subset Selection: Challenges, Promises, and Beyond", show when this finds better sets.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from clif.influence.attribution import PairTable
from clif.influence.groups import mean_value, vectors_after
from clif.influence.problem import Matrix, Problem
from clif.influence.scores import document_influence
from clif.influence.source import course_of
from clif.progress import Progress, silent

CHUNK = 10
# From the counts (n, V) of pairs that are gone to the influence of each pair that is left, (n, V).
Tables = Callable[[Matrix], Matrix]


@dataclass(frozen=True, eq=False)
class Choice:
    """Documents in the order chosen, and the influence of each given that those of earlier chunks are gone."""

    documents: NDArray[np.int64]
    influence: NDArray[np.float64]


def choose_adaptively(
    problems: Sequence[Problem],
    limit: int,
    chunk: int = CHUNK,
    *,
    method: str = "block",
    threads: int | None = None,
    progress: Progress = silent,
) -> Choice:
    """Choose `limit` documents whose removal lowers |T|, for the mean over several models of the same question.

    It goes on in one direction where the predicted T changes its sign. Influences are those of a `method` of ADAPTIVE.

    Raises
    ------
    UsageError
        As the method raises it.

    """
    sign = np.sign(mean_value(problems)) or 1.0
    documents = len(problems[0].corpus)
    free = np.ones(documents, dtype=np.bool_)
    chosen: list[NDArray[np.int64]] = []
    influences: list[NDArray[np.float64]] = []
    tables = [ADAPTIVE[method](problem) for problem in problems]
    done = 0
    while done < min(limit, documents):
        progress("choose", done, limit, "documents")
        gone = np.concatenate([np.empty(0, dtype=np.int64), *chosen])
        counts = problems[0].count(gone) if len(gone) else np.zeros_like(problems[0].counts)
        pairs = PairTable(problems[0], np.mean([table(counts) for table in tables], axis=0))
        influence = document_influence(pairs, threads)[0]
        order = np.argsort(np.where(free, sign * influence, np.inf), kind="stable")
        taken = order[: min(chunk, limit - done, documents - done)]
        free[taken] = False
        chosen.append(taken)
        influences.append(influence[taken])
        done += len(taken)
    return Choice(np.concatenate([np.empty(0, dtype=np.int64), *chosen]), np.concatenate([np.empty(0), *influences]))


def _block(problem: Problem) -> Tables:
    """Influences at the end of the training."""

    def table(counts: Matrix) -> Matrix:
        E = vectors_after(problem, counts) if counts.any() else problem.E
        around = replace(problem.surroundings, U=np.asarray(E, dtype=np.float64))
        with threadpool_limits(1):
            damped = around.hessian(problem.counts - counts) + problem.damp * np.eye(E.shape[1])
            gradient = problem.objective.gradient(E, problem.measure)
            return around.contraction(np.asarray(np.linalg.solve(damped, gradient[:, :, None])[:, :, 0]))

    return table


def _source(problem: Problem) -> Tables:
    """Influences through all epochs."""
    course = course_of(problem)

    def table(counts: Matrix) -> Matrix:
        left = course.without(counts)
        return left.table(problem.objective.gradient(left.around[-1].U, problem.measure))

    return table


ADAPTIVE: dict[str, Callable[[Problem], Tables]] = {"block": _block, "source": _source}
