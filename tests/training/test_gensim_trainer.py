"""Training by gensim: reproducible, the same as plain gensim, and steady when documents leave."""

from __future__ import annotations

import time
from itertools import pairwise

import numpy as np
import pytest
from gensim.models import Word2Vec
from helpers import corpus_of, random_problem
from hypothesis import given, settings
from hypothesis import strategies as st

from clif.pairs import LONGEST, stream_contexts
from clif.settings import TrainingSettings
from clif.training.gensim import Sentences, train_gensim
from clif.training.loss import LossSample
from clif.vocabulary import Vocabulary

SETTINGS = TrainingSettings(dim=8, window=3, negative=4, epochs=3, sample=1e-2, seed=7)
SIZE, RARE = 40, 10


def made_corpus(documents: int = 60, seed: int = 0):
    rng = np.random.default_rng(seed)
    texts = [((SIZE + RARE) * rng.random(rng.integers(0, 40)) ** 2).astype(int).tolist() for _ in range(documents)]
    corpus = corpus_of(texts, SIZE + RARE)
    return corpus, Vocabulary(corpus.types[:SIZE], corpus.counts[:SIZE])


def texts_of(corpus, size: int) -> list[list[str]]:
    """Words of the vocabulary in each document."""
    bounds = pairwise(corpus.offsets)
    return [[corpus.types[token] for token in corpus.tokens[a:b] if token < size] for a, b in bounds]


def plain_gensim(texts, vocabulary: Vocabulary, options: TrainingSettings) -> Word2Vec:
    model = Word2Vec(
        sg=1,
        vector_size=options.dim,
        window=options.window,
        negative=options.negative,
        alpha=options.alpha,
        min_alpha=options.min_alpha,
        sample=options.sample,
        epochs=options.epochs,
        seed=options.seed,
        workers=1,
        min_count=1,
        sorted_vocab=0,
    )
    model.build_vocab_from_freq(dict(zip(vocabulary.words, vocabulary.counts.tolist(), strict=True)))
    model.train(texts, total_examples=len(texts), epochs=options.epochs)
    return model


def same_bytes(left, right) -> bool:
    return left.U.tobytes() == right.U.tobytes() and left.C.tobytes() == right.C.tobytes()


def test_the_same_seed_gives_the_same_bytes_and_another_seed_gives_others():
    corpus, vocabulary = made_corpus()
    first, second = (train_gensim(corpus, vocabulary, SETTINGS) for _ in range(2))
    other = train_gensim(corpus, vocabulary, TrainingSettings(**SETTINGS.to_dict() | {"seed": 8}))
    assert same_bytes(first, second)
    assert not same_bytes(first, other)
    assert first.U.shape == first.C.shape == (SIZE, 8)
    assert first.U.dtype == first.C.dtype == np.float32


@pytest.mark.parametrize("sample", [0, 1e-2])
def test_equals_plain_gensim_on_the_same_sentences(sample):
    corpus, vocabulary = made_corpus(900)  # more words than gensim takes in one batch
    options = TrainingSettings(**SETTINGS.to_dict() | {"sample": sample})
    trained = train_gensim(corpus, vocabulary, options)
    model = plain_gensim(texts_of(corpus, SIZE), vocabulary, options)
    assert model.wv.index_to_key == vocabulary.words
    assert np.array_equal(trained.U, model.wv.vectors)
    assert np.array_equal(trained.C, model.syn1neg)


def test_equals_gensim_with_a_vocabulary_of_its_own_where_counts_differ():
    # Word n occurs 30 - n times, so gensim's order is ours.
    tokens = np.random.default_rng(1).permutation(np.repeat(np.arange(20), np.arange(30, 10, -1)))
    corpus = corpus_of(np.array_split(tokens, 25), 20)
    vocabulary = Vocabulary(corpus.types[:15], corpus.counts[:15])
    trained = train_gensim(corpus, vocabulary, SETTINGS)
    model = Word2Vec(
        texts_of(corpus, 20), sg=1, vector_size=8, window=3, negative=4, epochs=3, min_count=16, sample=1e-2,
        alpha=SETTINGS.alpha, min_alpha=SETTINGS.min_alpha, seed=7, workers=1,
    )  # fmt: skip
    assert model.wv.index_to_key == vocabulary.words
    assert np.array_equal(trained.U, model.wv.vectors)
    assert np.array_equal(trained.C, model.syn1neg)


def test_leaving_documents_out_changes_the_vectors_and_nothing_else():
    corpus, vocabulary = made_corpus()
    copies = np.ones(len(corpus), dtype=int)
    copies[::3] = 0
    full, edited = (
        train_gensim(corpus, vocabulary, SETTINGS),
        train_gensim(corpus, vocabulary, SETTINGS, weights=copies),
    )
    assert edited.U.shape == full.U.shape
    assert np.isfinite(edited.U).all()
    assert np.isfinite(edited.C).all()
    assert not same_bytes(full, edited)


def test_words_that_are_left_out_everywhere_stay_where_they_started():
    corpus, vocabulary = made_corpus()
    empty = corpus_of([[] for _ in range(len(corpus))], SIZE + RARE)
    nothing = train_gensim(corpus, vocabulary, SETTINGS, weights=np.zeros(len(corpus), dtype=int))
    assert same_bytes(nothing, train_gensim(empty, vocabulary, SETTINGS))
    assert not nothing.C.any()


def test_the_learning_rate_at_a_document_moves_by_less_than_a_batch_when_others_leave(monkeypatch):
    corpus, vocabulary = made_corpus(2500)
    batches: list[tuple[int, float]] = []
    job = Word2Vec._do_train_job

    def recorded(model, sentences, alpha, inits):
        batches.append((len(sentences), alpha))
        return job(model, sentences, alpha, inits)

    monkeypatch.setattr(Word2Vec, "_do_train_job", recorded)

    def rates(copies):
        batches.clear()
        train_gensim(corpus, vocabulary, SETTINGS, weights=copies)
        sizes, alphas = zip(*batches, strict=True)
        return np.repeat(alphas, sizes), max(sizes)

    copies = np.ones(len(corpus), dtype=int)
    copies[np.random.default_rng(0).permutation(len(corpus))[:250]] = 0
    (before, _), (after, most) = rates(None), rates(copies)
    slope = (SETTINGS.alpha - SETTINGS.min_alpha) / (SETTINGS.epochs * len(corpus))
    assert len(before) == len(after) == SETTINGS.epochs * len(corpus)
    assert 0 < np.abs(after - before).max() <= slope * most


def test_copies_equal_a_corpus_in_which_the_documents_stand_that_often():
    corpus, vocabulary = made_corpus()
    copies = np.random.default_rng(2).integers(0, 4, len(corpus))
    texts = []
    for (a, b), n in zip(pairwise(corpus.offsets), copies, strict=True):
        texts += [corpus.tokens[a:b]] * n if n else [[]]
    trained = train_gensim(corpus, vocabulary, SETTINGS, weights=copies)
    assert same_bytes(trained, train_gensim(corpus_of(texts, SIZE + RARE), vocabulary, SETTINGS))


@settings(max_examples=60, deadline=None)
@given(
    texts=st.lists(st.lists(st.integers(0, 5), max_size=8), min_size=1, max_size=6),
    size=st.integers(2, 6),
    data=st.data(),
)
def test_sentences_are_the_words_of_the_vocabulary_and_empty_for_removed_documents(texts, size, data):
    copies = data.draw(st.lists(st.integers(0, 3), min_size=len(texts), max_size=len(texts)))
    corpus = corpus_of(texts, 6)
    sentences = Sentences(corpus, corpus.types[:size], np.array(copies))
    expected = []
    for text, n in zip(texts, copies, strict=True):
        inside = [f"w{token}" for token in text if token < size]
        expected += [inside] * n if n else [[]]
    assert list(sentences) == expected
    assert list(sentences) == expected  # one pass an epoch
    assert len(sentences) == len(expected)


@settings(max_examples=10, deadline=None)
@given(
    shapes=st.lists(
        st.tuples(st.integers(0, 2), st.sampled_from([0, 1, 9_999, 10_000, 10_001]), st.integers(0, 3)),
        min_size=1,
        max_size=3,
    ),
    copies=st.lists(st.integers(0, 2), min_size=3, max_size=3),
)
def test_long_documents_come_in_pieces_and_are_counted_so(shapes, copies):
    texts = [[0] * (thousands * LONGEST + inside) + [1] * outside for thousands, inside, outside in shapes]
    corpus = corpus_of(texts, 2)
    sentences = Sentences(corpus, ["w0"], np.array(copies[: len(texts)]))
    lengths = [len(sentence) for sentence in sentences]
    expected = []
    for (thousands, rest, _), n in zip(shapes, copies, strict=False):
        inside = thousands * LONGEST + rest
        pieces = [min(LONGEST, inside - start) for start in range(0, inside, LONGEST)] or [0]
        expected += pieces * n if n else [0] * len(pieces)
    assert lengths == expected
    assert len(sentences) == len(expected)


def test_seen_ends_with_all_documents_in_each_epoch():
    corpus, vocabulary = made_corpus(600)
    calls: list[int] = []
    train_gensim(corpus, vocabulary, SETTINGS, seen=calls.append)
    assert calls == [0, 512, 600] * SETTINGS.epochs


def test_after_each_epoch_the_matrices_are_shown_and_the_time_taken_is_not_counted():
    corpus, vocabulary = made_corpus()
    seen = []

    def after_epoch(epoch, U, C):
        began = time.process_time()
        while time.process_time() - began < 0.3:
            pass
        seen.append((epoch, U.copy(), C.copy()))

    trained = train_gensim(corpus, vocabulary, SETTINGS, after_epoch=after_epoch)
    assert [epoch for epoch, _, _ in seen] == [1, 2, 3]
    assert np.array_equal(seen[-1][1], trained.U)
    assert np.array_equal(seen[-1][2], trained.C)
    assert not np.array_equal(seen[0][1], trained.U)
    assert 0 < trained.cpu_seconds < 0.6


def test_the_loss_is_the_weighted_mean_over_contexts_of_a_pair_with_its_negatives():
    problem = random_problem(3, documents=30)
    sample = LossSample(problem.corpus, problem.vocabulary, problem.settings)
    U, C = problem.U.astype(np.float64), problem.C.astype(np.float64)
    k = problem.settings.negative
    total = 0.0
    for w, c, weight in zip(sample.input, sample.output, sample.weight, strict=True):
        noise = np.mean([np.log1p(np.exp(U[w] @ C[other])) for other in sample.noise])
        total += weight * (np.log1p(np.exp(-U[w] @ C[c])) + k * noise)
    assert sample.loss(U, C) == pytest.approx(total / sample.weight.sum(), rel=1e-9)
    # All contexts of so small a corpus are in the sample, and none twice.
    corpus = problem.corpus
    every = stream_contexts(corpus.tokens, corpus.offsets, problem.keep, problem.settings.window)
    assert sample.size == sum(map(len, every))


def test_a_corpus_without_contexts_has_no_loss():
    corpus = corpus_of([[0], [1], []], 2)
    assert not LossSample(corpus, Vocabulary(["a", "b"], np.array([1, 1])), SETTINGS)


def test_the_loss_falls_in_training():
    rng = np.random.default_rng(0)
    # Words come in two groups that never meet, so there is something to learn.
    texts = [(20 * (z % 2) + rng.integers(0, 20, 30)).tolist() for z in range(400)]
    corpus = corpus_of(texts, 40)
    vocabulary = Vocabulary(corpus.types, corpus.counts)
    options = TrainingSettings(dim=8, epochs=4, sample=0)
    sample, losses = LossSample(corpus, vocabulary, options), []
    train_gensim(corpus, vocabulary, options, after_epoch=lambda _, U, C: losses.append(sample.loss(U, C)))
    assert losses[-1] < losses[0] - 0.05
