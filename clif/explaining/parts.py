"""The contexts of a document added up by token, pair and word, and where the words of the test go without it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from clif.explaining.explanation import COLUMNS, Association, PairShare, WordShare
from clif.influence.groups import vectors_after
from clif.influence.problem import Problem
from clif.pairs import Contexts
from clif.ranking import bias_of

Values = NDArray[np.float64]


def _sets(problem: Problem) -> dict[int, str]:
    """The set of each row of the vocabulary that the test reads."""
    return {int(row): key for key, rows in bias_of(problem).coverage.rows.items() for row in rows}


def sets_of_tokens(problem: Problem, document: int) -> tuple[str | None, ...]:
    """The set X, Y, A or B of the test that each token of the document belongs to; None for the others."""
    corpus, sets = problem.corpus, _sets(problem)
    start, end = corpus.offsets[document : document + 2]
    return tuple(sets.get(int(token)) for token in corpus.tokens[start:end])


def context_columns(problem: Problem, contexts: Contexts, influence: Values) -> dict[str, NDArray[Any]]:
    """COLUMNS of the contexts, in their order."""
    words = np.array(problem.vocabulary.words, dtype=object)
    columns = (
        contexts.position,
        words[contexts.input],
        words[contexts.output],
        contexts.output_position - contexts.position,
        contexts.weight,
        influence,
    )
    return dict(zip(COLUMNS, columns, strict=True))


def share_out(influence: Values, total: float) -> Values:
    """Influences that sum to `total`: what rounding left between it and their sum is shared out by their size."""
    sizes = np.abs(influence)
    whole = float(sizes.sum())
    return influence + (total - float(influence.sum())) / whole * sizes if whole else influence


def pair_shares(problem: Problem, contexts: Contexts, influence: Values) -> tuple[PairShare, ...]:
    """Contexts added up by their two words, by falling |influence|; ties by spelling."""
    words, size = problem.vocabulary.words, len(problem.vocabulary)
    cells, group, times = np.unique(contexts.input * size + contexts.output, return_inverse=True, return_counts=True)
    apart = np.abs(contexts.output_position - contexts.position)
    nearest, farthest = np.full(len(cells), np.iinfo(np.int64).max), np.zeros(len(cells), dtype=np.int64)
    np.minimum.at(nearest, group, apart)
    np.maximum.at(farthest, group, apart)
    weight, sums = np.bincount(group, contexts.weight), np.bincount(group, influence)
    found = [
        PairShare(words[cell // size], words[cell % size], *rest)
        for cell, *rest in zip(
            cells.tolist(), times.tolist(), weight.tolist(), nearest.tolist(), farthest.tolist(), sums.tolist(),
            strict=True,
        )
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda pair: (-abs(pair.influence), pair.input, pair.output)))


def word_shares(problem: Problem, contexts: Contexts, influence: Values) -> tuple[WordShare, ...]:
    """Contexts added up by their input word, by falling |influence|; ties by spelling."""
    words, sets, labels = problem.vocabulary.words, _sets(problem), bias_of(problem).coverage.test.labels
    rows, group = np.unique(contexts.input, return_inverse=True)
    found = []
    for row, share in zip(rows.tolist(), np.bincount(group, influence).tolist(), strict=True):
        key = sets.get(row)
        found.append(WordShare(words[row], key, labels[key] if key else None, share))
    return tuple(sorted(found, key=lambda word: (-abs(word.influence), word.word)))


def associations(problem: Problem, document: int) -> tuple[Association, ...]:
    """The part of T of each target word now, and after one Newton step on what remains without the document.

    (H_w - H_z,w + damp I) delta_w = g_z,w for each word w of the test, as sets of documents are predicted.
    """
    objective = bias_of(problem)
    covered = objective.coverage
    moved = vectors_after(problem, problem.count(np.array([document])))
    before, after = objective.associations(problem.E), objective.associations(moved)
    targets = [(word, key) for key in ("X", "Y") for word in covered.words[key]]
    parts = zip(targets, before.tolist(), after.tolist(), strict=False)  # there may be more parts, of no word's own
    found = [Association(word, key, covered.test.labels[key], old, new) for (word, key), old, new in parts]
    return tuple(sorted(found, key=lambda each: -abs(each.after - each.before)))
