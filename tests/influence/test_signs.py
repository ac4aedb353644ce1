"""Sign and size of the influence, against the objective after the documents really left.

A small model is fitted to the expected loss plus (damp / 2)(|U|^2 + |C|^2) until nothing moves any more, so the
damped Hessian is that of its own objective. Then documents leave and it is fitted again.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
import torch
from helpers import corpus_of, expected_loss, made_test, slow_counts, tensor
from scipy.optimize import minimize
from scipy.stats import pearsonr

from clif.influence.groups import predict_value, removal
from clif.influence.methods import METHODS
from clif.influence.problem import Problem
from clif.influence.scores import score_documents
from clif.objectives import MEASURES, WEAT, cover
from clif.settings import TrainingSettings
from clif.vocabulary import Vocabulary

DIM, WINDOW, NEGATIVE, DAMP = 4, 3, 3, 2.0
# Targets X and Y, attributes A and B (four each), cues of two groups (six each), and words about nothing.
TEST_WORDS, CUES, SIZE = 16, 6, 40


@dataclass(frozen=True, eq=False)
class World:
    """A fitted problem, and the expected counts (documents, V, V) of its documents."""

    problem: Problem
    counts: np.ndarray

    @property
    def total(self) -> np.ndarray:
        return self.counts.sum(0)

    @property
    def noise(self) -> np.ndarray:
        return self.problem.vocabulary.noise()


def made_documents(rng: np.random.Generator, documents: int) -> list[list[int]]:
    """Test words among cues: of their own group in carriers, of both groups elsewhere; of uneven length."""
    texts = []
    for z in range(documents):
        text: list[int] = []
        for _ in range(rng.integers(1, 5)):
            group = int(rng.integers(2))
            # X and A belong to group 0, Y and B to group 1.
            word = 8 * int(rng.integers(2)) + 4 * group + int(rng.integers(4))
            own = group if z % 7 == 0 else rng.integers(2, size=4)
            cues = TEST_WORDS + CUES * own + rng.integers(0, CUES, 4)
            about = rng.integers(TEST_WORDS + 2 * CUES, SIZE, 2)
            text += [int(about[0]), *cues[:2].tolist(), word, *cues[2:].tolist(), int(about[1])]
        texts.append(text)
    return texts


def fit(total: np.ndarray, noise: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """U and C at a minimum of the expected loss plus the decay."""
    rng = np.random.default_rng(seed)

    def loss(flat):
        U, C = flat.reshape(2, SIZE, DIM)
        x = U @ C.T
        rest = NEGATIVE * (total.sum(1, keepdims=True) - total) * noise
        value = (total * np.logaddexp(0, -x) + rest * np.logaddexp(0, x)).sum() + DAMP / 2 * flat @ flat
        slope = (total + rest) / (1 + np.exp(-x)) - total
        return value, np.concatenate([slope @ C, slope.T @ U]).ravel() + DAMP * flat

    start = rng.normal(size=2 * SIZE * DIM)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 5000, "gtol": 1e-7, "ftol": 1e-15})
    return found.x.reshape(2, SIZE, DIM)


def settle(E: np.ndarray, C: np.ndarray, counts: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Input vectors (n, d) at the minimum for the counts (n, V), output vectors held fixed, by Newton steps."""
    for _ in range(100):
        sigma = 1 / (1 + np.exp(-E @ C.T))
        weight = counts + NEGATIVE * (counts.sum(1, keepdims=True) - counts) * noise
        gradient = (weight * sigma - counts) @ C + DAMP * E
        if np.abs(gradient).max() < 1e-10:
            return E
        H = np.einsum("nv,vi,vj->nij", weight * sigma * (1 - sigma), C, C) + DAMP * np.eye(DIM)
        E = E - np.linalg.solve(H, gradient[:, :, None])[:, :, 0]
    raise AssertionError("Newton's method did not settle")


@cache
def world(seed: int, measure: str = "effect_size", documents: int = 120) -> World:
    rng = np.random.default_rng(seed)
    texts = made_documents(rng, documents)
    corpus = corpus_of(texts, SIZE)
    vocabulary = Vocabulary(corpus.types, np.maximum(corpus.counts, 1))
    keep = vocabulary.keep_probabilities(0.05)
    counts = np.array([slow_counts(text, keep, WINDOW) for text in texts])
    U, C = fit(counts.sum(0), vocabulary.noise(), seed)
    test = made_test(corpus.types, (4, 4, 4, 4))
    objective = WEAT(cover(test, vocabulary.index))
    settings = TrainingSettings(dim=DIM, window=WINDOW, negative=NEGATIVE, sample=0.05)
    U[objective.rows] = settle(U[objective.rows], C, counts.sum(0)[objective.rows], vocabulary.noise())
    return World(Problem(corpus, vocabulary, settings, U, C, objective, measure, DAMP), counts)


def change(world: World, times: np.ndarray) -> float:
    """The change of T when documents left `times` times and the test's input vectors have settled again."""
    problem = world.problem
    counts = np.tensordot(1 - times, world.counts, 1)[problem.rows]
    E = settle(problem.E, np.asarray(problem.C), counts, world.noise)
    return problem.objective.value(E, problem.measure) - problem.value


def singles(world: World) -> tuple[np.ndarray, np.ndarray]:
    """Predicted and actual change of T for each document."""
    predicted = score_documents(world.problem, METHODS["block"]).influence
    units = np.eye(len(predicted))
    return predicted, np.array([change(world, times) for times in units])


def slope(predicted: np.ndarray, actual: np.ndarray) -> float:
    """Of the line through the origin."""
    return float(predicted @ actual / (predicted @ predicted))


def test_the_model_has_settled_and_shows_the_bias_that_was_planted():
    made = world(0)
    assert change(made, np.zeros(120)) == pytest.approx(0, abs=1e-9)
    assert 0.3 < made.problem.value < 1.5


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("seed", [0, 2])
def test_the_influence_of_a_document_is_the_change_when_it_leaves(seed, measure):
    made = world(seed, measure)
    predicted, actual = singles(made)
    assert pearsonr(predicted, actual).statistic > 0.95
    large = np.abs(predicted) > 0.2 * np.abs(predicted).std()
    assert (np.sign(predicted[large]) == np.sign(actual[large])).mean() > 0.95
    small = made.problem.corpus.lengths <= np.median(made.problem.corpus.lengths)
    assert slope(predicted[small], actual[small]) == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize("measure", MEASURES)
def test_the_influence_is_the_derivative_of_the_settled_objective(measure):
    made = world(0, measure)
    predicted = score_documents(made.problem, METHODS["block"]).influence
    for z in range(0, 120, 10):
        times = 1e-4 * removal(made.problem, np.array([z]))
        derivative = (change(made, times) - change(made, -times)) / 2e-4
        assert derivative == pytest.approx(predicted[z], rel=1e-5, abs=1e-8)


def test_a_newton_step_on_what_remains_predicts_larger_sets_better_than_the_sum():
    made = world(0)
    rng = np.random.default_rng(0)
    influence = score_documents(made.problem, METHODS["block"]).influence
    order = np.argsort(influence)
    sets = [rng.permutation(120)[:k] for k in (12, 24, 36, 48) for _ in range(4)]
    sets += [ends[:k] for k in (12, 24, 36) for ends in (order, order[::-1])]
    edits = [removal(made.problem, documents) for documents in sets]
    edits += [-times for times in edits]
    actual = np.array([change(made, times) for times in edits])
    newton = np.array([predict_value(made.problem, times) for times in edits]) - made.problem.value
    summed = np.array([influence @ times for times in edits])
    rms = [np.sqrt(np.mean((predicted - actual) ** 2)) for predicted in (newton, summed)]
    assert rms[0] < 0.5 * rms[1]
    assert pearsonr(newton, actual).statistic > 0.95


def retrain(made: World, times: np.ndarray, steps: int = 300) -> float:
    """T after U and C have both descended from the fitted model on the documents that remain, by autograd."""
    torch.set_num_threads(1)
    problem = made.problem
    U, C = (tensor(M).requires_grad_() for M in (problem.U, problem.C))
    total, noise = tensor(np.tensordot(1 - times, made.counts, 1)), tensor(made.noise)
    descent = torch.optim.SGD([U, C], lr=0.004)
    for _ in range(steps):
        descent.zero_grad()
        loss = expected_loss(U, C, total, noise, NEGATIVE) + DAMP / 2 * ((U**2).sum() + (C**2).sum())
        loss.backward()
        descent.step()
    return problem.objective.value(U.detach().numpy()[problem.rows], problem.measure)


@pytest.mark.parametrize("seed", [0, 2])
def test_removing_what_is_predicted_to_reduce_does_reduce_when_all_is_trained_again(seed):
    made = world(seed)
    influence = score_documents(made.problem, METHODS["block"]).influence
    order = np.argsort(np.sign(made.problem.value) * influence)
    rng = np.random.default_rng(seed)
    before = abs(retrain(made, np.zeros(120)))
    reduced, increased = (abs(retrain(made, removal(made.problem, part[:8]))) for part in (order, order[::-1]))
    chance = [abs(retrain(made, removal(made.problem, rng.permutation(120)[:8]))) for _ in range(3)]
    assert before == pytest.approx(abs(made.problem.value), abs=1e-3)
    assert reduced < min(chance) < max(chance) < increased
    assert reduced < before - 0.1 < before < increased
    # Repeating the same documents goes the other way.
    assert abs(retrain(made, -removal(made.problem, order[:8]))) > before
