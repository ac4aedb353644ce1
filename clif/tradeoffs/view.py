"""A trade-off in a notebook or at a prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clif.showing.views import Line, Table, View, number, warnings
from clif.tradeoffs.picture import useful

if TYPE_CHECKING:
    from clif.tradeoffs import TradeoffResult

FRONT = "Front: no other row has less bias and a higher rank correlation with WordSim-353."
UNKNOWN = "Usefulness is not known: too few pairs of WordSim-353, and no analogies, are in the vocabulary."


def view_of(result: TradeoffResult) -> View:
    """A row a policy and share: what it removes, the bias and the usefulness that are left."""
    values = result.values
    digits = 2 if values["measure"] == "effect_size" else 4
    rows = [
        [
            point["policy"],
            "-" if point["share"] is None else f"{point['token_share']:.1%}",
            "-" if point["share"] is None else f"{point['documents']:,.0f}",
            _cell(point["bias"], digits, sign=True),
            _cell(point["quality"], 3),
            _cell(point["analogies"], 3),
            {True: "yes", False: "", None: "-"}[point["front"]],
        ]
        for point in values["points"]
    ]
    columns = ["policy", "tokens", "documents", "bias (sd)", "WordSim-353 (sd)", "analogies (sd)", "front"]
    measure, seeds = values["measure"].replace("_", " "), len(values["seeds"])
    note = FRONT if useful(values) else UNKNOWN
    return View(
        f"{values['test']}: {measure} against usefulness, {seeds} seed{'s' * (seeds > 1)}",
        [*warnings(values["warnings"]), Table(columns, rows), Line(note, note=True)],
    )


def _cell(sample: dict[str, Any], digits: int, sign: bool = False) -> str:
    spread = "" if sample["sd"] is None else f" ({sample['sd']:.{digits}f})"
    return number(sample["mean"], digits, sign) + spread
