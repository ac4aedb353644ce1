"""Scores of documents and contexts against automatic differentiation of the expected loss as it is written."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers import corpus_of, document_counts, documents_of, expected_loss, made_test, random_problem, tensor
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd.functional import hessian

from clif.corpus.encoding import Corpus
from clif.errors import UsageError
from clif.influence.methods import METHODS, RECOMMENDED, find_method
from clif.influence.problem import Problem
from clif.influence.scores import Scores, context_influence, score_documents, top_contexts
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
    negative=st.integers(1, 6),
    sample=st.sampled_from([0, 1e-4, 1e-3, 1e-2, 0.1]),
    documents=st.integers(1, 8),
    sizes=st.sampled_from([(2, 2, 2, 2), (3, 2, 2, 4), (2, 3, 3, 2)]),
    measure=st.sampled_from(MEASURES),
    damping=st.sampled_from([None, 0.5, 3.0, 100.0]),
)
quick = settings(max_examples=25, deadline=None)


def objective_gradient(problem: Problem) -> np.ndarray:
    """dT/dU on the test's rows, by autograd."""
    E = tensor(problem.U[problem.rows]).requires_grad_()
    problem.objective.torch_value(E, problem.measure).backward()
    return E.grad.numpy()


def document_gradients(problem: Problem, counts: np.ndarray) -> np.ndarray:
    """Gradient (documents, n, d) of each document's expected loss on the test's rows, by autograd over all of U."""
    noise = tensor(problem.vocabulary.noise(problem.settings.ns_exponent))
    gradients = []
    for own in counts:
        U = tensor(problem.U).requires_grad_()
        expected_loss(U, tensor(problem.C), tensor(own), noise, problem.settings.negative).backward()
        gradients.append(U.grad.numpy()[problem.rows])
    return np.array(gradients)


def corpus_hessian(problem: Problem, counts: np.ndarray) -> np.ndarray:
    """Hessian (n, d, d) of the whole corpus' expected loss for each test word, by autograd."""
    noise, C = tensor(problem.vocabulary.noise(problem.settings.ns_exponent)), tensor(problem.C)
    total = tensor(counts.sum(0))
    return np.array(
        [
            hessian(
                lambda u, row=row: expected_loss(u[None], C, total[[row]], noise, problem.settings.negative),
                tensor(problem.U[row]),
            ).numpy()
            for row in problem.rows
        ]
    )


def assert_close(actual: np.ndarray, expected: np.ndarray, rtol: float) -> None:
    """Equal to `rtol`; where large parts cancel, to a hundredth of it in units of the largest."""
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=0.01 * rtol * np.abs(expected).max(initial=0) + 1e-300)


@quick
@given(problems)
def test_block_is_the_product_of_the_solve_with_the_gradient_of_the_documents_expected_loss(problem):
    counts = document_counts(problem)
    # The default damping is one over the sum of the learning rates.
    mean_rate = (problem.settings.alpha + problem.settings.min_alpha) / 2
    damp = 1 / (problem.settings.epochs * mean_rate) if problem.damping is None else problem.damping
    damped = corpus_hessian(problem, counts) + damp * np.eye(problem.settings.dim)
    s = np.array([np.linalg.solve(H, g) for H, g in zip(damped, objective_gradient(problem), strict=True)])
    expected = np.einsum("nd,znd->z", s, document_gradients(problem, counts))
    scores = score_documents(problem, METHODS["block"])
    assert_close(scores.influence, expected, rtol=1e-5)
    assert scores.residual is not None
    assert scores.residual < 1e-10


@quick
@given(problems)
def test_gradient_is_tau_times_the_product_of_the_two_gradients(problem):
    tau = problem.settings.epochs * (problem.settings.alpha + problem.settings.min_alpha) / 2
    g = document_gradients(problem, document_counts(problem))
    expected = tau * np.einsum("nd,znd->z", objective_gradient(problem), g)
    scores = score_documents(problem, METHODS["gradient"])
    assert_close(scores.influence, expected, rtol=1e-5)
    assert scores.residual is None


@quick
@given(problems)
def test_counts_and_curvature_of_the_corpus_are_those_computed_slowly(problem):
    counts = document_counts(problem)
    np.testing.assert_allclose(problem.counts, counts.sum(0)[problem.rows], rtol=1e-8, atol=1e-8)
    times = np.random.default_rng(0).integers(-2, 3, len(problem.corpus)).astype(float)
    weighted = np.einsum("z,znv->nv", times, counts[:, problem.rows])
    np.testing.assert_allclose(problem.count(times=times), weighted, rtol=1e-8, atol=1e-7)
    curvature = corpus_hessian(problem, counts)
    np.testing.assert_allclose(problem.hessian, curvature, rtol=1e-7, atol=1e-7 * np.abs(curvature).max(initial=1))
    np.testing.assert_allclose(problem.gradient, objective_gradient(problem), rtol=1e-8, atol=1e-10)


@quick
@given(problems, st.sampled_from(["block", "gradient"]))
def test_influences_of_contexts_sum_to_their_document(problem, method):
    scores = score_documents(problem, METHODS[method])
    total = np.zeros(len(problem.corpus))
    for contexts in problem.contexts():
        np.add.at(total, contexts.document, context_influence(problem, scores.table, contexts))
    assert_close(total, scores.influence, rtol=1e-6)


@quick
@given(problems, st.sampled_from(sorted(METHODS)))
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


@quick
@given(problems)
def test_documents_without_a_test_word_have_no_influence_at_all(problem):
    without = [z for z, tokens in enumerate(documents_of(problem)) if not set(tokens) & set(problem.rows.tolist())]
    for method in ("block", "gradient", "frequency"):
        assert not score_documents(problem, METHODS[method]).influence[without].any()


@quick
@given(problems, st.integers(1, 12))
def test_the_top_contexts_are_the_head_of_all_sorted(problem, top):
    scores = score_documents(problem, METHODS["block"])
    blocks = list(problem.contexts())
    if not blocks:  # no document holds a test word with a neighbour
        return
    every, influence = top_contexts(problem, scores, None)
    assert len(every) == sum(map(len, blocks))
    assert_close(influence, context_influence(problem, scores.table, every), rtol=1e-12)
    rows = sorted(
        (np.sign(problem.value) * value, document, position, output_position)
        for value, document, position, output_position in zip(
            influence, every.document, every.position, every.output_position, strict=True
        )
    )
    assert [row[1:] for row in rows] == list(zip(every.document, every.position, every.output_position, strict=True))
    some, first = top_contexts(problem, scores, top)
    assert np.array_equal(first, influence[:top])
    assert np.array_equal(some.position, every.position[:top])
    assert np.array_equal(some.weight, every.weight[:top])


def test_the_top_contexts_of_a_corpus_without_any_are_none():
    problem = replace(random_problem(0), corpus=corpus_of([[], [1]], 28))
    contexts, influence = top_contexts(problem, score_documents(problem, METHODS["block"]), 5)
    assert len(contexts) == len(influence) == 0


def test_more_contexts_than_are_kept_in_memory_at_once_give_the_same_head():
    rng = np.random.default_rng(0)
    problem = random_problem(2, size=12, window=5, sample=0)
    problem = replace(problem, corpus=corpus_of(rng.integers(0, 12, (160, 1200)).tolist(), 15))
    assert sum(map(len, problem.contexts())) > 1.2 * (4 << 18)
    scores = score_documents(problem, METHODS["block"])
    every, influence = top_contexts(problem, scores, None)
    some, first = top_contexts(problem, scores, 300)
    assert np.array_equal(first, influence[:300])
    assert np.array_equal(some.document, every.document[:300])
    assert np.array_equal(some.position, every.position[:300])


def test_baselines_have_no_contexts():
    problem = random_problem(0)
    with pytest.raises(UsageError, match="whole documents only"):
        top_contexts(problem, score_documents(problem, METHODS["length"]), 3)


def test_a_document_longer_than_a_training_piece_is_scored_as_its_pieces():
    rng = np.random.default_rng(4)
    problem = random_problem(4)
    tokens = rng.integers(0, 25, LONGEST + 400).tolist()
    whole = replace(problem, corpus=corpus_of([tokens], 28))
    pieces = replace(problem, corpus=corpus_of([tokens[:LONGEST], tokens[LONGEST:]], 28))
    expected = score_documents(pieces, METHODS["block"]).influence.sum()
    assert score_documents(whole, METHODS["block"]).influence[0] == pytest.approx(expected, rel=1e-9)


def ranks(problem: Problem, scores: Scores) -> list[int]:
    """Documents in rank order: sign(T) x influence, ascending."""
    return np.argsort(np.sign(problem.value) * scores.influence, kind="stable").tolist()


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
            assert scores.table is None


def swap_targets(problem: Problem):
    """The coverage of the same test with X and Y exchanged."""
    test = problem.objective.coverage.test
    return cover(replace(test, X=test.Y, Y=test.X), problem.vocabulary.index, least=2)


def test_frequency_counts_tokens_in_blocks_as_in_one(monkeypatch):
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
    assert np.array_equal(METHODS["frequency"].count(replace(problem, corpus=corpus)), expected)


def test_random_depends_on_the_seed_and_the_id_alone():
    problem = random_problem(5, documents=20)
    other_model = replace(random_problem(6, documents=20), settings=problem.settings)
    other_seed = replace(problem, settings=replace(problem.settings, seed=problem.settings.seed + 1))
    other_ids = replace(problem, corpus=replace(problem.corpus, doc_ids=[f"e{z}" for z in range(20)]))
    number = METHODS["random"].count
    assert np.array_equal(number(problem), number(other_model))
    assert not np.isin(number(other_seed), number(problem)).any()
    assert not np.isin(number(other_ids), number(problem)).any()
    assert ((number(problem) >= 0) & (number(problem) < 1)).all()


def test_random_numbers_are_uniform():
    problem = replace(random_problem(0), corpus=corpus_of([[]] * 4000, 28))
    share = np.histogram(METHODS["random"].count(problem), bins=10, range=(0, 1))[0] / 4000
    assert np.abs(share - 0.1).max() < 4 * np.sqrt(0.09 / 4000)


def test_an_unknown_method_is_answered_with_the_known_ones():
    assert find_method(RECOMMENDED) is METHODS["block"]
    with pytest.raises(UsageError, match="unknown method 'lime'") as caught:
        find_method("lime")
    assert all(name in caught.value.next for name in METHODS)


def test_single_precision_models_are_scored_in_double_precision():
    problem = random_problem(8)
    double = replace(problem, U=problem.U.astype(np.float64), C=problem.C.astype(np.float64))
    scores = [score_documents(each, METHODS["block"]).influence for each in (problem, double)]
    assert np.array_equal(*scores)


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
    influence = score_documents(problem, METHODS["block"]).influence
    assert influence[1] == 0
    assert influence[0] != 0
    assert influence[2] != 0


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)
