"""Training on an edited text: as if what was taken out had never been written, and all other draws as they were."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from helpers import corpus_of
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from slow_training import slow_training
from trainings import DIM, vocabulary_of

from clif.corpus.change import OUTSIDE, Change
from clif.pairs import LONGEST
from clif.settings import TrainingSettings
from clif.training.exact import count_dense
from clif.training.gensim import Sentences, train_gensim
from clif.training.paired import PairedTraining

SIZE = 7


def in_double(corpus, vocabulary, settings):
    training = PairedTraining(corpus, vocabulary, settings, precision=np.float64)
    U, C = training.start()
    for number in range(settings.epochs):
        training.learn(training.epoch(number), U, C)
    return U, C


def without(corpus, places):
    """The change that takes these tokens out, the shorter text, and the positions that its tokens had."""
    change = Change.of_tokens(corpus, np.array(places, dtype=np.int64), np.full(len(places), OUTSIDE))
    texts, positions = [], []
    for start, end in pairwise(corpus.offsets.tolist()):
        stays = [place for place in range(start, end) if place not in set(places)]
        texts.append([int(corpus.tokens[place]) for place in stays])
        positions.append([place - start for place in stays])
    return change, corpus_of(texts, len(corpus.types)), positions


@hypothesis_settings(max_examples=25, deadline=None)
@given(
    texts=st.lists(st.lists(st.integers(0, SIZE), max_size=12), min_size=1, max_size=4),
    window=st.integers(1, 4),
    sample=st.sampled_from([0.0, 0.05, 0.3]),
    seed=st.integers(0, 2**32 - 1),
    data=st.data(),
)
def test_it_is_training_on_the_shorter_text_with_the_same_draws(texts, window, sample, seed, data):
    corpus = corpus_of(texts, SIZE + 1)  # the last word is outside of the vocabulary
    vocabulary = type(vocabulary_of(corpus))(corpus.types[:SIZE], np.maximum(corpus.counts[:SIZE], 1))
    settings = TrainingSettings(dim=DIM, window=window, negative=2, epochs=2, sample=sample, alpha=0.3, seed=seed)
    places = sorted(data.draw(st.sets(st.integers(0, max(0, len(corpus.tokens) - 1)), max_size=len(corpus.tokens))))
    change, shorter, positions = without(corpus, places)
    fast = in_double(change.text(corpus), vocabulary, settings)
    slow = slow_training(shorter, vocabulary, settings, positions=positions, lengths=corpus.lengths.tolist())
    for one, other in zip(fast, slow, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-12)


def test_a_long_document_is_cut_where_the_shorter_text_is():
    corpus = corpus_of([np.random.default_rng(0).integers(0, 4, LONGEST + 30).tolist()], 4)
    vocabulary = vocabulary_of(corpus)
    settings = TrainingSettings(dim=DIM, window=1, negative=1, epochs=1, sample=0)
    change, shorter, positions = without(corpus, list(range(100, 120)))
    fast = in_double(change.text(corpus), vocabulary, settings)
    slow = slow_training(shorter, vocabulary, settings, positions=positions, lengths=[LONGEST + 30])
    np.testing.assert_allclose(fast[0], slow[0], rtol=0, atol=1e-11)


def test_all_tokens_of_a_document_are_the_document():
    rng = np.random.default_rng(1)
    corpus = corpus_of(rng.integers(0, SIZE, (6, 9)).tolist(), SIZE)
    vocabulary, settings = vocabulary_of(corpus), TrainingSettings(dim=DIM, window=2, negative=2, epochs=2, sample=0.1)
    change, _, _ = without(corpus, list(range(18, 27)))
    removed = PairedTraining(corpus, vocabulary, settings, np.array([1, 1, 0, 1, 1, 1.0]), np.float64)
    U, C = removed.start()
    for number in range(2):
        removed.learn(removed.epoch(number), U, C)
    found = in_double(change.text(corpus), vocabulary, settings)
    assert np.array_equal(found[0], U)
    assert np.array_equal(found[1], C)


def test_the_other_trainers_see_the_shorter_text():
    corpus = corpus_of(np.random.default_rng(2).integers(0, SIZE, (5, 12)).tolist(), SIZE)
    vocabulary = vocabulary_of(corpus)
    settings = TrainingSettings(dim=4, window=2, negative=2, epochs=2, sample=0.1, trainer="gensim")
    change, shorter, _ = without(corpus, [3, 4, 5, 20, 59])
    found, expected = (train_gensim(each, vocabulary, settings) for each in (change.text(corpus), shorter))
    assert found.U.tobytes() == expected.U.tobytes()
    exact = replace(settings, trainer="exact", epochs=TrainingSettings.epochs)
    counts = [count_dense(each, vocabulary, exact) for each in (change.text(corpus), shorter)]
    np.testing.assert_allclose(*counts, rtol=1e-12)


# Parts of a document, by gensim


def test_a_part_of_a_document_is_passed_in_that_share_of_the_epochs():
    corpus = corpus_of([[0, 1], [1, 0], [0, 0], [1, 1]], 2)
    sentences = Sentences(corpus, corpus.types, np.array([0.3, 1.0, 2.5, 0.0]), seed=5)
    epochs = [list(sentences) for _ in range(2000)]
    assert {len(epoch) for epoch in epochs} == {len(sentences)} == {6}
    first = np.array([len(epoch[0]) == 2 for epoch in epochs])
    third = np.array([[bool(epoch[n]) for n in (2, 3, 4)] for epoch in epochs])
    assert first.mean() == pytest.approx(0.3, abs=4.5 * np.sqrt(0.21 / 2000))
    assert third[:, :2].all()
    assert third[:, 2].mean() == pytest.approx(0.5, abs=4.5 * np.sqrt(0.25 / 2000))
    assert all(epoch[1] and not epoch[5] for epoch in epochs)
    assert abs(np.corrcoef(first, third[:, 2])[0, 1]) < 4.5 / np.sqrt(2000)
    again, other = (
        [len(next(iter(each))) for _ in range(50)]
        for each in (Sentences(corpus, corpus.types, sentences.weights, seed=seed) for seed in (5, 6))
    )
    assert again == [2 * kept for kept in first[:50]] != other


@pytest.mark.parametrize("trainer", ["paired", "gensim"])
def test_a_half_lies_between_all_and_nothing(trainer):
    """By the expected loss of the document itself, in the mean over seeds."""
    from clif.training.trainers import train_model

    rng = np.random.default_rng(3)
    texts = rng.integers(0, 6, (40, 20)).tolist()
    texts[0] = [6, 7] * 20  # two words that stand nowhere else
    corpus = corpus_of(texts, 8)
    vocabulary = vocabulary_of(corpus)
    learnt = []
    for weight in (0.0, 0.5, 1.0):
        weights = np.ones(40)
        weights[0] = weight
        scores = []
        for seed in range(6):
            settings = TrainingSettings(dim=DIM, window=2, negative=2, epochs=8, sample=0, seed=seed, trainer=trainer)
            found = train_model(corpus, vocabulary, settings, weights=weights)
            scores.append(float(found.U[6] @ found.C[7]))
        learnt.append(np.mean(scores))
    assert learnt[0] < learnt[1] < learnt[2]
