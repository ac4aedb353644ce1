"""Nearest neighbours of target words, and which words are shown."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from clif.objectives import SETS, BiasTest, cover
from clif.retraining.holdout import HOLDOUTS, split_words
from clif.retraining.neighbours import NEAREST, nearest, words_to_show

WORDS = [f"{key}{n}".lower() for n in range(6) for key in SETS]
INDEX = {word: row for row, word in enumerate(WORDS)}
WHOLE = cover(BiasTest("made", **{key: tuple(f"{key}{n}".lower() for n in range(6)) for key in SETS}), INDEX)


@given(st.integers(0, 1000), st.integers(8, 40))
def test_neighbours_are_the_nearest_by_cosine(seed, size):
    rng = np.random.default_rng(seed)
    U = rng.normal(size=(size, 4)).astype(np.float32)
    words = [f"w{n}" for n in range(size)]
    units = U / np.linalg.norm(U, axis=1, keepdims=True)
    found = nearest(U * rng.uniform(0.5, 2, (size, 1)).astype(np.float32), words, 3)
    cosines = sorted((float(units[n] @ units[3]) for n in range(size) if n != 3), reverse=True)
    assert len(set(found)) == NEAREST
    np.testing.assert_allclose([units[words.index(word)] @ units[3] for word in found], cosines[:NEAREST], atol=1e-5)


def test_small_vocabularies_and_vectors_without_length_have_neighbours():
    U = np.array([[1, 0], [0, 0], [1, 1], [-1, 0]], dtype=np.float32)
    assert nearest(U, ["a", "b", "c", "d"], 0) == ["c", "d", "b"]
    assert len(nearest(np.zeros((9, 2)), list("abcdefghi"), 4)) == NEAREST


def test_the_most_frequent_targets_are_shown():
    counts = np.arange(len(WORDS))[::-1].copy()
    counts[INDEX["x4"]] = 100
    shown = words_to_show(WHOLE, None, counts)
    assert [(word.word, word.key, word.held_out) for word in shown] == [
        ("x4", "X", False), ("x0", "X", False), ("y0", "Y", False), ("y1", "Y", False),
    ]  # fmt: skip
    assert all(WORDS[word.row] == word.word for word in shown)


@given(st.sampled_from(sorted(HOLDOUTS)), st.integers(0, 1000))
def test_used_and_held_out_targets_are_shown(kind, seed):
    counts = np.arange(len(WORDS))[::-1]
    used, held = split_words(WHOLE, kind, seed)
    shown = words_to_show(WHOLE, cover(held, INDEX, 2), counts)
    assert [word.key for word in shown] == ["X", "X", "Y", "Y"]
    if kind == "attributes":
        assert [word.word for word in shown] == ["x0", "x1", "y0", "y1"]
        assert not any(word.held_out for word in shown)
        return
    assert [word.held_out for word in shown] == [False, True, False, True]
    for word in shown:
        words = (held if word.held_out else used).sets[word.key]
        assert word.word == min(words)  # the numbers are in the order of frequency
