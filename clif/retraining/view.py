"""A retraining in a notebook or at a prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clif.showing.charts import strip
from clif.showing.telling import done_to, may_change, what_was_edited
from clif.showing.views import Block, Line, Table, View, number, warnings

if TYPE_CHECKING:
    from clif.retraining import RetrainResult

OTHERS = 4  # other tests that are shown


def view_of(result: RetrainResult) -> View:
    """Before, after and random sets; predicted beside realised; what it did to usefulness and other tests."""
    values = result.values
    digits = 2 if values["measure"] == "effect_size" else 4
    measure, verb = values["measure"].replace("_", " "), done_to(values)
    labels = {"before": "before", "after": f"{verb} by {values['method']}", "controls": f"{verb} at random"}
    rows = [[label, *_cells(values[name], digits)] for name, label in labels.items()]
    short = {"before": "before", "after": "after", "controls": "at random"}
    blocks: list[Block] = [
        *warnings(values["warnings"]),
        strip({label: values[name]["runs"] for name, label in short.items()}, measure),
        Table([measure, "mean", "sd", "95% interval", "runs"], rows),
        Line(_change(values, digits)),
    ]
    blocks += [
        Line(f"Kept: {kept['name']} ({may_change(kept)}): realised {number(kept.get('realised'), 3, sign=True)}.")
        for kept in values["kept"]
    ]
    transfer = {name: number(value) for name, value in (values["transfer"] or {}).items() if value is not None}
    if transfer:
        told = ", ".join(f"{name} {value}" for name, value in transfer.items())
        blocks.append(Line(f"Transfer to held-out words: {told}."))
    others = _others(values)
    blocks += [*([others] if others.rows else []), Line(f"Edited corpus and result: {result.folder}", note=True)]
    return View(f"{values['test']}: {what_was_edited(values)}", blocks)


def _change(values: dict[str, Any], digits: int) -> str:
    interval = values["realised_ci95"]
    realised = f"{values['realised']:+.{digits}f}"
    realised += f" (95% interval {interval[0]:+.{digits}f} to {interval[1]:+.{digits}f})" if interval else ""
    against = (
        "too few random sets for a p-value"
        if values["p_value"] is None
        else f"p = {values['p_value']:.2g} against random sets"
    )
    return f"Change: predicted {number(values['predicted'], digits, sign=True)}, realised {realised}; {against}."


def _cells(sample: dict[str, Any], digits: int) -> list[str]:
    interval = sample["ci95"]
    ends = f"{interval[0]:+.{digits}f} to {interval[1]:+.{digits}f}" if interval else "-"
    return [
        number(sample["mean"], digits, sign=True), number(sample["sd"], digits), ends, str(len(sample["runs"]))
    ]  # fmt: skip


def _others(values: dict[str, Any]) -> Table:
    """Word similarity, and the other tests that moved most."""

    def row(name: str, found: dict[str, Any], digits: int) -> list[str]:
        return [name, *(number(found[group]["mean"], digits, sign=True) for group in ("before", "after", "controls"))]

    others = {name: found for name, found in values["tests"].items() if name != values["test"]}
    moved = sorted(others, key=lambda name: -abs(others[name]["realised"] or 0.0))[:OTHERS]
    rows = [row(name, others[name], 2) for name in moved]
    quality = values["quality"]
    if quality["before"]["mean"] is not None:
        rows.append(row(f"WordSim-353 ({quality['pairs']} pairs)", quality, 3))
    return Table(["what else", "before", "after", "random"], rows)
