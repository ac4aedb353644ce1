"""From the order of documents to a choice: which are edited, which random ones beside them, and what is predicted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clif.corpus.change import Change
from clif.errors import UsageError
from clif.influence.groups import mean_crossing, mean_value, predict_mean
from clif.influence.problem import Problem
from clif.objectives import BiasObjective, definition
from clif.ranking import bias_of
from clif.retraining.asking import Order, Split
from clif.retraining.checking import ZERO
from clif.retraining.editors import Editor
from clif.retraining.edits import REMOVE, Edit
from clif.retraining.request import Request
from clif.run import Run

Problems = Sequence[Problem]


@dataclass(frozen=True, eq=False)
class Choice:
    """The documents, or sentences, that one test chose, the random ones beside them, and what is predicted of them.

    `split` names the test on the words that chose, `used`, and that on those that were held out, `held`, if any were.
    `value` is T of the ranked model, or its mean over an ensemble, and the predictions are changes of it: `predicted`
    by the method's way of predicting sets, `predicted_sum` by adding influences up, `predicted_held` on the held-out
    words.
    """

    split: Split
    used: BiasObjective
    held: BiasObjective | None
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
        """Both tests as plain values, with the plug-in of their kind if it is one's."""
        used, held = self.split
        return {"used": definition(used), "held_out": definition(held) if held else None}


def choose(
    run: Run,
    split: Split,
    used: Problems,
    held: Problems,
    order: Order,
    request: Request,
    editor: Editor,
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
    k = _how_many(request, half, used, order, editor, protected)
    edit = editor.choose(order.units, k, head=request.from_head, protected=protected)
    done = edit.change(run.corpus)
    value = mean_value(used)
    change = predict_mean(used, done) - value
    warnings = []
    if edit.kind == REMOVE and request.aim == "reduce" and order.crossing is not None and k > order.crossing:
        warnings.append(
            f"removing {k} documents goes beyond {order.crossing}, where the prediction crosses zero: "
            "expect the bias to turn round"
        )
    if (change * np.sign(value) > 0) == (request.aim == "reduce"):
        warnings.append(
            f"these {editor.units.name}s are predicted not to {request.aim} the bias, but to change it by {change:+.3g}"
        )
    numbers = range(half * request.controls, (half + 1) * request.controls)
    return Choice(
        split=split,
        used=bias_of(used[0]),
        held=bias_of(held[0]) if held else None,
        edit=edit,
        controls=[editor.random(edit, protected, run.settings.seed, number) for number in numbers],
        crossing=order.crossing,
        value=value,
        predicted=change,
        predicted_sum=None if order.influence is None else edit.added_up(run.corpus, order.influence),
        predicted_held=predict_mean(held, done) - mean_value(held) if held else None,
        warnings=warnings,
    )


def _how_many(
    request: Request, half: int, used: Problems, order: Order, editor: Editor, protected: NDArray[np.bool_]
) -> int:
    """How many are chosen. The number that the ranking gave for zero is taken where all of its documents may go."""
    k = order.needed or request.number
    if k is not None:
        return k
    free = order.units[~protected[editor.units.document[order.units]]]
    if request.aim == "reduce":
        whole = len(free) == len(order.units) and request.edit == REMOVE
        k = order.crossing if whole and order.crossing else mean_crossing(used, free, *_edits(request, editor, free))
    if k is None:
        of = f", half {half + 1}," if request.halves > 1 else ""
        what = "removals" if not request.weight else f"documents that count for {request.weight:g}"
        raise UsageError(
            f"no number of {what} is predicted to bring {bias_of(used[0]).coverage.test.name}{of} to zero",
            where=f"--remove-top-k {ZERO}",
            next="Give a number of documents, or rank by another method or measure.",
        )
    return k if order.limits is None else order.limits.whole(order.units, k)


def _edits(
    request: Request, editor: Editor, free: NDArray[np.int64]
) -> tuple[int, Callable[[NDArray[np.int64]], Change] | None]:
    """The most that may be edited, and how, if it is not the removal of documents."""
    if request.edit == REMOVE:
        return len(free), None
    stays = 0 if editor.whole or len(free) < len(editor.units) else 1
    return len(free) - stays, lambda chosen: editor.make(chosen).change(editor.corpus)
