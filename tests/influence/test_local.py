"""Methods on the rows of the test's words against automatic differentiation and plain computations by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers import (
    apart,
    assert_close,
    document_counts,
    document_gradients,
    documents_of,
    expected_loss,
    objective_gradient,
    random_problem,
    second_derivative,
    tensor,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from clif.influence import local
from clif.influence.local import residual_of
from clif.influence.methods import METHODS
from clif.influence.problem import Problem
from clif.influence.scores import score_documents
from clif.objectives import MEASURES

shapes = {
    "size": st.integers(12, 40),
    "dim": st.integers(2, 6),
    "window": st.integers(1, 5),
    "negative": st.integers(1, 6),
    "sample": st.sampled_from([0, 1e-4, 1e-3, 1e-2, 0.1]),
    "documents": st.integers(1, 8),
    "sizes": st.sampled_from([(2, 2, 2, 2), (3, 2, 2, 4), (2, 3, 3, 2)]),
    "measure": st.sampled_from(MEASURES),
    "damping": st.sampled_from([None, 0.5, 3.0, 100.0]),
}
problems = st.builds(random_problem, st.integers(0, 10**6), **shapes)
quick = settings(max_examples=20, deadline=None)


def influence_of(problem: Problem, method: str) -> np.ndarray:
    return score_documents(problem, METHODS[method]).influence


def row_gradients(problem: Problem, counts: np.ndarray) -> np.ndarray:
    """Gradient (documents, n, d) of each document's expected loss on the test's rows."""
    return document_gradients(problem, counts)[:, 0, problem.rows]


def row_hessian(problem: Problem, counts: np.ndarray) -> np.ndarray:
    """Hessian (n, d, d) of the whole corpus' expected loss for each test word."""
    noise, C, total = tensor(problem.noise), tensor(problem.C), tensor(counts.sum(0))
    return np.array(
        [
            torch.autograd.functional.hessian(
                lambda u, row=row: expected_loss(u[None], C, total[[row]], noise, problem.negative),
                tensor(problem.U[row]),
            ).numpy()
            for row in problem.rows
        ]
    )


def tau_of(problem: Problem) -> float:
    """Sum of the learning rates."""
    return problem.settings.epochs * (problem.settings.alpha + problem.settings.min_alpha) / 2


# block and gradient.


@quick
@given(problems)
def test_block_is_the_product_of_the_solve_with_the_gradient_of_the_documents_expected_loss(problem):
    counts = document_counts(problem)
    # The default damping is one over the sum of the learning rates.
    damp = 1 / tau_of(problem) if problem.damping is None else problem.damping
    damped = row_hessian(problem, counts) + damp * np.eye(problem.settings.dim)
    g = objective_gradient(problem)[0, problem.rows]
    s = np.array([np.linalg.solve(H, own) for H, own in zip(damped, g, strict=True)])
    expected = np.einsum("nd,znd->z", s, row_gradients(problem, counts))
    scores = score_documents(problem, METHODS["block"])
    assert_close(scores.influence, expected, rtol=1e-5)
    assert scores.attribution.solve.converged
    assert scores.attribution.solve.residual < 1e-10


@quick
@given(problems)
def test_the_residual_of_a_solve_is_the_largest_over_the_words(problem):
    s = np.random.default_rng(0).normal(size=problem.E.shape)
    H = row_hessian(problem, document_counts(problem)) + problem.damp * np.eye(problem.settings.dim)
    g = objective_gradient(problem)[0, problem.rows]
    expected = [np.linalg.norm(h @ own - v) / np.linalg.norm(v) for h, own, v in zip(H, s, g, strict=True)]
    assert residual_of(problem, s) == pytest.approx(max(expected), rel=1e-6)


@quick
@given(problems)
def test_gradient_is_tau_times_the_product_of_the_two_gradients(problem):
    g = row_gradients(problem, document_counts(problem))
    expected = tau_of(problem) * np.einsum("nd,znd->z", objective_gradient(problem)[0, problem.rows], g)
    scores = score_documents(problem, METHODS["gradient"])
    assert_close(scores.influence, expected, rtol=1e-5)
    assert scores.attribution.solve is None


@quick
@given(problems)
def test_documents_without_a_test_word_have_no_influence_at_all(problem):
    without = [z for z, tokens in enumerate(documents_of(problem)) if not set(tokens) & set(problem.rows.tolist())]
    for method in ("block", "kfac", "gradient", "mirrored", "lissa-released", "frequency"):
        assert not influence_of(problem, method)[without].any()


def test_single_precision_models_are_scored_in_double_precision():
    problem = random_problem(8, documents=20, longest=40)
    double = replace(problem, U=problem.U.astype(np.float64), C=problem.C.astype(np.float64))
    for method in ("block", "gradient", "mirrored", "representer"):
        assert np.array_equal(influence_of(problem, method), influence_of(double, method))


# kfac.


def wide(problem: Problem) -> Problem:
    """The same with vectors in double precision."""
    return replace(problem, U=problem.U.astype(np.float64), C=problem.C.astype(np.float64))


@quick
@given(problems)
def test_kfac_solves_with_the_kronecker_factored_curvature(problem):
    problem, counts = wide(problem), document_counts(problem)
    slope = second_derivative(problem, counts.sum(0)).numpy()
    S_C = (problem.C.T * slope.sum(0)) @ problem.C / (slope.sum() or 1.0)
    g = objective_gradient(problem)[0, problem.rows]
    identity = problem.damp * np.eye(problem.settings.dim)
    s = np.array(
        [np.linalg.solve(slope[row].sum() * S_C + identity, own) for row, own in zip(problem.rows, g, strict=True)]
    )
    expected = np.einsum("nd,znd->z", s, row_gradients(problem, counts))
    assert_close(influence_of(problem, "kfac"), expected, rtol=1e-6)


# mirrored.


def pair_losses(problem: Problem, E: np.ndarray) -> np.ndarray:
    """Loss (n, V) of one expected pair (w, c) with its negatives, by torch from the loss as it is written."""
    size, noise = len(problem.vocabulary), tensor(problem.noise)
    losses = np.empty((len(E), size))
    for n, c in np.ndindex(*losses.shape):
        one = torch.zeros((1, size), dtype=torch.float64)
        one[0, c] = 1
        losses[n, c] = float(expected_loss(tensor(E[[n]]), tensor(problem.C), one, noise, problem.negative))
    return losses


def descended(problem: Problem, steps: int) -> np.ndarray:
    """The test's vectors after so many steps down T, by autograd."""
    E = tensor(problem.E)
    for _ in range(steps):
        E = E.detach().requires_grad_()
        problem.objective.torch_value(E, problem.measure).backward()
        E = E - tau_of(problem) / steps * E.grad
    return E.detach().numpy()


@pytest.mark.parametrize("seed", range(6))
def test_mirrored_is_the_fall_of_each_documents_loss_while_the_objective_descends(seed):
    problem = random_problem(seed, measure=MEASURES[seed % 2], size=20)
    moved = descended(problem, local.STEPS)
    assert problem.objective.value(moved, problem.measure) < problem.value
    falls = pair_losses(problem, problem.E) - pair_losses(problem, moved)
    counts = document_counts(problem)[:, problem.rows]
    assert_close(influence_of(problem, "mirrored"), np.einsum("znv,nv->z", counts, falls), rtol=1e-6)


@quick
@given(problems)
def test_mirrored_is_gradient_where_the_learning_rates_are_small(problem):
    problem = replace(problem, settings=replace(problem.settings, alpha=1e-7, min_alpha=1e-8))
    found, expected = influence_of(problem, "mirrored"), influence_of(problem, "gradient")
    scale = tau_of(problem) * np.linalg.norm(problem.gradient) * problem.counts.sum()
    np.testing.assert_allclose(found, expected, rtol=1e-2, atol=1e-3 * scale)


def test_mirrored_nears_gradient_as_the_learning_rates_fall():
    problem, distances = random_problem(1, documents=20, longest=40), []
    for alpha in (0.02, 0.002, 0.0002):
        slower = replace(problem, settings=replace(problem.settings, alpha=alpha, min_alpha=alpha / 10))
        distances.append(apart(influence_of(slower, "mirrored"), influence_of(slower, "gradient")))
    assert distances[0] > 5 * distances[1] > 25 * distances[2]
    assert distances[2] < 1e-3


# representer.


def optimum(problem: Problem, counts: np.ndarray) -> np.ndarray:
    """Where the loss of the test's vectors plus (damp / 2) of their squares is least, by L-BFGS on autograd."""
    from scipy.optimize import minimize

    noise, C, total = tensor(problem.noise), tensor(problem.C), tensor(counts.sum(0)[problem.rows])

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        E = tensor(flat.reshape(problem.E.shape)).requires_grad_()
        value = expected_loss(E, C, total, noise, problem.negative) + problem.damp / 2 * (E**2).sum()
        value.backward()
        return value.item(), E.grad.numpy().ravel()

    found = minimize(loss, problem.E.ravel(), jac=True, method="L-BFGS-B", options={"gtol": 1e-10, "ftol": 1e-16})
    return found.x.reshape(problem.E.shape)


def with_rows(problem: Problem, E: np.ndarray) -> Problem:
    """The same with other vectors for the test's words."""
    U = problem.U.astype(np.float64)
    U[problem.rows] = E
    return replace(problem, U=U)


@pytest.mark.parametrize("seed", range(6))
def test_representer_is_the_share_of_each_document_at_the_regularised_optimum(seed):
    problem = random_problem(
        seed, documents=20, longest=40, sample=0, measure=MEASURES[seed % 2], damping=[1.0, 16.0, None][seed % 3]
    )
    counts = document_counts(problem)
    at = with_rows(problem, optimum(problem, counts))
    gradients = row_gradients(at, counts)
    # There every vector is made of its documents' shares.
    np.testing.assert_allclose(at.E, -gradients.sum(0) / problem.damp, rtol=1e-4, atol=1e-5)
    expected = np.einsum("nd,znd->z", objective_gradient(at)[0, at.rows], gradients) / problem.damp
    assert_close(influence_of(problem, "representer"), expected, rtol=1e-4)


def test_representer_forgets_where_the_training_ended():
    problem = random_problem(2, documents=20, longest=40, sample=0)
    elsewhere = with_rows(problem, 3 * np.random.default_rng(0).normal(size=problem.E.shape))
    np.testing.assert_allclose(
        influence_of(elsewhere, "representer"), influence_of(wide(problem), "representer"), rtol=1e-8
    )


def test_representer_has_no_answer_for_words_without_a_pair():
    from clif.errors import InputError

    problem = random_problem(0)
    problem.corpus.tokens[:] = next(row for row in range(25) if row not in problem.rows)
    with pytest.raises(InputError, match="zero or not finite"):
        influence_of(problem, "representer")
