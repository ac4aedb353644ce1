"""Output vectors that are fitted to given input vectors: exact, and a good stand-in for the trained ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.sparse import csr_array
from scipy.stats import spearmanr

from clif.influence.methods import METHODS
from clif.influence.problem import Problem
from clif.influence.scores import score_documents
from clif.objectives import WEAT, load_tests
from clif.objectives.coverage import cover
from clif.settings import TrainingSettings
from clif.training import outputs
from clif.training.outputs import OutputLoss, count_outputs, find_scale, fit_outputs


def small(seed: int, size: int = 12, dim: int = 4, ridge: float = 0.5) -> OutputLoss:
    """A small problem with every kind of word: pairs with itself, some that occur in no pair."""
    rng = np.random.default_rng(seed)
    N = np.triu(rng.poisson(1.5, (size, size)) * rng.random((size, size)))
    N = N + N.T
    N[-1] = N[:, -1] = 0
    q = rng.dirichlet(np.ones(size))
    return OutputLoss(rng.normal(size=(size, dim)), csr_array(N), 3 * q, ridge)


def value(loss: OutputLoss, C: np.ndarray) -> float:
    """The loss as section 2 of the formulas has it, all of it dense."""
    N = loss.counts.toarray()
    x = loss.U @ C.T
    noise = (N.sum(1, keepdims=True) - N) * loss.kq
    return float((N * np.logaddexp(0, -x) + noise * np.logaddexp(0, x)).sum() + loss.ridge / 2 * (C**2).sum())


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_the_gradient_is_that_of_the_loss(seed):
    loss = small(seed)
    rng = np.random.default_rng(seed)
    C, way = rng.normal(size=loss.U.shape), rng.normal(size=loss.U.shape)
    slope = (value(loss, C + 1e-5 * way) - value(loss, C - 1e-5 * way)) / 2e-5
    assert np.vdot(loss.gradient(np.arange(len(C)), C), way) == pytest.approx(slope, rel=1e-6, abs=1e-7)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1e-2, 1.0, 20.0]))
def test_the_minimum_is_that_of_scipy(seed, ridge):
    loss = small(seed, ridge=ridge)
    fitted = fit_outputs(loss, tolerance=1e-9)
    every = np.arange(len(loss.U))
    found = minimize(
        lambda c: value(loss, c.reshape(loss.U.shape)),
        np.zeros(loss.U.size),
        jac=lambda c: loss.gradient(every, c.reshape(loss.U.shape)).ravel(),
        method="L-BFGS-B",
        options={"ftol": 1e-16, "gtol": 1e-10, "maxiter": 5000},
    )
    np.testing.assert_allclose(fitted.C, found.x.reshape(loss.U.shape), atol=1e-5)
    assert value(loss, fitted.C) <= found.fun + 1e-9
    at_zero = np.linalg.norm(loss.gradient(every, np.zeros_like(fitted.C)), axis=1)
    left = np.linalg.norm(loss.gradient(every, fitted.C), axis=1)
    assert (left[:-1] <= 1e-9 * at_zero[:-1]).all()
    assert fitted.gradient <= 1e-9


def test_a_start_near_the_minimum_ends_there_as_well():
    loss = small(3)
    found = fit_outputs(loss, tolerance=1e-10)
    again = fit_outputs(loss, found.C + 0.1, tolerance=1e-10)
    np.testing.assert_allclose(again.C, found.C, atol=1e-8)


def test_a_word_without_pairs_has_only_the_noise_to_flee():
    loss = replace(small(4), kq=np.zeros(12))
    assert not fit_outputs(loss).C[-1].any()


def test_the_scale_makes_both_matrices_as_long(opened):
    vocabulary, how = opened.vocabulary, opened.settings
    counts = count_outputs(opened.corpus, vocabulary, how)
    for given_scale in (0.2, 1.0, 5.0):
        U = opened.model.U * given_scale
        scale = find_scale(OutputLoss.of(U, counts, vocabulary, how))
        loss = OutputLoss.of(U, counts, vocabulary, how, scale)
        assert np.linalg.norm(loss.U) == pytest.approx(np.linalg.norm(fit_outputs(loss).C), rel=0.05)
        # The trained vectors know their scale; how much they were multiplied by is found again.
        assert scale * given_scale == pytest.approx(1.0, rel=0.25)


def test_counts_of_parts_add_up(opened):
    whole = count_outputs(opened.corpus, opened.vocabulary, opened.settings)
    parts = np.array_split(np.random.default_rng(0).permutation(len(opened.corpus)), 3)
    sums = sum(count_outputs(opened.corpus, opened.vocabulary, opened.settings, part).toarray() for part in parts)
    np.testing.assert_allclose(sums, whole.toarray(), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(whole.toarray(), whole.toarray().T)


def test_sampled_noise_comes_near_the_whole(opened, monkeypatch):
    vocabulary, how = opened.vocabulary, opened.settings
    counts = count_outputs(opened.corpus, vocabulary, how)
    exact = fit_outputs(OutputLoss.of(opened.model.U, counts, vocabulary, how))
    monkeypatch.setattr(outputs, "EXACT", 10)
    monkeypatch.setattr(outputs, "SAMPLE", 80)
    loss = OutputLoss.of(opened.model.U, counts, vocabulary, how)
    sampled = fit_outputs(loss)
    assert loss.U.dtype == np.float32
    assert len(loss._noise[0]) < len(vocabulary)
    assert exact.gradient <= 1e-6
    assert sampled.gradient <= 3e-3
    assert np.linalg.norm(sampled.C - exact.C) < 0.2 * np.linalg.norm(exact.C)


def test_documents_rank_as_with_the_trained_output_vectors(opened, made):
    """Nothing but U is given; the ranking by `block` is that of the model as it was trained."""
    test = load_tests([str(made.test)])[0]
    vocabulary, how, model = opened.vocabulary, opened.settings, opened.model
    counts = count_outputs(opened.corpus, vocabulary, how)
    objective = WEAT(cover(test, vocabulary.index))

    def influence(U: np.ndarray, C: np.ndarray) -> np.ndarray:
        problem = Problem(opened.corpus, vocabulary, how, U, C, objective, "mean_difference")
        return score_documents(problem, METHODS["block"]).influence

    lengths = np.linalg.norm(model.U, axis=1, keepdims=True)
    trained = influence(model.U, model.C)
    for U, least in ((model.U, 0.97), (model.U * 7, 0.97), (model.U / lengths, 0.9)):
        scale = find_scale(OutputLoss.of(U, counts, vocabulary, how))
        loss = OutputLoss.of(U, counts, vocabulary, how, scale)
        fitted = influence(loss.U, fit_outputs(loss).C)
        assert spearmanr(trained, fitted)[0] > least
    mixed = np.random.default_rng(0).permutation(model.U)
    other = influence(mixed, fit_outputs(OutputLoss.of(mixed, counts, vocabulary, how)).C)
    assert abs(spearmanr(trained, other)[0]) < 0.5


def test_the_damping_and_the_ridge_are_one():
    how = TrainingSettings(epochs=3, alpha=0.05)
    loss = OutputLoss.of(np.ones((3, 2)), csr_array(np.ones((3, 3))), _vocabulary(), how)
    assert loss.ridge == 1 / how.tau


def _vocabulary() -> object:
    from clif.vocabulary import Vocabulary

    return Vocabulary(["a", "b", "c"], np.array([3, 2, 1]))
