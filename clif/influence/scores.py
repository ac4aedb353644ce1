"""Scores of documents, sentences and contexts from what a method found, in one streaming pass over the tokens."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from clif.compiling import warm_up
from clif.errors import UsageError
from clif.influence.attribution import Attribution, JointPairs, Pairs, PairTable
from clif.influence.joint import SolveSettings, Store
from clif.influence.methods import Method
from clif.influence.problem import Matrix, Problem
from clif.influence.rehearsal import rehearse
from clif.progress import Progress, silent

Values = NDArray[np.float64]
QUICK = 1 << 25  # tokens up to which a table is scored in one thread
BLOCK = 1 << 18  # tokens that are scored at a time: what a thread takes


@dataclass(frozen=True, eq=False)
class Scores:
    """Influence (documents,) on T when removed, and what solving and scoring took, in seconds.

    `attribution` is what the method found, from which contexts, sentences and tokens get theirs.
    """

    influence: Values
    attribution: Attribution
    solve_seconds: float
    score_seconds: float
    solve_cpu: float
    score_cpu: float

    @property
    def cpu_seconds(self) -> float:
        """CPU seconds of solving and scoring, imports and compilation left out."""
        return self.solve_cpu + self.score_cpu

    @property
    def pairs(self) -> Pairs:
        """Influence of training pairs; raises UsageError if the method scores whole documents only."""
        if self.attribution.pairs is None:
            raise UsageError(
                "this method scores whole documents only",
                where="--method",
                next="Use --method block, clif or gradient.",
            )
        return self.attribution.pairs


def _solve_anew(_name: str, solve: Any) -> Any:
    return solve()


def score_documents(
    problem: Problem,
    method: Method,
    settings: SolveSettings | None = None,
    *,
    store: Store = _solve_anew,
    parts: bool = False,
    threads: int | None = None,
    progress: Progress = silent,
) -> Scores:
    """Score every document, also those that hold no word of the test (their influence by `block` is 0)."""
    return score_many([problem], method, settings, stores=[store], parts=parts, threads=threads, progress=progress)[0]


def score_many(
    problems: Sequence[Problem],
    method: Method,
    settings: SolveSettings | None = None,
    *,
    stores: Sequence[Store] | None = None,
    parts: bool = False,
    threads: int | None = None,
    progress: Progress = silent,
) -> list[Scores]:
    """Score every document for several questions about one model (`Problem.asking`).

    Counting and the set-up of the solves are done once, and joint solves are scored in one pass over the tokens. The
    number of `threads` (all cores for None) changes no bit of the result. `stores` keep solves. `parts` asks for
    `Scores.pairs`, which some methods find in another way than documents.
    """
    # Outside the clock: kernels compile once a machine.
    warm_up(lambda: rehearse(problems[0], method), lambda note: progress("compile", 0, None, note))
    with threadpool_limits(1):  # BLAS threads would mostly wait, and change the last bits
        found, solving = [], []
        for problem, store in zip(problems, stores or [_solve_anew] * len(problems), strict=True):
            cpu, began = time.process_time(), time.perf_counter()
            progress("solve", 0, None, "pairs of words")
            found.append(method.find(problem, settings or SolveSettings(), store, parts=parts))
            solving.append((time.perf_counter() - began, time.process_time() - cpu))
        cpu, began = time.process_time(), time.perf_counter()
        influence = _documents(found, threads, progress)
        wall, work = time.perf_counter() - began, time.process_time() - cpu
    share = len(problems)
    return [
        Scores(
            influence=values,
            attribution=attribution,
            solve_seconds=seconds,
            score_seconds=wall / share,
            solve_cpu=solve_work,
            score_cpu=work / share,
        )
        for attribution, values, (seconds, solve_work) in zip(found, influence, solving, strict=True)
    ]


def _documents(found: list[Attribution], threads: int | None, progress: Progress) -> list[Values]:
    joint = [a.pairs for a in found if isinstance(a.pairs, JointPairs)]
    if joint and len(joint) == len(found):
        return list(document_influence(JointPairs.join(joint), threads, progress))
    return [document_influence(a.pairs, threads, progress)[0] if a.pairs is not None else _given(a) for a in found]


def _given(attribution: Attribution) -> Values:
    assert attribution.documents is not None
    return attribution.documents


def document_influence(pairs: Pairs, threads: int | None = None, progress: Progress = silent) -> Matrix:
    """Influence (objectives, documents): the sum over the document's contexts."""
    offsets = pairs.problem.corpus.offsets
    parts = []
    for first, last, tokens in stream_tokens(pairs, threads):
        progress("score", float(offsets[last]), float(offsets[-1]), "tokens")
        pairs.problem.corpus.release()
        parts.append(sum_between(tokens, offsets[first : last + 1] - offsets[first]))
    return np.concatenate(parts, axis=1) if parts else np.zeros((1, 0))


def stream_tokens(pairs: Pairs, threads: int | None = None) -> Iterator[tuple[int, int, Matrix]]:
    """Yield (first, last, influence (objectives, tokens)) for blocks of documents, in order.

    A token has half of the influence of every context that it is part of, so tokens sum to their document. Blocks are
    cut without regard to the number of threads, and each is summed by one thread: the result does not depend on it.
    """
    offsets = pairs.problem.corpus.offsets
    blocks, first = [], 0
    while first < len(offsets) - 1:
        last = max(first + 1, int(np.searchsorted(offsets, offsets[first] + BLOCK, side="right")) - 1)
        blocks.append((first, last))
        first = last
    # A table is looked up faster than threads start, up to some length.
    quick = isinstance(pairs, PairTable) and len(pairs.problem.corpus.tokens) < QUICK
    workers = threads or (1 if quick else _cores())
    waiting: list[tuple[int, int, Future[Matrix]]] = []
    with ThreadPoolExecutor(workers) as pool:
        for first, last in blocks:
            waiting.append((first, last, pool.submit(pairs.tokens, first, last)))
            if len(waiting) > workers:
                begin, end, future = waiting.pop(0)
                yield begin, end, future.result()
        for begin, end, future in waiting:
            yield begin, end, future.result()


def _cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def sum_between(values: Matrix, ends: NDArray[np.int64]) -> Matrix:
    """Sums (m, parts) of values (m, n) over ends[i]:ends[i + 1]; empty parts give 0."""
    sums = np.zeros((len(values), len(ends) - 1))
    filled = np.flatnonzero(np.diff(ends))
    if len(filled):
        sums[:, filled] = np.add.reduceat(values, ends[:-1][filled], axis=1)
    return sums
