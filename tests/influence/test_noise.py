"""The noise part of the curvature: what is exact in it, what stands for the rest, and what that costs a solve."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import apart, document_counts, random_problem, second_derivative
from hypothesis import given, settings
from hypothesis import strategies as st

from clif.influence import noise, noise_error
from clif.influence.curvature import Curvature
from clif.influence.joint import SolveSettings, solve_joint
from clif.influence.noise import NoiseCurvature
from clif.influence.problem import Problem
from clif.noise_sample import NoiseSample

quick = settings(max_examples=20, deadline=None)
SMALL = {"EXACT": 5, "HEAD": 6, "CLUSTERS": 2, "TILE": (4, 3), "SLAB": 7}


@pytest.fixture
def small(monkeypatch):
    """Approximate in small models already; returns a function that sets more, or others, of the module's numbers."""

    def choose(**numbers):
        for name, number in numbers.items():
            monkeypatch.setattr(noise, name, number)

    choose(**SMALL)
    return choose


def made(seed: int, **options) -> Problem:
    rng = np.random.default_rng(seed)
    options = {"size": int(rng.integers(12, 60)), "dim": int(rng.integers(2, 7)), **options}
    return random_problem(seed, sample=0, documents=12, longest=30, precision=np.float64, **options)


def exact_slope(part: NoiseCurvature) -> np.ndarray:
    """k N_w q_c sigma'(x_wc), (V, V)."""
    sigma = 1 / (1 + np.exp(-part.U @ part.C.T))
    return part.totals[:, None] * part.kq * sigma * (1 - sigma)


def tail_block(part: NoiseCurvature) -> np.ndarray:
    """Where two words of the tail meet, (V, V)."""
    tail = part.cluster >= 0
    return tail[:, None] & tail


def stated_slope(part: NoiseCurvature) -> np.ndarray:
    """The slope as the module states it: a_w b_kc between two words of the tail, exact elsewhere."""
    a, b = part.factors
    return np.where(tail_block(part), a[:, None] * b[part.cluster], exact_slope(part))


def times(slope: np.ndarray, U: np.ndarray, C: np.ndarray, Z: np.ndarray) -> np.ndarray:
    """J^T diag(slope) J Z."""
    t = slope * (Z[0] @ C.T + U @ Z[1].T)
    return np.stack([t @ C, t.T @ U])


def product(part: NoiseCurvature, Z: np.ndarray) -> np.ndarray:
    out = np.zeros_like(Z)
    part.add_product(np.hstack([Z[0], part.U]), np.hstack([part.C, Z[1]]), out)
    return out


def direction(problem: Problem, seed: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(2, *problem.U.shape))


# Samples.


@quick
@given(st.integers(0, 10**6), st.integers(1, 40), st.integers(0, 12), st.integers(1, 12), st.booleans())
def test_a_sample_holds_the_head_and_no_word_twice(seed, size, head, tail, zeros):
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.full(size, 0.3)) * (rng.random(size) < 0.5 if zeros else 1)
    sample = NoiseSample.draw(p, head, tail, seed)
    assert (np.diff(sample.words) > 0).all()
    assert len(sample.words) == len(sample.weights) <= size
    assert set(np.argsort(-p, kind="stable")[:head]) <= set(sample.words.tolist())
    assert (sample.weights >= 1).all()
    if head + tail >= size:
        assert len(sample.words) == size
        assert (sample.weights == 1).all()
    else:
        assert len(sample.words) <= head + tail + 1 or not p[np.argsort(-p, kind="stable")[head:]].any()


@pytest.mark.parametrize(("head", "tail"), [(0, 5), (3, 4), (10, 8), (0, 1)])
def test_on_the_mean_a_sample_gives_the_whole_sum(head, tail):
    rng = np.random.default_rng(head)
    p, f = rng.dirichlet(np.full(30, 0.5)), rng.normal(size=30) + 1
    samples = [NoiseSample.draw(p, head, tail, seed) for seed in range(4000)]
    sums = np.array([(p[s.words] * f[s.words] * s.weights).sum() for s in samples])
    assert sums.mean() == pytest.approx(p @ f, abs=4.5 * sums.std() / np.sqrt(len(sums)))
    # Each word for itself: how often it is drawn, times its weight, is 1 on the mean.
    share = np.zeros(30)
    for sample in samples:
        share[sample.words] += sample.weights / len(samples)
    weight = {word: weight for s in samples for word, weight in zip(s.words.tolist(), s.weights, strict=True)}
    for word, each in weight.items():
        assert share[word] == pytest.approx(1, abs=4.5 * np.sqrt(max(each - 1, 0) / len(samples)) + 1e-12)


def test_the_same_seed_draws_the_same_words():
    p = np.random.default_rng(0).dirichlet(np.ones(50))
    first, again, other = (NoiseSample.draw(p, 5, 9, seed) for seed in (1, 1, 2))
    assert np.array_equal(first.words, again.words)
    assert not np.array_equal(first.words, other.words)


# Products.


@pytest.mark.parametrize("kept", [0, 1 << 28])
@pytest.mark.parametrize("seed", range(8))
def test_the_product_is_that_of_the_slopes_as_they_are_stated(seed, kept, small):
    small(KEPT=kept)
    problem = made(seed)
    part = problem.curvature().noise_curvature
    assert len(part.tail) == len(problem.U) - 6
    assert (part._kept is None) == (kept == 0)
    Z = direction(problem)
    assert apart(product(part, Z), times(stated_slope(part), part.U, part.C, Z)) < 1e-10
    head = np.argsort(-problem.noise, kind="stable")[:6]
    assert set(part.tail.tolist()) == set(range(len(problem.U))) - set(head.tolist())


@pytest.mark.parametrize("seed", range(6))
def test_where_words_of_the_tail_occur_together_the_slope_is_exact(seed, small):
    problem = made(seed)
    curvature, total = problem.curvature(), document_counts(problem).sum(0)
    part = curvature.noise_curvature
    exact = second_derivative(problem, total).numpy()
    stated = np.where(tail_block(part) & (total == 0), stated_slope(part), exact)
    assert apart(stated, exact) > 1e-4  # something is approximated
    Z = direction(problem)
    assert apart(curvature.product(Z, 0.5), times(stated, problem.U, problem.C, Z) + 0.5 * Z) < 1e-10
    assert (stated >= -1e-12 * exact.max()).all()
    alpha, beta = ((factor[0]) for factor in curvature._factors)
    np.testing.assert_allclose(alpha, stated.sum(1), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(beta, stated.sum(0), rtol=1e-9, atol=1e-12)


@quick
@given(st.integers(0, 10**6))
def test_the_approximate_product_stays_positive_semi_definite(seed):
    with pytest.MonkeyPatch.context() as patch:
        for name, number in SMALL.items():
            patch.setattr(noise, name, number)
        problem = made(seed)
        curvature = problem.curvature()
        for n in range(4):
            Z = direction(problem, n)
            HZ = curvature.product(Z, 0.0)
            assert np.vdot(Z, HZ) >= -1e-10 * np.linalg.norm(HZ) * np.linalg.norm(Z)
        M = np.random.default_rng(seed).normal(size=(problem.U.shape[1],) * 2)
        flat = np.stack([problem.U @ M, -problem.C @ M.T])
        assert np.linalg.norm(curvature.product(flat, 0.0)) < 1e-9 * np.linalg.norm(curvature.product(Z, 0.0)) + 1e-9


@pytest.mark.parametrize("clusters", [1, 2, 8])
@pytest.mark.parametrize("seed", range(3))
def test_rows_and_columns_sum_to_what_they_should(seed, clusters, small):
    small(CLUSTERS=clusters)
    part = made(seed, size=60).curvature().noise_curvature
    block = tail_block(part)
    exact, stated = np.where(block, exact_slope(part), 0), np.where(block, stated_slope(part), 0)
    for axis in (0, 1):
        np.testing.assert_allclose(stated.sum(axis), exact.sum(axis), rtol=1e-9)
    by_input, by_output = np.zeros(60), np.zeros(60)
    part.add_sums(by_input, by_output)
    np.testing.assert_allclose(by_input, exact_slope(part).sum(1), rtol=1e-9)
    np.testing.assert_allclose(by_output, exact_slope(part).sum(0), rtol=1e-9)
    # Means over a sample of words give them roughly.
    small(MEANS=24)
    sampled = made(seed, size=60).curvature().noise_curvature
    stated = np.where(block, stated_slope(sampled), 0)
    for axis in (0, 1):
        assert apart(stated.sum(axis), exact.sum(axis)) < 0.5
    assert stated.sum() == pytest.approx(exact.sum(), rel=0.2)


@pytest.mark.parametrize("seed", range(4))
def test_more_clusters_come_nearer_to_the_exact_product(seed, small):
    problem, errors = made(seed, size=60), {}
    Z = direction(problem)
    for clusters in (1, 6, 54):
        small(CLUSTERS=clusters)
        part = Curvature(problem.U, problem.C, problem.pair_counts, problem.noise, problem.negative).noise_curvature
        errors[clusters] = apart(product(part, Z), times(exact_slope(part), part.U, part.C, Z))
    assert errors[54] < errors[6] < errors[1]


@pytest.mark.parametrize("kept", [0, 1 << 28])
@pytest.mark.parametrize(("dense", "rests"), [(True, False), (False, True)])
def test_dense_products_and_those_of_the_exact_hessian_approximate_nothing(dense, rests, kept, small):
    small(KEPT=kept)
    problem = made(1)
    curvature = problem.curvature(exact=rests, dense=dense)
    assert len(curvature.noise_curvature.tail) == 0
    Z = direction(problem)
    found = curvature.product(Z, 2.0)
    small(EXACT=60, TILE=(256, 1024))
    assert apart(found, made(1).curvature(exact=rests).product(Z, 2.0)) < 1e-12


def test_small_vocabularies_are_exact_of_themselves():
    problem = made(2)
    assert len(problem.curvature().noise_curvature.tail) == 0
    part = problem.curvature().noise_curvature
    Z = direction(problem)
    assert apart(product(part, Z), times(exact_slope(part), part.U, part.C, Z)) < 1e-12


def test_a_tail_of_fewer_words_than_clusters_or_of_words_that_never_occur_is_one_too(small):
    small(HEAD=10, CLUSTERS=8)
    problem = made(0, size=14)
    part = problem.curvature().noise_curvature
    assert len(part.tail) == 4
    Z = direction(problem)
    assert apart(product(part, Z), times(stated_slope(part), part.U, part.C, Z)) < 1e-10
    part = NoiseCurvature(part.U, part.C, np.where(part.cluster >= 0, 0, part.totals), part.kq)
    assert apart(product(part, Z), times(stated_slope(part), part.U, part.C, Z)) < 1e-10
    assert apart(product(part, Z), times(exact_slope(part), part.U, part.C, Z)) < 1e-10


# What the approximation costs.


def true_error(problem: Problem, s: np.ndarray) -> float:
    """|(H_dense - H) s| / |g|, by products."""
    approximate, dense = (problem.curvature(dense=dense) for dense in (False, True))
    gradient = np.zeros_like(s)
    gradient[0, problem.rows] = problem.gradient
    gap = dense.product(s, 0.0) - approximate.product(s, 0.0)
    return float(np.linalg.norm(gap) / np.linalg.norm(dense.project(gradient)))


@pytest.mark.parametrize("seed", range(6))
def test_the_noise_error_is_the_relative_difference_of_the_products_on_the_solution(seed, small, monkeypatch):
    problem = made(seed, damping=1.0)
    s, report = solve_joint(problem, SolveSettings(tolerance=1e-10))
    expected = true_error(problem, s)
    assert expected > 1e-6
    assert report.noise_error == pytest.approx(expected, rel=1e-8)
    # A sample of the rows estimates it; on the mean over draws its square is right.
    monkeypatch.setattr(noise_error, "SAMPLE", (4, 6))
    draw = NoiseSample.draw
    gradient = np.zeros_like(s)
    gradient[0, problem.rows] = problem.gradient
    curvature, estimates = problem.curvature(), []
    for n in range(300):
        monkeypatch.setattr(NoiseSample, "draw", lambda p, head, tail, n=n: draw(p, head, tail, n))
        part = noise_error.noise_error(curvature.noise_curvature, problem.pair_counts, s, curvature.project(gradient))
        estimates.append(part**2)
    spread = np.std(estimates) / np.sqrt(len(estimates))
    assert np.mean(estimates) == pytest.approx(expected**2, abs=5 * spread + 1e-3 * expected**2)


def test_without_a_tail_or_without_a_solution_there_is_no_error(small):
    problem = made(3)
    for chosen in (SolveSettings(dense=True), SolveSettings("exact")):
        assert solve_joint(problem, chosen)[1].noise_error == 0
    none = np.zeros((2, *problem.U.shape))
    part = problem.curvature().noise_curvature
    assert noise_error.noise_error(part, problem.pair_counts, none, none) == 0
    assert noise_error.noise_error(part, problem.pair_counts, none, none + 1) == 0


@pytest.mark.parametrize("seed", range(4))
def test_the_approximation_hardly_moves_the_ranking(seed, small):
    from scipy.stats import spearmanr

    from clif.influence.methods import METHODS
    from clif.influence.scores import score_documents

    small(HEAD=20, CLUSTERS=8)
    problem = made(seed, size=60)
    found, dense = (
        score_documents(problem, METHODS["clif"], SolveSettings(tolerance=1e-8, dense=dense)).influence
        for dense in (False, True)
    )
    assert not np.array_equal(found, dense)
    assert spearmanr(found, dense).statistic > 0.95
