"""The paired trainer: against a slow one, the same whatever else changes, and what weights do."""

import time
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from helpers import corpus_of, expected_loss, slow_counts, tensor
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from slow_training import slow_epoch, slow_training

from clif.corpus.parts import cut
from clif.errors import UsageError
from clif.pairs import LONGEST
from clif.settings import TrainingSettings
from clif.training import paired
from clif.training.gensim import train_gensim
from clif.training.paired import PairedTraining, train_paired
from clif.vocabulary import Vocabulary

SIZE, RARE = 30, 8
SETTINGS = TrainingSettings(dim=8, window=3, negative=4, epochs=3, sample=1e-2, seed=7)


def made_corpus(documents=60, seed=0, longest=40):
    """Documents about topics; some tokens are outside the vocabulary, some documents empty."""
    rng = np.random.default_rng(seed)
    topics = [rng.permutation(SIZE) for _ in range(4)]
    texts = []
    for z in range(documents):
        drawn = ((SIZE + RARE) * rng.random(rng.integers(0, longest + 1)) ** 2).astype(int)
        texts.append([int(topics[z % 4][token]) if token < SIZE else int(token) for token in drawn])
    return corpus_of(texts, SIZE + RARE)


def vocabulary_of(corpus, size=SIZE):
    return Vocabulary(corpus.types[:size], np.maximum(corpus.counts[:size], 1))


def trained(corpus, vocabulary=None, settings=SETTINGS, **options):
    return train_paired(corpus, vocabulary or vocabulary_of(corpus), settings, **options)


def same_bytes(left, right):
    return left.U.tobytes() == right.U.tobytes() and left.C.tobytes() == right.C.tobytes()


def in_double(corpus, settings=SETTINGS, weights=None):
    """U and C as one array (2, V, d), trained in double precision."""
    training = PairedTraining(corpus, vocabulary_of(corpus), settings, weights, np.float64)
    U, C = training.start()
    for number in range(settings.epochs):
        training.learn(training.epoch(number), U, C)
    return np.array([U, C])


def weights_of(corpus, changed):
    weights = np.ones(len(corpus))
    for z, w in changed.items():
        weights[z] = w
    return weights


# Against the slow one


@hypothesis_settings(max_examples=60, deadline=None)
@given(
    texts=st.lists(st.lists(st.integers(0, 6), max_size=12), min_size=1, max_size=5),
    size=st.integers(2, 6),
    options=st.fixed_dictionaries(
        {
            "dim": st.integers(1, 5),
            "window": st.integers(1, 4),
            "negative": st.integers(1, 4),
            "epochs": st.integers(1, 3),
            "sample": st.sampled_from([0.0, 0.05, 0.3]),
            "alpha": st.sampled_from([0.025, 0.5]),
            "seed": st.integers(0, 2**32 - 1),
        }
    ),
    data=st.data(),
)
def test_it_is_the_training_that_is_written_down(texts, size, options, data):
    corpus, settings = corpus_of(texts, 7), TrainingSettings(**options)
    weight = st.one_of(st.sampled_from([0.0, 1.0, 2.0]), st.floats(0, 3.5))
    weights = data.draw(st.none() | st.lists(weight, min_size=len(texts), max_size=len(texts)))
    vocabulary = vocabulary_of(corpus, size)
    training = PairedTraining(corpus, vocabulary, settings, weights, np.float64)
    U, C = training.start()
    for number in range(settings.epochs):
        training.learn(training.epoch(number), U, C)
    slow_U, slow_C = slow_training(corpus, vocabulary, settings, weights)
    np.testing.assert_allclose(U, slow_U, rtol=0, atol=1e-12)
    np.testing.assert_allclose(C, slow_C, rtol=0, atol=1e-12)


@pytest.mark.parametrize("options", [{}, {"sample": 0.0, "window": 1, "negative": 1}, {"min_alpha": 0.025}])
def test_in_single_precision_it_is_the_same_to_rounding(options):
    corpus, settings = made_corpus(), replace(SETTINGS, **options)
    fast, slow = trained(corpus, settings=settings), slow_training(corpus, vocabulary_of(corpus), settings)
    assert fast.U.dtype == fast.C.dtype == np.float32
    assert np.abs(slow[1]).max() > 0.01
    for single, double in zip((fast.U, fast.C), slow, strict=True):
        np.testing.assert_allclose(single, double, rtol=1e-5, atol=1e-5)


def test_long_documents_are_cut():
    """The slow trainer cuts where it is told; a document beyond LONGEST is trained in its pieces."""
    rng = np.random.default_rng(0)
    corpus = corpus_of([rng.integers(0, 4, LONGEST + 30).tolist(), [0, 1, 2, 3]], 4)
    settings = TrainingSettings(dim=2, window=2, negative=1, epochs=1, sample=0)
    vocabulary = vocabulary_of(corpus, 4)
    training = PairedTraining(corpus, vocabulary, settings, precision=np.float64)
    U, C = training.start()
    training.learn(training.epoch(0), U, C)
    slow_U, slow_C = slow_training(corpus, vocabulary, settings, longest=LONGEST)
    uncut, _ = slow_training(corpus, vocabulary, settings, longest=10**6)
    np.testing.assert_allclose(U, slow_U, atol=1e-11)
    np.testing.assert_allclose(C, slow_C, atol=1e-11)
    assert np.abs(uncut - slow_U).max() > 1e-6


# Reproduction


def test_the_same_seed_gives_the_same_bytes_and_another_seed_gives_others(monkeypatch):
    corpus = made_corpus()
    first = trained(corpus)
    assert same_bytes(first, trained(corpus))
    assert first.U.shape == first.C.shape == (SIZE, 8)
    other = trained(corpus, settings=replace(SETTINGS, seed=8))
    assert np.abs(first.U - other.U).max() > 0.01
    # However many documents are trained between two words of progress.
    monkeypatch.setattr(paired, "CHUNK", 30)
    assert same_bytes(first, trained(corpus))


def reordered(corpus, order):
    texts = [corpus.tokens[corpus.offsets[z] : corpus.offsets[z + 1]] for z in order]
    return replace(corpus_of(texts, len(corpus.types)), doc_ids=[corpus.doc_ids[z] for z in order])


def test_the_order_in_which_documents_are_listed_does_not_matter():
    corpus = made_corpus()
    order = np.random.default_rng(5).permutation(len(corpus))
    weights = np.random.default_rng(6).choice([0, 0.5, 1, 2.5], len(corpus))
    assert same_bytes(trained(corpus), trained(reordered(corpus, order)))
    assert same_bytes(trained(corpus, weights=weights), trained(reordered(corpus, order), weights=weights[order]))


def test_the_order_in_which_words_are_numbered_moves_their_rows():
    """But for the noise, whose table goes by the numbers, so all words are negatives alike here."""
    corpus = made_corpus()
    vocabulary, settings = vocabulary_of(corpus), replace(SETTINGS, ns_exponent=0.0, epochs=1, negative=1, sample=0)
    start, _ = PairedTraining(corpus, vocabulary, settings).start()
    order = np.random.default_rng(1).permutation(SIZE)
    moved = Vocabulary([vocabulary.words[row] for row in order], vocabulary.counts[order])
    assert np.array_equal(PairedTraining(corpus, moved, settings).start()[0], start[order])


def test_the_start_is_even_in_a_cube_and_belongs_to_the_word():
    words = [f"w{n}" for n in range(2000)]
    corpus = corpus_of([[0]], 1)
    U, C = PairedTraining(corpus, Vocabulary(words, np.ones(2000, dtype=int)), replace(SETTINGS, dim=20)).start()
    assert U.shape == C.shape == (2000, 20)
    assert not C.any()
    assert np.abs(U).max() <= 1 / 20
    assert U.mean() == pytest.approx(0, abs=4.5 / 20 / np.sqrt(3 * U.size))
    assert U.std() == pytest.approx(1 / 20 / np.sqrt(3), rel=0.01)
    few, _ = PairedTraining(corpus, Vocabulary(words[5:7], np.ones(2, dtype=int)), replace(SETTINGS, dim=20)).start()
    assert np.array_equal(few, U[5:7])
    longer, _ = PairedTraining(corpus, Vocabulary(words, np.ones(2000, dtype=int)), replace(SETTINGS, dim=30)).start()
    np.testing.assert_allclose(longer[:, :20] * 30, U * 20, rtol=1e-5)


# Rates and order


def test_rates_fall_with_the_tokens_of_the_full_corpus_that_come_before():
    corpus = made_corpus()
    training = PairedTraining(corpus, vocabulary_of(corpus), SETTINGS)
    total, done, orders = corpus.lengths.sum(), 0, []
    for number in range(SETTINGS.epochs):
        epoch = training.epoch(number)
        orders.append(epoch.documents.tolist())
        assert sorted(orders[-1]) == list(range(len(corpus)))
        for z, rate in zip(epoch.documents, epoch.rates, strict=True):
            share = done / (total * SETTINGS.epochs)
            expected = SETTINGS.alpha - (SETTINGS.alpha - SETTINGS.min_alpha) * share
            assert rate == pytest.approx(expected, rel=1e-12)
            done += corpus.lengths[z]
    assert training.epoch(0).rates[0] == SETTINGS.alpha
    assert len({tuple(order) for order in orders}) == 3
    assert orders[0] != sorted(orders[0])


def test_an_epoch_is_the_one_that_is_written_down():
    corpus = made_corpus()
    weights = np.random.default_rng(2).choice([0, 0.3, 1, 1.9, 2, 3.7], len(corpus))
    training = PairedTraining(corpus, vocabulary_of(corpus), SETTINGS, weights)
    for number in range(SETTINGS.epochs):
        epoch = training.epoch(number)
        slow = slow_epoch(corpus, SETTINGS, number, weights.tolist())
        assert list(zip(epoch.documents.tolist(), epoch.keys.tolist(), strict=True)) == [(z, key) for z, key, _ in slow]
        np.testing.assert_allclose(epoch.rates, [rate for _, _, rate in slow], rtol=1e-12)


# Weights


def test_a_weight_of_zero_is_a_document_whose_tokens_are_skipped():
    corpus, gone = made_corpus(), [3, 17, 30, 31, 59]
    assert corpus.lengths[gone].min() > 0
    removed = trained(corpus, weights=weights_of(corpus, dict.fromkeys(gone, 0)))
    # The tokens count for the schedule, but none is of the vocabulary.
    tokens = corpus.tokens.copy()
    for z in gone:
        tokens[corpus.offsets[z] : corpus.offsets[z + 1]] = SIZE + RARE
    assert same_bytes(removed, trained(replace(corpus, tokens=tokens), vocabulary_of(corpus)))
    assert not same_bytes(removed, trained(corpus))


def test_what_is_left_out_changes_no_order_no_draw_and_no_rate():
    corpus, gone = made_corpus(), [0, 8, 41]
    full = PairedTraining(corpus, vocabulary_of(corpus), SETTINGS)
    edited = PairedTraining(corpus, vocabulary_of(corpus), SETTINGS, weights_of(corpus, {0: 0, 8: 0, 41: 3}))
    for number in range(SETTINGS.epochs):
        before, after = full.epoch(number), edited.epoch(number)
        left, stays = ~np.isin(after.documents, gone), ~np.isin(before.documents, gone)
        for name in ("documents", "keys", "rates"):
            assert np.array_equal(getattr(after, name)[left], getattr(before, name)[stays])
        assert not np.isin([0, 8], after.documents).any()
        own = after.documents == 41
        assert own.sum() == len(set(after.keys[own].tolist())) == 3
        assert (np.diff(np.flatnonzero(own)) == 1).all()
        (place,) = np.flatnonzero(before.documents == 41)
        assert after.keys[own][0] == before.keys[place]
        np.testing.assert_allclose(after.rates[own], before.rates[place], rtol=1e-15)


def test_all_documents_left_out_is_the_start():
    corpus = made_corpus()
    nothing = trained(corpus, weights=np.zeros(len(corpus)))
    start, _ = PairedTraining(corpus, vocabulary_of(corpus), SETTINGS).start()
    assert np.array_equal(nothing.U, start)
    assert not nothing.C.any()


def test_weights_of_one_are_no_weights():
    corpus = made_corpus()
    assert same_bytes(trained(corpus), trained(corpus, weights=np.ones(len(corpus))))


@pytest.mark.parametrize("share", [0.25, 1.75])
def test_a_part_scales_the_steps(share):
    """With one document only, its weight is a factor of the learning rate."""
    corpus = corpus_of([[0, 1, 2, 0, 3, 1, 2]], 4)
    settings = TrainingSettings(dim=3, window=2, negative=2, epochs=2, sample=0, alpha=0.4, min_alpha=0.1)
    scaled = replace(settings, alpha=0.4 * share, min_alpha=0.1 * share)
    vocabulary = vocabulary_of(corpus, 4)
    by_weight, by_rate = (
        train_paired(corpus, vocabulary, each, weights=np.array([w])) for each, w in ((settings, share), (scaled, 1.0))
    )
    np.testing.assert_allclose(by_weight.U, by_rate.U, rtol=1e-5)
    np.testing.assert_allclose(by_weight.C, by_rate.C, rtol=1e-5, atol=1e-9)


def test_two_are_two_passes_with_draws_of_their_own():
    corpus = corpus_of([[0, 1, 2, 0, 3, 1, 2] * 3], 4)
    settings = TrainingSettings(dim=3, window=2, negative=2, epochs=1, sample=0.2)
    training = PairedTraining(corpus, vocabulary_of(corpus, 4), settings, np.array([2.0]), np.float64)
    epoch = training.epoch(0)
    assert epoch.documents.tolist() == [0, 0]
    assert epoch.rates.tolist() == [settings.alpha] * 2
    once = PairedTraining(corpus, vocabulary_of(corpus, 4), settings, precision=np.float64)
    assert epoch.keys[0] == once.epoch(0).keys[0] != epoch.keys[1]
    steps = [np.empty((int(training.pairs(epoch.part(n, n + 1))[0]), 3)) for n in range(2)]
    U, C = training.start()
    for n, tape in enumerate(steps):
        training.learn(epoch.part(n, n + 1), U, C, tape)
    # Other tokens are kept, or other windows and negatives are drawn.
    assert steps[0].shape != steps[1].shape or ((steps[0] == 0) != (steps[1] == 0)).any()
    other_U, other_C = training.start()
    training.learn(epoch, other_U, other_C)
    assert np.array_equal(U, other_U)
    assert np.array_equal(C, other_C)


def test_vectors_are_smooth_in_a_weight_about_one():
    """Near 1 the weight only scales a rate: halving the step quarters the error of the slope."""
    corpus, z = made_corpus(), 12
    assert corpus.lengths[z] > 10

    def at(w):
        return in_double(corpus, weights=weights_of(corpus, {z: w}))

    middle = at(1.0)
    assert np.array_equal(middle, in_double(corpus))
    slopes = [(at(1 + h) - at(1 - h)) / (2 * h) for h in (0.04, 0.02, 0.01)]
    assert np.abs(slopes[0]).max() > 1e-4
    first, second = (np.abs(b - a).max() for a, b in pairwise(slopes))
    assert second == pytest.approx(first / 4, rel=0.1)
    for h in (1e-6, -1e-6):
        assert np.abs(at(1 + h) - middle).max() < 1e-5


# What it learns


def loss_of(corpus, settings, model=None):
    """Expected loss of an epoch: of a model, or with all vectors zero."""
    vocabulary = vocabulary_of(corpus)
    keep = vocabulary.keep_probabilities(settings.sample)
    texts = [corpus.tokens[a:b].tolist() for a, b in pairwise(corpus.offsets)]
    counts = tensor(sum(slow_counts(text, keep, settings.window) for text in texts))
    U, C = (model.U, model.C) if model else np.zeros((2, SIZE, settings.dim))
    return float(expected_loss(tensor(U), tensor(C), counts, tensor(vocabulary.noise()), settings.negative))


@pytest.mark.parametrize("sample", [0.0, 0.02])
def test_it_learns_what_gensim_learns(sample):
    # gensim sets the learning rate once in 10,000 words, so it stays the same here.
    corpus = made_corpus(seed=3)
    vocabulary = vocabulary_of(corpus)
    settings = TrainingSettings(dim=10, window=3, negative=3, epochs=20, sample=sample, alpha=0.05, min_alpha=0.05)
    by_gensim, by_paired = (
        np.array(
            [loss_of(corpus, settings, train(corpus, vocabulary, replace(settings, seed=seed))) for seed in range(6)]
        )
        for train in (train_gensim, train_paired)
    )
    assert by_paired.mean() < 0.9 * loss_of(corpus, settings)
    assert by_paired.mean() == pytest.approx(by_gensim.mean(), rel=0.01)


# Threads and callbacks


@pytest.mark.parametrize("workers", [2, 3, 200])
def test_several_workers_share_the_documents(workers, monkeypatch):
    """Whatever the number of workers, beyond that of the documents too, each document is trained once an epoch."""
    corpus, learnt, learn = made_corpus(), [], PairedTraining.learn
    one = trained(corpus)

    def recorded(training, part, U, C):
        learnt.append(part.documents.tolist())
        return learn(training, part, U, C)

    monkeypatch.setattr(PairedTraining, "learn", recorded)
    found = trained(corpus, settings=replace(SETTINGS, workers=workers))
    parts = [part for part in learnt if part]
    assert len(parts) == min(workers, len(corpus)) * SETTINGS.epochs
    assert sorted(z for part in parts for z in part) == sorted(list(range(len(corpus))) * SETTINGS.epochs)
    assert np.isfinite(found.U).all()
    assert np.isfinite(found.C).all()
    # It learns the same, though threads overwrite one another's steps where there are so few words.
    start, learnt_alone, learnt_together = (loss_of(corpus, SETTINGS, model) for model in (None, one, found))
    assert start - learnt_together > 0.5 * (start - learnt_alone) > 0


def test_several_workers_are_no_problem_where_nothing_is_left_to_train():
    corpus = made_corpus()
    nothing = trained(corpus, settings=replace(SETTINGS, workers=2), weights=np.zeros(len(corpus)))
    assert not nothing.C.any()


def test_seen_counts_the_documents_of_each_epoch(monkeypatch):
    corpus = made_corpus()
    for weights in (None, weights_of(corpus, {0: 5, 1: 0})):
        calls = []
        trained(corpus, seen=calls.append, weights=weights)
        assert calls == [len(corpus)] * SETTINGS.epochs
    monkeypatch.setattr(paired, "CHUNK", 200)
    calls = []
    trained(corpus, seen=calls.append)
    ends = [n for n, done in enumerate(calls) if done == len(corpus)]
    assert len(ends) == SETTINGS.epochs
    assert calls[: ends[0] + 1] == sorted(calls[: ends[0] + 1])
    assert ends[0] > 3


def test_after_each_epoch_the_matrices_are_shown_and_the_time_taken_is_not_counted():
    seen = []

    def after_epoch(epoch, U, C):
        began = time.process_time()
        while time.process_time() - began < 0.3:
            pass
        seen.append((epoch, U.copy(), C.copy()))

    found = trained(made_corpus(), after_epoch=after_epoch)
    assert [epoch for epoch, _, _ in seen] == [1, 2, 3]
    assert np.array_equal(seen[-1][1], found.U)
    assert np.array_equal(seen[-1][2], found.C)
    assert not np.array_equal(seen[0][1], found.U)
    assert 0 < found.cpu_seconds < 0.6


# Small and odd corpora


@pytest.mark.parametrize("texts", [[[]], [[], []], [[9, 9, 9]], [[0]], [[9], [0], [1, 9, 9]]], ids=str)
def test_corpora_without_a_pair_leave_everything_as_it_was(texts):
    corpus = corpus_of(texts, 10)
    vocabulary = Vocabulary(["w0", "w1"], np.array([1, 1]))
    found = train_paired(corpus, vocabulary, replace(SETTINGS, sample=0))
    start, _ = PairedTraining(corpus, vocabulary, SETTINGS).start()
    assert np.array_equal(found.U, start)
    assert not found.C.any()


def test_documents_without_a_word_of_the_vocabulary_count_for_the_schedule_alone():
    corpus = corpus_of([[0, 1, 2] * 5, [9] * 40, [1, 2, 0] * 5], 10)
    vocabulary = vocabulary_of(corpus, 3)
    training = PairedTraining(corpus, vocabulary, SETTINGS)
    epoch = training.epoch(0)
    assert training.pairs(epoch)[epoch.documents == 1] == 0
    shorter = replace(corpus_of([[0, 1, 2] * 5, [], [1, 2, 0] * 5], 10), doc_ids=corpus.doc_ids)
    steady = replace(SETTINGS, min_alpha=SETTINGS.alpha)
    assert same_bytes(trained(corpus, vocabulary, steady), trained(shorter, vocabulary, steady))
    assert not same_bytes(trained(corpus, vocabulary), trained(shorter, vocabulary))


def test_a_window_far_beyond_the_documents_needs_no_memory():
    corpus, settings = made_corpus(), replace(SETTINGS, window=10_000, epochs=1, sample=0)
    training = PairedTraining(corpus, vocabulary_of(corpus), settings)
    U, C = training.start()
    epoch = training.epoch(0)
    inside = np.array([(corpus.tokens[a:b] < SIZE).sum() for a, b in pairwise(corpus.offsets)])[epoch.documents]
    pairs = training.learn(epoch, U, C)
    assert pairs == training.pairs(epoch).sum()
    # Nearly every window holds the whole document.
    assert 0.95 * (inside * (inside - 1)).sum() < pairs <= (inside * (inside - 1)).sum()
    with pytest.raises(UsageError, match="window must be at most 10000"):
        replace(SETTINGS, window=10_001)


@hypothesis_settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 9), max_size=12), st.integers(1, 15))
def test_a_row_of_documents_is_cut_into_parts_of_bounded_size(sizes, most):
    parts = cut(np.array(sizes, dtype=np.int64), most)
    assert [z for first, last in parts for z in range(first, last)] == list(range(len(sizes)))
    for first, last in parts:
        assert last == first + 1 or sum(sizes[first:last]) <= most
        # No part could take the next document as well.
        assert last == len(sizes) or sum(sizes[first : last + 1]) > most
