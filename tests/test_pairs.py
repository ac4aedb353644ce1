"""Expected training pairs against simulated sampling, and against enumeration of all that can happen."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from helpers import corpus_of, slow_weights
from hypothesis import given, settings
from hypothesis import strategies as st

from clif.pairs import LONGEST, Contexts, stream_contexts

FIELDS = ("document", "position", "output_position", "input", "output", "weight")
PROBABILITIES = st.floats(0.001, 1.0) | st.just(1.0)


def contexts_of(texts, keep, window, **options) -> Contexts:
    """All contexts of a corpus, joined."""
    corpus = corpus_of(texts)
    parts = list(stream_contexts(corpus.tokens, corpus.offsets, np.asarray(keep, dtype=float), window, **options))
    dtypes = [np.int64] * 5 + [np.float64]
    return Contexts(
        *(
            np.concatenate([np.empty(0, dtype), *(getattr(part, field) for part in parts)])
            for field, dtype in zip(FIELDS, dtypes, strict=True)
        )
    )


def matrix_of(contexts: Contexts, length: int) -> np.ndarray:
    """Weights of one document by input position and output position."""
    weights = np.zeros((length, length))
    np.add.at(weights, (contexts.position, contexts.output_position), contexts.weight)
    return weights


def same(left: Contexts, right: Contexts) -> bool:
    return all(np.array_equal(getattr(left, field), getattr(right, field)) for field in FIELDS)


def simulate(tokens, keep, window: int, draws: int, rng) -> np.ndarray:
    """How often word2vec's sampling pairs each input position with each output position, by drawing.

    Words outside the vocabulary leave, tokens are dropped with chance 1 - p, the gaps close, each kept token in
    turn is the output, and its window b ~ Uniform{1..W} takes in that many kept tokens to either side.
    """
    length = len(tokens)
    chance = np.array([keep[token] if token < len(keep) else 0.0 for token in tokens])
    kept = rng.random((draws, length)) < chance
    place = np.cumsum(kept, axis=1)
    b = rng.integers(1, window + 1, (draws, length))
    formed = np.zeros((length, length))
    for centre in range(length):
        reached = np.abs(place - place[:, [centre]]) <= b[:, [centre]]
        formed[:, centre] = (reached & kept & kept[:, [centre]]).sum(0)
        formed[centre, centre] = 0
    return formed


def enumerate_all(tokens, keep, window: int) -> np.ndarray:
    """The same expectation, summed over every set of kept tokens and every window."""
    inside = [position for position, token in enumerate(tokens) if token < len(keep)]
    weights = np.zeros((len(tokens), len(tokens)))
    for kept in itertools.product([False, True], repeat=len(inside)):
        chance, sentence = 1.0, []
        for i, here in zip(inside, kept, strict=True):
            chance *= keep[tokens[i]] if here else 1 - keep[tokens[i]]
            sentence += [i] if here else []
        for centre, b in itertools.product(range(len(sentence)), range(1, window + 1)):
            for other in range(max(0, centre - b), min(len(sentence), centre + b + 1)):
                if other != centre:
                    weights[sentence[other], sentence[centre]] += chance / window
    return weights


@pytest.mark.parametrize("seed", range(10))
def test_weights_agree_with_simulated_sampling(seed):
    rng = np.random.default_rng(seed)
    size, length, window, draws = 12, int(rng.integers(15, 31)), int(rng.integers(1, 7)), 30_000
    tokens = rng.integers(0, size + 2, length).tolist()
    keep = np.where(rng.random(size) < 0.3, 1.0, rng.uniform(0.02, 1.0, size))
    weights = matrix_of(contexts_of([tokens], keep, window), length)
    formed = simulate(tokens, keep, window, draws, rng)
    z = (formed - draws * weights) / np.sqrt(draws * weights * (1 - weights) + 1e-300)
    # The normal approximation needs some tens of events; where few are expected, few must have come.
    frequent = draws * weights > 20
    assert frequent.sum() > length
    assert np.abs(z[frequent]).max() < 4.5
    assert abs(z[frequent].mean()) < 4.5 / np.sqrt(frequent.sum() / 2)
    assert (formed[~frequent] < 60).all()
    assert not formed[weights == 0].any()


@settings(max_examples=60, deadline=None)
@given(
    tokens=st.lists(st.integers(0, 5), max_size=8),
    keep=st.lists(PROBABILITIES, min_size=4, max_size=4),
    window=st.integers(1, 6),
)
def test_weights_equal_the_sum_over_all_sets_of_kept_tokens(tokens, keep, window):
    weights = matrix_of(contexts_of([tokens], keep, window), len(tokens))
    np.testing.assert_allclose(weights, enumerate_all(tokens, keep, window), rtol=0, atol=1e-9)
    np.testing.assert_allclose(slow_weights(tokens, np.array(keep), window), weights, rtol=0, atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(
    tokens=st.lists(st.integers(0, 6), max_size=60),
    keep=st.lists(PROBABILITIES, min_size=5, max_size=5),
    window=st.integers(1, 6),
)
def test_weights_equal_the_slow_computation_and_are_symmetric(tokens, keep, window):
    contexts = contexts_of([tokens], keep, window)
    weights = matrix_of(contexts, len(tokens))
    np.testing.assert_allclose(weights, slow_weights(tokens, np.array(keep), window), rtol=0, atol=2e-9)
    np.testing.assert_allclose(weights, weights.T, rtol=1e-12, atol=2e-9)
    assert np.array_equal(contexts.input, np.array(tokens, dtype=int)[contexts.position])
    assert np.array_equal(contexts.output, np.array(tokens, dtype=int)[contexts.output_position])


def test_without_subsampling_the_weight_falls_by_one_in_w_with_each_step():
    weights = matrix_of(contexts_of([range(8)], np.ones(8), 5), 8)
    distance = np.abs(np.subtract.outer(np.arange(8), np.arange(8)))
    expected = np.where(distance > 0, np.maximum(0, 6 - distance) / 5, 0)
    np.testing.assert_allclose(weights, expected, rtol=0, atol=1e-15)


def test_words_outside_the_vocabulary_leave_before_windows_are_drawn():
    tokens, keep = [0, 9, 9, 1, 9, 2, 0, 9], [0.5, 1.0, 0.7]
    inside = [position for position, token in enumerate(tokens) if token < 3]
    contexts = contexts_of([tokens], keep, 2)
    closed = contexts_of([[tokens[position] for position in inside]], keep, 2)
    assert np.array_equal(contexts.weight, closed.weight)
    assert np.array_equal(contexts.position, np.array(inside)[closed.position])
    assert np.array_equal(contexts.output_position, np.array(inside)[closed.output_position])


def test_no_pair_crosses_from_one_document_into_the_next():
    documents = [[0, 1, 2], [], [2], [1, 0, 1, 2, 2], [9, 9]]
    joined = contexts_of(documents, [0.9, 0.5, 1.0], 5)
    assert set(joined.document) == {0, 3}
    for z, tokens in enumerate(documents):
        alone = contexts_of([tokens], [0.9, 0.5, 1.0], 5)
        mine = joined.document == z
        for field in FIELDS[1:]:
            assert np.array_equal(getattr(joined, field)[mine], getattr(alone, field))


def test_long_documents_are_split_after_so_many_words_of_the_vocabulary():
    rng = np.random.default_rng(5)
    # One token in twenty is outside the vocabulary and does not count towards the length of a piece.
    tokens = np.where(rng.random(2 * LONGEST + 1500) < 0.05, 99, rng.integers(0, 50, 2 * LONGEST + 1500))
    keep = rng.uniform(0.2, 1.0, 50)
    inside = np.flatnonzero(tokens < 50)
    pieces = [inside[start : start + LONGEST] for start in range(0, len(inside), LONGEST)]
    assert len(pieces) == 3
    whole = contexts_of([tokens], keep, 4)
    parts = contexts_of([tokens[piece] for piece in pieces], keep, 4)
    place = np.concatenate(pieces)
    first = np.array([0, LONGEST, 2 * LONGEST])[parts.document]
    assert np.array_equal(whole.weight, parts.weight)
    assert np.array_equal(whole.position, place[first + parts.position])
    assert np.array_equal(whole.output_position, place[first + parts.output_position])


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), block=st.integers(1, 200))
def test_small_blocks_give_the_same_contexts_in_the_same_order(seed, block):
    rng = np.random.default_rng(seed)
    documents = [rng.integers(0, 7, rng.integers(0, 40)).tolist() for _ in range(rng.integers(1, 8))]
    keep = rng.uniform(0.05, 1.0, 6)
    corpus = corpus_of(documents)
    parts = list(stream_contexts(corpus.tokens, corpus.offsets, keep, 5, block=block))
    room = max(block, 2 * max(map(len, documents)) + 1)
    assert all(0 < len(part) <= room for part in parts)
    assert same(contexts_of(documents, keep, 5, block=block), contexts_of(documents, keep, 5))


def test_a_document_is_resumed_in_its_middle():
    tokens = np.random.default_rng(0).integers(0, 6, 300).tolist()
    corpus = corpus_of([tokens])
    parts = list(stream_contexts(corpus.tokens, corpus.offsets, np.ones(6), 5, block=1))
    assert len(parts) > 3
    assert same(contexts_of([tokens], np.ones(6), 5, block=1), contexts_of([tokens], np.ones(6), 5))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_wanted_keeps_the_contexts_of_these_input_words_only(seed):
    rng = np.random.default_rng(seed)
    documents = [rng.integers(0, 9, rng.integers(0, 25)).tolist() for _ in range(5)]
    keep, wanted = rng.uniform(0.05, 1.0, 8), rng.random(8) < 0.4
    every = contexts_of(documents, keep, 4)
    some = contexts_of(documents, keep, 4, wanted=wanted)
    assert same(some, Contexts(*(getattr(every, field)[wanted[every.input]] for field in FIELDS)))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_documents_come_as_asked_for_and_no_others(seed):
    rng = np.random.default_rng(seed)
    documents = [rng.integers(0, 9, rng.integers(0, 25)).tolist() for _ in range(6)]
    keep, asked = rng.uniform(0.05, 1.0, 8), rng.permutation(6)[: rng.integers(0, 7)]
    every = contexts_of(documents, keep, 4)
    some = contexts_of(documents, keep, 4, documents=asked, block=30)
    order = np.concatenate([np.empty(0, int), *(np.flatnonzero(every.document == z) for z in asked)])
    assert same(some, Contexts(*(getattr(every, field)[order] for field in FIELDS)))


def test_contexts_come_by_document_and_position():
    rng = np.random.default_rng(3)
    contexts = contexts_of([rng.integers(0, 9, 20).tolist() for _ in range(5)], np.ones(9), 4)
    order = np.lexsort((contexts.position, contexts.document))
    assert np.array_equal(order, np.arange(len(contexts)))
