"""Baselines that know no gradient, and the registry that they stand in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from helpers import corpus_of, documents_of, random_problem

from clif.corpus.encoding import Corpus
from clif.errors import UsageError
from clif.influence.baselines import frequency, length, random
from clif.influence.methods import METHODS, RECOMMENDED, find_method
from clif.influence.problem import Problem
from clif.influence.scores import Scores, score_documents
from clif.objectives import WEAT, cover


def ranks(problem: Problem, scores: Scores) -> list[int]:
    """Documents in rank order: sign(T) x influence, ascending."""
    return np.argsort(np.sign(problem.value) * scores.influence, kind="stable").tolist()


def swap_targets(problem: Problem):
    """The coverage of the same test with X and Y exchanged."""
    test = problem.objective.coverage.test
    return cover(replace(test, X=test.Y, Y=test.X), problem.vocabulary.index, least=2)


@pytest.mark.parametrize("seed", range(4))
def test_counting_methods_rank_the_largest_number_first_whatever_the_sign_of_t(seed):
    problem = random_problem(seed, documents=12)
    swapped = replace(problem, objective=WEAT(swap_targets(problem)))
    assert swapped.value == pytest.approx(-problem.value)
    texts = documents_of(problem)
    numbers = {
        "length": [len(tokens) for tokens in texts],
        "frequency": [sum(token in problem.rows for token in tokens) for tokens in texts],
    }
    for method, number in numbers.items():
        for either in (problem, swapped):
            scores = score_documents(either, METHODS[method])
            assert ranks(either, scores) == sorted(range(12), key=lambda z: -number[z])
            assert np.array_equal(np.abs(scores.influence), number)


@pytest.mark.parametrize("method", ["frequency", "length", "random", "lissa-released"])
def test_methods_that_score_whole_documents_have_no_pairs(method):
    scores = score_documents(random_problem(0), METHODS[method])
    with pytest.raises(UsageError, match="whole documents only") as caught:
        _ = scores.pairs
    assert "block" in caught.value.next
    assert not METHODS[method].predicts


def test_frequency_counts_tokens_in_blocks_as_in_one():
    # More tokens than one block of the count, in documents of uneven length with empty ones among them.
    rng = np.random.default_rng(0)
    problem = random_problem(1)
    lengths = np.concatenate([[0, 0], rng.integers(0, 9000, 1000), [0]])
    corpus = Corpus(
        doc_ids=[f"d{z}" for z in range(len(lengths))],
        offsets=np.concatenate([[0], np.cumsum(lengths)]),
        tokens=rng.integers(0, 28, lengths.sum()).astype(np.uint32),
        types=problem.corpus.types,
        counts=problem.corpus.counts,
        content_hash="made",
    )
    assert len(corpus.tokens) > 1 << 22
    found = np.isin(corpus.tokens, problem.rows)
    expected = np.diff(np.concatenate([[0], np.cumsum(found)])[corpus.offsets])
    assert np.array_equal(frequency(replace(problem, corpus=corpus)), expected)
    assert np.array_equal(length(replace(problem, corpus=corpus)), lengths)


def test_random_depends_on_the_seed_and_the_id_alone():
    problem = random_problem(5, documents=20)
    other_model = replace(random_problem(6, documents=20), settings=problem.settings)
    other_seed = replace(problem, settings=replace(problem.settings, seed=problem.settings.seed + 1))
    other_ids = replace(problem, corpus=replace(problem.corpus, doc_ids=[f"e{z}" for z in range(20)]))
    assert np.array_equal(random(problem), random(other_model))
    assert not np.isin(random(other_seed), random(problem)).any()
    assert not np.isin(random(other_ids), random(problem)).any()
    assert ((random(problem) >= 0) & (random(problem) < 1)).all()


def test_random_numbers_are_uniform():
    problem = replace(random_problem(0), corpus=corpus_of([[]] * 4000, 28))
    share = np.histogram(random(problem), bins=10, range=(0, 1))[0] / 4000
    assert np.abs(share - 0.1).max() < 4 * np.sqrt(0.09 / 4000)


def test_an_unknown_method_is_answered_with_the_known_ones():
    assert find_method(RECOMMENDED).name == RECOMMENDED
    with pytest.raises(UsageError, match="unknown method 'lime'") as caught:
        find_method("lime")
    assert all(name in caught.value.next for name in METHODS)


def test_every_method_says_what_it_assumes_and_costs():
    for name, method in METHODS.items():
        assert method.name == name
        assert method.assumes
        assert method.costs
