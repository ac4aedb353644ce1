"""The method as the research code of the cross-loss paper released it, faults included, for comparison.

github.com/CORE-Robotics-Lab/Cross_Loss_Influence_Functions, file influence_function.py, for a dense model: documents
that hold a test word are visited once, in random order, at most DEPTH of them, and

    h <- v + (1 - .01) h - H_z h / 25        v = dT/dU, H_z of the mean loss of the document's pairs

whose fixed point solves (H + .25 I) h = 25 v: an effective damping of .25 that nothing reports, and a factor of 25 that
is never taken out. The loss knows no negatives, the output vectors are not moved, windows are fixed and leave out their
last position, a document's loss is the mean over its pairs, and documents without a test word get no score (zero here).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from clif.influence.attribution import Attribution, SolveReport
from clif.influence.local import residual_of
from clif.influence.problem import Matrix, Problem

DEPTH = 5000
DECAY, SCALE = 0.01, 25.0


def released(problem: Problem) -> Attribution:
    """Influence h . (gradient of the document's mean loss) / (number of documents), with clif's sign.

    The residual is that of the equation which h should solve, (H + damp I) h = v on the test's rows.
    """
    slot = problem.slot
    order = np.random.default_rng(problem.settings.seed).permutation(len(problem.corpus))
    v = problem.gradient
    h, visited = v.copy(), 0
    for document in order:
        word, output, pairs = _pairs(problem, int(document), slot)
        if not len(word):
            continue
        C = problem.C[output].astype(np.float64)
        sigma = _sigma(problem, word, C)
        push = sigma * (1.0 - sigma) * np.einsum("nd,nd->n", C, h[word]) / pairs
        product = np.zeros_like(h)
        np.add.at(product, word, push[:, None] * C)
        h = v + (1.0 - DECAY) * h - product / SCALE
        visited += 1
        if visited == DEPTH or not np.isfinite(h).all():
            break
    influence = np.zeros(len(problem.corpus))
    for document in range(len(problem.corpus)):
        word, output, pairs = _pairs(problem, document, slot)
        if len(word):
            C = problem.C[output].astype(np.float64)
            slope = -(1.0 - _sigma(problem, word, C))
            influence[document] = slope @ np.einsum("nd,nd->n", C, h[word]) / pairs / len(problem.corpus)
    return Attribution(documents=influence, solve=SolveReport(residual_of(problem, h), visited, converged=False))


def _pairs(
    problem: Problem, document: int, slot: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Pairs of a document whose input is a test word, as (slot, output word), and how many pairs it has in all."""
    start, end = problem.corpus.offsets[document : document + 2]
    tokens = np.asarray(problem.corpus.tokens[start:end], dtype=np.int64)
    tokens = tokens[tokens < len(problem.vocabulary)]
    window, size = problem.settings.window, len(tokens)
    steps = np.array([step for step in range(-window, window) if step])
    count = int(np.maximum(size - np.abs(steps), 0).sum())
    places = np.flatnonzero(slot[tokens] >= 0)
    others = places[:, None] + steps
    inside = (others >= 0) & (others < size)
    centres = np.broadcast_to(places[:, None], others.shape)[inside]
    return slot[tokens[centres]], tokens[others[inside]], count


def _sigma(problem: Problem, word: NDArray[np.int64], C: Matrix) -> NDArray[np.float64]:
    x = np.einsum("nd,nd->n", problem.E[word], C)
    with np.errstate(over="ignore"):
        return np.asarray(1.0 / (1.0 + np.exp(-x)))
