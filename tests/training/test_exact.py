"""The exact trainer: its loss and derivatives, the minimum it ends in, and what documents and weights do to it."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers import assert_close, corpus_of, exact_hessian, expected_loss, random_problem, slow_counts, tensor
from hypothesis import given, settings
from hypothesis import strategies as st

from clif.errors import InputError, UsageError
from clif.influence.joint import SolveSettings
from clif.influence.joint_step import joint_step
from clif.influence.methods import METHODS
from clif.influence.scores import score_documents
from clif.run import open_run
from clif.settings import TrainingSettings
from clif.training import exact as exact_module
from clif.training.exact import count_dense, start, train_exact
from clif.training.exact import expected_loss as loss_of
from clif.training.expected import TILE, ExpectedLoss, Rotations
from clif.training.newton import minimise
from clif.vocabulary import Vocabulary

HOW = TrainingSettings(trainer="exact", dim=3, window=3, negative=3, sample=1e-2, l2=0.5)
quick = settings(max_examples=15, deadline=None)


def made(seed, size=12, documents=14):
    rng = np.random.default_rng(seed)
    texts = [(size * rng.random(rng.integers(0, 25)) ** 2).astype(int).tolist() for _ in range(documents)]
    corpus = corpus_of([*texts, list(range(size))], size)
    return corpus, Vocabulary(corpus.types, np.sort(corpus.counts)[::-1].copy())


def torch_loss(Z, counts, kq, l2):
    return expected_loss(Z[0], Z[1], tensor(counts), tensor(kq), 1) + l2 / 2 * (Z**2).sum()


def norm(Z):
    return float(np.linalg.norm(Z))


# The loss, and what is derived from it.


@quick
@given(st.integers(0, 999), st.sampled_from([3, TILE, TILE + 5]), st.floats(0.01, 30), st.floats(0.01, 20))
def test_value_gradient_and_hessian_are_those_of_autograd(seed, size, l2, stretch):
    rng = np.random.default_rng(seed)
    counts = rng.random((size, size)) * (rng.random((size, size)) < 0.4) * 5
    kq, Z, Y = rng.random(size), stretch * rng.normal(size=(2, size, 2)), rng.normal(size=(2, size, 2))
    place = ExpectedLoss(counts, kq, l2).at(Z)
    at = tensor(Z).requires_grad_()
    value = torch_loss(at, counts, kq, l2)
    (gradient,) = torch.autograd.grad(value, at, create_graph=True)
    (pushed,) = torch.autograd.grad(gradient, at, tensor(Y))
    assert place.value == pytest.approx(value.item(), rel=1e-10)
    assert_close(place.gradient, gradient.detach().numpy(), 1e-7)
    assert_close(place.product(Y), pushed.numpy(), 1e-7)


def test_the_gradient_is_that_of_finite_differences_and_far_scores_do_not_overflow():
    rng = np.random.default_rng(0)
    loss = ExpectedLoss(rng.random((9, 9)), rng.random(9), 0.3)
    Z, Y = rng.normal(size=(2, 2, 9, 3))
    step = 1e-6
    slope = (loss.at(Z + step * Y).value - loss.at(Z - step * Y).value) / (2 * step)
    assert slope == pytest.approx(float(np.vdot(loss.at(Z).gradient, Y)), rel=1e-7)
    far = loss.at(1e3 * Z)
    assert np.isfinite(far.value)
    assert np.isfinite(far.product(Y)).all()


def test_gauss_newton_leaves_out_the_first_derivatives_and_is_never_negative():
    rng = np.random.default_rng(1)
    loss = ExpectedLoss(rng.random((9, 9)), rng.random(9), 0.3)
    Z = rng.normal(size=(2, 9, 3))
    place = loss.at(Z)
    for _ in range(5):
        Y = rng.normal(size=Z.shape)
        x = Z[0] @ Z[1].T
        sigma = 1 / (1 + np.exp(-x))
        both = loss.counts + (loss.totals[:, None] - loss.counts) * loss.kq
        rest = both * sigma - loss.counts
        gap = np.stack([rest @ Y[1], rest.T @ Y[0]])
        assert_close(place.product(Y) - place.product(Y, exact=False), gap, 1e-9)
        assert np.vdot(Y, place.product(Y, exact=False)) > 0


def test_the_preconditioner_is_the_inverse_of_its_metric_and_symmetric():
    rng = np.random.default_rng(2)
    place = ExpectedLoss(rng.random((9, 9)), rng.random(9), 0.3).at(rng.normal(size=(2, 9, 3)))
    X, Y = rng.normal(size=(2, 2, 9, 3))
    assert np.vdot(X, place.precondition(Y)) == pytest.approx(np.vdot(Y, place.precondition(X)))
    near = place.precondition(Y)
    assert place.length(near) == pytest.approx(math.sqrt(np.vdot(Y, near)))


@quick
@given(st.integers(0, 999), st.integers(1, 4))
def test_what_is_left_without_rotations_is_orthogonal_to_all_of_them(seed, dim):
    rng = np.random.default_rng(seed)
    Z, Y = rng.normal(size=(2, 2, 8, dim))
    left = Rotations(Z).leave_out(Y)
    for _ in range(3):
        A = rng.normal(size=(dim, dim))
        turn = np.stack([Z[0] @ (A - A.T), Z[1] @ (A - A.T)])
        assert abs(np.vdot(left, turn)) < 1e-10 * norm(Y) * (norm(turn) + 1)
        assert norm(Rotations(Z).leave_out(turn)) < 1e-10 * (norm(turn) + 1)
    np.testing.assert_allclose(Rotations(Z).leave_out(left), left, atol=1e-12)


# Training.


@pytest.mark.parametrize("seed", range(3))
def test_counts_are_the_expected_ones_times_the_weights(seed):
    corpus, vocabulary = made(seed)
    keep = vocabulary.keep_probabilities(HOW.sample)
    weights = np.random.default_rng(seed).random(len(corpus)) * (np.arange(len(corpus)) % 3)
    slow = [
        slow_counts(corpus.tokens[a:b].tolist(), keep, HOW.window)
        for a, b in zip(corpus.offsets[:-1], corpus.offsets[1:], strict=True)
    ]
    assert_close(count_dense(corpus, vocabulary, HOW), sum(slow), 1e-7)
    assert_close(count_dense(corpus, vocabulary, HOW, weights), np.tensordot(weights, slow, 1), 1e-7)


@pytest.mark.parametrize("seed", range(4))
def test_it_ends_at_a_minimum(seed):
    corpus, vocabulary = made(seed)
    how = replace(HOW, seed=seed, tolerance=1e-10)
    steps: list[tuple[int, float]] = []
    trained = train_exact(corpus, vocabulary, how, step=lambda number, size: steps.append((number, size)))
    Z = np.stack([trained.U, trained.C])
    loss = loss_of(vocabulary, how, count_dense(corpus, vocabulary, how))
    first = torch_loss(at := tensor(start(vocabulary, how)).requires_grad_(), loss.counts, loss.kq, how.l2)
    (at_start,) = torch.autograd.grad(first, at)
    (there,) = torch.autograd.grad(torch_loss(at := tensor(Z).requires_grad_(), loss.counts, loss.kq, how.l2), at)
    assert norm(there.numpy()) <= 1.1e-10 * norm(at_start.numpy())
    assert trained.about["gradient"] == pytest.approx(norm(loss.at(Z).gradient) / norm(at_start.numpy()))
    assert [number for number, _ in steps] == list(range(1, trained.about["steps"] + 1))
    assert steps[-1][1] == trained.about["gradient"]
    # No direction leads downwards, and only rotations lead nowhere.
    problem = replace(random_problem(seed, size=len(vocabulary)), U=trained.U, C=trained.C, vocabulary=vocabulary)
    problem = replace(problem, corpus=corpus, settings=how)
    values = np.linalg.eigvalsh(exact_hessian(problem, loss.counts) + how.l2 * np.eye(Z.size))
    turns = how.dim * (how.dim - 1) // 2
    assert np.abs(values[:turns]).max() < 1e-6 * values[-1]
    assert values[turns] > 1e-4 * values[-1]


def test_a_saddle_is_left():
    loss = ExpectedLoss(np.ones((6, 6)) + 20 * np.eye(6), np.full(6, 0.5), 0.1)
    Z = np.zeros((2, 6, 2))
    Z[0, 0, 0] = 1e-9
    found = minimise(loss, Z, 1e-9)
    assert found.reached
    assert norm(found.Z) > 1
    assert loss.at(found.Z).value < loss.at(Z).value - 1


@pytest.mark.parametrize("gone", [[0], [3, 5, 9]])
def test_weight_zero_is_the_corpus_without_the_document(gone):
    corpus, vocabulary = made(5)
    weights = np.ones(len(corpus))
    weights[gone] = 0.0
    kept = np.setdiff1d(np.arange(len(corpus)), gone)
    texts = [corpus.tokens[corpus.offsets[z] : corpus.offsets[z + 1]].tolist() for z in kept]
    smaller = train_exact(corpus_of(texts, len(vocabulary)), vocabulary, HOW)
    edited = train_exact(corpus, vocabulary, HOW, weights=weights)
    np.testing.assert_allclose(edited.U, smaller.U, atol=1e-7)
    np.testing.assert_allclose(edited.C, smaller.C, atol=1e-7)


@quick
@given(st.integers(0, 99), st.floats(0.5, 3.0))
def test_all_documents_times_a_number_with_as_many_times_the_penalty_gives_the_same_vectors(seed, times):
    corpus, vocabulary = made(seed)
    once = train_exact(corpus, vocabulary, HOW)
    more = train_exact(corpus, vocabulary, replace(HOW, l2=times * HOW.l2), weights=np.full(len(corpus), times))
    np.testing.assert_allclose(more.U @ more.C.T, once.U @ once.C.T, atol=1e-4)
    np.testing.assert_allclose(more.U, once.U, atol=1e-4)


def test_documents_twice_are_documents_of_weight_two():
    corpus, vocabulary = made(3)
    texts = [corpus.tokens[a:b].tolist() for a, b in zip(corpus.offsets[:-1], corpus.offsets[1:], strict=True)]
    twice = train_exact(corpus_of(texts * 2, len(vocabulary)), vocabulary, replace(HOW, l2=2 * HOW.l2))
    once = train_exact(corpus, vocabulary, HOW)
    np.testing.assert_allclose(twice.U, once.U, atol=1e-6)


def test_the_same_inputs_give_the_same_bytes_and_another_seed_another_start():
    corpus, vocabulary = made(4)
    one, two = (train_exact(corpus, vocabulary, HOW) for _ in range(2))
    assert one.U.dtype == one.C.dtype == np.float64
    assert one.U.tobytes() == two.U.tobytes()
    assert one.C.tobytes() == two.C.tobytes()
    assert not np.allclose(start(vocabulary, HOW), start(vocabulary, replace(HOW, seed=2)))
    fewer = Vocabulary(vocabulary.words[2:], vocabulary.counts[2:])
    np.testing.assert_array_equal(start(fewer, HOW), start(vocabulary, HOW)[:, 2:])


def test_a_warm_start_at_the_minimum_stays_there_and_after_a_removal_goes_on_from_it():
    corpus, vocabulary = made(6)
    how = replace(HOW, tolerance=1e-10)
    found = train_exact(corpus, vocabulary, how)
    Z = np.stack([found.U, found.C])
    again = train_exact(corpus, vocabulary, how, warm=Z)
    assert again.about["steps"] == 0
    assert again.U.tobytes() == found.U.tobytes()
    weights = np.ones(len(corpus))
    weights[2] = 0.0
    warm = train_exact(corpus, vocabulary, how, weights=weights, warm=Z)
    cold = train_exact(corpus, vocabulary, how, weights=weights)
    np.testing.assert_allclose(warm.U @ warm.C.T, cold.U @ cold.C.T, atol=1e-6)  # one minimum, found from both
    assert warm.about["steps"] < cold.about["steps"]


# Influence.


def problem_of(seed, **options):
    problem = random_problem(seed, size=14, documents=16, longest=30, sizes=(2, 2, 2, 2), **options)
    how = TrainingSettings(
        trainer="exact", dim=3, window=3, negative=3, sample=1e-2, seed=seed, l2=3.0, tolerance=1e-11
    )
    trained = train_exact(problem.corpus, problem.vocabulary, how)
    return replace(problem, settings=how, U=trained.U, C=trained.C)


def test_the_default_damping_is_the_penalty():
    assert problem_of(0).damp == pytest.approx(3.0)
    assert TrainingSettings(trainer="exact", l2=0.25).tau == 4.0


@pytest.mark.parametrize("measure", ["mean_difference", "effect_size"])
def test_influence_is_the_derivative_of_the_minimum_by_the_weight_of_each_document(measure):
    problem = problem_of(1, measure=measure)
    found = score_documents(problem, METHODS["clif"], SolveSettings("exact", 1e-10, dense=True))
    assert found.attribution.solve.converged
    Z = np.stack([problem.U, problem.C])
    slopes = []
    for z in range(len(problem.corpus)):
        values = []
        for step in (1e-3, -1e-3):
            weights = np.ones(len(problem.corpus))
            weights[z] += step
            U = train_exact(problem.corpus, problem.vocabulary, problem.settings, weights=weights, warm=Z).U
            values.append(problem.objective.value(U[problem.rows], measure))
        slopes.append((values[0] - values[1]) / 2e-3)
    np.testing.assert_allclose(found.influence, -np.array(slopes), atol=1e-4 * np.abs(slopes).max())


def test_a_newton_step_of_all_vectors_is_closer_to_retraining_than_influences_added_up():
    problem = problem_of(2, measure="mean_difference")
    influence = score_documents(problem, METHODS["clif"], SolveSettings("exact", 1e-10, dense=True)).influence
    Z = np.stack([problem.U, problem.C])
    errors = []
    for z in range(len(problem.corpus)):
        weights = np.ones(len(problem.corpus))
        weights[z] = 0.0
        warm = train_exact(problem.corpus, problem.vocabulary, problem.settings, weights=weights, warm=Z)
        realised = problem.objective.value(warm.U[problem.rows], "mean_difference") - problem.value
        step = joint_step(problem, np.array([z]), tolerance=1e-9)
        assert step.residual <= 1e-9
        stepped = problem.objective.value(step.Z[0][problem.rows], "mean_difference") - problem.value
        errors.append((abs(stepped - realised), abs(influence[z] - realised)))
    steps, sums = np.array(errors).T
    assert np.sqrt((steps**2).mean()) < 0.6 * np.sqrt((sums**2).mean())


def test_the_step_is_that_of_the_dense_hessian():
    problem = replace(problem_of(3), damping=5.0)
    documents = np.array([1, 4])
    counts = count_dense(problem.corpus, problem.vocabulary, problem.settings)
    mask = np.isin(np.arange(len(problem.corpus)), documents).astype(float)
    own = count_dense(problem.corpus, problem.vocabulary, problem.settings, mask)
    Z = np.stack([problem.U, problem.C])
    hessian = exact_hessian(problem, counts - own) + 5.0 * np.eye(Z.size)
    g = ExpectedLoss(own, problem.negative * problem.noise, 0.0).at(Z).gradient
    turns = []
    for i in range(3):
        for j in range(i):
            A = np.zeros((3, 3))
            A[i, j], A[j, i] = 1, -1
            turns.append(np.stack([Z[0] @ A, Z[1] @ A]).ravel())
    off = np.eye(Z.size) - (basis := np.linalg.qr(np.array(turns).T)[0]) @ basis.T
    expected = np.linalg.pinv(off @ hessian @ off, rcond=1e-10) @ off @ g.ravel()
    found = joint_step(problem, documents, counts=counts, tolerance=1e-11)
    np.testing.assert_allclose((found.Z - Z).ravel(), expected, atol=1e-7 * np.abs(expected).max())


# What is refused.


@pytest.mark.parametrize(
    ("options", "where"),
    [
        ({"l2": 0.0}, "--l2"),
        ({"l2": -1.0}, "--l2"),
        ({"l2": math.nan}, "--l2"),
        ({"tolerance": 1e-14}, "--tolerance"),
        ({"tolerance": 1.0}, "--tolerance"),
        ({"workers": 2}, "--workers"),
        ({"epochs": 9}, "--epochs"),
        ({"alpha": 0.05}, "--alpha"),
    ],
)
def test_settings_that_make_no_sense_are_refused(options, where):
    with pytest.raises(UsageError) as caught:
        TrainingSettings(trainer="exact", **options)
    assert caught.value.where == where
    assert caught.value.next


@pytest.mark.parametrize("trainer", ["paired", "gensim"])
@pytest.mark.parametrize("options", [{"l2": 3.0}, {"tolerance": 1e-3}])
def test_other_trainers_refuse_its_settings(trainer, options):
    with pytest.raises(UsageError, match=f"has no meaning for the {trainer} trainer"):
        TrainingSettings(trainer=trainer, **options)


def test_only_its_own_manifest_names_its_settings_and_old_ones_are_read():
    assert not {"l2", "tolerance"} & TrainingSettings().to_dict().keys()
    assert TrainingSettings.from_dict(TrainingSettings().to_dict()) == TrainingSettings()
    how = TrainingSettings(trainer="exact", l2=2.0, tolerance=1e-4)
    assert TrainingSettings.from_dict(how.to_dict()) == how


def test_too_many_words_or_too_little_memory_are_said_before(monkeypatch):
    corpus, vocabulary = made(0)
    monkeypatch.setattr(exact_module, "LARGEST", 8)
    with pytest.raises(InputError, match="12 words are more than the 8") as caught:
        train_exact(corpus, vocabulary, HOW)
    assert f"--min-count to {vocabulary.counts[8] + 1}" in caught.value.next
    monkeypatch.setattr(exact_module, "LARGEST", 5000)
    monkeypatch.setattr(exact_module, "SQUARES", 1e15)
    with pytest.raises(InputError, match="GB are free"):
        train_exact(corpus, vocabulary, HOW)


def test_a_gradient_that_stays_above_the_tolerance_is_said(monkeypatch, clif, workplace):
    corpus, vocabulary = made(0)
    monkeypatch.setattr(exact_module, "minimise", lambda *args, **more: minimise(*args, **more, steps=2))
    about = train_exact(corpus, vocabulary, HOW).about
    assert not about["converged"]
    assert about["gradient"] > HOW.tolerance
    said = clif("train", "corpus.jsonl", "--min-count", "2", "--dim", "4", "--trainer", "exact", "--out", "short")
    assert said.code == 0
    assert "not quite a minimum" in said.err


def test_documents_without_pairs_train_to_zero():
    corpus, vocabulary = made(0)
    U = train_exact(corpus, vocabulary, HOW, weights=np.zeros(len(corpus))).U
    assert np.abs(U).max() < 1e-6


# From the command line.


def test_commands_work_on_a_run_of_it(clif, workplace):
    options = ("--sample", "0", "--min-count", "2", "--dim", "4", "--trainer", "exact", "--l2", "20", "--force")
    said = clif("train", "corpus.jsonl", *options, "--json").json()
    assert said["trainer"] == "exact"
    assert 0 < said["gradient"] <= 1e-8
    assert clif("train", "corpus.jsonl", *options[:-1], "--json").json()["reused"]
    training = json.loads((workplace / "clif-run" / "manifest.json").read_text("utf-8"))["training"]
    assert {"gradient", "steps", "start", "not_used"} <= training.keys()
    assert len(training["losses"]) == 1
    assert open_run(workplace / "clif-run").model.U.dtype == np.float64
    question = ("--test", "planted.toml", "--measure", "mean_difference")
    found = clif("rank", *question, "--method", "clif", "--curvature", "exact", "--dense", "--json").json()
    assert found["damping"] == pytest.approx(20)
    assert found["residual"] <= 1e-3
    for method in ("unrolled", "source"):
        refused = clif("rank", *question, "--method", method)
        assert refused.code == 2
        assert "paired" in refused.err
    done = clif("retrain", *question, "--remove-top-k", "5", "--seeds", "1", "--controls", "0", "--json").json()
    assert done["trainer"] == "exact"
    assert np.sign(done["predicted"]) == np.sign(done["realised"])
    assert clif("export", "vectors.bin").code == 0
    assert "gradient" in clif("train", "corpus.jsonl", *options).out
    refused = clif("train", "corpus.jsonl", "--out", "other", "--l2", "3")
    assert refused.code == 2
    assert "--l2" in refused.err
