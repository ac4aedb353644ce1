"""Work divided by parts of a corpus gives what one pass over it gives."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from helpers import random_problem

from clif import cluster as cluster_module
from clif import counts
from clif.corpus import parts
from clif.counts import count_pairs
from clif.influence import divided
from clif.influence.attribution import JointPairs, PairTable
from clif.influence.scores import document_influence


class Here:
    """A cluster of this process alone, to which everything is sent as it would be to others."""

    threads = 2

    def map(self, function, given, *common):
        for part in given:
            yield pickle.loads(pickle.dumps(function))(*pickle.loads(pickle.dumps((part, *common))))

    def all(self, holds, *values):
        return holds(*values)


@pytest.fixture
def here(monkeypatch):
    """Blocks of a few tokens."""
    for module, name, size in ((parts, "BLOCK", 7), (counts, "PIECE", 9), (divided, "PIECE", 9)):
        monkeypatch.setattr(module, name, size)
    monkeypatch.setattr(
        divided, "parts_of", lambda corpus, threads, block, most, *, by_path: parts.parts_of(
            corpus, threads, 9, most, by_path=by_path
        )
    )  # fmt: skip
    return Here()


def asked(here, call):
    token = cluster_module._current.set(here)
    try:
        return call()
    finally:
        cluster_module._current.reset(token)


@pytest.mark.parametrize("seed", range(5))
def test_scores_are_the_same_bits(here, seed):
    problem = random_problem(seed)
    rng = np.random.default_rng(seed)
    table = PairTable(problem, rng.normal(size=(len(problem.rows), len(problem.U))))
    joint = JointPairs.of_solve(problem, rng.normal(size=(2, *problem.U.shape)).astype(np.float32))
    for pairs in (table, JointPairs.join([joint, joint])):
        alone = document_influence(pairs)
        assert np.array_equal(asked(here, lambda pairs=pairs: document_influence(pairs)), alone)


@pytest.mark.parametrize("seed", range(5))
def test_pairs_are_counted_to_the_same_bits(here, seed):
    problem, other = random_problem(seed, documents=20), random_problem(seed, documents=20)
    alone, divided_ = problem.pair_counts, asked(here, lambda: other.pair_counts)
    for name in ("start", "column", "weight", "totals"):
        assert np.array_equal(getattr(alone, name), getattr(divided_, name)), name
    corpus = problem.corpus
    whole = count_pairs(corpus.tokens, corpus.offsets, problem.keep, 3, precision=np.float64, room=1 << 14)
    assert np.array_equal(whole.column, alone.column)
    np.testing.assert_allclose(whole.weight, alone.weight, rtol=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_words_are_counted_to_rounding(here, seed):
    problem = random_problem(seed)
    np.testing.assert_allclose(asked(here, problem.count), problem.count(), rtol=1e-14)
    some = np.arange(0, len(problem.corpus), 2)
    np.testing.assert_array_equal(asked(here, lambda: problem.count(some)), problem.count(some))


def test_an_empty_corpus(here):
    problem = random_problem(0, longest=0)
    table = PairTable(problem, np.ones((len(problem.rows), len(problem.U))))
    assert asked(here, lambda: document_influence(table)).shape == document_influence(table).shape
    assert not asked(here, problem.count).any()


def test_counts_of_workers_go_to_disk_too(here, monkeypatch):
    alone = random_problem(3, documents=20).pair_counts
    monkeypatch.setattr(divided, "counts_fit", lambda *_: False)
    spilled = asked(here, lambda: random_problem(3, documents=20).pair_counts)
    assert isinstance(spilled.column, np.memmap)
    assert not isinstance(alone.column, np.memmap)
    for name in ("start", "column", "weight", "totals"):
        assert getattr(spilled, name).tobytes() == getattr(alone, name).tobytes(), name
