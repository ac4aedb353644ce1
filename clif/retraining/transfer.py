"""Transfer: how much of the change on the words that chose the documents comes about on words that did not.

With changes of T (after minus before) u_hr on the used words of half h in the training of seed r, and v_hr on its
held-out words,

    transfer = (mean of v over halves and seeds) / (mean of u over halves and seeds)

1: the held-out words change as much; 0: not at all. A ratio of means, not a mean of ratios: a half whose used words
hardly change has a ratio without bounds, and would decide the mean alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clif.objectives import SETS
from clif.retraining.choosing import Choice
from clif.retraining.edits import AMPLIFY, REMOVE
from clif.retraining.holdout import HOLDOUTS
from clif.retraining.planning import Plan
from clif.retraining.readings import Readings, sample_of
from clif.run import Run

RESAMPLES = 10_000
LEVEL = 0.95

Values = NDArray[np.float64]


def transfer_ratio(used: Values, held: Values) -> float | None:
    """Transfer from changes (halves, seeds) on the used and on the held-out words; None if the used do not change."""
    below = float(used.mean())
    return float(held.mean()) / below if below else None


def transfer_interval(used: Values, held: Values, seed: int) -> tuple[float, float] | None:
    """95% interval of the transfer by a percentile bootstrap over halves and seeds, from changes (halves, seeds).

    A resample draws as many halves and as many seeds, with replacement and independently of each other, as every seed
    trains every half and what it does is common to them (Owen 2007, "The pigeonhole bootstrap"). Of one half it draws
    seeds alone: the interval then says nothing about other words. None for one half of one seed, and where the mean
    change on the used words is zero or has the other sign in more than 2.5% of the resamples, so that the ratio has no
    bounds. The draws depend on `seed` alone.

    Few halves make it too narrow. Where half of the words moves a third more or less than another, and with three
    seeds, it held the true ratio in .70, .84 and .90 of 1,000 simulations with 2, 4 and 8 independent halves, and in
    .87, .96 and .98 with complementary ones, between whose resamples less cancels than between themselves.
    """
    halves, seeds = used.shape
    if used.size < 2:
        return None
    rng = np.random.default_rng(seed)
    h = rng.integers(halves, size=(RESAMPLES, halves, 1))
    r = rng.integers(seeds, size=(RESAMPLES, 1, seeds))
    below, above = used[h, r].mean((1, 2)), held[h, r].mean((1, 2))
    if (np.sign(below) != np.sign(used.mean())).mean() > (1 - LEVEL) / 2 or not below.all():
        return None
    low, high = np.quantile(above / below, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def interval_over(halves: int, seeds: int) -> str | None:
    """What the interval is taken over, in words; None where one run says nothing."""
    if halves * seeds < 2:
        return None
    if halves == 1:
        return f"percentile bootstrap over {seeds} seeds only: one half says nothing about other words"
    return f"percentile bootstrap over {halves} halves and {seeds} seed{'s' * (seeds > 1)}"


_KINDS: dict[str, float | None] = dict.fromkeys(HOLDOUTS)
NO_TRANSFER: dict[str, Any] = {
    "held_out": None,
    "transfer": _KINDS,
    "transfer_ci95": None,
    "transfer_ci95_over": None,
    "transfer_controls": None,
    "predicted_transfer": None,
    "halves": [],
}


def transfer_report(run: Run, plan: Plan, used: Readings, held: Readings) -> dict[str, Any]:
    """The transfer, its interval, what chance does to the held-out words, and each half, as plain values.

    In what is pooled over halves, those of `Plan.signs` are turned round; in what is said of a half, it is as it is.
    """
    u, v = used.turned(plan.signs), held.turned(plan.signs)
    foreseen = [float(np.dot(plan.signs, values)) / len(plan.choices) for values in _predictions(plan.choices)]
    return {
        "held_out": {**v.to_dict(), "predicted": foreseen[1], "p_value": v.p_value()},
        "transfer": {**_KINDS, plan.about["holdout_words"]: transfer_ratio(u.change, v.change)},
        "transfer_ci95": transfer_interval(u.change, v.change, plan.seeds[0]),
        "transfer_ci95_over": interval_over(len(plan.choices), len(plan.seeds)),
        "transfer_controls": {**sample_of(v.change_by_chance).to_dict(), "p_value": v.p_value()},
        "predicted_transfer": foreseen[1] / foreseen[0] if foreseen[0] else None,
        "halves": [
            _half(run, choice, number, sign < 0, used.of(number), held.of(number))
            for number, (choice, sign) in enumerate(zip(plan.choices, plan.signs, strict=True))
        ],
    }


def _predictions(choices: Sequence[Choice]) -> tuple[list[float], list[float]]:
    """Predicted changes on the used and on the held-out words, by half."""
    return [choice.predicted for choice in choices], [choice.predicted_held or 0.0 for choice in choices]


def _half(run: Run, choice: Choice, number: int, turned: bool, used: Readings, held: Readings) -> dict[str, Any]:
    kind, k = choice.edit.kind, choice.edit.size
    return {
        "half": number + 1,
        "words": {part: {key: test[key] for key in SETS} for part, test in choice.definitions().items()},
        "edited": k,
        "removed": k if kind == REMOVE else 0,
        "amplified": k if kind == AMPLIFY else 0,
        "tokens": choice.edit.tokens(run.corpus),
        "zero_crossing": choice.crossing,
        "value": choice.value,
        "turned": turned,
        "used": {**used.to_dict(), "predicted": choice.predicted, "p_value": used.p_value()},
        "held_out": {**held.to_dict(), "predicted": choice.predicted_held, "p_value": held.p_value()},
        "documents": [run.corpus.doc_ids[z] for z in choice.edit.documents],
    }
