"""Scores of documents, sentences and contexts from what a method found, in one streaming pass over the tokens."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clif.cluster import current_cluster
from clif.compiling import warm_up
from clif.corpus.parts import BLOCK, blocks_of
from clif.errors import UsageError
from clif.influence.attribution import Attribution, JointPairs, Pairs, PairTable
from clif.influence.divided import score_divided
from clif.influence.joint import SolveSettings, Store
from clif.influence.methods import Method
from clif.influence.problem import Matrix, Problem
from clif.influence.rehearsal import rehearse
from clif.influence.scorers import sum_between
from clif.processes import cores
from clif.progress import Progress, silent
from clif.threads import one_thread

Values = NDArray[np.float64]
QUICK = 1 << 25  # tokens up to which a table is scored in one thread


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
    with one_thread():  # BLAS threads would mostly wait, and change the last bits
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
    cluster, scorer = current_cluster(), pairs.scorer
    if cluster and scorer is not None:
        return score_divided(cluster, pairs.problem.corpus, scorer, progress)
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
    # A table is looked up faster than threads start, up to some length.
    quick = isinstance(pairs, PairTable) and len(pairs.problem.corpus.tokens) < QUICK
    workers = threads or (1 if quick else cores())
    waiting: list[tuple[int, int, Future[Matrix]]] = []
    with ThreadPoolExecutor(workers) as pool:
        for first, last in blocks_of(offsets, BLOCK):
            waiting.append((first, last, pool.submit(pairs.tokens, first, last)))
            if len(waiting) > workers:
                begin, end, future = waiting.pop(0)
                yield begin, end, future.result()
        for begin, end, future in waiting:
            yield begin, end, future.result()
