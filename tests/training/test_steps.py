"""The kernels of training: which pairs are drawn, how often, with which negatives, and what an update does."""

import numpy as np
import pytest
import torch
from helpers import slow_weights, tensor
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from slow_training import slow_draws

from clif.compiling import Fixed
from clif.pairs import LONGEST
from clif.training.draws import alias_table, name_keys
from clif.training.steps import CENTRES, count_drawn, draw_pairs, keep_tokens, learn, train_documents

KEY = np.uint64(2**63 + 12345)


def drawn(tokens, key, keep, window, negative=2, q=None):
    """Places in the document of the input and the output of each pair, and the outputs (pairs, 1 + k)."""
    tokens = np.asarray(tokens, dtype=np.uint32)
    words, places = np.empty(len(tokens), dtype=np.int32), np.empty((len(tokens), 2), dtype=np.int32)
    kept = keep_tokens(tokens, 0, len(tokens), key, np.asarray(keep, dtype=float), words, places)
    room = kept * 2 * window + 1
    inputs, outputs = np.empty(room, dtype=np.int32), np.empty((room, 1 + negative), dtype=np.int32)
    centres = np.empty((room, 2), dtype=np.int32)
    table = alias_table(np.full(len(keep), 1 / len(keep)) if q is None else q)
    n = draw_pairs(words, places, kept, 0, kept, key, *table, window, inputs, outputs, centres)
    pairs = places[centres[:n], 0]
    assert np.array_equal(inputs[:n], tokens[pairs[:, 0]])
    assert np.array_equal(outputs[:n, 0], tokens[pairs[:, 1]])
    return pairs, outputs[:n]


# Which pairs


@settings(max_examples=100, deadline=None)
@given(
    tokens=st.lists(st.integers(0, 7), max_size=30),
    key=st.integers(0, 2**64 - 1),
    keep=st.lists(st.floats(0, 1), min_size=5, max_size=5),
    window=st.integers(1, 6),
)
def test_pairs_are_those_that_are_written_down(tokens, key, keep, window):
    pairs, _ = drawn(tokens, np.uint64(key), keep, window)
    expected = slow_draws(tokens, key, keep, window, LONGEST)
    assert [tuple(pair) for pair in pairs.tolist()] == [(other, centre) for other, centre, _ in expected]


@pytest.mark.parametrize(("keep", "window"), [([1.0] * 5, 3), ([0.3, 0.9, 1.0, 0.5, 0.7], 3), ([0.6] * 5, 1)])
def test_pairs_are_formed_as_often_as_expected(keep, window):
    tokens, keys = [0, 1, 2, 3, 9, 4, 1, 0, 0, 3], name_keys("document", 1, [str(n) for n in range(8000)])
    counts = np.zeros((len(keys), len(tokens), len(tokens)))
    for n, key in enumerate(keys):
        pairs, _ = drawn(tokens, key, keep, window)
        np.add.at(counts[n], tuple(pairs.T), 1)
    assert counts.max() == 1
    expected = slow_weights(tokens, np.array(keep), window)
    mean, error = counts.mean(0), counts.std(0) / np.sqrt(len(keys))
    assert not mean[expected == 0].any()
    open_to_chance = (expected > 0) & (error > 0)
    # About 50 numbers; with |z| beyond 4.5 once in 100,000.
    z = (mean - expected)[open_to_chance] / error[open_to_chance]
    assert np.abs(z).max() < 4.5
    assert 0.5 < np.mean(z**2) < 2
    np.testing.assert_allclose(mean[error == 0], expected[error == 0], atol=1e-12)


def test_pieces_of_a_long_document_are_apart_and_as_long_as_expected_pairs_have_them():
    keep = np.ones(2)
    for length, apart in ((LONGEST, True), (LONGEST - 1, False)):
        # A token beyond the vocabulary counts for nothing.
        pairs, _ = drawn([0] * length + [7, 1], KEY, keep, 1, negative=1)
        assert (pairs == length + 1).any() != apart
        assert (pairs.max(1) - pairs.min(1)).max() == (1 if apart else 2)


def test_documents_without_a_word_of_the_vocabulary_or_with_one_give_no_pair():
    for tokens in ([], [9, 9], [0], [9, 1, 9]):
        assert len(drawn(tokens, KEY, [1.0, 1.0], 5)[0]) == 0


# Negatives


def test_negatives_follow_the_noise_and_are_left_out_where_they_are_the_observed_word():
    q = np.array([0.4, 0.3, 0.2, 0.1])
    keys = name_keys("document", 2, [str(n) for n in range(3000)])
    outputs = np.concatenate([drawn([0, 1, 2, 3, 1], key, [1.0] * 4, 2, 3, q)[1] for key in keys])
    for word in range(4):
        negatives = outputs[outputs[:, 0] == word, 1:].ravel()
        found = np.array([(negatives == each).sum() for each in (*range(4), -1)])
        assert found[word] == 0
        expected = np.append(np.where(np.arange(4) == word, 0, q), q[word]) * len(negatives)
        wanted = expected > 0
        assert stats.chisquare(found[wanted], expected[wanted]).pvalue > 1e-4
    # Those of one pair do not hang together.
    first, second = outputs[:, 1], outputs[:, 2]
    plain = (first >= 0) & (second >= 0) & (outputs[:, 0] == 3)
    table = np.histogram2d(first[plain], second[plain], bins=[3, 3], range=[[-0.5, 2.5]] * 2)[0]
    assert stats.chi2_contingency(table).pvalue > 1e-4


def test_an_output_that_is_left_out_moves_nothing():
    rng = np.random.default_rng(0)
    before = rng.normal(size=(2, 3, 4))
    (U, C), steps = before.copy(), np.full((1, 3), 7.0)
    outputs = np.array([[1, -1, -1]], dtype=np.int32)
    learn(np.array([0], dtype=np.int32), outputs, 1, 0.1, U, C, np.empty(4), steps, Fixed(4))
    x = before[0][0] @ before[1][1]
    g = 0.1 * (1 - 1 / (1 + np.exp(-x)))
    assert steps.tolist() == [[pytest.approx(g), 0, 0]]
    np.testing.assert_allclose(U[0], before[0][0] + g * before[1][1], rtol=1e-12)
    np.testing.assert_allclose(C[1], before[1][1] + g * before[0][0], rtol=1e-12)
    assert np.array_equal(U[1:], before[0][1:])
    assert np.array_equal(C[[0, 2]], before[1][[0, 2]])


# Updates


def test_updates_are_gradient_steps_of_the_loss_of_each_pair():
    """With different outputs in each pair: word2vec moves an output that is drawn twice between the two."""
    rng = np.random.default_rng(1)
    before = rng.normal(size=(2, 6, 5))
    (U, C), steps = before.copy(), np.empty((3, 3))
    inputs = np.array([0, 1, 0], dtype=np.int32)
    outputs = np.array([[1, 2, 3], [0, 4, 5], [2, 1, 0]], dtype=np.int32)
    learn(inputs, outputs, 3, 0.2, U, C, np.empty(5), steps, Fixed(5))
    exact_U, exact_C = (tensor(M).requires_grad_() for M in before)
    descent = torch.optim.SGD([exact_U, exact_C], lr=0.2)
    softplus = torch.nn.functional.softplus
    for word, (positive, *negatives) in zip(inputs.tolist(), outputs.tolist(), strict=True):
        descent.zero_grad()
        u = exact_U[word]
        (softplus(-u @ exact_C[positive]) + sum(softplus(u @ exact_C[n]) for n in negatives)).backward()
        descent.step()
    np.testing.assert_allclose(U, exact_U.detach(), rtol=1e-12)
    np.testing.assert_allclose(C, exact_C.detach(), rtol=1e-12)
    assert (steps[:, 0] > 0).all()
    assert (steps[:, 1:] < 0).all()


def test_scores_beyond_all_bounds_stay_finite():
    for dtype in (np.float32, np.float64):
        U, C = np.full((1, 4), 1e3, dtype), np.stack([np.full(4, 1e3, dtype), np.full(4, -1e3, dtype)])
        steps = np.empty((1, 2), dtype)
        outputs = np.array([[1, 0]], dtype=np.int32)
        learn(np.array([0], dtype=np.int32), outputs, 1, 0.1, U, C, np.empty(4, dtype), steps, Fixed(4))
        assert steps.tolist() == [[pytest.approx(0.1), pytest.approx(-0.1)]]
        assert np.isfinite(U).all()
        assert np.isfinite(C).all()


# Documents


def arguments(documents, size=5, keep=0.7, seed=3):
    """Arguments of `train_documents` up to the window, for documents of random tokens."""
    rng = np.random.default_rng(seed)
    lengths = np.array(documents)
    tokens = rng.integers(0, size + 2, lengths.sum()).astype(np.uint32)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    keys = name_keys("document", seed, [str(n) for n in range(len(lengths))])
    order = rng.permutation(len(lengths))
    table = alias_table(np.full(size, 1 / size))
    return tokens, offsets, order, keys, np.full(len(lengths), 0.05), np.full(size, keep), *table


@pytest.mark.parametrize("window", [1, 3, 100])
@pytest.mark.parametrize("negative", [1, 4])
def test_steps_and_numbers_of_pairs_are_told(window, negative):
    given = arguments([3 * CENTRES + 5, 0, 1, 40, 17])
    counts = count_drawn(*given[:4], given[5], window)
    assert counts[given[2] == 1] == 0
    U, C = np.random.default_rng(0).normal(size=(2, 5, 4))
    other = U.copy(), C.copy()
    tape = np.full((counts.sum() + 1, 1 + negative), np.nan)
    assert train_documents(*given, window, negative, U, C, tape, Fixed(4)) == counts.sum()
    assert np.isnan(tape[-1]).all()
    assert (tape[:-1, 0] > 0).all()
    assert (tape[:-1, 1:] <= 0).all()
    # Without a tape the same is learnt.
    train_documents(*given, window, negative, *other, np.empty((0, 0)), Fixed(4))
    assert np.array_equal(U, other[0])
    assert np.array_equal(C, other[1])


def test_documents_one_by_one_are_documents_in_a_row():
    tokens, offsets, order, keys, rates, *rest = arguments([30, 70, 5, 0, 90])
    whole, parts = np.random.default_rng(0).normal(size=(2, 2, 5, 4))
    parts[:] = whole
    train_documents(tokens, offsets, order, keys, rates, *rest, 3, 2, *whole, np.empty((0, 0)), Fixed(4))
    for n in range(5):
        one = slice(n, n + 1)
        train_documents(
            tokens, offsets, order[one], keys[one], rates[one], *rest, 3, 2, *parts, np.empty((0, 0)), Fixed(4)
        )
    assert np.array_equal(whole, parts)
    nothing = tokens, offsets, order[:0], keys[:0], rates[:0]
    assert train_documents(*nothing, *rest, 3, 2, *parts, np.empty((0, 0)), Fixed(4)) == 0
    assert np.array_equal(whole, parts)
