"""Baselines that know no gradient: they rank documents by a number, the largest first."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from clif.influence.attribution import Attribution
from clif.influence.problem import Problem

Values = NDArray[np.float64]


def counting(count: Callable[[Problem], Values]) -> Callable[[Problem], Attribution]:
    """Make a method of a number: its `influence` is -sign(T) times that number, so that rank 1 is the largest."""

    def attribute(problem: Problem) -> Attribution:
        return Attribution(documents=-np.sign(problem.value) * count(problem))

    return attribute


def frequency(problem: Problem) -> Values:
    """Occurrences of the test's words in each document."""
    corpus, found = problem.corpus, np.zeros(len(problem.corpus))
    test_word = np.zeros(len(corpus.types), dtype=bool)
    test_word[problem.rows] = True
    step = 1 << 22
    for start in range(0, len(corpus.tokens), step):
        places = start + np.flatnonzero(test_word[corpus.tokens[start : start + step]])
        documents = np.searchsorted(corpus.offsets, places, side="right") - 1
        found += np.bincount(documents, minlength=len(corpus))
    return found


def length(problem: Problem) -> Values:
    """Tokens of each document."""
    return problem.corpus.lengths.astype(np.float64)


def random(problem: Problem) -> Values:
    """A number in [0, 1) by hash of (seed, document id), the same whatever the order of the documents."""
    seed = problem.settings.seed
    digests = (hashlib.sha256(f"{seed}:{doc_id}".encode()).digest() for doc_id in problem.corpus.doc_ids)
    return np.array([int.from_bytes(digest[:8], "big") / 2**64 for digest in digests])
