"""A choice within limits, against enumeration and against its own sums."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.sparse import csr_array

from clif.retraining.caps import Loads
from clif.retraining.limits import MARGIN, Limits

NONE = np.empty(0, dtype=np.int64)


class Stands:
    """Stands for a kept objective, linear in the documents that are gone."""

    def __init__(self, influence, tolerance):
        self.influence, self.low, self.high = influence, -tolerance, tolerance
        self.kept = self

    def beyond(self, gone):
        return float(self.influence[gone].sum()), self.influence


def made(seed, documents=12, things=2, kept=1, several=False):
    rng = np.random.default_rng(seed)
    units = np.unique(rng.integers(0, documents // 2, documents), return_inverse=True)[1] if several else None
    units = np.arange(documents) if units is None else units
    loads = csr_array(rng.integers(0, 5, (things, documents)).astype(float))
    caps = Loads([f"thing {n}" for n in range(things)], loads, 0.3 * loads.sum(axis=1))
    stays = [Stands(rng.normal(size=documents), 0.5) for _ in range(kept)]
    return rng.normal(size=documents) - 0.5, Limits(units, rng.random(documents) < 0.1, caps, stays), stays


def within(limits, chosen, stays):
    loads = limits.caps.loads[:, chosen].sum(axis=1)
    return (loads <= limits.caps.budgets + 1e-9).all() and all(
        abs(each.influence[chosen].sum()) <= MARGIN * each.high + 1e-9 for each in stays
    )


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 8), st.integers(0, 2), st.booleans())
def test_every_beginning_of_a_choice_is_within_the_limits(seed, most, kept, several):
    score, limits, stays = made(seed, kept=kept, several=several)
    chosen = NONE
    for _ in range(3):
        taken = limits.pick(score, chosen, most, 9 - len(chosen))
        assert not set(taken) & set(chosen)
        chosen = np.concatenate([chosen, taken])
    assert len(chosen) == len(set(chosen)) <= 9
    assert not limits.protected[chosen].any()
    for count in range(1, len(chosen) + 1):
        whole = limits.whole(chosen, count)
        part = chosen[:whole]
        assert whole >= count
        assert within(limits, part, stays)
        assert all((limits.units == unit).sum() == (limits.units[part] == unit).sum() for unit in limits.units[part])


def mixed(seed, documents=400):
    """What is kept falls where the score does: the best documents are the ones that it forbids."""
    rng = np.random.default_rng(seed)
    score = rng.normal(size=documents)
    stays = Stands(0.1 * score + 0.03 * rng.normal(size=documents), 0.5)
    caps = Loads([], csr_array((0, documents)), np.empty(0))
    return score, Limits(np.arange(documents), np.zeros(documents, dtype=bool), caps, [stays]), stays


@pytest.mark.parametrize("seed", range(4))
def test_prices_come_near_the_best_that_there_is(seed):
    score, limits, stays = mixed(seed)
    found = limits.pick(score, NONE, 40, 40)
    A, bound = np.array([stays.influence, -stays.influence, np.ones(len(score))]), MARGIN * stays.high
    best = linprog(score, A, [bound, bound, 40], bounds=(0, 1)).fun  # documents may be split
    assert best - 1e-9 <= score[found].sum() <= 0.8 * best
    unpriced = Limits(limits.units, limits.protected, limits.caps).pick(score, NONE, 40, 40)
    assert abs(stays.influence[unpriced].sum()) > 5 * stays.high


def test_without_limits_the_lowest_are_taken_in_order():
    score = np.array([0.3, -1.0, 2.0, -1.0, 0.0])
    limits = Limits(np.arange(5), np.zeros(5, dtype=bool), Loads([], csr_array((0, 5)), np.empty(0)))
    assert limits.pick(score, NONE, 3, 3).tolist() == [1, 3, 4]
    assert limits.pick(score, np.array([1]), 9, 9).tolist() == [3, 4, 0, 2]


def test_units_count_with_the_sum_of_their_members():
    score = np.array([-1.0, -0.6, -0.6, 0.5])
    limits = Limits(np.array([0, 1, 1, 2]), np.zeros(4, dtype=bool), Loads([], csr_array((0, 4)), np.empty(0)))
    assert limits.pick(score, NONE, 1, 4).tolist() == [1, 2]
    assert limits.pick(score, NONE, 1, 1).tolist() == [0]
    assert limits.pick(score, NONE, 3, 3).tolist() == [1, 2, 0]
    stays = Limits(limits.units, np.array([False, True, False, False]), limits.caps)
    assert stays.pick(score, NONE, 4, 4).tolist() == [0, 3]


def test_what_is_beyond_its_limit_may_come_back_but_not_go_further():
    influence = np.array([0.8, 0.3, -0.4, 0.0])
    stays = Stands(influence, 0.5)
    limits = Limits(np.arange(4), np.zeros(4, dtype=bool), Loads([], csr_array((0, 4)), np.empty(0)), [stays])
    score = np.array([-1.0, -5.0, -0.1, -0.1])
    for most in (1, 2, 3):
        taken = limits.pick(score, np.array([0]), most, most)
        assert len(taken) == most
        assert influence[taken].sum() <= 0
