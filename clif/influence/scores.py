"""Scores of documents and contexts, in one streaming pass over the tokens."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from clif.errors import UsageError
from clif.influence.methods import Method
from clif.influence.problem import Matrix, Problem
from clif.pairs import Contexts
from clif.progress import Progress, silent


@dataclass(frozen=True, eq=False)
class Scores:
    """Influence (documents,) on T when removed, and what solving and scoring took, in seconds.

    `table` (n, V) is the influence of one expected pair, None for counting methods; `residual` is the largest
    relative residual of the solves, None where there is none.
    """

    influence: NDArray[np.float64]
    table: Matrix | None
    residual: float | None
    solve_seconds: float
    score_seconds: float
    cpu_seconds: float


def score_documents(problem: Problem, method: Method, progress: Progress = silent) -> Scores:
    """Score every document, also those that hold no word of the test (their influence by `block` is 0)."""
    with threadpool_limits(1):  # BLAS threads would mostly wait, and change the last bits
        return _score_documents(problem, method, progress)


def _score_documents(problem: Problem, method: Method, progress: Progress) -> Scores:
    cpu, began = time.process_time(), time.perf_counter()
    table: Matrix | None = None
    residual: float | None = None
    if method.solve:
        progress("solve", 0, None, "pairs around the words of the test")
        s = method.solve(problem)
        if method.name == "block":
            residual = _residual(problem, s)
        table = problem.surroundings.contraction(s)
        solved = time.perf_counter()
        influence = np.zeros(len(problem.corpus))
        for contexts in problem.contexts():
            progress("score", int(contexts.document[-1]), len(influence), "documents")
            influence += np.bincount(
                contexts.document, context_influence(problem, table, contexts), minlength=len(influence)
            )
    else:
        solved = time.perf_counter()
        assert method.count is not None
        influence = -np.sign(problem.value) * method.count(problem)
    return Scores(
        influence=influence,
        table=table,
        residual=residual,
        solve_seconds=solved - began,
        score_seconds=time.perf_counter() - solved,
        cpu_seconds=time.process_time() - cpu,
    )


def context_influence(problem: Problem, table: Matrix, contexts: Contexts) -> NDArray[np.float64]:
    """Influence of each context: its expected weight times the table's entry; they sum to their document."""
    return np.asarray(contexts.weight * table[problem.slot[contexts.input], contexts.output])


def top_contexts(problem: Problem, scores: Scores, top: int | None) -> tuple[Contexts, NDArray[np.float64]]:
    """The first `top` contexts in rank order (all for None) and their influence.

    Rank order: sign(T) x influence, ascending; ties by document and position. Memory is bounded by `top` and
    one block.

    Raises
    ------
    UsageError
        The method gives no influence to contexts.

    """
    if scores.table is None:
        raise UsageError(
            "this method scores whole documents only",
            where="--unit context",
            next="Use --method block or --method gradient.",
        )
    sign = np.sign(problem.value)
    kept: list[Contexts] = []
    influences: list[NDArray[np.float64]] = []
    for contexts in problem.contexts():
        kept.append(contexts)
        influences.append(context_influence(problem, scores.table, contexts))
        if top is not None and sum(map(len, influences)) > 4 * max(top, 1 << 18):
            best, value = _select(kept, influences, sign, top)
            kept, influences = [best], [value]
    return _select(kept, influences, sign, top)


def _select(
    kept: list[Contexts], influences: list[NDArray[np.float64]], sign: float, top: int | None
) -> tuple[Contexts, NDArray[np.float64]]:
    columns = ("document", "position", "output_position", "input", "output", "weight")
    none = np.empty(0, dtype=np.int64)
    joined = {name: np.concatenate([none, *(getattr(part, name) for part in kept)]) for name in columns}
    value = np.concatenate([none, *influences])
    order = np.lexsort((joined["output_position"], joined["position"], joined["document"], sign * value))[:top]
    return Contexts(**{name: column[order] for name, column in joined.items()}), value[order]


def _residual(problem: Problem, s: Matrix) -> float:
    """Largest relative residual |(H_w + damp I) s_w - g_w| / |g_w| over the test's words."""
    product = np.einsum("nij,nj->ni", problem.hessian, s) + problem.damp * s
    gap = np.linalg.norm(product - problem.gradient, axis=1)
    size = np.linalg.norm(problem.gradient, axis=1)
    return float((gap / np.where(size > 0, size, 1.0)).max())
