"""What fits into a length of time, as pure functions of sets and trainings."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clif.errors import UsageError
from clif.retraining.edits import Edit
from clif.verification.budget import BESIDE, FEWEST, START, Pace, duration, fit, reductions, round_up
from clif.verification.sets import DocumentSet


def made(sizes=(10, 30, 100), random=3, shares=(20,), subsets=30, alphas=(0.5,)):
    """Sets of one test, each with documents of its own."""
    kinds = [("reduce", size, 0, 0, None) for size in sizes]
    kinds += [("increase", size, 0, 0, None) for size in sizes]
    kinds += [("random", size, number, None, None) for size in sizes for number in range(random)]
    kinds += [("share", size, number, None, 0.01) for size in shares for number in range(random)]
    kinds += [("subset", 500, number, None, alpha) for alpha in alphas for number in range(subsets)]
    return [
        DocumentSet(kind, size, number, Edit(np.array([place]), 0), test, asked)
        for place, (kind, size, number, test, asked) in enumerate(kinds)
    ]


def kinds(sets):
    return Counter((each.kind, each.size) for each in sets)


def test_things_are_given_up_in_order():
    steps = [kinds(left) for left in reductions(made(alphas=(0.5, 0.9)))]
    subsets = [step[("subset", 500)] for step in steps]
    assert subsets[:12] == [2 * count for count in (*range(30, FEWEST - 1, -1), 0)]
    rest = [[kind for kind in steps[0] if not step[kind]] for step in steps[11:]]
    assert rest == [
        [("subset", 500)],
        [("share", 20), ("subset", 500)],
        [("random", 100), ("share", 20), ("subset", 500)],
        [("random", 30), ("random", 100), ("share", 20), ("subset", 500)],
        [("random", 10), ("random", 30), ("random", 100), ("share", 20), ("subset", 500)],
        *[
            [("reduce", size) for size in lost]
            + [("increase", size) for size in lost]
            + [("random", 10), ("random", 30), ("random", 100), ("share", 20), ("subset", 500)]
            for lost in ((100,), (30, 100))
        ],
    ]


@given(
    st.integers(0, 3), st.integers(0, 40), st.lists(st.sampled_from([20, 50]), max_size=2, unique=True),
    st.lists(st.sampled_from([10, 30, 100]), max_size=3, unique=True),
)  # fmt: skip
def test_each_step_is_less_than_the_one_before(random, subsets, shares, sizes):
    whole = made(sizes=sizes, random=random, shares=shares, subsets=subsets)
    steps = list(reductions(whole))
    assert steps[0] == whole
    for before, after in pairwise(steps):
        assert set(after) < set(before)
    if sizes:
        assert set(kinds(steps[-1])) == {("reduce", min(sizes)), ("increase", min(sizes))}


@settings(deadline=None)
@given(st.floats(0, 600), st.integers(1, 4))
def test_the_most_that_fits_is_kept(seconds, processes):
    pace, sets = Pace(2.0, processes), made()

    def trainings(some):
        return 2 * len(some)

    steps = [list(left) for left in reductions(sets)]
    fitting = [left for left in steps if pace.time(trainings(left)) <= seconds]
    if not fitting:
        with pytest.raises(UsageError):
            fit(sets, trainings, pace, seconds)
        return
    assert fit(sets, trainings, pace, seconds) == max(fitting, key=len)


def test_what_is_done_costs_nothing():
    sets = made()
    assert fit(sets, lambda _: 0, Pace(1000.0, 1), 1.0) == sets
    assert Pace(1000.0, 1).time(0) == 0


def test_trainings_side_by_side_take_as_long_as_one():
    assert Pace(10.0, 4).time(4) == Pace(10.0, 4).time(1) == START + 10 + BESIDE
    assert Pace(10.0, 4).time(5) == START + 2 * (10 + BESIDE)


def test_the_message_says_what_would_fit():
    sets = made(random=0, subsets=0, shares=())
    with pytest.raises(UsageError, match="needs 4 trainings") as caught:
        fit(sets, lambda some: 2 * len(some), Pace(60.0, 2), 30.0)
    assert caught.value.where == "--budget"
    assert "--budget 3m or more" in caught.value.next
    assert fit(sets, lambda some: 2 * len(some), Pace(60.0, 2), 180.0)


@pytest.mark.parametrize(
    ("seconds", "said", "up"),
    [(0.2, "0 s", "1s"), (61, "61 s", "61s"), (125, "2 min", "3m"), (5000, "83 min", "84m"), (7200, "2.0 h", "120m")],
)
def test_lengths_of_time_in_words(seconds, said, up):
    assert (duration(seconds), round_up(seconds)) == (said, up)
