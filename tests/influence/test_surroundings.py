"""Gradient, curvature and contraction of the loss around a few words, against automatic differentiation."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from helpers import tensor
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd.functional import hessian

from clif.influence import surroundings
from clif.influence.surroundings import Surroundings

shapes = {
    "seed": st.integers(0, 10**6),
    "n": st.integers(1, 5),
    "size": st.integers(2, 40),
    "dim": st.integers(1, 6),
    "negative": st.integers(1, 6),
    "signed": st.booleans(),
}
quick = settings(max_examples=40, deadline=None)


def made(seed, n, size, dim, negative, signed) -> tuple[Surroundings, np.ndarray]:
    rng = np.random.default_rng(seed)
    noise = rng.dirichlet(np.ones(size))
    around = Surroundings(rng.normal(size=(n, dim)), 1.5 * rng.normal(size=(size, dim)), noise, negative)
    counts = rng.exponential(2, (n, size)) * (rng.random((n, size)) < 0.5)
    return around, counts * (rng.choice([-1, 1], (n, size)) if signed else 1)


def loss(u: torch.Tensor, C: torch.Tensor, counts: torch.Tensor, noise: torch.Tensor, negative: int) -> torch.Tensor:
    """The loss of one input word, as written at the head of the module."""
    x = C @ u
    softplus = torch.nn.functional.softplus
    rest = negative * (counts.sum() - counts) * noise
    return (counts * softplus(-x, threshold=40) + rest * softplus(x, threshold=40)).sum()


def by_autograd(around: Surroundings, counts: np.ndarray):
    """Gradients (n, d) and Hessians (n, d, d), word by word."""
    gradients, hessians = [], []
    for u, row in zip(around.U, counts, strict=True):

        def of_word(u, row=row):
            return loss(u, tensor(around.C), tensor(row), tensor(around.noise), around.negative)

        gradients.append(torch.autograd.functional.jacobian(of_word, tensor(u)).numpy())
        hessians.append(hessian(of_word, tensor(u)).numpy())
    return np.array(gradients), np.array(hessians)


@quick
@given(**shapes)
def test_gradient_and_hessian_are_those_of_autograd(seed, n, size, dim, negative, signed):
    around, counts = made(seed, n, size, dim, negative, signed)
    gradient, curvature = by_autograd(around, counts)
    scale = np.abs(counts).sum(1).max(initial=1)
    np.testing.assert_allclose(around.gradient(counts), gradient, rtol=1e-8, atol=1e-8 * scale)
    np.testing.assert_allclose(around.hessian(counts), curvature, rtol=1e-8, atol=1e-8 * scale)


@quick
@given(**shapes)
def test_the_table_holds_the_product_of_s_with_the_gradient_of_one_pair(seed, n, size, dim, negative, signed):
    around, _ = made(seed, n, size, dim, negative, signed)
    s = np.random.default_rng(seed + 1).normal(size=(n, dim))
    table = around.contraction(s)
    assert table.shape == (n, size)
    for c in range(size):
        one = np.zeros((n, size))
        one[:, c] = 1
        gradient, _ = by_autograd(around, one)
        np.testing.assert_allclose(table[:, c], (s * gradient).sum(1), rtol=1e-8, atol=1e-10)


@quick
@given(**shapes)
def test_gradient_and_hessian_are_linear_in_the_counts(seed, n, size, dim, negative, signed):
    around, counts = made(seed, n, size, dim, negative, signed)
    other = made(seed + 1, n, size, dim, negative, signed)[1]
    for function in (around.gradient, around.hessian):
        expected = function(counts) - 2 * function(other)
        np.testing.assert_allclose(function(counts - 2 * other), expected, rtol=1e-9, atol=1e-9 * counts.size)


@quick
@given(**shapes)
def test_the_hessian_of_a_corpus_is_symmetric_and_nowhere_negative(seed, n, size, dim, negative, signed):
    around, counts = made(seed, n, size, dim, negative, signed=False)
    curvature = around.hessian(counts)
    np.testing.assert_allclose(curvature, curvature.transpose(0, 2, 1), rtol=1e-12, atol=1e-12)
    assert np.linalg.eigvalsh(curvature).min() >= -1e-10 * np.abs(counts).sum()


@pytest.mark.parametrize("chunk", [1, 3, 7])
def test_the_size_of_the_chunks_changes_nothing(monkeypatch, chunk):
    expected = {}
    for size in (surroundings._CHUNK, chunk):
        monkeypatch.setattr(surroundings, "_CHUNK", size)
        around, counts = made(5, 3, 20, 4, 5, signed=True)
        expected[size] = around.hessian(counts)
    first, second = expected.values()
    np.testing.assert_allclose(first, second, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("size", [30.0, 800.0])
def test_extreme_scores_neither_warn_nor_overflow(size):
    around = Surroundings(np.array([[size]]), np.array([[1.0], [-1.0], [0.1]]), np.array([0.5, 0.3, 0.2]), 3)
    counts = np.array([[2.0, 1.0, 0.0]])
    gradient, curvature = by_autograd(around, counts)
    np.testing.assert_allclose(around.gradient(counts), gradient, rtol=1e-8)
    np.testing.assert_allclose(around.hessian(counts), curvature, rtol=1e-8, atol=1e-12)
    assert np.isfinite(around.contraction(np.ones((1, 1)))).all()
