"""A trade-off in a notebook or at a prompt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from clif.showing.telling import DIGITS
from clif.showing.views import Line, Table, View, number, warnings
from clif.tradeoffs.picture import useful

if TYPE_CHECKING:
    from clif.tradeoffs import TradeoffResult

FRONT = "Front: no other row has less bias and a higher rank correlation with WordSim-353."
UNKNOWN = "Usefulness is not known: too few pairs of WordSim-353, and no analogies, are in the vocabulary."


def view_of(result: TradeoffResult) -> View:
    """A row a policy and share: what it removes, the bias and the usefulness that are left."""
    values = result.values
    columns, rows = table_of(values)
    measure, seeds = values["measure"].replace("_", " "), len(values["seeds"])
    note = FRONT if useful(values) else UNKNOWN
    return View(
        f"{values['test']}: {measure} against usefulness, {seeds} seed{'s' * (seeds > 1)}",
        [*warnings(values["warnings"]), Table(columns, rows), Line(note, note=True)],
    )


def table_of(values: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Columns and rows, with what else was to be kept."""
    digits = DIGITS.get(values["measure"], 4)
    rows = [
        [
            point["policy"],
            "-" if point["share"] is None else f"{point['token_share']:.1%}",
            "-" if point["share"] is None else f"{point['documents']:,.0f}",
            _cell(point["bias"], digits, sign=True),
            _cell(point["quality"], 3),
            _cell(point["analogies"], 3),
            *(_cell(sample, DIGITS.get(name.partition(":")[0], 3)) for name, sample in point.get("kept", {}).items()),
            {True: "yes", False: "", None: "-"}[point["front"]],
        ]
        for point in values["points"]
    ]
    kept = [f"{name} (sd)" for name in values["points"][0].get("kept", {})]
    return ["policy", "tokens", "docs", "bias (sd)", "WordSim (sd)", "analogies (sd)", *kept, "front"], rows


def _cell(sample: dict[str, Any], digits: int, sign: bool = False) -> str:
    spread = "" if sample["sd"] is None else f" ({sample['sd']:.{digits}f})"
    return number(sample["mean"], digits, sign) + spread
