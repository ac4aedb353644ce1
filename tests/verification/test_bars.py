"""Error bars hold as often as they say, on sets that they were not fitted to."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from clif.verification.bars import LEAST, LEVEL, Retrained, coverage, fit_bars, without_own_size

SIZES = (10, 30, 100, 300, 1000)


def simulated(rng, *, runs=1, a=0.2, b=0.1, seed=0.0, sizes=SIZES, heavy=False, times=1.0):
    """Two chosen and three random sets a size, whose predictions miss by known amounts."""
    size = np.repeat(sizes, 5)
    share = size / 20_000 * rng.uniform(0.8, 1.2, len(size))
    chosen = np.tile([1, 1, 0, 0, 0], len(sizes)) == 1
    predicted = np.where(chosen, 3 * rng.choice([-1, 1], len(size)) * np.sqrt(share), rng.normal(0, 0.02, len(size)))
    by_model = predicted[:, None] + seed * np.sqrt(share)[:, None] * rng.normal(size=(len(size), runs))
    noise = rng.standard_t(3, len(size)) / np.sqrt(3) if heavy else rng.normal(size=len(size))
    realised = predicted + noise * (a * np.sqrt(share) + b * np.abs(predicted))
    variance = by_model.var(axis=1, ddof=1) / runs if runs > 1 else np.zeros(len(size))
    return Retrained(size, share, times * by_model.mean(axis=1), times * realised, times**2 * variance)


@pytest.mark.parametrize(
    "case",
    [
        {}, {"b": 0.0}, {"a": 0.0, "b": 0.2}, {"runs": 2, "seed": 0.3}, {"runs": 5, "seed": 0.3},
        {"runs": 2, "seed": 0.5, "a": 0.0, "b": 0.0}, {"heavy": True}, {"sizes": (10, 30, 100)},
    ],
    ids=str,
)  # fmt: skip
def test_bars_hold_as_often_as_they_say(case):
    rng = np.random.default_rng(0)
    draws = 120
    found = [simulated(rng, **case) for _ in range(draws)]
    held = np.mean([coverage(sets, without_own_size(sets)) for sets in found])
    count = draws * len(found[0].size)
    slack = 3 * np.sqrt(LEVEL * (1 - LEVEL) / count)
    assert LEVEL - slack <= held <= 0.97  # on the safe side, yet not idle


def test_a_bar_does_not_know_what_came_of_its_own_size():
    sets = simulated(np.random.default_rng(1))
    widths = without_own_size(sets)
    own = sets.size == 100
    other = replace(sets, realised=np.where(own, 1e6, sets.realised))
    assert without_own_size(other)[own] == pytest.approx(widths[own])
    assert (without_own_size(other)[~own] > 10 * widths[~own]).all()


def test_sets_of_one_size_are_judged_one_by_one():
    sets = simulated(np.random.default_rng(2), sizes=(100,) * 3)
    widths = without_own_size(sets)
    other = replace(sets, realised=np.where(np.arange(len(widths)) == 4, 1e6, sets.realised))
    assert np.isfinite(widths).all()
    assert without_own_size(other)[4] == pytest.approx(widths[4])


def test_errors_in_proportion_are_found_as_such():
    size = np.repeat(SIZES, 4)
    share, predicted = size / 20_000, np.tile([-0.5, 0.5, 0.01, -0.01], len(SIZES))
    bars = fit_bars(Retrained(size, share, predicted, 1.2 * predicted, np.zeros(len(size))))
    assert (bars.a, bars.b) == (pytest.approx(0, abs=1e-12), pytest.approx(0.2))
    assert bars.c == pytest.approx(1)
    bars = fit_bars(Retrained(size, share, predicted, predicted + 0.3 * np.sqrt(share), np.zeros(len(size))))
    assert (bars.a, bars.b, bars.c) == (pytest.approx(0.3), pytest.approx(0, abs=1e-12), pytest.approx(1))


def test_bars_have_the_unit_of_the_changes():
    one, tenth = (simulated(np.random.default_rng(3), runs=3, seed=0.1, times=times) for times in (1.0, 1e-4))
    assert without_own_size(tenth) == pytest.approx(1e-4 * without_own_size(one))


def test_larger_sets_and_larger_predictions_have_wider_bars():
    bars = fit_bars(simulated(np.random.default_rng(4)))
    share = np.array([0.001, 0.01, 0.05, 0.5])
    widths = bars.half_width(share, np.full(4, 0.1), np.zeros(4))
    assert (np.diff(widths) > 0).all()
    # Beyond what was retrained in proportion to the share, which is faster than the root.
    assert widths[3] / widths[2] > np.sqrt(10) * 0.8
    assert bars.half_width(share, np.full(4, 0.2), np.zeros(4)) == pytest.approx(
        bars.half_width(share, np.full(4, -0.2), np.zeros(4))
    )
    assert (bars.half_width(share, np.full(4, 0.1), np.full(4, 0.01)) > widths).all()


def test_where_the_models_disagree_enough_nothing_is_added():
    sets = replace(simulated(np.random.default_rng(5)), variance=np.full(5 * len(SIZES), 100.0))
    assert fit_bars(sets).c == 0


def test_predictions_that_come_true_have_no_bars():
    sets = simulated(np.random.default_rng(6), a=0.0, b=0.0)
    assert not without_own_size(sets).any()
    assert coverage(sets, without_own_size(sets)) == 1


def test_too_few_sets_have_none():
    sets = simulated(np.random.default_rng(7))
    few = sets.take(np.arange(len(sets.size)) < LEAST - 1)
    assert fit_bars(few) is None
    assert np.isnan(without_own_size(few)).all()
    assert coverage(few, without_own_size(few)) is None
    nobody = sets.take(np.zeros(len(sets.size), dtype=bool))
    assert fit_bars(nobody) is None
    assert len(without_own_size(nobody)) == 0
