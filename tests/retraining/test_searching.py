"""The search for the smallest number, against counting up from one."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from clif.retraining.searching import NEAR, ROUNDS, Foreseen, Reached, search


def searched(foreseen: Foreseen, realised, goal: float) -> dict[int, Reached]:
    """What is tried for |T| <= goal where `realised(k)` comes of k documents, and what each gave."""
    found: dict[int, Reached] = {}

    def reached(number: int) -> Reached:
        value = realised(number)
        return Reached(value, goal, abs(value) <= goal)

    def reach(number: int) -> Reached:
        assert number not in found
        assert 1 <= number <= foreseen.numbers[-1]
        found[number] = reached(number)
        return found[number]

    search(foreseen, reached(0), reach)
    assert len(found) <= ROUNDS
    return found


def least_of(found: dict[int, Reached]) -> int | None:
    return min((number for number, each in found.items() if each.meets), default=None)


falls = st.lists(st.floats(0.01, 0.2), min_size=3, max_size=60)


@given(falls, st.floats(0.3, 3.0), st.floats(-0.3, 0.3), st.floats(0.05, 0.95))
def test_the_smallest_number_is_found_to_a_twentieth_however_wrong_the_prediction(steps, stretch, bend, share):
    numbers = 10 * np.arange(len(steps) + 1)
    values = np.concatenate([[1.0], 1.0 - np.cumsum(steps)])
    foreseen = Foreseen(numbers, values)

    def realised(number: int) -> float:
        x = number / numbers[-1]
        return 1.0 - stretch * (1.0 - foreseen.at(number)) * (1 + bend * x)

    goal = max(0.3, 1.0 - share * sum(steps))
    least = next((k for k in range(1, numbers[-1] + 1) if realised(k) <= goal), None)
    found = searched(foreseen, realised, goal)
    best = least_of(found)
    if least is None:
        assert best is None
        assert numbers[-1] in found  # it is not given up before
    elif len(found) < ROUNDS:
        assert best is not None
        assert least <= best < least + max(1, NEAR * best) + 1e-9


def test_a_prediction_that_comes_true_is_tried_twice():
    numbers = 10 * np.arange(41)
    foreseen = Foreseen(numbers, 1.0 - numbers / 300)
    found = searched(foreseen, foreseen.at, 0.4)
    assert {number: each.meets for number, each in found.items()} == {180: True, 171: False}


def test_nothing_but_the_last_is_tried_where_it_is_not_enough():
    foreseen = Foreseen(np.array([0, 10, 20]), np.array([1.0, 0.8, 0.6]))
    assert list(searched(foreseen, foreseen.at, 0.1)) == [20]


def test_a_bias_that_first_grows_is_not_given_up():
    numbers = 10 * np.arange(21)
    foreseen = Foreseen(numbers, 1.0 - numbers / 150)
    found = searched(foreseen, lambda number: 1.02 if number < 90 else 0.3, 0.4)
    assert least_of(found) is not None
    assert least_of(found) <= 90 * (1 + NEAR)


def test_a_bias_that_has_turned_round_asks_for_fewer():
    numbers = 10 * np.arange(21)
    foreseen = Foreseen(numbers, 1.0 - numbers / 170)
    found = searched(foreseen, lambda number: 1.0 - 4 * number / 170, 0.5)
    assert any(each.value < -0.5 for each in found.values())
    assert 22 <= least_of(found) <= 23


def test_a_bias_that_jumps_over_the_goal_is_said_not_to_meet_it():
    foreseen = Foreseen(np.array([0, 10, 20]), np.array([1.0, 0.0, -1.0]))
    found = searched(foreseen, lambda number: 1.0 if number < 13 else -1.0, 0.1)
    assert least_of(found) is None
    assert {12, 13} <= set(found)


def test_a_prediction_lies_on_a_line_between_chunks():
    foreseen = Foreseen(np.array([0, 10, 20]), np.array([1.0, 0.5, -0.5]))
    assert foreseen.at(15) == 0.0
    assert [foreseen.number(value) for value in (1.0, 0.76, 0.5, 0.0, -0.5, -0.6)] == [0, 5, 10, 15, 20, None]
