"""Keep probabilities and noise against gensim's own tables."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest
from gensim.models import Word2Vec
from hypothesis import given
from hypothesis import strategies as st

from clif.errors import InputError, UsageError
from clif.settings import TrainingSettings
from clif.vocabulary import Vocabulary, vocabulary_size


def counts() -> np.ndarray:
    rng = np.random.default_rng(4)
    return np.sort(rng.zipf(1.3, 300).clip(max=100_000))[::-1].copy()


def both(**options) -> tuple[Vocabulary, Word2Vec]:
    vocabulary = Vocabulary([f"w{n}" for n in range(300)], counts())
    model = Word2Vec(vector_size=1, sg=1, negative=5, min_count=1, sorted_vocab=0, **options)
    model.build_vocab_from_freq(dict(zip(vocabulary.words, vocabulary.counts.tolist(), strict=True)))
    assert model.wv.index_to_key == vocabulary.words
    return vocabulary, model


def same_keep_probabilities(sample: float) -> bool:
    vocabulary, model = both(sample=sample)
    gensim = np.array([model.wv.get_vecattr(word, "sample_int") for word in vocabulary.words]) / 2**32
    return np.allclose(vocabulary.keep_probabilities(sample), gensim, rtol=0, atol=1e-9)


@pytest.mark.parametrize("sample", [0, 1e-6, 1e-4, 1e-3, 0.02, 0.999])
def test_keep_probabilities_are_those_of_gensim(sample):
    assert same_keep_probabilities(sample)


@pytest.mark.parametrize("sample", [1.0, 50.0])
def test_no_sample_is_accepted_that_gensim_takes_for_something_else(sample):
    # From 1 on gensim reads it as a number of occurrences.
    with suppress(UsageError):
        TrainingSettings(sample=sample)
        assert same_keep_probabilities(sample)


@pytest.mark.parametrize("exponent", [0.75, 0, 1, -0.5])
def test_noise_is_that_of_gensim(exponent):
    vocabulary, model = both(ns_exponent=exponent)
    noise = vocabulary.noise(exponent)
    assert noise.sum() == pytest.approx(1, abs=1e-12)
    np.testing.assert_allclose(np.cumsum(noise), model.cum_table / (2**31 - 1), rtol=0, atol=1e-9)


def test_keep_probability_and_noise_by_hand():
    vocabulary = Vocabulary(["a", "b"], np.array([16, 4]))
    np.testing.assert_allclose(vocabulary.keep_probabilities(0.05), [0.3125, 0.75])
    np.testing.assert_allclose(vocabulary.noise(0.5), [2 / 3, 1 / 3])
    assert vocabulary.index == {"a": 0, "b": 1}


@given(st.lists(st.integers(1, 50), min_size=2).map(lambda c: sorted(c, reverse=True)), st.integers(1, 60))
def test_the_size_is_how_many_words_reach_min_count(falling, least):
    reach = sum(count >= least for count in falling)
    if reach < 2:
        with pytest.raises(InputError, match=f"only {reach} of {len(falling)} words"):
            vocabulary_size(np.array(falling), least, "corpus")
    else:
        assert vocabulary_size(np.array(falling), least, "corpus") == reach


def test_a_corpus_without_words_has_no_vocabulary():
    with pytest.raises(InputError, match="only 0 of 0 words"):
        vocabulary_size(np.empty(0, dtype=np.int64), 1, "corpus")
