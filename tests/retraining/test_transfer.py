"""Transfer and its interval: against enumeration and simulation."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clif.retraining import transfer
from clif.retraining.transfer import interval_over, transfer_interval, transfer_ratio

TRUTH = 0.5


def changes(rng, halves, seeds, *, complementary):
    """Changes on used and held-out words, (halves, seeds) each, whose means are 1 and TRUTH.

    Words differ by half, models by seed; in a complementary pair the words of one half are the others of the next.
    """
    words = rng.normal(size=(halves, 2))
    if complementary:
        words[1::2] = words[::2, ::-1]
    seed = 0.2 * rng.normal(size=seeds)
    used = 1 + 0.3 * words[:, :1] + seed + 0.15 * rng.normal(size=(halves, seeds))
    held = TRUTH * (1 + 0.3 * words[:, 1:] + seed) + 0.15 * rng.normal(size=(halves, 1))
    return used, held + 0.1 * rng.normal(size=(halves, seeds))


def test_it_is_a_ratio_of_means():
    used, held = np.array([[1.0, 1.0], [0.01, -0.03]]), np.array([[0.5, 0.7], [0.2, 0.2]])
    assert transfer_ratio(used, held) == pytest.approx(1.6 / 1.98)
    ratios = held.mean(1) / used.mean(1)  # the second half has hardly changed, and would decide
    assert abs(ratios.mean()) > 5
    assert transfer_ratio(np.zeros((2, 2)), held) is None


def test_it_is_found_in_many_halves():
    rng = np.random.default_rng(0)
    used, held = changes(rng, 4000, 3, complementary=False)
    assert transfer_ratio(used, held) == pytest.approx(TRUTH, abs=0.02)
    # Complementary halves get nearer with as many.
    errors = {
        both: np.std([transfer_ratio(*changes(rng, 4, 3, complementary=both)) for _ in range(500)])
        for both in (False, True)
    }
    assert errors[True] < 0.8 * errors[False]


def test_resamples_draw_halves_and_seeds():
    """Against all resamples of two halves and two seeds."""
    used, held = np.array([[1.0, 1.3], [0.8, 0.9]]), np.array([[0.7, 0.5], [0.1, 0.3]])
    every = [
        held[np.ix_(h, r)].mean() / used[np.ix_(h, r)].mean()
        for h in product(range(2), repeat=2)
        for r in product(range(2), repeat=2)
    ]
    # Each has a chance of 1/16, so the ends are the least and the largest.
    assert transfer_interval(used, held, 1) == pytest.approx((min(every), max(every)))


def test_of_one_half_seeds_alone_are_drawn():
    used, held = np.array([[1.0, 1.2, 0.9]]), np.array([[0.2, 0.7, 0.4]])
    every = sorted(held[0, list(r)].mean() / used[0, list(r)].mean() for r in product(range(3), repeat=3))
    low, high = transfer_interval(used, held, 1)
    assert low == pytest.approx(every[0])  # 1/27 each
    assert high == pytest.approx(every[-1])


@pytest.mark.parametrize(
    ("complementary", "halves", "least", "most"),
    [(False, 4, 0.74, 0.94), (False, 8, 0.82, 0.98), (True, 4, 0.9, 1.0), (True, 8, 0.92, 1.0)],
)
def test_the_interval_holds_the_truth_as_often_as_the_docstring_says(complementary, halves, least, most, monkeypatch):
    monkeypatch.setattr(transfer, "RESAMPLES", 600)
    rng = np.random.default_rng(1)
    inside = []
    for number in range(250):
        interval = transfer_interval(*changes(rng, halves, 3, complementary=complementary), number)
        assert interval is not None
        inside.append(interval[0] <= TRUTH <= interval[1])
    assert least < np.mean(inside) <= most


def test_a_change_that_may_be_none_gives_no_interval():
    rng = np.random.default_rng(2)
    held = rng.normal(0.5, 0.1, (4, 3))
    assert transfer_interval(rng.normal(0, 1, (4, 3)), held, 1) is None
    assert transfer_interval(rng.normal(1, 0.1, (4, 3)), held, 1) is not None
    assert transfer_interval(np.zeros((4, 3)), held, 1) is None


def test_one_run_has_no_interval():
    assert transfer_interval(np.ones((1, 1)), np.ones((1, 1)), 1) is None
    assert transfer_interval(np.ones((2, 1)), np.array([[0.2], [0.4]]), 1) == pytest.approx((0.2, 0.4))


@given(st.integers(0, 1000), st.sampled_from([-1.0, 0.01, 30.0]))
def test_one_seed_gives_one_interval_and_the_unit_does_not_matter(seed, unit):
    used, held = changes(np.random.default_rng(seed), 4, 2, complementary=True)
    interval = transfer_interval(used, held, seed)
    assert interval == transfer_interval(used, held, seed)
    turned = transfer_interval(unit * used, unit * held, seed)
    assert (turned is None) == (interval is None)
    if interval:
        assert turned == pytest.approx(interval)


def test_what_the_interval_is_over_is_said():
    assert interval_over(1, 1) is None
    assert "seeds only" in interval_over(1, 3)
    assert interval_over(4, 1).endswith("4 halves and 1 seed")
    assert interval_over(2, 3).endswith("2 halves and 3 seeds")
