"""scripts/choosing: ways to choose documents, judged by retraining with seeds that had no part in the choice."""

from __future__ import annotations

import numpy as np
import pytest

from clif.influence.adaptive import ADAPTIVE
from clif.objectives import WEAT, BiasTest, cover
from clif.training.paired import train_paired


@pytest.fixture
def choosing(script):
    return script("choosing")


def row(test, choice, documents, *change):
    return {"run": "r", "test": test, "choice": choice, "documents": documents, "change": list(change)}


def test_a_duel_counts_the_cases_in_which_the_mean_change_is_lower(choosing):
    rows = [
        row("a", "one", 10, -1.0, -2.0), row("a", "two", 10, -1.0, -1.0),
        row("b", "one", 10, 0.5), row("b", "two", 10, 0.0),
        row("c", "one", 10, -3.0), row("c", "two", 10, -1.0),
        row("c", "one", 20, -3.0), row("c", "two", 20, -9.0),
        row("d", "one", 10, -1.0),
    ]  # fmt: skip
    found = choosing.duel(rows, "one", "two", lambda size: size == 10)
    assert (found["cases"], found["wins"]) == (3, 2)
    assert found["mean_gain"] == pytest.approx((-0.5 + 0.5 - 2.0) / 3)
    assert found["p_value"] == 1.0
    assert choosing.duel(rows, "one", "nobody", lambda _: True)["mean_gain"] is None


def test_every_choice_is_judged_by_trainings_of_other_seeds(choosing, opened, made, quick_verification):
    test = BiasTest.from_toml(made.test)
    choices = ["adaptive source", "block", "random"]
    rows = choosing.judge(opened, [str(made.test)], 2, 2, 5, [5], choices, 1)
    assert [each["choice"] for each in rows] == choices
    orders = choosing.orders_for(opened, str(made.test), 2, 5, choices)
    weat = WEAT(cover(test, opened.model.index))

    def value(seed, gone):
        settings = type(opened.settings)(**{**opened.settings.to_dict(), "seed": seed})
        weights = np.ones(len(opened.corpus))
        weights[gone] = 0
        U = train_paired(opened.corpus, opened.vocabulary, settings, weights=weights).U
        return weat.value(U[weat.rows].astype(float))

    full = [value(seed, []) for seed in (3, 4)]
    sign = np.sign(np.mean(full))
    for each in rows:
        after = [value(seed, orders[each["choice"]][:5]) for seed in (3, 4)]
        assert each["change"] == pytest.approx([sign * (a - b) for a, b in zip(after, full, strict=True)], rel=1e-6)


def test_all_ways_in_chunks_can_be_judged(choosing):
    assert {f"adaptive {method}": method for method in ADAPTIVE} == choosing.CHUNKED
    assert choosing.BEST in choosing.CHOICES
