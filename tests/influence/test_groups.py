"""Predictions for sets of documents, and where the predicted objective crosses zero."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from helpers import document_counts, expected_loss, random_problem, tensor
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd.functional import hessian, jacobian

from clif.influence.groups import (
    NEAR,
    nearest_zero,
    predict_change,
    predict_mean,
    predict_value,
    removal,
    zero_crossing,
)
from clif.influence.methods import METHODS
from clif.influence.scores import score_documents
from clif.objectives import MEASURES

problems = st.builds(
    random_problem,
    st.integers(0, 10**6),
    size=st.integers(12, 40),
    dim=st.integers(2, 6),
    window=st.integers(1, 5),
    negative=st.integers(1, 6),
    sample=st.sampled_from([0, 1e-3, 0.1]),
    measure=st.sampled_from(MEASURES),
    damping=st.sampled_from([None, 1.0, 30.0]),
)
quick = settings(max_examples=25, deadline=None)


def newton_step(problem, times) -> float:
    """T after one Newton step on the documents that remain, by autograd."""
    counts = document_counts(problem)
    taken, rest = np.tensordot(times, counts, 1), np.tensordot(1 - np.asarray(times), counts, 1)
    noise, C = tensor(problem.vocabulary.noise(problem.settings.ns_exponent)), tensor(problem.C)
    moved = []
    for row in problem.rows:

        def loss(u, own, row=row):
            return expected_loss(u[None], C, tensor(own[[row]]), noise, problem.settings.negative)

        u = tensor(problem.U[row])
        H = hessian(lambda u, loss=loss: loss(u, rest), u) + problem.damp * torch.eye(len(u))
        g = jacobian(lambda u, loss=loss: loss(u, taken), u)
        moved.append((u + torch.linalg.solve(H, g)).numpy())
    return problem.objective.value(np.array(moved), problem.measure)


@quick
@given(problems, st.lists(st.sampled_from([0, 0, 1, 1, -1, -2]), min_size=8, max_size=8))
def test_a_set_is_predicted_by_a_newton_step_on_what_remains(problem, times):
    expected = newton_step(problem, times)
    assert predict_value(problem, np.array(times, dtype=float)) == pytest.approx(expected, rel=1e-7, abs=1e-7)


@quick
@given(problems)
def test_taking_nothing_out_changes_nothing(problem):
    assert predict_value(problem, np.zeros(len(problem.corpus))) == problem.value


@quick
@given(problems)
def test_a_sliver_of_a_document_has_its_share_of_the_documents_influence(problem):
    influence = score_documents(problem, METHODS["block"]).influence
    for z in range(len(problem.corpus)):
        times = 1e-5 * removal(problem, np.array([z]))
        slope = (predict_value(problem, times) - predict_value(problem, -times)) / 2e-5
        assert slope == pytest.approx(influence[z], rel=1e-4, abs=1e-6 * np.abs(influence).max() + 1e-9)


def test_a_method_that_brings_a_predictor_is_asked_for_every_set():
    problem = crossing_problem(7)[0]
    knowing = problem.knowing(lambda change: problem.value * (1 - 0.16 * change.times.sum()))
    for documents in ([2], [1, 5, 6]):
        times = removal(problem, np.array(documents))
        assert predict_value(knowing, times) == problem.value * (1 - 0.16 * len(documents))
        assert predict_mean([knowing, knowing], times) == predict_value(knowing, times)
        assert predict_mean([knowing, problem], times) == pytest.approx(
            (predict_value(knowing, times) + predict_value(problem, times)) / 2
        )
        change = predict_change(knowing, "predictor", np.zeros(40), times)
        assert change == pytest.approx(-0.16 * problem.value * len(documents))
    assert predict_value(knowing, np.zeros(40)) == problem.value
    assert zero_crossing(knowing, np.arange(40), 39) == 6


def test_another_question_or_model_forgets_what_a_method_found_for_this_one():
    problem = random_problem(0)
    noise = problem.noise
    knowing = problem.knowing(lambda _times: 0.0)
    assert problem.knowing(None) is problem
    assert knowing.noise is noise
    for other in (knowing.asking(problem.objective), knowing.of_model(problem.U, problem.C, problem.settings)):
        assert other.predictor is None


def test_removal_takes_each_of_the_documents_out_once():
    problem = random_problem(0)
    assert removal(problem, np.array([5, 2])).tolist() == [0, 0, 1, 0, 0, 1, 0, 0]
    assert not removal(problem, np.empty(0, dtype=int)).any()


def first_nearest(values: list[float], limit: int) -> int | None:
    """By linear search over falling values: where from 1 to `limit` they are nearest zero, if they get there."""
    tried = range(1, limit + 1)
    if not tried or (values[limit] > 0 and values[limit] >= NEAR * values[0]):
        return None
    return min(tried, key=lambda k: abs(values[k]))


def shifted(share: float, steps: list[float]) -> list[float]:
    """Values that fall by these steps from a share of their sum, so that some cross zero and some do not."""
    return (share * sum(steps) - np.concatenate([[0], np.cumsum(steps)])).tolist()


falling = st.builds(shifted, st.floats(0.05, 1.2), st.lists(st.floats(0.01, 3), min_size=1, max_size=80))


@settings(max_examples=300)
@given(falling, st.integers(0, 80))
def test_nearest_zero_is_what_a_linear_search_finds_on_falling_values(values, limit):
    limit = min(limit, len(values) - 1)
    tried = []

    def predicted(k):
        tried.append(k)
        return values[k]

    found, expected = nearest_zero(predicted, limit), first_nearest(values, limit)
    assert (found is None) == (expected is None)
    if found is not None:
        assert 1 <= found <= limit
        assert abs(values[found]) == abs(values[expected])
    assert all(0 <= k <= limit for k in tried)
    # A probe for each growth by a half, and one for each halving.
    assert len(tried) <= np.log(max(limit, 1)) / np.log(1.5) + np.log2(max(limit, 1)) + 6


@settings(max_examples=200)
@given(st.lists(st.integers(-4, 6), min_size=1, max_size=60))
def test_values_that_stand_still_now_and_then_are_searched_as_well(values):
    values = sorted([7, *values], reverse=True)
    limit = len(values) - 1
    found, expected = nearest_zero(lambda k: float(values[k]), limit), first_nearest(values, limit)
    assert (found is None) == (expected is None)
    if found is not None:
        assert abs(values[found]) == abs(values[expected])


@settings(max_examples=200)
@given(st.lists(st.floats(-2, 3), max_size=60))
def test_on_any_values_the_sign_changes_beside_the_number_found_or_they_came_near(values):
    values = [1.0, *values]
    found = nearest_zero(lambda k: values[k], len(values) - 1)
    if found is None:
        assert len(values) == 1 or values[1] >= NEAR
        assert len(values) == 1 or values[-1] >= NEAR
        return
    assert 1 <= found < len(values)
    if values[found] <= 0:
        assert values[found - 1] > 0
    elif values[found] >= NEAR:
        assert values[found + 1] <= 0
        assert abs(values[found]) < abs(values[found + 1])


def crossing_problem(seed: int):
    """A problem with its documents in rank order, and the size of T by how many of them are removed, one by one."""
    problem = random_problem(seed, documents=40, longest=40, dim=3, sample=0, measure="mean_difference", damping=0.3)
    sign = np.sign(problem.value)
    order = np.argsort(sign * score_documents(problem, METHODS["block"]).influence, kind="stable")
    return problem, order, [sign * predict_value(problem, removal(problem, order[:k])) for k in range(len(order))]


@pytest.mark.parametrize("seed", [7, 9, 10, 11, 12])
@pytest.mark.parametrize("limit", [3, 12, 99])
def test_the_zero_crossing_is_where_the_predictions_change_sign(seed, limit):
    problem, order, path = crossing_problem(seed)
    found = zero_crossing(problem, order, limit)
    limit = min(limit, len(path) - 1)
    falls = all(np.diff(path[: limit + 1]) < 0)
    if falls:
        assert found == first_nearest(path, limit)
    elif found is None:
        assert path[limit] > 0
    else:
        assert path[found] <= NEAR * path[0] or path[found + 1] <= 0


def test_zero_is_crossed_at_the_number_found_by_trying_all():
    problem, order, path = crossing_problem(7)
    assert path[12] > 0 > path[13]
    assert zero_crossing(problem, order, 20) == 13
    assert zero_crossing(problem, order, 13) == 13
    assert zero_crossing(problem, order, 12) == 12  # .02 of .62 left: near enough
    assert zero_crossing(problem, order, 8) is None


def test_never_are_all_documents_taken_away():
    problem = random_problem(3, documents=3, damping=1e-3)
    for order in (np.arange(3), np.arange(1), np.arange(0)):
        found = zero_crossing(problem, order, limit=99)
        assert found is None or found < len(order)
