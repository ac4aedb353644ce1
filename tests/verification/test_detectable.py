"""How much changes vary, and what a number of retrainings can detect: by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from clif.verification.noise import SEEDS, SETS, Spread, detectable, half_width, of_seeds, of_sets


def test_the_spread_within_sets_does_not_see_how_far_sets_are_apart():
    rng = np.random.default_rng(0)
    changes = [100 * rng.normal() + 0.3 * rng.normal(size=runs) for runs in rng.integers(1, 4, 3000)]
    found = of_sets(changes)
    assert found.sd == pytest.approx(0.3, rel=0.05)
    assert found.freedom == sum(len(runs) - 1 for runs in changes)
    assert found.source == SETS


def test_it_is_the_pooled_deviation():
    first, second = np.array([1.0, 2.0, 4.0]), np.array([0.0, 1.0])
    expected = np.sqrt((2 * first.var(ddof=1) + second.var(ddof=1)) / 3)
    assert of_sets([first, second, np.array([7.0])]).sd == pytest.approx(expected)


@pytest.mark.parametrize("changes", [[], [np.array([1.0])], [np.empty(0), np.array([2.0])]])
def test_sets_with_one_run_each_say_nothing(changes):
    assert of_sets(changes) is None
    assert detectable(None, 1).to_dict()["change"] is None
    assert half_width(None, 3) is None


def test_seeds_that_share_nothing_differ_by_the_root_of_two():
    values = np.array([0.1, 0.4, 0.3])
    found = of_seeds(values)
    assert (found.sd, found.freedom, found.source) == (pytest.approx(np.sqrt(2) * values.std(ddof=1)), 2, SEEDS)
    assert of_seeds(values[:1]) is None


def test_the_half_width_is_that_of_students_interval():
    runs = np.array([0.1, 0.5, 0.2, 0.4])
    low, high = stats.t.interval(0.95, 3, runs.mean(), stats.sem(runs))
    assert half_width(Spread(runs.std(ddof=1), 3, SETS), 4) == pytest.approx((high - low) / 2)


@pytest.mark.parametrize(("sets", "runs"), [(9, 2), (3, 3), (6, 5)])
def test_a_change_of_that_size_is_found_four_times_of_five(sets, runs):
    """The test: the mean over the seeds against a pooled deviation of the random sets."""
    rng = np.random.default_rng(1)
    sd, draws, freedom = 0.2, 4000, sets * (runs - 1)
    change = detectable(Spread(sd, freedom, SETS), runs).change
    mean = change + sd * rng.normal(size=(draws, runs)).mean(axis=1)
    noise = rng.normal(size=(draws, sets, runs))
    pooled = sd * np.sqrt(((noise - noise.mean(axis=2, keepdims=True)) ** 2).sum(axis=(1, 2)) / freedom)
    found = np.abs(mean) > stats.t.ppf(0.975, freedom) * pooled / np.sqrt(runs)
    assert found.mean() == pytest.approx(0.8, abs=0.04)


def test_more_runs_detect_less():
    spread = Spread(0.2, 8, SETS)
    changes = [detectable(spread, runs).change for runs in (1, 2, 4)]
    assert changes[0] == pytest.approx(2 * changes[2])
    assert changes == sorted(changes, reverse=True)
    assert detectable(spread, 4).to_dict() == {
        "change": changes[2], "runs": 4, "source": SETS, "alpha": 0.05, "power": 0.8,
    }  # fmt: skip
