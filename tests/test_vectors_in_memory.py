"""Vectors in memory are audited as those in files are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import clif
from clif.errors import InputError, UsageError
from clif.formats import keyed_vectors, vectors_of
from clif.objectives import load_tests

TEST = load_tests(["weat6"])[0]


@pytest.fixture(scope="module")
def vectors():
    words = [word for own in TEST.sets.values() for word in own]
    return dict(zip(words, np.random.default_rng(1).normal(size=(len(words), 5)).astype(np.float32), strict=True))


def by_hand(vectors):
    """The effect size, written out."""
    unit = {word: vector / np.linalg.norm(vector) for word, vector in vectors.items()}

    def s(word):
        return np.mean([unit[word] @ unit[a] for a in TEST.A]) - np.mean([unit[word] @ unit[b] for b in TEST.B])

    X, Y = [s(x) for x in TEST.X], [s(y) for y in TEST.Y]
    return (np.mean(X) - np.mean(Y)) / np.std([*X, *Y])


def test_every_holder_of_vectors_gives_the_effect_size_of_a_hand_calculation(vectors):
    words, matrix = list(vectors), np.array(list(vectors.values()))
    keyed = keyed_vectors(words, matrix)
    table = pd.DataFrame(matrix, index=words)
    lists = {word: vector.tolist() for word, vector in vectors.items()}
    for given in (vectors, keyed, table, lists, vectors_of(vectors)):
        result = clif.audit(given, "weat6").results[0]
        assert result.effect_size == pytest.approx(by_hand(vectors), rel=1e-5)
        assert result.frequency is None


def test_a_whole_model_of_gensim_is_known_with_its_counts():
    from gensim.models import Word2Vec

    model = Word2Vec([["a", "b", "c", "a"]] * 5, vector_size=4, min_count=1, sg=1, workers=1)
    found = vectors_of(model)
    assert found.words[0] == "a"
    assert found.counts[0] == 10
    assert found.C is not None
    np.testing.assert_array_equal(vectors_of(model.wv).U, model.wv.vectors)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "no vectors"),
        ({"a": [1, 2], "b": [1]}, "different lengths, such as 1 and 2"),
        ({"a": ["x", "y"]}, "not numbers"),
        ({1: [1, 2]}, "a word cannot be of type int"),
        (pd.DataFrame([[1.0], [2.0]], index=["a", "a"]), "'a' has two vectors"),
        ({"a": [float("nan")]}, "not finite"),
    ],
)
def test_what_is_wrong_with_vectors_is_said(given, said):
    with pytest.raises(InputError, match=said):
        vectors_of(given)


def test_what_holds_no_vectors_is_refused(vectors):
    with pytest.raises(UsageError, match="of type int"):
        clif.audit(7)
    with pytest.raises(UsageError, match="say nothing of other seeds"):
        clif.audit(vectors, "weat6", seeds=2)
