"""A verification in a notebook or at a prompt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from clif.showing.charts import scatter
from clif.showing.views import Block, Line, Table, View, number, warnings
from clif.verification.files import tests_of

if TYPE_CHECKING:
    from clif.verification import VerifyResult

CHOSEN, RANDOM = ("reduce", "increase"), ("random", "share")


def view_of(result: VerifyResult) -> View:
    """Methods side by side for each test, and predicted against realised changes by the first."""
    values = result.values
    digits = 2 if values["measure"] == "effect_size" else 4
    blocks: list[Block] = warnings(values["warnings"])  # type: ignore[assignment]
    for test, found in tests_of(values):
        blocks += _of_test(test, found, values, digits)
    blocks += [Line(f"Gate {gate['gate']}, {gate['test']}: {_judged(gate)}.") for gate in result.gates]
    blocks.append(Line(f"Result, table and picture: {result.folder}", note=True))
    runs = f"{values['runs']} run{'s' * (values['runs'] > 1)} of each set"
    return View(f"Predicted against realised: {', '.join(test for test, _ in tests_of(values))}; {runs}", blocks)


def _of_test(test: str, found: Mapping[str, Any], values: dict[str, Any], digits: int) -> list[Block]:
    methods = {values["method"]: found, **found["methods"]}
    rows = [
        [
            name,
            number(each["targeted"]["pearson"], 3),
            number(each["targeted"]["slope"]),
            number(each["targeted"]["rms"], digits + 1),
            number(each["random"]["pearson"], 3),
            ", ".join(number(score["spearman"]) for score in _list(each["lds"])) or "-",
        ]
        for name, each in methods.items()
    ]
    columns = ["method", "pearson", "slope", "rms error", "pearson, random", "LDS"]
    title = f"{test}: {found['targeted']['points']} chosen sets, {found['random']['points']} random ones"
    detectable = found["detectable"]["change"]
    smallest = "One run cannot be told from noise; give seeds=2 at the least."
    if detectable is not None:
        smallest = f"Smallest change that these retrainings can detect: {number(detectable, digits)}."
    sets = found["sets"]
    return [
        Table(columns, rows, title=title),
        scatter(*([(one["predicted"], one["realised"]) for one in sets if one["kind"] in kinds
                   and None not in (one["predicted"], one["realised"])] for kinds in (CHOSEN, RANDOM))),
        Line(smallest, note=True),
    ]  # fmt: skip


def _judged(gate: dict[str, Any]) -> str:
    said = ", ".join("not measured" if value is None else f"{value:.3g}" for value in gate["values"])
    return f"{said}, {'passed' if gate['passed'] else 'NOT passed'}"


def _list(scores: Any) -> list[dict[str, Any]]:
    return scores if isinstance(scores, list) else [scores] if scores else []
