"""Statistics of a few retrainings against SciPy, against brute force, and under the null."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from clif.retraining import statistics
from clif.retraining.statistics import Sample, permutation_within_seeds

# Quarters are added without rounding, so ties are ties.
values = st.integers(-40, 40).map(lambda quarters: quarters / 4)


def brute_force(after, controls) -> float:
    """Over every choice of one run a seed as the edited one: how often it is as far off as the real one."""
    sets, seeds = controls.shape
    runs = np.vstack([after, controls])

    def statistic(labels) -> float:
        edited = [runs[label, seed] for seed, label in enumerate(labels)]
        others = [runs[row, seed] for seed, label in enumerate(labels) for row in range(sets + 1) if row != label]
        return abs(np.mean(edited) - np.mean(others))

    observed = statistic([0] * seeds)
    every = [statistic(labels) for labels in itertools.product(range(sets + 1), repeat=seeds)]
    return float(np.mean([value >= observed - 1e-9 for value in every]))


@settings(max_examples=60, deadline=None)
@given(sets=st.integers(1, 4), seeds=st.integers(1, 4), data=st.data())
def test_the_p_value_equals_brute_force(sets, seeds, data):
    drawn = data.draw(st.lists(values, min_size=(sets + 1) * seeds, max_size=(sets + 1) * seeds))
    after, *controls = np.reshape(drawn, (sets + 1, seeds))
    assert permutation_within_seeds(after, np.array(controls)) == brute_force(after, np.array(controls))


def test_three_seeds_and_three_controls_reach_one_in_64_and_no_less():
    after, controls = np.array([-1.0, -1.2, -0.8]), np.random.default_rng(0).normal(1, 0.1, (3, 3))
    assert permutation_within_seeds(after, controls) == 1 / 64
    assert permutation_within_seeds(after + 4, controls) == 1 / 64


def test_differences_between_seeds_do_not_matter():
    rng = np.random.default_rng(1)
    after, controls, seeds = rng.normal(size=3), rng.normal(size=(4, 3)), 100 * rng.normal(size=3)
    assert permutation_within_seeds(after, controls) == permutation_within_seeds(after + seeds, controls + seeds)


def test_the_order_of_controls_and_of_seeds_does_not_matter():
    rng = np.random.default_rng(2)
    after, controls = rng.normal(1, 1, 4), rng.normal(size=(3, 4))
    order = rng.permutation(4)
    p = permutation_within_seeds(after, controls)
    assert p == permutation_within_seeds(after, controls[::-1])
    assert p == permutation_within_seeds(after[order], controls[:, order])


def test_runs_that_are_all_alike_say_nothing():
    assert permutation_within_seeds(np.full(3, 0.1), np.full((3, 3), 0.1)) == 1


@pytest.mark.parametrize("shape", [(0, 3), (3, 0)])
def test_without_controls_there_is_no_p_value(shape):
    assert permutation_within_seeds(np.zeros(shape[1]), np.empty(shape)) is None


def test_under_the_null_small_p_values_are_as_rare_as_they_say():
    rng = np.random.default_rng(3)
    draws = 3000
    p = np.array(
        [
            permutation_within_seeds(runs[0], runs[1:])
            # Seeds differ, and edits of one seed vary about it; the edited run is like its controls.
            for runs in rng.normal(size=(draws, 4, 3)) + 5 * rng.normal(size=(draws, 1, 3))
        ]
    )
    for level in (1 / 64, 0.05, 0.1, 0.25, 0.5):
        spread = np.sqrt(level * (1 - level) / draws)
        attained = np.floor(level * 64) / 64
        assert (p <= level).mean() < level + 3 * spread
        assert (p <= level).mean() > attained - 4 * spread


def test_where_there_are_too_many_relabellings_they_are_sampled(monkeypatch):
    rng = np.random.default_rng(4)
    after, controls = rng.normal(0.5, 1, 6), rng.normal(size=(3, 6))
    exact = permutation_within_seeds(after, controls)
    monkeypatch.setattr(statistics, "MOST", 4000)
    sampled = permutation_within_seeds(after, controls)
    assert 0.02 < exact < 0.9
    assert sampled != exact
    assert sampled == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 4000))
    assert sampled == permutation_within_seeds(after, controls)
    # The labelling that was observed is always one of them.
    assert permutation_within_seeds(after + 100, controls) >= 1 / 4000


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
