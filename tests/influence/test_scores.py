"""The pass over the tokens: documents in any order and of any length, tokens, progress and time."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from helpers import assert_close, corpus_of, documents_of, made_test, random_problem
from hypothesis import given, settings
from hypothesis import strategies as st

from clif.influence import scores as scoring
from clif.influence.joint import SolveSettings
from clif.influence.methods import METHODS
from clif.influence.problem import Problem
from clif.influence.scorers import sum_between
from clif.influence.scores import document_influence, score_documents, stream_tokens
from clif.objectives import MEASURES, WEAT, cover
from clif.pairs import LONGEST
from clif.settings import TrainingSettings
from clif.vocabulary import Vocabulary

problems = st.builds(
    random_problem,
    st.integers(0, 10**6),
    size=st.integers(12, 40),
    dim=st.integers(2, 6),
    window=st.integers(1, 5),
    sample=st.sampled_from([0, 1e-3, 1e-2, 0.1]),
    documents=st.integers(1, 8),
    measure=st.sampled_from(MEASURES),
)
quick = settings(max_examples=20, deadline=None)
# Those whose numbers do not come from sums in single precision, and whose order of documents is theirs alone.
LOCAL = ("block", "gradient", "mirrored", "frequency", "length", "random")


@quick
@given(problems, st.sampled_from(LOCAL))
def test_permuted_documents_have_permuted_scores(problem, method):
    order = np.random.default_rng(1).permutation(len(problem.corpus))
    texts = documents_of(problem)
    corpus = replace(
        corpus_of([texts[z] for z in order], len(problem.corpus.types)),
        doc_ids=[problem.corpus.doc_ids[z] for z in order],
    )
    before = score_documents(problem, METHODS[method]).influence
    after = score_documents(replace(problem, corpus=corpus), METHODS[method]).influence
    assert_close(after, before[order], rtol=1e-9)


@pytest.mark.parametrize("method", ["block", "clif"])
def test_a_document_longer_than_a_training_piece_is_scored_as_its_pieces(method):
    rng = np.random.default_rng(4)
    problem = random_problem(4, precision=np.float64)
    tokens = rng.integers(0, 27, 2 * LONGEST + 1400)
    inside = tokens[tokens < 25]
    assert len(inside) > LONGEST + 400
    pieces = [inside[start : start + LONGEST].tolist() for start in range(0, len(inside), LONGEST)]
    chosen = SolveSettings(tolerance=1e-10)
    whole, parts = (
        score_documents(replace(problem, corpus=corpus_of(texts, 28)), METHODS[method], chosen).influence
        for texts in ([[1, 2], tokens.tolist(), [3]], [[1, 2], *pieces, [3]])
    )
    assert_close(whole, [parts[0], parts[1:-1].sum(), parts[-1]], rtol=1e-7)


def test_scoring_takes_every_word_of_a_vocabulary_that_is_smaller_than_the_corpus_types():
    # The test's words are the last of the vocabulary; types beyond it are rare words.
    words = [f"w{row}" for row in range(9)]
    corpus = corpus_of([[8, 0, 11, 7], [9, 10, 11], [6, 5, 4, 3, 2, 1]], 12)
    vocabulary = Vocabulary(words, np.arange(9, 0, -1))
    rng = np.random.default_rng(0)
    problem = Problem(
        corpus, vocabulary, TrainingSettings(dim=2), rng.normal(size=(9, 2)), rng.normal(size=(9, 2)),
        WEAT(cover(made_test(words[::-1], (2, 2, 2, 2)), vocabulary.index, least=2)),
    )  # fmt: skip
    for method in ("block", "clif"):
        influence = score_documents(problem, METHODS[method]).influence
        assert influence[1] == 0
        assert influence[0] != 0
        assert influence[2] != 0


@quick
@given(problems)
def test_tokens_of_block_sum_to_their_document_and_lie_near_a_test_word(problem):
    scores = score_documents(problem, METHODS["block"])
    offsets, last = problem.corpus.offsets, len(problem.corpus)
    (tokens,) = scores.pairs.tokens(0, last)
    sums = [tokens[offsets[z] : offsets[z + 1]].sum() for z in range(last)]
    np.testing.assert_allclose(sums, scores.influence, rtol=1e-12, atol=1e-13 * np.abs(tokens).sum())
    for part in range(last):
        assert np.array_equal(scores.pairs.tokens(part, part + 1)[0], tokens[offsets[part] : offsets[part + 1]])
    assert not tokens[problem.corpus.tokens >= len(problem.vocabulary)].any()


@quick
@given(problems, st.integers(1, 60), st.integers(1, 4))
def test_blocks_of_documents_come_in_order_and_cover_all(problem, block, threads):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scoring, "BLOCK", block)
        parts = list(stream_tokens(score_documents(problem, METHODS["block"]).pairs, threads))
    offsets = problem.corpus.offsets
    assert [first for first, _, _ in parts] == [0, *(last for _, last, _ in parts[:-1])]
    assert parts[-1][1] == len(problem.corpus)
    for first, last, tokens in parts:
        assert tokens.shape == (1, offsets[last] - offsets[first])
        assert last == first + 1 or tokens.shape[1] <= block


def test_a_failure_in_a_thread_is_not_lost(monkeypatch):
    pairs = score_documents(random_problem(0), METHODS["block"]).pairs

    def broken(*_args):
        raise MemoryError("no room")

    monkeypatch.setattr(type(pairs), "tokens", broken)
    with pytest.raises(MemoryError, match="no room"):
        document_influence(pairs, threads=2)


@quick
@given(st.lists(st.integers(0, 4), min_size=1, max_size=8), st.integers(1, 3))
def test_sums_between_ends_are_those_of_the_parts(lengths, rows):
    ends = np.concatenate([[0], np.cumsum(lengths)])
    values = np.random.default_rng(0).normal(size=(rows, ends[-1]))
    expected = [values[:, a:b].sum(1) for a, b in pairwise(ends)]
    np.testing.assert_allclose(sum_between(values, ends).T, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("method", sorted(METHODS))
def test_time_is_taken_and_progress_told(method):
    told = []
    problem = random_problem(0, documents=30)
    scores = score_documents(problem, METHODS[method], progress=lambda *args: told.append(args))
    assert scores.cpu_seconds == scores.solve_cpu + scores.score_cpu >= 0
    assert min(scores.solve_seconds, scores.score_seconds, scores.solve_cpu, scores.score_cpu) >= 0
    if scores.attribution.pairs is not None:
        total = float(problem.corpus.offsets[-1])
        assert ("score", total, total, "tokens") in told
