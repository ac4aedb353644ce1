"""What a goal says, and the size that meets it."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import made_test
from hypothesis import given, settings
from hypothesis import strategies as st

from clif.errors import UsageError
from clif.objectives import WEAT, cover
from clif.objectives.permutation import permutation_p_values
from clif.retraining.goals import Goal

WORDS = [f"w{n}" for n in range(24)]
INDEX = {word: row for row, word in enumerate(WORDS)}


def weat(n_X: int, n_Y: int) -> WEAT:
    return WEAT(cover(made_test(WORDS, [n_X, n_Y, 4, 4]), INDEX))


@pytest.mark.parametrize(
    ("text", "goal"),
    [("0.2", Goal(0.2)), ("0", Goal(0)), ("1.", Goal(1)), (".5", Goal(0.5)), ("p>0.05", Goal(0.05, True)),
     (" p > .1 ", Goal(0.1, True)), ("1e-05", Goal(1e-5))],
)  # fmt: skip
def test_goals_are_read(text, goal):
    assert Goal.parse(text) == goal
    assert Goal.parse(str(goal)) == goal


@pytest.mark.parametrize(
    "text", ["", "x", "-1", "p<0.05", "p>0", "p>1", "p>2", "nan", "inf", "0.2 0.3", "1e9999", ">0.1", "q>0.1", "p>"]
)
def test_what_is_no_goal_is_refused(text):
    with pytest.raises(UsageError, match="is no goal"):
        Goal.parse(text)


def test_a_size_is_itself():
    assert Goal(0.3).size(weat(4, 4), np.arange(8.0), "effect_size") == 0.3


@settings(deadline=None)
@given(
    st.integers(0, 10**6),
    st.integers(4, 6),
    st.integers(4, 6),
    st.floats(-3, 3),
    st.sampled_from(["effect_size", "mean_difference"]),
)
def test_the_size_of_a_p_value_is_where_it_passes_the_bound(seed, n_X, n_Y, gap, measure):
    objective, goal = weat(n_X, n_Y), Goal(0.1, True)
    s = np.random.default_rng(seed).normal(size=n_X + n_Y)
    s[:n_X] += gap
    size = goal.size(objective, s, measure)
    assert 0 <= size <= abs(objective.join(s, measure)) + 1e-12
    if permutation_p_values(s, n_X).two_sided > goal.bound:
        assert size == abs(objective.join(s, measure))
        return
    whole = objective.statistic(s)
    apart = np.repeat([whole / 2, -whole / 2], [n_X, n_Y])
    shares = np.linspace(0, 1, 401)
    significant = [permutation_p_values(s - (1 - share) * apart, n_X).two_sided <= goal.bound for share in shares]
    first = shares[int(np.argmax(significant))]
    found = [abs(objective.join(s - (1 - share) * apart, measure)) for share in (max(first - 1 / 200, 0), first)]
    assert found[0] - 1e-9 <= size <= found[1] + 1e-9
