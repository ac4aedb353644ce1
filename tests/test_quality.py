"""The embedding's quality against gensim's own evaluation of word pairs."""

from __future__ import annotations

import numpy as np
import pytest
from gensim.models import KeyedVectors
from gensim.test.utils import datapath
from hypothesis import given, settings
from hypothesis import strategies as st

from clif.quality import LEAST_PAIRS, Quality, similarity, wordsim353


def pair_words() -> list[str]:
    with open(datapath("wordsim353.tsv"), encoding="utf-8") as file:
        rows = [line.split("\t") for line in file if not line.startswith("#")]
    return sorted({word.lower() for row in rows for word in row[:2]})


WORDS = pair_words()


def near_ties(words: list[str], vectors: np.ndarray) -> int:
    """Neighbours among the cosines that single precision, in which gensim takes them, may order otherwise."""
    row = {word: vectors[n] / np.linalg.norm(vectors[n].astype(float)) for n, word in enumerate(words)}
    with open(datapath("wordsim353.tsv"), encoding="utf-8") as file:
        pairs = [[word.lower() for word in line.split("\t")[:2]] for line in file if not line.startswith("#")]
    cosines = sorted(float(row[a] @ row[b]) for a, b in pairs if a in row and b in row and a != b)
    gaps = np.diff(cosines)
    return int(((gaps > 0) & (gaps < 1e-6)).sum())


def both(words: list[str], vectors: np.ndarray) -> tuple[Quality, float, float]:
    """Ours, gensim's Spearman correlation, and its share of pairs that are out of the vocabulary."""
    keyed = KeyedVectors(vectors.shape[1])
    keyed.add_vectors(words, vectors)
    _, spearman, missing = keyed.evaluate_word_pairs(datapath("wordsim353.tsv"))
    return wordsim353(vectors, {word: row for row, word in enumerate(words)}), spearman[0], missing


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.4, 1.0), st.integers(1, 20))
def test_the_correlation_is_the_one_gensim_computes(seed, share, dim):
    rng = np.random.default_rng(seed)
    words = [word for word in rng.permutation(WORDS).tolist() if rng.random() < share]
    vectors = rng.normal(size=(len(words), dim)).astype(np.float32)
    quality, spearman, missing = both(words, vectors)
    assert quality.pairs == round(353 * (1 - missing / 100))
    if quality.pairs >= LEAST_PAIRS and dim > 1:  # in one dimension all cosines are 1 or -1, up to rounding
        # Two neighbours that change places move the correlation by 12 / (n (n + 1)) at the most.
        swap = 12 / (quality.pairs * (quality.pairs + 1))
        assert quality.spearman == pytest.approx(spearman, abs=1e-5 + near_ties(words, vectors) * swap)


def test_all_pairs_are_there_where_the_vocabulary_is_complete():
    vectors = np.random.default_rng(0).normal(size=(len(WORDS), 5)).astype(np.float32)
    quality = wordsim353(vectors, {word: row for row, word in enumerate(WORDS)})
    assert quality.pairs == 353
    assert -1 <= quality.spearman <= 1


def test_words_are_taken_as_written_before_they_are_lowered():
    vectors = np.random.default_rng(1).normal(size=(len(WORDS) + 1, 5)).astype(np.float32)
    index = {word: row for row, word in enumerate(WORDS)}
    lower = wordsim353(vectors, index)
    assert "fbi" in index
    upper = wordsim353(vectors, index | {"FBI": len(WORDS)})
    assert lower.pairs == upper.pairs == 353
    assert lower.spearman != upper.spearman


def test_too_few_pairs_have_no_correlation():
    # Tiger and cat, and tiger with itself.
    assert wordsim353(np.ones((2, 3), dtype=np.float32), {"tiger": 0, "cat": 1}) == Quality(None, 2)
    assert wordsim353(np.empty((0, 3), dtype=np.float32), {}) == Quality(None, 0)


def test_a_zero_vector_has_cosine_zero():
    vectors = np.random.default_rng(2).normal(size=(len(WORDS), 5)).astype(np.float32)
    vectors[::7] = 0
    quality = wordsim353(vectors, {word: row for row, word in enumerate(WORDS)})
    assert quality.pairs == 353
    assert np.isfinite(quality.spearman)


def test_there_is_no_correlation_where_all_are_alike():
    words = [f"w{n}" for n in range(LEAST_PAIRS + 1)]
    index, U = {word: n for n, word in enumerate(words)}, np.random.default_rng(0).normal(size=(len(words), 4))
    rising = [("w0", word, float(n)) for n, word in enumerate(words[1:])]
    alike = [(first, second, 5.0) for first, second, _ in rising]
    assert similarity(U, index, alike) == similarity(0 * U, index, rising) == Quality(None, LEAST_PAIRS)
    assert similarity(U, index, rising).spearman is not None
