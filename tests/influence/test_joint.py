"""Scores by the joint curvature against dense solves and automatic differentiation, and what must not change them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from helpers import (
    apart,
    corpus_of,
    document_counts,
    document_gradients,
    documents_of,
    exact_hessian,
    gauss_newton,
    made_test,
    objective_gradient,
    random_problem,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from clif.errors import UsageError
from clif.influence import attribution
from clif.influence import scores as scoring
from clif.influence.attribution import JointPairs
from clif.influence.joint import SolveSettings, solve_joint
from clif.influence.methods import METHODS
from clif.influence.problem import Problem
from clif.influence.scores import document_influence, score_documents, score_many
from clif.noise_sample import NoiseSample
from clif.objectives import MEASURES, WEAT, cover

TIGHT = {"gn": SolveSettings(tolerance=1e-12), "exact": SolveSettings("exact", tolerance=1e-12)}
shapes = {
    "dim": st.integers(2, 5),
    "window": st.integers(1, 5),
    "negative": st.integers(1, 6),
    "sample": st.sampled_from([0, 1e-3, 1e-2, 0.1]),
    "documents": st.integers(1, 8),
    "sizes": st.sampled_from([(2, 2, 2, 2), (3, 2, 2, 4)]),
    "measure": st.sampled_from(MEASURES),
    "exponent": st.sampled_from([0.75, 0, 1]),
    "precision": st.just(np.float64),
}
problems = st.builds(
    random_problem,
    st.integers(0, 10**6),
    size=st.integers(12, 40),
    damping=st.sampled_from([None, 0.5, 3.0, 100.0]),
    **shapes,
)
# Large enough that the Hessian of a model that was never trained is positive too, so that no solve is near singular.
damped = st.builds(
    random_problem, st.integers(0, 10**6), size=st.integers(12, 30), damping=st.sampled_from([None, 100.0]), **shapes
)
quick = settings(max_examples=15, deadline=None)


def dense_solve(problem: Problem, counts: np.ndarray, curvature: str) -> np.ndarray:
    """s (2, V, d) by numpy, from a matrix made by autograd."""
    matrix = (exact_hessian if curvature == "exact" else gauss_newton)(problem, counts.sum(0))
    g = objective_gradient(problem)
    return np.linalg.solve(matrix + problem.damp * np.eye(len(matrix)), g.ravel()).reshape(g.shape)


def error(problem: Problem, found: np.ndarray, expected: np.ndarray) -> float:
    """Relative distance of scores; where no document is near a test word, they are all rounding."""
    floor = 1e-4 * np.linalg.norm(problem.gradient) / problem.damp * problem.pair_counts.totals.sum() / len(expected)
    return float(np.linalg.norm(found - expected) / (np.linalg.norm(expected) + floor + 1e-300))


def expected_influence(problem: Problem, curvature: str) -> np.ndarray:
    """s . (gradient of each document's expected loss over U and C)."""
    counts = document_counts(problem)
    s = dense_solve(problem, counts, curvature)
    return np.tensordot(document_gradients(problem, counts), s, 3)


@quick
@given(problems)
def test_clif_is_the_product_of_the_dense_solve_with_the_gradient_of_each_document(problem):
    scores = score_documents(problem, METHODS["clif"], TIGHT["gn"])
    assert error(problem, scores.influence, expected_influence(problem, "gn")) < 1e-8
    assert scores.attribution.solve.converged
    assert scores.attribution.solve.residual < 1e-11


@quick
@given(damped)
def test_the_exact_curvature_gives_that_of_the_hessian(problem):
    scores = score_documents(problem, METHODS["clif"], TIGHT["exact"])
    assert error(problem, scores.influence, expected_influence(problem, "exact")) < 1e-8


def test_an_indefinite_hessian_is_solved_as_well():
    found = 0
    for seed in range(8):
        problem = random_problem(seed, size=16, dim=3, damping=0.5, precision=np.float64)
        values = np.linalg.eigvalsh(exact_hessian(problem, document_counts(problem).sum(0))) + 0.5
        if np.abs(values).min() < 0.02 or values.min() > 0:
            continue
        found += 1
        scores = score_documents(problem, METHODS["clif"], TIGHT["exact"])
        assert apart(scores.influence, expected_influence(problem, "exact")) < 1e-8
    assert found >= 3


@quick
@given(problems)
def test_lissa_gives_the_scores_of_clif(problem):
    problem = replace(problem, damping=max(problem.damp, 3.0))
    found = score_documents(problem, METHODS["lissa"], SolveSettings(tolerance=1e-11, steps=100_000))
    expected = score_documents(problem, METHODS["clif"], TIGHT["gn"])
    assert error(problem, found.influence, expected.influence) < 1e-8


@pytest.mark.parametrize("curvature", ["gn", "exact"])
@pytest.mark.parametrize("seed", range(4))
def test_single_precision_models_give_the_same_scores_to_their_rounding(seed, curvature):
    problem = random_problem(seed, documents=20, longest=40, precision=np.float64)
    single = replace(problem, U=problem.U.astype(np.float32), C=problem.C.astype(np.float32))
    found = score_documents(single, METHODS["clif"], SolveSettings(curvature, tolerance=1e-6)).influence
    assert apart(found, score_documents(problem, METHODS["clif"], TIGHT[curvature]).influence) < 1e-4


# What is one sum must agree.


@quick
@given(problems, st.sampled_from(["gn", "exact"]))
def test_influences_of_contexts_sum_to_their_document_and_those_of_pairs_to_all(problem, curvature):
    problem = replace(problem, damping=max(problem.damp, 10.0))
    scores = score_documents(problem, METHODS["clif"], TIGHT[curvature])
    total = np.zeros(len(problem.corpus))
    for contexts in problem.contexts():
        np.add.at(total, contexts.document, contexts.weight * scores.pairs.of(contexts.input, contexts.output))
    # The weight of a context may lack what its scan neglects.
    np.testing.assert_allclose(total, scores.influence, rtol=1e-7, atol=1e-8 * np.abs(total).max(initial=1e-9))
    counts = problem.pair_counts
    row, column = counts.row.astype(int), counts.column.astype(int)
    pairs = counts.weight @ (scores.pairs.of(row, column) + scores.pairs.of(column, row))
    assert pairs == pytest.approx(scores.influence.sum(), rel=1e-7, abs=1e-8 * np.abs(total).sum())


@quick
@given(problems)
def test_tokens_sum_to_their_document(problem):
    scores = score_documents(problem, METHODS["clif"])
    offsets, last = problem.corpus.offsets, len(problem.corpus)
    (tokens,) = scores.pairs.tokens(0, last)
    assert len(tokens) == offsets[-1]
    assert not tokens[problem.corpus.tokens >= len(problem.vocabulary)].any()
    sums = [tokens[offsets[z] : offsets[z + 1]].sum() for z in range(last)]
    np.testing.assert_allclose(sums, scores.influence, rtol=1e-12, atol=1e-12 * np.abs(tokens).sum())


def asked(problem: Problem, count: int) -> list[Problem]:
    """Several questions about one model: other tests, and both measures."""
    words, rng = problem.vocabulary.words, np.random.default_rng(5)
    others = [made_test([words[row] for row in rng.permutation(len(words))], (2, 2, 2, 2)) for _ in range(count - 1)]
    _ = problem.keep, problem.noise, problem.curvatures
    return [
        problem,
        *(
            problem.asking(WEAT(cover(test, problem.vocabulary.index, least=2)), measure=MEASURES[n % 2])
            for n, test in enumerate(others)
        ),
    ]


@pytest.mark.parametrize("method", sorted(METHODS))
def test_several_questions_at_once_are_answered_as_one_at_a_time(method):
    several = asked(random_problem(8, documents=30, longest=40, precision=np.float64), 4)
    chosen = SolveSettings(steps=30)
    together = score_many(several, METHODS[method], chosen)
    assert len(together) == 4
    for problem, scores in zip(several, together, strict=True):
        alone = score_documents(
            random_problem(8, documents=30, longest=40, precision=np.float64).asking(
                problem.objective, problem.measure
            ),
            METHODS[method],
            chosen,
        )
        np.testing.assert_allclose(
            scores.influence, alone.influence, rtol=1e-11, atol=1e-12 * np.abs(alone.influence).max()
        )
        assert scores.influence.shape == (30,)
        if METHODS[method].solves:
            assert scores.attribution.solve == alone.attribution.solve


def test_questions_about_one_model_share_its_counts_and_curvature():
    first, second = asked(random_problem(1, precision=np.float64), 2)
    score_many([first, second], METHODS["clif"])
    assert first.curvature() is second.curvature()
    assert first.curvature() is not first.curvature(exact=True)
    assert first.curvature().counts is first.pair_counts


# What must not change anything.


@pytest.mark.parametrize("method", ["clif", "block"])
@pytest.mark.parametrize("precision", [np.float32, np.float64])
def test_threads_change_no_bit_and_blocks_hardly_any(method, precision, monkeypatch):
    several = asked(random_problem(3, documents=60, longest=40, precision=precision), 2)
    expected = [scores.influence for scores in score_many(several, METHODS[method], threads=1)]
    for block in (1, 37, 400, 1 << 18):
        monkeypatch.setattr(scoring, "BLOCK", block)
        by_threads = []
        for threads in (1, 2, 5, None):
            by_threads.append([scores.influence for scores in score_many(several, METHODS[method], threads=threads)])
            assert np.array_equal(by_threads[-1], by_threads[0])
        for found, whole in zip(by_threads[0], expected, strict=True):
            np.testing.assert_allclose(found, whole, rtol=1e-12, atol=1e-12 * np.abs(whole).max())


@quick
@given(problems, st.sampled_from(["clif", "lissa", "kfac"]))
def test_permuted_documents_have_permuted_scores(problem, method):
    problem = replace(problem, damping=max(problem.damp, 3.0))
    chosen = SolveSettings(tolerance=1e-12, steps=100_000)
    order = np.random.default_rng(1).permutation(len(problem.corpus))
    texts = documents_of(problem)
    corpus = corpus_of([texts[z] for z in order], len(problem.corpus.types))
    before = score_documents(problem, METHODS[method], chosen).influence
    after = score_documents(replace(problem, corpus=corpus), METHODS[method], chosen).influence
    assert error(problem, after, before[order]) < 1e-10


@quick
@given(problems, st.sampled_from(["clif", "block", "gradient", "kfac", "mirrored"]))
def test_turning_all_vectors_together_changes_no_score(problem, method):
    turn = np.linalg.qr(np.random.default_rng(2).normal(size=(problem.U.shape[1],) * 2))[0]
    turned = replace(problem, U=problem.U @ turn, C=problem.C @ turn)
    assert turned.value == pytest.approx(problem.value, rel=1e-9)
    for curvature in ("gn", "exact") if method == "clif" and problem.damp > 10 else ("gn",):
        found, expected = (
            score_documents(each, METHODS[method], TIGHT[curvature]).influence for each in (turned, problem)
        )
        assert error(problem, found, expected) < 1e-8


@quick
@given(problems, st.sampled_from(["clif", "block", "kfac"]))
def test_with_every_document_twice_and_twice_the_damping_scores_are_halved(problem, method):
    texts = documents_of(problem)
    # The vocabulary is as it was, and so are noise and keep probabilities.
    twice = replace(problem, corpus=corpus_of([*texts, *texts], len(problem.corpus.types)), damping=2 * problem.damp)
    assert np.array_equal(twice.keep, problem.keep)
    curvatures = ("gn", "exact") if method == "clif" and problem.damp > 10 else ("gn",)
    for curvature in curvatures:
        found = score_documents(twice, METHODS[method], TIGHT[curvature]).influence
        once = score_documents(problem, METHODS[method], TIGHT[curvature]).influence
        for half in np.split(found, 2):
            assert error(problem, 2 * half, once) < 1e-8


@pytest.mark.parametrize("seed", range(5))
def test_a_document_without_a_test_word_has_an_influence_where_it_has_a_pair(seed):
    problem = random_problem(seed, documents=20, sample=0, precision=np.float64)
    texts, rows = documents_of(problem), set(problem.rows.tolist())
    bare = [z for z, tokens in enumerate(texts) if not set(tokens) & rows]
    paired = [z for z in bare if document_counts(problem)[z].any()]
    assert paired
    influence = score_documents(problem, METHODS["clif"]).influence
    assert (np.abs(influence[paired]) > 1e-6 * np.abs(influence).max()).all()
    assert not influence[[z for z in bare if z not in paired]].any()
    assert not score_documents(problem, METHODS["block"]).influence[bare].any()


def test_a_corpus_of_nothing_has_scores_of_zero():
    problem = replace(random_problem(0, precision=np.float64), corpus=corpus_of([[], [1], []], 28))
    for method in ("clif", "kfac", "lissa"):
        assert score_documents(problem, METHODS[method]).influence.tolist() == [0, 0, 0]


def test_a_solve_that_is_kept_is_not_made_again():
    problem, asked_for = random_problem(0, precision=np.float64), []
    s, report = solve_joint(problem, SolveSettings())

    def store(name, solve):
        asked_for.append((name, solve))
        return s, report

    scores = score_documents(problem, METHODS["clif"], store=store)
    assert [name for name, _ in asked_for] == ["clif"]
    assert np.array_equal(scores.influence, document_influence(JointPairs.of_solve(problem, s))[0])
    assert scores.attribution.solve is report


# The noise part of a pair's influence.


def test_the_noise_part_over_a_sample_of_words_is_on_the_mean_that_over_all(monkeypatch):
    problem = random_problem(4, size=60, documents=30, longest=40, precision=np.float64)
    s, _ = solve_joint(problem, SolveSettings())
    whole = JointPairs.of_solve(problem, s).noise_part[0]
    x = problem.U @ problem.C.T
    t = s[0] @ problem.C.T + problem.U @ s[1].T
    expected = problem.negative * (t / (1 + np.exp(-x))) @ problem.noise
    np.testing.assert_allclose(whole, expected, rtol=1e-10)
    monkeypatch.setattr(attribution, "SAMPLE", (20, 12))
    monkeypatch.setattr(attribution, "ROWS", 7)
    draw, sampled = NoiseSample.draw, []
    for seed in range(400):
        monkeypatch.setattr(NoiseSample, "draw", lambda p, head, tail, seed=seed: draw(p, head, tail, seed))
        sampled.append(JointPairs.of_solve(problem, s).noise_part[0])
    spread = np.std(sampled, axis=0)
    assert 0 < np.median(spread) < np.abs(whole).max()
    assert (np.abs(np.mean(sampled, axis=0) - whole) < 5 * spread / np.sqrt(400) + 1e-12).all()


@pytest.mark.parametrize(
    ("options", "where"),
    [
        ({"curvature": "newton"}, "--curvature"),
        ({"tolerance": 0.0}, "--tolerance"),
        ({"tolerance": 1.0}, "--tolerance"),
        ({"tolerance": float("nan")}, "--tolerance"),
        ({"steps": 0}, "--steps"),
    ],
    ids=str,
)
def test_settings_of_a_solve_that_make_no_sense_are_refused(options, where):
    with pytest.raises(UsageError) as caught:
        SolveSettings(**options)
    assert caught.value.where == where
