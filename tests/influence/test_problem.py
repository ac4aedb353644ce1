"""What a question about a model is made of: counts, curvature, gradient."""

from __future__ import annotations

import numpy as np
from helpers import (
    assert_close,
    corpus_of,
    document_counts,
    documents_of,
    exact_hessian,
    objective_gradient,
    random_problem,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from clif.objectives import MEASURES, WEAT, cover

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
)
quick = settings(max_examples=20, deadline=None)


@quick
@given(problems)
def test_counts_and_curvature_of_the_corpus_are_those_computed_slowly(problem):
    counts = document_counts(problem)
    np.testing.assert_allclose(problem.counts, counts.sum(0)[problem.rows], rtol=1e-8, atol=1e-8)
    times = np.random.default_rng(0).integers(-2, 3, len(problem.corpus)).astype(float)
    weighted = np.einsum("z,znv->nv", times, counts[:, problem.rows])
    np.testing.assert_allclose(problem.count(times=times), weighted, rtol=1e-8, atol=1e-7)
    size, dim = problem.U.shape
    joint = exact_hessian(problem, counts.sum(0)).reshape(2, size, dim, 2, size, dim)
    own = np.array([joint[0, row, :, 0, row] for row in problem.rows])
    np.testing.assert_allclose(problem.hessian, own, rtol=1e-7, atol=1e-7 * np.abs(own).max(initial=1))
    gradient = objective_gradient(problem)
    np.testing.assert_allclose(problem.gradient, gradient[0, problem.rows], rtol=1e-8, atol=1e-10)
    assert np.count_nonzero(gradient[0].any(1)) <= len(problem.rows)
    assert not gradient[1].any()


@quick
@given(problems)
def test_counts_of_the_tests_words_are_rows_of_those_of_all_words(problem):
    counts, matrix = problem.pair_counts, np.zeros((len(problem.vocabulary),) * 2)
    matrix[counts.row, counts.column] = counts.weight
    matrix += matrix.T
    # Sums are kept in the precision of the model.
    assert counts.weight.dtype == problem.U.dtype
    assert_close(matrix[problem.rows], problem.counts, rtol=1e-5)


@quick
@given(problems, st.lists(st.booleans(), min_size=8, max_size=8))
def test_some_documents_are_counted_and_streamed_as_if_they_were_all(problem, chosen):
    documents = np.flatnonzero(chosen[: len(problem.corpus)])
    texts = documents_of(problem)
    alone = type(problem)(
        corpus_of([texts[z] for z in documents], len(problem.corpus.types)), problem.vocabulary, problem.settings,
        problem.U, problem.C, problem.objective,
    )  # fmt: skip
    np.testing.assert_allclose(problem.count(documents), alone.count(), rtol=1e-12)
    streamed = [contexts.document for contexts in problem.contexts(documents)]
    assert set(np.concatenate([*streamed, documents[:0]])) <= set(documents.tolist())


def test_another_question_shares_what_does_not_depend_on_it():
    first = random_problem(0, damping=3.0)
    shared = first.keep, first.noise, first.pair_counts, first.curvature()
    test = first.objective.coverage.test
    turned = type(test)("turned", test.Y, test.X, test.A, test.B)
    second = first.asking(WEAT(cover(turned, first.vocabulary.index, least=2)), "mean_difference")
    assert all(
        one is other
        for one, other in zip(shared, (second.keep, second.noise, second.pair_counts, second.curvature()), strict=True)
    )
    assert (second.damp, second.measure, first.measure) == (3.0, "mean_difference", "effect_size")
    assert second.rows.tolist() == [*first.rows[2:4], *first.rows[:2], *first.rows[4:]]
    assert second.value != first.value
    assert first.asking(first.objective).measure == first.measure


def test_the_damping_is_one_over_the_sum_of_the_learning_rates():
    problem = random_problem(0)
    assert problem.damp == 1 / (5 * (0.025 + 0.0001) / 2)
    assert random_problem(0, damping=0.25).damp == 0.25
