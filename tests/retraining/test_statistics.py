"""Statistics of a few retrainings against SciPy, against brute force, and under the null."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from clif.retraining.statistics import Sample, against_controls


def test_the_p_value_is_that_of_a_new_observation_beside_a_sample():
    # Independent route: the interval that holds a further draw with chance 1 - p ends at the edited mean.
    rng = np.random.default_rng(0)
    after, controls = rng.normal(1, 1, 3), rng.normal(size=(5, 3))
    p = against_controls(after, controls)
    means = [np.mean(row) for row in controls]
    half = stats.t.ppf(1 - p / 2, 4) * np.std(means, ddof=1) * np.sqrt(1 + 1 / 5)
    assert abs(np.mean(after) - np.mean(means)) == pytest.approx(half)


def test_it_is_the_two_sample_t_test_with_one_set_on_a_side():
    rng = np.random.default_rng(1)
    after, controls = rng.normal(size=4), rng.normal(size=(6, 4))
    expected = stats.ttest_ind([after.mean()], controls.mean(1)).pvalue
    assert against_controls(after, controls) == pytest.approx(expected)


def test_differences_between_seeds_do_not_matter():
    rng = np.random.default_rng(1)
    after, controls, seeds = rng.normal(size=3), rng.normal(size=(4, 3)), 100 * rng.normal(size=3)
    assert against_controls(after, controls) == pytest.approx(against_controls(after + seeds, controls + seeds))


def test_the_order_of_controls_and_of_seeds_does_not_matter():
    rng = np.random.default_rng(2)
    after, controls = rng.normal(1, 1, 4), rng.normal(size=(3, 4))
    order = rng.permutation(4)
    p = against_controls(after, controls)
    assert p == pytest.approx(against_controls(after, controls[::-1]))
    assert p == pytest.approx(against_controls(after[order], controls[:, order]))


def test_runs_that_are_all_alike_say_nothing():
    assert against_controls(np.full(3, 0.25), np.full((3, 3), 0.25)) == 1
    assert against_controls(np.full(3, 0.5), np.full((3, 3), 0.25)) == 0


@pytest.mark.parametrize("shape", [(0, 3), (1, 3), (3, 0)])
def test_without_two_control_sets_there_is_no_p_value(shape):
    assert against_controls(np.zeros(shape[1]), np.empty(shape)) is None


@pytest.mark.parametrize("between", [0.0, 0.5, 1.0, 2.0])
def test_under_the_null_small_p_values_are_as_rare_as_they_say(between):
    """Also where the sets differ by more than their runs do: runs of one set are not independent."""
    rng = np.random.default_rng(3)
    draws, sets, seeds = 3000, 3, 3
    runs = rng.normal(size=(draws, sets + 1, seeds)) + between * rng.normal(size=(draws, sets + 1, 1))
    runs += 5 * rng.normal(size=(draws, 1, seeds))  # what all sets have in common
    p = np.array([against_controls(row[0], row[1:]) for row in runs])
    for level in (0.01, 0.05, 0.1, 0.25, 0.5):
        assert (p <= level).mean() == pytest.approx(level, abs=4 * np.sqrt(level * (1 - level) / draws))


# Several halves.


def test_of_halves_the_means_are_compared_within_each_half():
    rng = np.random.default_rng(7)
    after, controls = rng.normal(1, 1, (3, 2)), rng.normal(size=(3, 4, 2))
    deviations = [stats.tvar(sets.mean(1)) for sets in controls]  # three degrees of freedom each
    gap = np.mean([run.mean() - sets.mean() for run, sets in zip(after, controls, strict=True)])
    spread = np.sqrt(np.mean(deviations) * (1 + 1 / 12))
    assert against_controls(after, controls) == pytest.approx(2 * stats.t.sf(abs(gap) / spread, 9))
    moved = rng.normal(size=(3, 1, 1))  # the level of a half does not matter
    assert against_controls(after + moved[:, 0], controls + moved) == pytest.approx(against_controls(after, controls))


def test_one_half_is_the_case_without_halves():
    rng = np.random.default_rng(8)
    after, controls = rng.normal(1, 1, 3), rng.normal(size=(5, 3))
    assert against_controls(after[None], controls[None]) == pytest.approx(against_controls(after, controls))
    assert against_controls(np.zeros((2, 3)), np.empty((2, 1, 3))) is None


@pytest.mark.parametrize("shared", [0.0, 0.7, 1.0])
def test_halves_that_share_their_documents_do_not_make_p_values_too_small(shared):
    """Exact where all halves choose the same documents and words do not matter; else to the safe side."""
    rng = np.random.default_rng(9)
    draws, halves, sets = 3000, 4, 3
    common = np.sqrt(shared) * rng.normal(size=(draws, 1, 1))
    after = common + np.sqrt(1 - shared) * rng.normal(size=(draws, halves, 1))
    controls = rng.normal(size=(draws, halves, sets, 1))
    p = np.array([against_controls(a, c) for a, c in zip(after, controls, strict=True)])
    for level in (0.01, 0.05, 0.1, 0.25):
        error = 4 * np.sqrt(level * (1 - level) / draws)
        assert (p <= level).mean() <= level + error
        if shared == 1:
            assert (p <= level).mean() == pytest.approx(level, abs=error)


def test_the_interval_of_controls_is_that_of_their_sets():
    runs = np.random.default_rng(6).normal(size=(4, 3))
    interval = Sample(tuple(runs.ravel()), sets=4).ci95
    assert interval == pytest.approx(Sample(tuple(runs.mean(1))).ci95)
    assert Sample(tuple(runs[0]), sets=1).ci95 is None


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=10))
def test_the_interval_is_students(runs):
    sample = Sample(tuple(runs))
    assert sample.mean == pytest.approx(np.mean(runs))
    assert sample.sd == pytest.approx(np.std(runs, ddof=1))
    low, high = sample.ci95
    if sample.sd > 1e-9:
        expected = stats.t.interval(0.95, len(runs) - 1, loc=np.mean(runs), scale=stats.sem(runs))
        assert (low, high) == pytest.approx(expected, rel=1e-9, abs=1e-9)
    else:
        assert low <= high


def test_one_run_has_no_spread_and_none_has_no_mean():
    assert Sample((1.5,)).to_dict() == {"mean": 1.5, "sd": None, "ci95": None, "runs": [1.5]}
    assert Sample(()).to_dict() == {"mean": None, "sd": None, "ci95": None, "runs": []}


def test_the_mean_is_inside_of_the_interval_19_times_of_20():
    rng = np.random.default_rng(5)
    inside = [low <= 0 <= high for low, high in (Sample(tuple(rng.normal(size=3))).ci95 for _ in range(1000))]
    assert np.mean(inside) == pytest.approx(0.95, abs=4 * np.sqrt(0.95 * 0.05 / 1000))
