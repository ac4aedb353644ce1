"""The loss of a pair as a function of all vectors, against the loss as it is written, differentiated by torch."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from helpers import expected_loss, random_problem, slow_counts, tensor
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from clif.noise_sample import NoiseSample
from clif.training.outputs import count_outputs
from clif.training.pair_loss import PairLoss


def made(seed, head=8000, tail=8000):
    problem = random_problem(seed, documents=6, precision=np.float64)
    counts = count_outputs(problem.corpus, problem.vocabulary, problem.settings)
    sample = NoiseSample.draw(problem.noise, head, tail)
    return problem, counts.toarray().astype(float), PairLoss(counts, problem.noise, problem.negative, sample)


@pytest.mark.parametrize("seed", range(3))
def test_value_and_gradient_are_those_of_the_loss_as_it_is_written(seed):
    problem, counts, loss = made(seed)
    offsets = problem.corpus.offsets
    slow = sum(
        slow_counts(problem.corpus.tokens[a:b].tolist(), problem.keep, problem.settings.window)
        for a, b in pairwise(offsets)
    )
    assert counts == pytest.approx(slow, rel=1e-6, abs=1e-9)
    Z = tensor(np.stack([problem.U, problem.C])).requires_grad_()
    written = expected_loss(Z[0], Z[1], tensor(counts), tensor(problem.noise), problem.negative) / counts.sum()
    written.backward()
    assert loss.mean(problem.U, problem.C) == pytest.approx(written.item(), rel=1e-12)
    assert loss.gradient(problem.U, problem.C) == pytest.approx(Z.grad.numpy(), rel=1e-9, abs=1e-15)
    assert torch.autograd.gradcheck(lambda Z: expected_loss(Z[0], Z[1], tensor(counts), tensor(problem.noise), 3), Z)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 10), st.integers(1, 10))
def test_a_sample_of_the_noise_has_its_own_value_and_gradient(seed, head, tail):
    problem, _, loss = made(seed % 50, head, tail)
    rng = np.random.default_rng(seed)
    Z, Y = np.stack([problem.U, problem.C]), rng.normal(size=(2, *problem.U.shape))
    if not loss.pairs:
        assert loss.mean(*Z) is None
        return
    step = 1e-6
    slope = (loss.mean(*(Z + step * Y)) - loss.mean(*(Z - step * Y))) / (2 * step)
    assert slope == pytest.approx(np.vdot(loss.gradient(*Z), Y), rel=1e-5, abs=1e-8)


def test_words_drawn_twice_count_twice():
    problem, counts, _ = made(0)
    words = np.array([1, 1, 4])
    drawn = NoiseSample(words, 1.0 / (3 * problem.noise[words]))
    loss = PairLoss(csr_array(counts), problem.noise, problem.negative, drawn)
    x = problem.U @ problem.C.T
    kq = problem.negative * problem.noise
    noise = problem.negative * np.logaddexp(0, x[:, words]).mean(1)
    slow = (counts * (np.logaddexp(0, -x) - kq * np.logaddexp(0, x))).sum() + counts.sum(1) @ noise
    assert loss.mean(problem.U, problem.C) == pytest.approx(slow / counts.sum(), rel=1e-12)
    U, step = problem.U.copy(), 1e-6
    U[3, 2] += step
    slope = (loss.mean(U, problem.C) - loss.mean(problem.U, problem.C)) / step
    assert slope == pytest.approx(loss.gradient(problem.U, problem.C)[0, 3, 2], rel=1e-3, abs=1e-7)
