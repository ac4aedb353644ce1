"""From the order of documents to a choice: which are edited, which random ones beside them, and what is predicted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clif.errors import UsageError
from clif.influence.groups import mean_crossing, mean_value, predict_mean
from clif.influence.problem import Problem
from clif.objectives import WEAT
from clif.ranking import weat_of
from clif.retraining.asking import Order, Split
from clif.retraining.edits import Edit, choose_edit, random_edit
from clif.retraining.request import ZERO, Request
from clif.run import Run

Problems = Sequence[Problem]


@dataclass(frozen=True, eq=False)
class Choice:
    """The documents that one test chose, the random ones beside them, and what is predicted of them.

    `split` names the test on the words that chose, `used`, and that on those that were held out, `held`, if any were.
    `value` is T of the ranked model, or its mean over an ensemble, and the predictions are changes of it: `predicted`
    by the method's way of predicting sets, `predicted_sum` by adding influences up, `predicted_held` on the held-out
    words.
    """

    split: Split
    used: WEAT
    held: WEAT | None
    edit: Edit
    controls: list[Edit]
    crossing: int | None
    value: float
    predicted: float
    predicted_sum: float | None
    predicted_held: float | None
    warnings: list[str]

    @property
    def edits(self) -> list[Edit]:
        """The chosen documents first, then the random sets."""
        return [self.edit, *self.controls]

    def definitions(self) -> dict[str, Any]:
        """Both tests as plain values."""
        used, held = self.split
        return {"used": used.to_dict(), "held_out": held.to_dict() if held else None}


def choose(
    run: Run,
    split: Split,
    used: Problems,
    held: Problems,
    order: Order,
    request: Request,
    protected: NDArray[np.bool_],
    half: int = 0,
) -> Choice:
    """Choose the documents of one test; each `half`, counted from 0, draws random sets of its own.

    A prediction for the held-out words is made by the same method as that for the used words, but on a problem of
    their own: a step of `block` or `source` moves only the vectors of the words of its own test.

    Raises
    ------
    UsageError
        There are not that many documents, or no number is predicted to bring the bias to zero.

    """
    copies, k = _how_many(request, half, used, order, protected)
    edit = choose_edit(order.documents, k, copies=copies, goal=request.aim, protected=protected)
    times = edit.times(run.corpus)
    value = mean_value(used)
    change = predict_mean(used, times) - value
    warnings = []
    if copies == 0 and request.aim == "reduce" and order.crossing is not None and k > order.crossing:
        warnings.append(
            f"removing {k} documents goes beyond {order.crossing}, where the prediction crosses zero: "
            "expect the bias to turn round"
        )
    if (change * np.sign(value) > 0) == (request.aim == "reduce"):
        warnings.append(
            f"these documents are predicted not to {request.aim} the bias, but to change it by {change:+.3g}"
        )
    numbers = range(half * request.controls, (half + 1) * request.controls)
    return Choice(
        split=split,
        used=weat_of(used[0]),
        held=weat_of(held[0]) if held else None,
        edit=edit,
        controls=[random_edit(run.corpus, edit, protected, run.settings.seed, number) for number in numbers],
        crossing=order.crossing,
        value=value,
        predicted=change,
        predicted_sum=None if order.influence is None else float(times @ order.influence),
        predicted_held=predict_mean(held, times) - mean_value(held) if held else None,
        warnings=warnings,
    )


def _how_many(
    request: Request, half: int, used: Problems, order: Order, protected: NDArray[np.bool_]
) -> tuple[int, int]:
    """How often the chosen documents shall stand in the edited corpus, and how many are chosen.

    The number that the ranking gave for zero is taken where all of its documents may go.
    """
    if order.needed is not None:
        return 0, order.needed
    if request.amplify is not None:
        return 1 + request.copies, request.amplify
    if request.remove != ZERO:
        return 0, int(request.remove or 0)
    free = order.documents[~protected[order.documents]]
    k = None
    if request.aim == "reduce":
        whole = len(free) == len(order.documents)
        k = order.crossing if whole and order.crossing else mean_crossing(used, free, len(free))
    if k is None:
        of = f", half {half + 1}," if request.halves > 1 else ""
        raise UsageError(
            f"no number of removals is predicted to bring {weat_of(used[0]).coverage.test.name}{of} to zero",
            where=f"--remove-top-k {ZERO}",
            next="Give a number of documents, or rank by another method or measure.",
        )
    return 0, k if order.limits is None else order.limits.whole(order.documents, k)
