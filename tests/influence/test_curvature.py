"""Products with the joint curvature against dense matrices made by automatic differentiation."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from helpers import (
    apart,
    corpus_of,
    document_counts,
    document_gradients,
    exact_hessian,
    expected_loss,
    gauss_newton,
    joined,
    random_problem,
    second_derivative,
    tensor,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from clif.influence.curvature import Curvature
from clif.influence.problem import Problem

problems = st.builds(
    random_problem,
    st.integers(0, 10**6),
    size=st.integers(12, 60),
    dim=st.integers(1, 8),
    window=st.integers(1, 5),
    negative=st.integers(1, 8),
    sample=st.sampled_from([0, 1e-4, 1e-2, 0.1]),
    documents=st.integers(1, 8),
    exponent=st.sampled_from([0, 0.75, 1, -0.5]),
    precision=st.just(np.float64),
)
quick = settings(max_examples=20, deadline=None)


def directions(problem: Problem, count: int) -> np.ndarray:
    return np.random.default_rng(7).normal(size=(count, 2, *problem.U.shape))


def total_of(problem: Problem) -> np.ndarray:
    """Counts (V, V) of the corpus, the slow way."""
    return document_counts(problem).sum(0)


def scores(U: torch.Tensor, C: torch.Tensor) -> torch.Tensor:
    return U @ C.T


def flat_direction(problem: Problem, seed: int = 0) -> np.ndarray:
    """(U M, -C M^T) for a random M."""
    M = np.random.default_rng(seed).normal(size=(problem.U.shape[1],) * 2)
    return np.stack([problem.U @ M, -problem.C @ M.T])


@quick
@given(problems, st.sampled_from([0.0, 1e-3, 16.0]))
def test_the_gauss_newton_product_is_that_of_the_dense_matrix(problem, damp):
    slope, model = second_derivative(problem, total_of(problem)), tuple(joined(problem))
    for Z in directions(problem, 2):
        # J^T diag(d2L/dx2) J Z, with J the derivative of the scores by U and C.
        _, t = torch.autograd.functional.jvp(scores, model, tuple(tensor(Z)))
        _, product = torch.autograd.functional.vjp(scores, model, slope * t)
        expected = torch.stack(product).numpy() + damp * Z
        assert apart(problem.curvature().product(Z, damp), expected) < 1e-8


@quick
@given(problems, st.sampled_from([0.0, 1e-3, 16.0]))
def test_the_exact_product_is_that_of_the_hessian_of_the_expected_loss(problem, damp):
    counts, noise = tensor(total_of(problem)), tensor(problem.noise)

    def loss(U: torch.Tensor, C: torch.Tensor) -> torch.Tensor:
        return expected_loss(U, C, counts, noise, problem.negative)

    U, C = joined(problem)
    for Z in directions(problem, 2):
        _, product = torch.autograd.functional.hvp(loss, (U, C), (tensor(Z[0]), tensor(Z[1])))
        expected = torch.stack(product).numpy() + damp * Z
        assert apart(problem.curvature(exact=True).product(Z, damp), expected) < 1e-8


@quick
@given(problems, st.booleans())
def test_the_product_is_symmetric_and_linear(problem, exact):
    product = problem.curvature(exact=exact).product
    Y, Z = directions(problem, 2)
    HY, HZ = product(Y, 0.0), product(Z, 0.0)
    assert np.vdot(Y, HZ) == pytest.approx(np.vdot(Z, HY), rel=1e-8, abs=1e-9 * np.linalg.norm(HY))
    assert apart(product(2 * Y - Z, 0.0), 2 * HY - HZ) < 1e-10


@quick
@given(problems)
def test_gauss_newton_is_nowhere_negative(problem):
    curvature = problem.curvature()
    for Z in [*directions(problem, 5), flat_direction(problem)]:
        HZ = curvature.product(Z, 0.0)
        assert np.vdot(Z, HZ) >= -1e-10 * np.linalg.norm(HZ) * np.linalg.norm(Z)


@quick
@given(problems)
def test_flat_directions_have_no_product_and_no_document_has_a_part_in_them(problem):
    flat, (other,) = flat_direction(problem), directions(problem, 1)
    curvature = problem.curvature()
    scale = np.linalg.norm(curvature.product(other, 0.0)) / np.linalg.norm(other)
    assert np.linalg.norm(curvature.product(flat, 0.0)) <= 1e-10 * scale * np.linalg.norm(flat)
    for gradient in document_gradients(problem, document_counts(problem)):
        assert abs(np.vdot(flat, gradient)) <= 1e-10 * np.linalg.norm(flat) * np.linalg.norm(gradient)


@quick
@given(problems)
def test_project_is_the_orthogonal_projection_off_the_flat_directions(problem):
    project = problem.curvature().project
    Y, Z = directions(problem, 2)
    PY, PZ = project(Y), project(Z)
    assert apart(project(PZ), PZ) < 1e-10
    assert np.vdot(Y, PZ) == pytest.approx(np.vdot(PY, Z), rel=1e-8, abs=1e-10 * np.linalg.norm(Y))
    assert np.linalg.norm(PZ) < np.linalg.norm(Z)
    flat = flat_direction(problem)
    assert np.linalg.norm(project(flat)) < 1e-10 * np.linalg.norm(flat)
    assert abs(np.vdot(flat, PZ)) < 1e-10 * np.linalg.norm(flat) * np.linalg.norm(Z)
    for gradient in document_gradients(problem, document_counts(problem)):
        assert apart(project(gradient), gradient) < 1e-10
    # What the curvature makes has no part in them either, so a solve stays where it begins.
    HZ = problem.curvature().product(Z, 0.0)
    assert apart(project(HZ), HZ) < 1e-10


def test_vectors_that_do_not_fill_their_space_are_projected_as_well():
    problem = random_problem(3, dim=4, precision=np.float64)
    for matrix in (problem.U, problem.C):
        matrix[:, 3] = 0.0
        matrix[:, 2] = 2 * matrix[:, 1]
    flat, (Z,) = flat_direction(problem), directions(problem, 1)
    project = problem.curvature().project
    assert np.linalg.norm(project(flat)) < 1e-10 * np.linalg.norm(flat)
    assert apart(project(project(Z)), project(Z)) < 1e-10


def test_the_exact_curvature_projects_nothing():
    problem = random_problem(3, precision=np.float64)
    (Z,) = directions(problem, 1)
    assert problem.curvature(exact=True).project(Z) is Z


@quick
@given(problems, st.sampled_from([1e-3, 1.0, 16.0]), st.booleans())
def test_precondition_solves_the_kronecker_factored_matrix(problem, damp, exact):
    slope = second_derivative(problem, total_of(problem)).numpy()
    alpha, beta, total = slope.sum(1), slope.sum(0), slope.sum() or 1.0
    (Z,) = directions(problem, 1)
    out = problem.curvature(exact=exact).precondition(Z, damp)
    S_C = (problem.C.T * beta) @ problem.C / total
    S_U = (problem.U.T * alpha) @ problem.U / total
    back = np.stack(
        [out[0] @ S_C * alpha[:, None] + damp * out[0], out[1] @ S_U * beta[:, None] + damp * out[1]]
    )  # fmt: skip
    assert apart(back, Z) < 1e-8


def test_a_word_beside_itself_is_counted_once_in_each_direction():
    problem = random_problem(0, size=12, precision=np.float64)
    problem = Problem(
        corpus_of([[4, 4, 4, 4], [4, 5]], 15), problem.vocabulary, problem.settings, problem.U, problem.C,
        problem.objective,
    )  # fmt: skip
    total = total_of(problem)
    assert total[4, 4] > 0
    (Z,) = directions(problem, 1)
    for exact, dense in ((False, gauss_newton(problem, total)), (True, exact_hessian(problem, total))):
        expected = (dense @ Z.ravel()).reshape(Z.shape)
        assert apart(problem.curvature(exact=exact).product(Z, 0.0), expected) < 1e-10


@pytest.mark.parametrize("block", [1, 5, 59, 60])
def test_the_size_of_the_blocks_changes_no_product(block):
    problem = random_problem(1, size=60, documents=30, longest=60, precision=np.float64)
    (Z,) = directions(problem, 1)
    for exact in (False, True):
        whole = problem.curvature(exact=exact)
        small = Curvature(problem.U, problem.C, whole.counts, problem.noise, problem.negative, exact=exact)
        small.__dict__["_pairs"] = small._lay_out(block)
        assert small._pairs.place.max() == block - 1
        assert apart(small.product(Z, 1.0), whole.product(Z, 1.0)) < 1e-13
        assert apart(small.precondition(Z, 1.0), whole.precondition(Z, 1.0)) < 1e-12


def test_single_precision_is_double_precision_rounded():
    wide = random_problem(2, size=50, documents=20, longest=60, precision=np.float64)
    U, C = wide.U.astype(np.float32), wide.C.astype(np.float32)
    narrow = Problem(wide.corpus, wide.vocabulary, wide.settings, U, C, wide.objective)
    (Z,) = directions(wide, 1)
    for exact in (False, True):
        for name in ("product", "precondition"):
            expected = getattr(wide.curvature(exact=exact), name)(Z, 16.0)
            found = getattr(narrow.curvature(exact=exact), name)(Z.astype(np.float32), 16.0)
            assert found.dtype == np.float32
            assert apart(found, expected) < 1e-5


@pytest.mark.parametrize("size", [30.0, 800.0])
def test_extreme_scores_neither_warn_nor_overflow(size):
    problem = random_problem(4, precision=np.float64)
    problem.U[0], problem.U[1] = size, -size
    (Z,) = directions(problem, 1)
    for exact in (False, True):
        curvature = problem.curvature(exact=exact)
        assert np.isfinite(curvature.product(Z, 1.0)).all()
        assert np.isfinite(curvature.precondition(Z, 1.0)).all()


def test_a_corpus_without_a_pair_has_no_curvature():
    problem = random_problem(5, precision=np.float64)
    empty = Problem(
        corpus_of([[], [3]], 28), problem.vocabulary, problem.settings, problem.U, problem.C, problem.objective
    )
    (Z,) = directions(problem, 1)
    for exact in (False, True):
        assert np.array_equal(empty.curvature(exact=exact).product(Z, 3.0), 3 * Z)
        np.testing.assert_allclose(empty.curvature(exact=exact).precondition(Z, 4.0), Z / 4, rtol=1e-12)
