"""The search for the smallest number, against counting up from one."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from clif.retraining.searching import NEAR, ROUNDS, Foreseen, Reached, search


def searched(foreseen: Foreseen, realised, goal: float):
    """What is tried for |T| <= goal where `realised(k)` comes of k documents, and what each gave."""
    found: dict[int, bool] = {}

    def reach(number: int) -> Reached:
        assert number not in found
        assert 1 <= number <= foreseen.numbers[-1]
        found[number] = realised(number) <= goal
        return Reached(realised(number), found[number])

    tried = search(foreseen, realised(0), lambda: goal, reach)
    assert list(found) == list(tried)
    return found


falls = st.lists(st.floats(0.01, 0.2), min_size=3, max_size=60)


@given(falls, st.floats(0.3, 3.0), st.floats(-0.3, 0.3), st.floats(0.05, 0.95))
def test_the_smallest_number_is_found_to_a_twentieth_however_wrong_the_prediction(steps, stretch, bend, share):
    numbers = 10 * np.arange(len(steps) + 1)
    values = np.concatenate([[1.0], 1.0 - np.cumsum(steps)])
    foreseen = Foreseen(numbers, values)

    def realised(number: int) -> float:
        x = number / numbers[-1]
        return 1.0 - stretch * (1.0 - foreseen.at(number)) * (1 + bend * x)

    goal = 1.0 - share * sum(steps)
    least = next((k for k in range(1, numbers[-1] + 1) if realised(k) <= goal), None)
    found = searched(foreseen, realised, goal)
    assert len(found) <= ROUNDS
    if least is None:
        assert not any(found.values())
        assert numbers[-1] in found  # it is not given up before
        return
    best = min(number for number, meets in found.items() if meets)
    assert least <= best
    if len(found) < ROUNDS:
        assert best - least < max(1, NEAR * best) + 1e-9


def test_a_prediction_that_comes_true_is_tried_twice():
    numbers = 10 * np.arange(41)
    foreseen = Foreseen(numbers, 1.0 - numbers / 300)
    found = searched(foreseen, foreseen.at, 0.4)
    assert found == {180: True, 171: False}


def test_nothing_but_the_last_is_tried_where_it_is_not_enough():
    foreseen = Foreseen(np.array([0, 10, 20]), np.array([1.0, 0.8, 0.6]))
    assert searched(foreseen, foreseen.at, 0.1) == {20: False}


def test_a_prediction_lies_on_a_line_between_chunks():
    foreseen = Foreseen(np.array([0, 10, 20]), np.array([1.0, 0.5, -0.5]))
    assert foreseen.at(15) == 0.0
    assert [foreseen.number(value) for value in (1.0, 0.76, 0.5, 0.0, -0.5, -0.6)] == [0, 5, 10, 15, 20, None]
