"""Near-duplicates, planted and told from what is only alike."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import corpus_of
from hypothesis import given, settings
from hypothesis import strategies as st

from clif.errors import UsageError
from clif.retraining.duplicates import SHINGLE, near_duplicates, shingles

WORDS = 400


def text(rng, length=60):
    return rng.integers(0, WORDS, length).tolist()


def alike(one, other):
    sets = [{tuple(each[n : n + SHINGLE]) for n in range(max(1, len(each) - SHINGLE + 1))} for each in (one, other)]
    return len(sets[0] & sets[1]) / len(sets[0] | sets[1])


def slow_units(texts, similarity):
    """Connected parts of all pairs, compared one by one."""
    unit = list(range(len(texts)))
    for a in range(len(texts)):
        for b in range(a):
            if texts[a] and texts[b] and alike(texts[a], texts[b]) >= similarity:
                old, new = unit[a], unit[b]
                unit = [new if each == old else each for each in unit]
    return unit


def same_parts(one, other):
    return len(set(zip(one, other, strict=True))) == len(set(one)) == len(set(other))


@pytest.mark.parametrize("similarity", [0.5, 0.8, 1.0])
@pytest.mark.parametrize("seed", range(2))
def test_units_are_those_of_comparing_every_pair(seed, similarity):
    rng = np.random.default_rng(seed)
    texts = [text(rng) for _ in range(30)]
    for n in range(30):
        copy = list(texts[n])
        for place in rng.integers(0, len(copy), n % 4):
            copy[place] = int(rng.integers(0, WORDS))
        texts.append(copy)
    texts += [[], [], [1, 2], [1, 2], [1, 3]]
    found = near_duplicates(corpus_of(texts, WORDS), similarity)
    slow = slow_units(texts, similarity)
    if similarity == 1.0:
        assert same_parts(found.tolist(), slow)
    # MinHash may overlook a pair just above the threshold, but joins none below it.
    joined = {(a, b) for a in range(len(texts)) for b in range(a) if found[a] == found[b]}
    wanted = {(a, b) for a in range(len(texts)) for b in range(a) if slow[a] == slow[b]}
    assert joined <= wanted
    assert len(joined) >= 0.9 * len(wanted)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 3), max_size=30))
def test_shingles_are_the_different_runs(tokens):
    width = min(SHINGLE, len(tokens))
    runs = {tuple(tokens[n : n + width]) for n in range(len(tokens) - width + 1)} if tokens else set()
    assert len(shingles(np.array(tokens, dtype=np.uint32))) == len(runs)


def test_a_document_near_two_others_joins_them():
    rng = np.random.default_rng(0)
    middle = text(rng, 100)
    left, right = text(rng, 8) + middle[8:], middle[:-8] + text(rng, 8)
    assert alike(left, right) < 0.8 <= min(alike(left, middle), alike(middle, right))
    assert len(set(near_duplicates(corpus_of([left, right], WORDS), 0.8))) == 2
    assert len(set(near_duplicates(corpus_of([left, right, middle], WORDS), 0.8))) == 1


def test_wrong_similarities_and_a_missing_package_are_said(monkeypatch):
    corpus = corpus_of([[1], [2]])
    with pytest.raises(UsageError, match="similarity"):
        near_duplicates(corpus, 1.5)
    monkeypatch.setitem(__import__("sys").modules, "datasketch", None)
    with pytest.raises(UsageError, match="datasketch"):
        near_duplicates(corpus, 0.8)
