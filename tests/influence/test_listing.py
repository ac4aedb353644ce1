"""Contexts, pairs of words and sentences in rank order, and that they are parts of one sum."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from helpers import assert_close, corpus_of, cut, document_counts, random_problem
from hypothesis import given, settings
from hypothesis import strategies as st

from clif.errors import UsageError
from clif.influence import listing
from clif.influence import scores as scoring
from clif.influence.attribution import context_influence
from clif.influence.joint import SolveSettings
from clif.influence.listing import top_contexts, top_pairs, top_sentences
from clif.influence.methods import METHODS
from clif.influence.problem import Problem
from clif.influence.scores import Scores, score_documents
from clif.objectives import MEASURES

shapes = {
    "size": st.integers(12, 40),
    "dim": st.integers(2, 5),
    "window": st.integers(1, 5),
    "sample": st.sampled_from([0, 1e-2, 0.1]),
    "documents": st.integers(1, 8),
    "measure": st.sampled_from(MEASURES),
}
problems = st.builds(random_problem, st.integers(0, 10**6), precision=st.just(np.float64), **shapes)
methods = st.sampled_from(["block", "clif", "gradient", "kfac", "mirrored"])
quick = settings(max_examples=20, deadline=None)


def scored(problem: Problem, method: str) -> Scores:
    return score_documents(problem, METHODS[method], SolveSettings(tolerance=1e-6))


def scale(problem: Problem, scores: Scores) -> float:
    """What the influences of contexts add up to where nothing cancels."""
    return float(sum(np.abs(context_influence(scores.pairs, contexts)).sum() for contexts in problem.contexts()))


# Contexts.


def check_contexts(problem: Problem, method: str, tight: float) -> None:
    scores = scored(problem, method)
    total = np.zeros(len(problem.corpus))
    for contexts in problem.contexts():
        np.add.at(total, contexts.document, context_influence(scores.pairs, contexts))
    np.testing.assert_allclose(total, scores.influence, rtol=tight, atol=tight * scale(problem, scores))


@quick
@given(problems, methods)
def test_influences_of_contexts_sum_to_their_document(problem, method):
    check_contexts(problem, method, 1e-9)


@pytest.mark.parametrize("method", ["block", "clif", "kfac"])
@pytest.mark.parametrize("seed", range(3))
def test_contexts_in_single_precision_sum_as_well(seed, method):
    check_contexts(random_problem(seed, documents=20, longest=40), method, 1e-6)


@quick
@given(problems, st.sampled_from(["block", "clif"]), st.integers(1, 12))
def test_the_top_contexts_are_the_head_of_all_sorted(problem, method, top):
    scores = scored(problem, method)
    wanted = problem.slot >= 0 if method == "block" else None
    blocks = list(problem.contexts(wanted=wanted))
    if not blocks:  # no document holds a test word with a neighbour
        return
    every, influence = top_contexts(problem, scores.pairs, None)
    assert len(every) == sum(map(len, blocks))
    assert_close(influence, context_influence(scores.pairs, every), rtol=1e-12)
    rows = sorted(
        (np.sign(problem.value) * value, document, position, output_position)
        for value, document, position, output_position in zip(
            influence, every.document, every.position, every.output_position, strict=True
        )
    )
    assert [row[1:] for row in rows] == list(zip(every.document, every.position, every.output_position, strict=True))
    some, first = top_contexts(problem, scores.pairs, top)
    assert np.array_equal(first, influence[:top])
    assert np.array_equal(some.position, every.position[:top])
    assert np.array_equal(some.weight, every.weight[:top])


@pytest.mark.parametrize("method", ["block", "clif"])
def test_lists_of_a_corpus_without_a_pair_are_empty(method):
    problem = replace(random_problem(0), corpus=corpus_of([[], [1]], 28))
    pairs = scored(problem, method).pairs
    contexts, influence = top_contexts(problem, pairs, 5)
    assert len(contexts) == len(influence) == 0
    assert len(top_pairs(problem, pairs, 5).influence) == 0
    assert top_sentences(problem, pairs, 5).influence.tolist() == [0]


def test_more_contexts_than_are_kept_in_memory_at_once_give_the_same_head():
    rng = np.random.default_rng(0)
    problem = random_problem(2, size=12, window=5, sample=0)
    problem = replace(problem, corpus=corpus_of(rng.integers(0, 12, (160, 1200)).tolist(), 15))
    pairs = scored(problem, "block").pairs
    every, influence = top_contexts(problem, pairs, None)
    assert len(every) > 1.04 * (4 << 18)
    some, first = top_contexts(problem, pairs, 300)
    assert np.array_equal(first, influence[:300])
    assert np.array_equal(some.document, every.document[:300])
    assert np.array_equal(some.position, every.position[:300])


# Pairs of words.


def check_pairs(problem: Problem, method: str, tight: float) -> None:
    scores, total = scored(problem, method), document_counts(problem).sum(0)
    found = top_pairs(problem, scores.pairs, None)
    assert len({*zip(found.input.tolist(), found.output.tolist(), strict=True)}) == len(found.input)
    weights = np.zeros_like(total)
    weights[found.input, found.output] = found.weight
    if method != "clif":  # the others see a pair from the side of a test word alone
        total[problem.slot < 0] = 0
        assert (problem.slot[found.input] >= 0).all()
    assert_close(weights, total, rtol=1e-5)
    np.testing.assert_allclose(found.influence, found.weight * scores.pairs.of(found.input, found.output), rtol=1e-12)
    allowed = tight * scale(problem, scores)
    assert found.influence.sum() == pytest.approx(scores.influence.sum(), rel=tight, abs=allowed)


@quick
@given(problems, methods)
def test_pairs_of_words_hold_their_count_and_sum_to_all_documents(problem, method):
    check_pairs(problem, method, 1e-8)


@pytest.mark.parametrize("method", ["block", "clif", "kfac"])
@pytest.mark.parametrize("seed", range(3))
def test_pairs_in_single_precision_sum_as_well(seed, method):
    check_pairs(random_problem(seed, documents=20, longest=40), method, 1e-6)


@quick
@given(problems, st.sampled_from(["block", "clif"]), st.integers(1, 12), st.integers(1, 30))
def test_the_top_pairs_are_the_head_of_all_sorted_however_they_are_cut(problem, method, top, chunk):
    pairs = scored(problem, method).pairs
    every = top_pairs(problem, pairs, None)
    order = np.lexsort((every.output, every.input, np.sign(problem.value) * every.influence))
    assert np.array_equal(order, np.arange(len(order)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(listing, "CHUNK", chunk)
        some = top_pairs(problem, pairs, top)
    for column in ("input", "output", "weight", "influence"):
        assert np.array_equal(getattr(some, column), getattr(every, column)[:top])


def test_a_word_beside_itself_is_one_pair():
    problem = random_problem(0, size=12, sample=0, precision=np.float64)
    word = int(problem.rows[0])
    problem = replace(problem, corpus=corpus_of([[word, word]], 15))
    for method in ("block", "clif"):
        scores = scored(problem, method)
        found = top_pairs(problem, scores.pairs, None)
        assert (found.input.tolist(), found.output.tolist(), found.weight.tolist()) == ([word], [word], [2.0])
        assert found.influence[0] == pytest.approx(scores.influence[0], rel=1e-9)


# Sentences.


@quick
@given(problems, methods, st.integers(0, 9))
def test_sentences_sum_to_their_document(problem, method, seed):
    problem = cut(problem, seed)
    scores = scored(problem, method)
    found = top_sentences(problem, scores.pairs, None)
    total = np.bincount(found.document, found.influence, minlength=len(problem.corpus))
    np.testing.assert_allclose(total, scores.influence, rtol=1e-10, atol=1e-12 * scale(problem, scores))
    lengths = np.bincount(found.document, found.tokens, minlength=len(problem.corpus))
    assert np.array_equal(lengths, problem.corpus.lengths)


@quick
@given(problems, st.sampled_from(["block", "clif"]), st.integers(1, 9), st.integers(1, 40))
def test_a_sentence_has_half_of_each_context_that_it_shares(problem, method, top, block):
    problem = cut(problem)
    scores, begins = scored(problem, method), problem.corpus.sentences.astype(int)
    expected = np.zeros(len(begins))
    for contexts in problem.contexts():
        half = 0.5 * context_influence(scores.pairs, contexts)
        for position in (contexts.position, contexts.output_position):
            token = problem.corpus.offsets[contexts.document] + position
            np.add.at(expected, np.searchsorted(begins, token, side="right") - 1, half)
    found = top_sentences(problem, scores.pairs, None)
    place = np.searchsorted(begins, found.start)
    np.testing.assert_allclose(found.influence, expected[place], rtol=1e-6, atol=1e-8 * scale(problem, scores) + 1e-300)
    # The first ones, whatever the blocks and threads.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scoring, "BLOCK", block)
        some = top_sentences(problem, scores.pairs, top, threads=2)
    for column in ("document", "number", "start", "tokens", "influence"):
        assert np.array_equal(getattr(some, column), getattr(found, column)[:top])


@quick
@given(problems)
def test_sentences_are_numbered_in_their_document_and_ranked_by_influence(problem):
    problem = cut(problem)
    found = top_sentences(problem, scored(problem, "clif").pairs, None)
    assert (np.diff(np.sign(problem.value) * found.influence) >= 0).all()
    order = np.argsort(found.start)
    assert np.array_equal(found.start[order], problem.corpus.sentences)
    for z, (start, end) in enumerate(pairwise(problem.corpus.offsets)):
        own = order[found.document[order] == z]
        assert found.number[own].tolist() == list(range(1, len(own) + 1))
        assert ((found.start[own] >= start) & (found.start[own] + found.tokens[own] <= end)).all()


def test_without_sentences_each_document_is_one():
    problem = random_problem(3, documents=10)
    scores = scored(problem, "block")
    found = top_sentences(problem, scores.pairs, None)
    filled = np.flatnonzero(problem.corpus.lengths)
    assert sorted(found.document) == filled.tolist()
    assert set(found.number) == {1}
    np.testing.assert_allclose(found.influence, scores.influence[found.document], rtol=1e-12)


def test_baselines_have_no_parts():
    problem = random_problem(0)
    scores = score_documents(problem, METHODS["length"])
    with pytest.raises(UsageError, match="whole documents only"):
        top_contexts(problem, scores.pairs, 3)
