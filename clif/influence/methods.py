"""The methods by which documents are scored: one registry, one interface.

A *linear* method gives s (n, d) on the test's rows, and the influence of a context is s . (its gradient); the
influence of a document is the sum over its contexts. Sign: the predicted change of T when the document is
removed. A *counting* method is a baseline that knows no gradient: it ranks documents by a number, the
largest first, and its column `influence` is -sign(T) times that number, so that rank 1 is the largest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clif.errors import UsageError
from clif.influence.problem import Matrix, Problem

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Method:
    """A method: what it assumes in a sentence, and either `solve` (linear) or `count` (counting)."""

    name: str
    assumes: str
    solve: Callable[[Problem], Matrix] | None = None
    count: Callable[[Problem], Values] | None = None


def _block(problem: Problem) -> Matrix:
    """s_w = (H_w + damp I)^-1 dT/du_w for each test word w, output vectors held fixed.

    Brunet et al. 2019 make the same approximation for GloVe.
    """
    dim = problem.E.shape[1]
    damped = problem.hessian + problem.damp * np.eye(dim)
    return np.asarray(np.linalg.solve(damped, problem.gradient[:, :, None])[:, :, 0])


def _gradient(problem: Problem) -> Matrix:
    """s = tau dT/dU: plain descent on the document's loss over the learning rates' sum tau.

    TracIn (Pruthi et al. 2020) at the final checkpoint.
    """
    return problem.settings.tau * problem.gradient


def _frequency(problem: Problem) -> Values:
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


def _length(problem: Problem) -> Values:
    """Tokens of each document."""
    return problem.corpus.lengths.astype(np.float64)


def _random(problem: Problem) -> Values:
    """A number in [0, 1) by hash of (seed, document id), the same whatever the order of the documents."""
    seed = problem.settings.seed
    digests = (hashlib.sha256(f"{seed}:{doc_id}".encode()).digest() for doc_id in problem.corpus.doc_ids)
    return np.array([int.from_bytes(digest[:8], "big") / 2**64 for digest in digests])


METHODS = {
    method.name: method
    for method in (
        Method("block", "one exact d x d solve a test word; output vectors held fixed", solve=_block),
        Method("gradient", "no curvature: gradient dot product at the final model", solve=_gradient),
        Method("frequency", "baseline: how often the test's words occur in the document", count=_frequency),
        Method("length", "baseline: tokens in the document", count=_length),
        Method("random", "baseline: a number drawn by chance", count=_random),
    )
}
RECOMMENDED = "block"


def find_method(name: str) -> Method:
    """The method of that name; raises UsageError with the names there are."""
    try:
        return METHODS[name]
    except KeyError:
        raise UsageError(
            f"unknown method {name!r}", where="--method", next=f"Choose one of: {', '.join(METHODS)}."
        ) from None
