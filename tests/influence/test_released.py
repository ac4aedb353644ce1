"""The recursion as research code released it, against a slow version that follows its description word by word."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers import apart, corpus_of, documents_of, random_problem, tensor

from clif.influence import released
from clif.influence.methods import METHODS
from clif.influence.problem import Problem
from clif.influence.scores import score_documents


def positions(problem: Problem, tokens: list[int]) -> list[tuple[int, int]]:
    """Pairs of a document: fixed windows that leave out their last position, words outside the vocabulary gone."""
    tokens = [token for token in tokens if token < len(problem.vocabulary)]
    window, length = problem.settings.window, len(tokens)
    return [
        (tokens[i], tokens[j])
        for i in range(length)
        for j in range(max(0, i - window), min(i + window, length))
        if i != j
    ]


def mean_loss(problem: Problem, pairs: list[tuple[int, int]], E: torch.Tensor) -> torch.Tensor:
    """Mean over a document's pairs of softplus(-u_w . c_c), without negatives; E stands for the test's rows."""
    U = tensor(problem.U).index_copy(0, torch.as_tensor(problem.rows), E)
    C = tensor(problem.C)
    inputs, outputs = (torch.tensor(column) for column in zip(*pairs, strict=True))
    return torch.nn.functional.softplus(-(U[inputs] * C[outputs]).sum(1)).mean()


def slow(problem: Problem, depth: int = released.DEPTH) -> tuple[np.ndarray, np.ndarray]:
    """Influence of each document, and h."""
    texts, rows, E = documents_of(problem), set(problem.rows.tolist()), tensor(problem.E)
    pairs = [positions(problem, tokens) for tokens in texts]
    holds = [any(word in rows for word, _ in own) for own in pairs]
    v = tensor(problem.gradient)
    h = v.clone()
    visits = [z for z in np.random.default_rng(problem.settings.seed).permutation(len(texts)) if holds[z]]
    for z in visits[:depth]:
        _, product = torch.autograd.functional.hvp(lambda E, z=z: mean_loss(problem, pairs[z], E), E, h)
        h = v + (1 - 0.01) * h - product / 25
    influence = np.zeros(len(texts))
    for z in np.flatnonzero(holds):
        gradient = torch.autograd.functional.jacobian(lambda E, z=z: mean_loss(problem, pairs[z], E), E)
        influence[z] = float((h * gradient).sum()) / len(texts)
    return influence, h.numpy()


@pytest.mark.parametrize("window", [1, 2, 4])
@pytest.mark.parametrize("seed", range(4))
def test_it_does_what_its_description_says(seed, window):
    problem = random_problem(seed, documents=15, window=window, measure=("effect_size", "mean_difference")[seed % 2])
    expected, _ = slow(problem)
    scores = score_documents(problem, METHODS["lissa-released"])
    assert expected.any()
    assert apart(scores.influence, expected) < 1e-9
    report = scores.attribution.solve
    assert not report.converged
    assert report.iterations == sum(
        any(word in set(problem.rows.tolist()) for word, _ in positions(problem, tokens))
        for tokens in documents_of(problem)
    )


@pytest.mark.parametrize("depth", [1, 3])
def test_it_stops_after_so_many_documents(depth, monkeypatch):
    monkeypatch.setattr(released, "DEPTH", depth)
    problem = random_problem(2, documents=15)
    scores = score_documents(problem, METHODS["lissa-released"])
    assert scores.attribution.solve.iterations == depth
    assert apart(scores.influence, slow(problem, depth)[0]) < 1e-9


def test_documents_without_a_test_word_get_no_score():
    problem = random_problem(1, documents=20)
    rows = set(problem.rows.tolist())
    bare = [z for z, tokens in enumerate(documents_of(problem)) if not set(tokens) & rows]
    influence = score_documents(problem, METHODS["lissa-released"]).influence
    assert not influence[bare].any()
    assert np.count_nonzero(influence) > 5


@pytest.mark.parametrize("seed", range(3))
def test_its_fixed_point_solves_another_equation(seed, monkeypatch):
    """(H + .25 I) h = 25 v, H that of the one document there is, over and over."""
    problem = random_problem(seed, longest=60, damping=0.25)
    tokens = np.random.default_rng(seed).permutation(np.repeat(np.arange(25), 2)).tolist()
    problem = replace(problem, corpus=corpus_of([tokens] * 3000, 28))
    pairs, E = positions(problem, tokens), tensor(problem.E)
    H = torch.autograd.functional.hessian(lambda E: mean_loss(problem, pairs, E), E).reshape(E.numel(), -1).numpy()
    h = 25 * np.linalg.solve(H + 0.25 * np.eye(len(H)), problem.gradient.ravel())
    gradient = torch.autograd.functional.jacobian(lambda E: mean_loss(problem, pairs, E), E).numpy().ravel()
    scores = score_documents(problem, METHODS["lissa-released"])
    # The recursion shrinks by a hundredth at least with each visit.
    np.testing.assert_allclose(scores.influence, h @ gradient / 3000, rtol=1e-8)


def test_a_recursion_that_runs_away_ends_as_such():
    problem = random_problem(0, documents=400, longest=12)
    problem.C[:] *= 40
    with np.errstate(all="ignore"):
        scores = score_documents(problem, METHODS["lissa-released"])
    assert scores.attribution.solve.residual > 1e3 or not np.isfinite(scores.attribution.solve.residual)
