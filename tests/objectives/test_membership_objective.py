"""Where a word sits: against plain Python, torch and finite differences; and the methods that ask for it."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from helpers import (
    assert_close,
    document_counts,
    document_gradients,
    exact_hessian,
    gauss_newton,
    random_problem,
    tensor,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import pearsonr
from trainings import DIM, Doubles, question, topical, train

from clif.errors import InputError, UsageError
from clif.influence.groups import predict_value, removal
from clif.influence.joint import SolveSettings
from clif.influence.methods import METHODS
from clif.influence.problem import Problem
from clif.influence.scores import score_documents
from clif.influence.unrolled import derivatives
from clif.objectives import NEARNESS, Membership, Objective, known_words
from clif.settings import TrainingSettings
from clif.training.paired import PairedTraining, train_paired

INDEX = {f"w{row}": row for row in range(25)}
FAMILIES = ("word", "cluster", "start")
asked = {"family": st.sampled_from(FAMILIES), "measure": st.sampled_from(NEARNESS), "seed": st.integers(0, 10**6)}


def made(family: str, start: np.ndarray | None = None) -> Membership:
    if family == "start":
        return Membership.to_start(
            "w4", np.random.default_rng(5).normal(size=(25, 6)) if start is None else start, INDEX
        )
    return Membership.to_cluster("w4", {"word": ["w9"], "cluster": ["w7", "w2", "w11", "w3"]}[family], INDEX)


def vectors(objective: Membership, seed: int = 0, dim: int = 6) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(len(objective.rows), dim)) * rng.uniform(0.1, 3, size=(len(objective.rows), 1))


def by_hand(objective: Membership, E: np.ndarray, measure: str) -> float:
    """T in plain Python."""
    word, *others = [list(map(float, row)) for row in E]
    point = [math.fsum(column) / len(others) for column in zip(*others, strict=True)] if others else objective.place
    if measure == "distance":
        return math.sqrt(math.fsum((p - q) ** 2 for p, q in zip(word, point, strict=True)))
    dot = math.fsum(p * q for p, q in zip(word, point, strict=True))
    return dot / math.sqrt(math.fsum(p * p for p in word)) / math.sqrt(math.fsum(q * q for q in point))


def by_torch(objective: Membership, E: torch.Tensor, measure: str) -> torch.Tensor:
    """T by torch's own functions."""
    point = torch.as_tensor(objective.place) if objective.place is not None else E[1:].mean(0)
    if measure == "distance":
        return torch.nn.functional.pairwise_distance(E[0], point, eps=0)
    return torch.nn.functional.cosine_similarity(E[0], point, dim=0, eps=0)


# Values and gradients.


@settings(max_examples=60, deadline=None)
@given(**asked)
def test_values_are_those_by_hand_and_come_from_the_parts(family, measure, seed):
    objective = made(family)
    E = vectors(objective, seed)
    assert objective.value(E, measure) == pytest.approx(by_hand(objective, E, measure), rel=1e-12, abs=1e-12)
    parts = objective.associations(E)
    assert parts.shape == (objective.parts,)
    assert objective.join(parts, measure) == objective.value(E, measure)
    assert abs(objective.value(E)) <= 1 + 1e-12  # a cosine unless told otherwise


@settings(max_examples=60, deadline=None)
@given(**asked)
def test_gradients_are_those_of_torch(family, measure, seed):
    objective = made(family)
    E = vectors(objective, seed)
    leaf = tensor(E).requires_grad_()
    by_torch(objective, leaf, measure).backward()
    assert_close(objective.gradient(E, measure), leaf.grad.numpy(), rtol=1e-9)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("measure", NEARNESS)
def test_gradients_are_those_of_finite_differences(family, measure):
    objective = made(family)
    E, step = vectors(objective), 1e-6
    numeric = np.zeros_like(E)
    for place in np.ndindex(*E.shape):
        up, down = E.copy(), E.copy()
        up[place] += step
        down[place] -= step
        numeric[place] = (by_hand(objective, up, measure) - by_hand(objective, down, measure)) / (2 * step)
    np.testing.assert_allclose(objective.gradient(E, measure), numeric, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("measure", NEARNESS)
def test_gradients_of_the_parts_join_into_the_gradient(family, measure):
    objective = made(family)
    E = vectors(objective)

    def parts(Z: torch.Tensor) -> torch.Tensor:
        point = torch.as_tensor(objective.place) if objective.place is not None else Z[1:].mean(0)
        return torch.stack([Z[0] @ Z[0], Z[0] @ point, point @ point])

    found = objective.part_gradients(E)
    np.testing.assert_allclose(found, torch.autograd.functional.jacobian(parts, tensor(E)).numpy(), atol=1e-12)
    slope = objective.join_gradient(objective.associations(E), measure)
    np.testing.assert_allclose(np.einsum("p,pnd->nd", slope, found), objective.gradient(E, measure), atol=1e-13)


def test_nearer_is_a_larger_cosine_and_a_smaller_distance():
    objective = made("word")
    far, near = np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([[1.0, 0.9], [0.0, 1.0]])
    assert objective.value(near) > objective.value(far)
    assert objective.value(near, "distance") < objective.value(far, "distance")


def test_words_and_rows_go_together():
    objective = made("cluster")
    assert objective.words == ("w4", "w7", "w2", "w11", "w3")
    assert objective.rows.tolist() == [4, 7, 2, 11, 3]
    assert Membership.to_word("w4", "w9", INDEX).rows.tolist() == [4, 9]
    assert Membership.to_cluster("W4", ["w9", "W9", "w9"], INDEX).words == ("w4", "w9")
    protocol: Objective = objective  # what the influence engine asks for
    assert protocol.parts == 3


# What is refused.


def test_unknown_words_are_named_with_the_nearest():
    index = {word: row for row, word in enumerate(("silver", "sliver", "gold"))}
    with pytest.raises(UsageError, match="lacks the word 'Silvr'") as caught:
        known_words(["gold", "Silvr"], index, where="pairs")
    assert "silver, sliver" in caught.value.next
    assert caught.value.where == "pairs"
    with pytest.raises(UsageError, match="lacks the word 'qqq'") as caught:
        Membership.to_start("qqq", np.ones((3, 2)), index)
    assert "No known word" in caught.value.next


def test_a_word_is_not_held_against_itself_or_nothing():
    with pytest.raises(UsageError, match="'w4' cannot be held against itself"):
        Membership.to_word("w4", "W4", INDEX)
    with pytest.raises(UsageError, match="no words to hold 'w4' against"):
        Membership.to_cluster("w4", [], INDEX)


@pytest.mark.parametrize("attempt", ["value", "gradient"])
def test_what_has_no_direction_is_named(attempt):
    objective = made("word")
    for row, word in ((0, "w4"), (1, "w9")):
        E = vectors(objective)
        E[row] = 0
        with pytest.raises(InputError, match=f"the vector of '{word}' is zero"):
            getattr(objective, attempt)(E)
    E = vectors(objective)
    E[1] = np.nan
    for measure in NEARNESS:
        with pytest.raises(InputError, match="not finite"):
            getattr(objective, attempt)(E, measure)
    E[1] = E[0]
    assert objective.value(E, "distance") == 0
    with pytest.raises(InputError, match="'w4' is where it is measured from"):
        objective.gradient(E, "distance")
    with pytest.raises(UsageError, match="unknown measure 'effect_size'"):
        getattr(objective, attempt)(vectors(objective), "effect_size")


def test_parts_of_no_vectors_have_no_distance():
    with pytest.raises(InputError, match="belong to no vectors"):
        made("word").join(np.array([1.0, 2.0, 1.0]), "distance")


# The methods: against derivatives by torch, and against trainings.


def put(problem: Problem, family: str, measure: str) -> Problem:
    start = PairedTraining(problem.corpus, problem.vocabulary, problem.settings).start()[0]
    return problem.asking(made(family, start), measure)


def slope_of(problem: Problem) -> np.ndarray:
    """dT/d(U, C), (2, V, d), by torch."""
    U = tensor(problem.U).requires_grad_()
    by_torch(problem.objective, U[torch.as_tensor(problem.rows)], problem.measure).backward()
    return np.stack([U.grad.numpy(), np.zeros(U.shape)])


@settings(max_examples=4, deadline=None)
@given(**asked)
def test_scores_are_those_of_dense_solves(family, measure, seed):
    problem = put(random_problem(seed, precision=np.float64), family, measure)
    counts = document_counts(problem)
    gradients, slope = document_gradients(problem, counts), slope_of(problem)
    size, dim = problem.U.shape
    whole = exact_hessian(problem, counts.sum(0))
    s = np.zeros_like(slope)
    for row in problem.rows:
        own = slice(row * dim, (row + 1) * dim)
        s[0, row] = np.linalg.solve(whole[own, own] + problem.damp * np.eye(dim), slope[0, row])
    joint = np.linalg.solve(
        gauss_newton(problem, counts.sum(0)) + problem.damp * np.eye(2 * size * dim), slope.ravel()
    ).reshape(slope.shape)
    solving = SolveSettings(tolerance=1e-10, dense=True)
    for method, by in (("block", s), ("clif", joint), ("gradient", problem.settings.tau * slope)):
        found = score_documents(problem, METHODS[method], solving).influence
        expected = np.einsum("zmvd,mvd->z", gradients, by)
        scale = max(np.abs(expected).max(), 1e-6 * np.linalg.norm(gradients) * np.linalg.norm(by))  # all may be zero
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * scale)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("measure", NEARNESS)
def test_unrolled_is_the_derivative_of_the_training(family, measure):
    corpus = topical(1, documents=8, length=30)
    options = TrainingSettings(dim=DIM, epochs=2, sample=0, alpha=0.3, min_count=1)
    problem = question(corpus, options)
    checkpoints = Doubles(corpus, problem.vocabulary, options)
    U = train(corpus, options)[0]
    objective = put(problem, family, measure).objective
    E = U[objective.rows]
    found = derivatives(checkpoints, objective.rows, objective.part_gradients(E), precision=np.float64)
    joined = found @ objective.join_gradient(objective.associations(E), measure)
    step, actual = 1e-5, np.empty(len(corpus))
    for z in range(len(corpus)):
        ends = []
        for sign in (1, -1):
            weights = np.ones(len(corpus))
            weights[z] += sign * step
            ends.append(by_hand(objective, train(corpus, options, weights)[0][objective.rows], measure))
        actual[z] = (ends[0] - ends[1]) / (2 * step)
    np.testing.assert_allclose(joined, actual, atol=1e-4 * np.abs(actual).max())


@pytest.mark.parametrize("family", FAMILIES)
def test_removals_do_what_was_predicted(family):
    corpus = topical(1, documents=400)
    options = TrainingSettings(dim=16, epochs=3, sample=0, alpha=0.05, min_count=1)
    problem = put(question(corpus, options), family, "distance" if family == "start" else "cosine")
    solving = SolveSettings()
    sign = np.sign(problem.value)
    order = np.argsort(sign * score_documents(problem, METHODS["block"]).influence)
    sets = [order[:5], order[-5:], *(order[n : n + 5] for n in range(20, 100, 20))]
    realised = []
    for chosen in sets:
        U = train_paired(corpus, problem.vocabulary, options, weights=1 - removal(problem, chosen)).U
        realised.append(problem.objective.value(U[problem.rows].astype(float), problem.measure) - problem.value)
    assert sign * realised[0] < 0 < sign * realised[1]
    for method, least in (("block", 0.75), ("source", 0.75), ("unrolled", 0.85)):
        found = METHODS[method].find(problem, solving, lambda _name, solve: solve())
        informed = problem.knowing(found.predictor)
        predicted = [predict_value(informed, removal(problem, chosen)) - problem.value for chosen in sets]
        assert pearsonr(predicted, realised).statistic > least, method
        assert 0.5 < np.polyfit(predicted, realised, 1)[0] < 2, method
