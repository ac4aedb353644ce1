"""Pair counts of a corpus against the slow sum over its documents."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from helpers import corpus_of, slow_counts
from hypothesis import given, settings
from hypothesis import strategies as st

from clif.corpus.encoding import Corpus
from clif.counts import PairCounts, count_pairs
from clif.pairs import LONGEST, stream_contexts

quick = settings(max_examples=40, deadline=None)
corpora = {
    # Numbers up to 9 of 8 words: two are outside the vocabulary.
    "documents": st.lists(st.lists(st.integers(0, 9), max_size=25), min_size=1, max_size=8),
    "seed": st.integers(0, 10**6),
    "window": st.integers(1, 6),
}


def keep_of(seed: int, size: int = 8) -> np.ndarray:
    """Keep probabilities, some of them 1."""
    rng = np.random.default_rng(seed)
    return np.where(rng.random(size) < 0.4, 1.0, rng.uniform(0.01, 1.0, size))


def counted(corpus: Corpus, keep: np.ndarray, window: int, **options: Any) -> PairCounts:
    return count_pairs(corpus.tokens, corpus.offsets, keep, window, **{"precision": np.float64, **options})


def matrix_of(counts: PairCounts) -> np.ndarray:
    """N (V, V)."""
    matrix = np.zeros((len(counts.totals),) * 2)
    np.add.at(matrix, (counts.row, counts.column), counts.weight)
    return matrix + matrix.T  # the diagonal twice, as N_ww is


def slow_matrix(documents, keep, window) -> np.ndarray:
    return sum((slow_counts(tokens, keep, window) for tokens in documents), np.zeros((len(keep),) * 2))


def check_form(counts: PairCounts) -> None:
    """The upper triangle by row, columns rising, each cell once."""
    assert counts.start[0] == 0
    assert counts.start[-1] == len(counts) == len(counts.column) == len(counts.weight)
    assert (counts.column >= counts.row).all()
    cells = counts.row.astype(np.int64) * len(counts.totals) + counts.column
    assert (np.diff(cells) > 0).all()


@quick
@given(**corpora, room=st.integers(1, 400))
def test_counts_are_the_sum_over_the_documents_whatever_the_room(documents, seed, window, room):
    corpus, keep = corpus_of(documents, 10), keep_of(seed)
    counts = counted(corpus, keep, window, room=room)
    expected = slow_matrix(documents, keep, window)
    # The scan ends where a pair has hardly a chance, as that of `pairs` does.
    np.testing.assert_allclose(matrix_of(counts), expected, rtol=1e-10, atol=2e-9)
    np.testing.assert_allclose(counts.totals, expected.sum(1), rtol=1e-10, atol=1e-8)
    check_form(counts)
    whole = counted(corpus, keep, window)
    assert np.array_equal(whole.column, counts.column)
    assert np.array_equal(whole.start, counts.start)
    np.testing.assert_allclose(whole.weight, counts.weight, rtol=1e-13, atol=0)


@quick
@given(**corpora)
def test_counts_and_contexts_are_of_one_sum(documents, seed, window):
    corpus, keep = corpus_of(documents, 10), keep_of(seed)
    expected = np.zeros((8, 8))
    for contexts in stream_contexts(corpus.tokens, corpus.offsets, keep, window):
        np.add.at(expected, (contexts.input, contexts.output), contexts.weight)
    counts = counted(corpus, keep, window)
    # One direction of a pair may end its scan a step before the other.
    np.testing.assert_allclose(matrix_of(counts), expected, rtol=1e-10, atol=2e-9)
    np.testing.assert_allclose(counts.totals.sum(), expected.sum(), rtol=1e-10, atol=1e-8)


@quick
@given(**corpora, room=st.integers(1, 200))
def test_single_precision_rounds_and_does_no_more(documents, seed, window, room):
    corpus, keep = corpus_of(documents, 10), keep_of(seed)
    wide, narrow = counted(corpus, keep, window), counted(corpus, keep, window, precision=np.float32, room=room)
    assert narrow.weight.dtype == np.float32
    assert narrow.totals.dtype == np.float64
    assert np.array_equal(narrow.column, wide.column)
    np.testing.assert_allclose(narrow.weight, wide.weight, rtol=1e-5, atol=1e-30)


def test_a_word_beside_itself_counts_in_both_directions():
    counts = counted(corpus_of([[2, 2]], 3), np.ones(3), 1)
    assert counts.row.tolist() == counts.column.tolist() == [2]
    assert counts.weight.tolist() == [1.0]
    assert counts.totals.tolist() == [0, 0, 2]
    # Three of a kind: two pairs at distance 1, one at distance 2 with half of the weight.
    counts = counted(corpus_of([[1, 1, 1]], 3), np.ones(3), 2)
    assert counts.weight.tolist() == [2.5]
    assert counts.totals.tolist() == [0, 5, 0]


@pytest.mark.parametrize("documents", [[], [[]], [[], []], [[5]], [[9, 9, 9]], [[5, 9, 9], [], [9, 4]]])
def test_without_a_pair_nothing_is_counted(documents):
    counts = counted(corpus_of(documents, 10), np.ones(8), 3)
    assert len(counts) == 0
    assert counts.start.tolist() == [0] * 9
    assert not counts.totals.any()
    assert counts.row.tolist() == []


@pytest.mark.parametrize("room", [1, 25_000, 1 << 22])
def test_a_document_longer_than_a_training_piece_counts_as_its_pieces(room):
    rng = np.random.default_rng(1)
    tokens = np.where(rng.random(2 * LONGEST + 3000) < 0.05, 99, rng.integers(0, 50, 2 * LONGEST + 3000))
    inside = tokens[tokens < 50]
    pieces = [inside[start : start + LONGEST] for start in range(0, len(inside), LONGEST)]
    assert len(pieces) == 3
    keep = rng.uniform(0.2, 1.0, 50)
    whole = counted(corpus_of([[3, 4], tokens, [4]], 100), keep, 3, room=room)
    parts = counted(corpus_of([[3, 4], *pieces], 100), keep, 3)
    check_form(whole)
    np.testing.assert_allclose(matrix_of(whole), matrix_of(parts), rtol=1e-11)


def test_the_tokens_of_a_run_may_be_read_only():
    corpus = corpus_of([[0, 1, 2, 1]], 3)
    corpus.tokens.setflags(write=False)
    assert counted(corpus, np.ones(3), 2).totals.sum() > 0
