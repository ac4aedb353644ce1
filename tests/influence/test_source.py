"""Influence through the epochs of a training: against matrix exponentials, its own limits, and real removals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers import (
    apart,
    assert_close,
    corpus_of,
    document_counts,
    expected_loss,
    made_test,
    random_problem,
    tensor,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import pearsonr
from torch.autograd.functional import hessian, jacobian

from clif.errors import UsageError
from clif.influence.groups import predict_value, removal
from clif.influence.methods import METHODS
from clif.influence.problem import Problem
from clif.influence.scores import score_documents
from clif.influence.source import Course, Flow, course_of, epoch_rates, source
from clif.influence.surroundings import Surroundings
from clif.objectives import MEASURES, WEAT, cover
from clif.settings import TrainingSettings
from clif.training.paired import PairedTraining, train_paired
from clif.vocabulary import Vocabulary

problems = st.builds(
    random_problem,
    st.integers(0, 10**6),
    size=st.integers(12, 30),
    dim=st.integers(2, 6),
    window=st.integers(1, 5),
    negative=st.integers(1, 6),
    sample=st.sampled_from([0, 1e-2, 0.1]),
    measure=st.sampled_from(MEASURES),
)
quick = settings(max_examples=15, deadline=None)


def trained(problem: Problem, epochs: int = 3, alpha: float = 0.3) -> Problem:
    """The problem about a model that was trained as its settings say, for long enough to matter."""
    chosen = replace(problem.settings, epochs=epochs, alpha=alpha, min_alpha=alpha / 10)
    found = train_paired(problem.corpus, problem.vocabulary, chosen)
    return replace(problem, U=found.U, C=found.C, settings=chosen)


def informed(problem: Problem) -> Problem:
    return problem.knowing(predictor=source(problem).predictor)


def checkpoints_of(problem: Problem) -> list[tuple[np.ndarray, np.ndarray]]:
    """U and C where the epochs start, and where the last one ends, from one training."""
    found = [PairedTraining(problem.corpus, problem.vocabulary, problem.settings).start()]
    train_paired(
        problem.corpus, problem.vocabulary, problem.settings,
        after_epoch=lambda _epoch, U, C: found.append((U.copy(), C.copy())),
    )  # fmt: skip
    return found


def by_exponentials(problem: Problem, times: np.ndarray) -> float:
    """T after the edit, by the recursion with matrix exponentials of torch and derivatives by autograd."""
    counts = document_counts(problem)
    taken, rest = np.tensordot(times, counts, 1), np.tensordot(1 - times, counts, 1)
    noise, k, dim = tensor(problem.noise), problem.negative, problem.settings.dim
    points = checkpoints_of(problem)
    chosen, moved = problem.settings, []
    for row in problem.rows:
        slopes, curves = [], []
        for U, C in points:

            def loss(u, own, C=C, row=row):
                return expected_loss(u[None], tensor(C), tensor(own[[row]]), noise, k)

            u = tensor(U[row])
            slopes.append(jacobian(lambda u, loss=loss: loss(u, taken), u))
            curves.append(hessian(lambda u, loss=loss: loss(u, rest), u))
        delta = torch.zeros(dim, dtype=torch.float64)
        for epoch in range(chosen.epochs):
            g, A = ((each[epoch] + each[epoch + 1]) / 2 for each in (slopes, curves))
            eta = chosen.alpha - (chosen.alpha - chosen.min_alpha) * (2 * epoch + 1) / (2 * chosen.epochs)
            # The flow of delta' = g - A delta, as one exponential of both together.
            whole = torch.zeros((dim + 1, dim + 1), dtype=torch.float64)
            whole[:dim, :dim], whole[:dim, dim] = -eta * A, eta * g
            flow = torch.matrix_exp(whole)
            delta = flow[:dim, :dim] @ delta + flow[:dim, dim]
        moved.append(problem.E[len(moved)] + delta.numpy())
    return problem.objective.value(np.array(moved), problem.measure)


# The recursion.


@quick
@given(problems, st.lists(st.sampled_from([0, 0, 1, 1, -1, -2]), min_size=8, max_size=8))
def test_a_set_moves_the_vectors_as_matrix_exponentials_say(problem, times):
    problem, times = trained(problem), np.array(times, dtype=float)
    assert predict_value(informed(problem), times) == pytest.approx(by_exponentials(problem, times), rel=1e-6, abs=1e-6)


@quick
@given(problems)
def test_influence_is_the_slope_of_the_recursion_in_the_documents_weight(problem):
    problem = trained(problem)
    influence, knowing = score_documents(problem, METHODS["source"]).influence, informed(problem)
    for z in range(len(problem.corpus)):
        times = 1e-5 * removal(problem, np.array([z]))
        slope = (predict_value(knowing, times) - predict_value(knowing, -times)) / 2e-5
        assert slope == pytest.approx(influence[z], rel=1e-4, abs=1e-6 * np.abs(influence).max() + 1e-9)


def test_the_smaller_a_set_the_nearer_it_comes_to_the_sum():
    problem = trained(random_problem(3, documents=20, longest=40, measure="mean_difference"))
    influence, knowing = score_documents(problem, METHODS["source"]).influence, informed(problem)
    times, gaps = np.random.default_rng(0).random(20), []
    for share in (0.4, 0.04, 0.004):
        change = predict_value(knowing, share * times) - problem.value
        gaps.append(abs(change - share * times @ influence) / share)
    assert gaps[0] > 5 * gaps[1] > 25 * gaps[2] > 0
    assert predict_value(knowing, np.zeros(20)) == problem.value


def test_rates_of_the_epochs_fall_and_sum_to_tau():
    chosen = TrainingSettings(epochs=4, alpha=0.05, min_alpha=0.01)
    np.testing.assert_allclose(epoch_rates(chosen), [0.045, 0.035, 0.025, 0.015])
    assert epoch_rates(chosen).sum() == pytest.approx(chosen.tau)


def test_where_the_loss_is_flat_a_push_adds_up_by_the_rate():
    A = np.zeros((2, 2, 2))
    A[1, 0, 0] = 4.0
    flow, push = Flow(A, 0.5), np.ones((2, 2))
    np.testing.assert_allclose(flow.answer(push), [[0.5, 0.5], [(1 - np.exp(-2)) / 4, 0.5]])
    np.testing.assert_allclose(flow.rest(push), [[1, 1], [np.exp(-2), 1]])


@quick
@given(problems)
def test_the_course_without_documents_is_that_of_the_rest_where_its_vectors_are_then(problem):
    problem = trained(problem)
    course, counts = course_of(problem), problem.count(np.array([1, 4]))
    left = course.without(counts)
    for epochs, (point, H) in enumerate(zip(left.around, left.hessians, strict=True)):
        shorter = Course.of(course.rates[:epochs], course.around[: epochs + 1], problem.count())
        before = course.around[epochs]
        assert_close(point.U, before.U + shorter.shift(counts), 1e-12)
        assert_close(H, before.hessian(problem.count() - counts), 1e-9)


# Limits and symmetries.


def test_many_epochs_at_one_place_are_block_without_damping():
    problem = random_problem(4, documents=30, longest=60, sample=0, dim=3, precision=np.float64)
    around, counts = problem.surroundings, problem.count()
    assert np.linalg.eigvalsh(around.hessian(counts)).min() > 0.1
    course = Course.of(np.full(40, 10.0), [around] * 41, counts)
    undamped = replace(problem, damping=1e-9)
    assert_close(course.table(problem.gradient), score_documents(undamped, METHODS["block"]).pairs.table, rtol=1e-6)
    some = problem.count(np.array([2, 5, 7]))
    expected = np.linalg.solve(problem.hessian - around.hessian(some), around.gradient(some)[:, :, None])[:, :, 0]
    assert_close(course.shift(some), expected, rtol=1e-6)


def test_few_and_small_steps_are_gradient():
    problem = random_problem(4, documents=30, longest=60, precision=np.float64)
    rates = np.array([2e-7, 1e-7])
    course = Course.of(rates, [problem.surroundings] * 3, problem.count())
    assert apart(course.table(problem.gradient), problem.surroundings.contraction(3e-7 * problem.gradient)) < 1e-4


def test_a_rotation_of_all_vectors_changes_nothing():
    problem = trained(random_problem(5, documents=20, longest=40))
    rng = np.random.default_rng(0)
    turn = np.linalg.qr(rng.normal(size=(problem.settings.dim,) * 2))[0]
    points, counts, some = checkpoints_of(problem), problem.count(), problem.count(np.array([1, 4]))

    def course(M: np.ndarray) -> Course:
        around = [Surroundings(U[problem.rows] @ M, C @ M, problem.noise, problem.negative) for U, C in points]
        return Course.of(epoch_rates(problem.settings), around, counts)

    plain, turned = course(np.eye(len(turn))), course(turn)
    assert_close(turned.table(problem.gradient @ turn), plain.table(problem.gradient), rtol=1e-8)
    assert_close(turned.shift(some), plain.shift(some) @ turn, rtol=1e-8)


# Where the epochs come from.


def test_kept_checkpoints_and_those_trained_again_give_the_same(tmp_path):
    problem = trained(random_problem(6, documents=20, longest=40))
    expected = score_documents(problem, METHODS["source"]).influence
    kept = replace(problem, folder=tmp_path / "checkpoints")
    for _ in range(2):
        assert np.array_equal(score_documents(kept, METHODS["source"]).influence, expected)
        assert len(list(kept.folder.iterdir())) == problem.settings.epochs - 1


@pytest.mark.parametrize("folder", [False, True])
def test_no_epoch_is_trained_twice(monkeypatch, tmp_path, folder):
    problem = trained(random_problem(6), epochs=6)
    if folder:
        problem = replace(problem, folder=tmp_path / "checkpoints")
    learn, learnt = PairedTraining.learn, []

    def counted(self, part, *vectors):
        learnt.append(len(part))
        return learn(self, part, *vectors)

    monkeypatch.setattr(PairedTraining, "learn", counted)
    source(problem)
    # The model itself is where the last epoch ends.
    assert learnt == [8] * 5


@pytest.mark.parametrize("chosen", [{"trainer": "gensim"}, {"workers": 2}])
def test_a_training_that_cannot_be_repeated_is_refused(chosen):
    problem = random_problem(0)
    problem = replace(problem, settings=replace(problem.settings, **chosen))
    with pytest.raises(UsageError, match="cannot be repeated") as caught:
        source(problem)
    assert caught.value.where == "--method source"


# The sign, by real removals.


def planted_problem(seed: int, documents: int = 150) -> Problem:
    """A trained model of documents with test words among cues of two groups: of their own group in every third."""
    rng = np.random.default_rng(seed)
    texts = []
    for z in range(documents):
        text: list[int] = []
        for _ in range(rng.integers(2, 6)):
            group = int(rng.integers(2))
            word = 8 * int(rng.integers(2)) + 4 * group + int(rng.integers(4))
            own = group if z % 3 == 0 else rng.integers(2, size=4)
            cues = 16 + 6 * own + rng.integers(0, 6, 4)
            text += [*cues[:2].tolist(), word, *cues[2:].tolist(), *rng.integers(28, 40, 3).tolist()]
        texts.append(text)
    corpus = corpus_of(texts, 40)
    vocabulary = Vocabulary(corpus.types, np.maximum(corpus.counts, 1))
    chosen = TrainingSettings(dim=8, window=3, negative=3, sample=0, epochs=4, alpha=0.1, min_alpha=0.01, seed=seed)
    model = train_paired(corpus, vocabulary, chosen)
    objective = WEAT(cover(made_test(corpus.types, (4, 4, 4, 4)), vocabulary.index))
    return Problem(corpus, vocabulary, chosen, model.U, model.C, objective, "mean_difference")


@pytest.mark.parametrize("seed", [1, 2])
def test_what_is_predicted_for_sets_comes_true_when_they_are_left_out_of_the_training(seed):
    problem = planted_problem(seed)
    influence, knowing = score_documents(problem, METHODS["source"]).influence, informed(problem)
    rng = np.random.default_rng(seed)
    order = np.argsort(influence)
    sets = [rng.permutation(150)[:15] for _ in range(16)]
    sets += [order[:8], order[:20], order[-8:], order[-20:]]
    predicted, summed, actual = [], [], []
    for documents in sets:
        times = removal(problem, documents)
        without = train_paired(problem.corpus, problem.vocabulary, problem.settings, weights=1 - times)
        actual.append(problem.objective.value(without.U[problem.rows].astype(float), problem.measure) - problem.value)
        predicted.append(predict_value(knowing, times) - problem.value)
        summed.append(times @ influence)
    assert pearsonr(predicted, actual).statistic > 0.95
    assert pearsonr(summed, actual).statistic > 0.95
    assert pearsonr(predicted[:16], actual[:16]).statistic > 0.7
    assert max(actual[16:18]) < 0 < min(actual[18:])
