"""Which documents each policy removes first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from clif.influence.adaptive import CHUNK, choose_adaptively
from clif.influence.problem import Problem
from clif.influence.units import Documents
from clif.objectives import Coverage
from clif.progress import Progress
from clif.retraining.edits import count_to_tokens
from clif.retraining.kept import Kept
from clif.retraining.limits import Limits
from clif.run import Run

CHUNKS = 50  # in which the documents of the largest share are chosen, at the most

Integers = NDArray[np.int64]


def chosen_by_influence(
    run: Run, problems: Sequence[Problem], method: str, tokens: float, kept: Sequence[Kept], progress: Progress
) -> Integers:
    """Documents in chunks, by influences that are estimated anew, until they hold so many tokens.

    With `kept` objectives, those that leave these within their tolerances; they may come to an end before.
    """
    corpus = run.corpus
    stay = [each.put_to(problems, Documents(corpus)) for each in kept]
    limits = replace(Limits.free(np.ones(len(corpus), dtype=np.bool_)), kept=stay)
    chunk = max(CHUNK, int(tokens / corpus.lengths.mean()) // CHUNKS)

    def pick(score: NDArray[np.float64], chosen: Integers, most: int, left: int) -> Integers:
        held = float(corpus.lengths[chosen].sum())
        progress("choose", min(held, tokens), tokens, "documents, by their tokens")
        if held >= tokens:
            return np.empty(0, dtype=np.int64)
        return limits.pick(score, chosen, most, left)

    most = len(corpus) - 1
    return limits.holding(choose_adaptively(problems, most, chunk, method=method, pick=pick).documents)


def at_random(run: Run, seed: int) -> Integers:
    """All documents in a random order, another for each seed."""
    return np.random.default_rng([run.settings.seed, seed]).permutation(len(run.corpus))


def by_keywords(run: Run, coverage: Coverage) -> Integers:
    """All documents by how many of their tokens are words of the test, the largest share first."""
    corpus = run.corpus
    named = np.zeros(max(len(corpus.types), 1), dtype=np.bool_)
    for rows in coverage.rows.values():
        named[rows] = True
    before = np.concatenate([[0], np.cumsum(named[corpus.tokens])])
    found = before[corpus.offsets[1:]] - before[corpus.offsets[:-1]]
    share = found / np.maximum(corpus.lengths, 1)
    return np.argsort(-share, kind="stable")


def head(run: Run, order: Integers, tokens: float) -> Integers:
    """The first documents of an order that hold so many tokens, to the nearest document, or all of it."""
    return order[: count_to_tokens(run.corpus, order, tokens)] if len(order) else order
