"""Bias against the documents, or sentences, that went on the way to a goal: curve.csv, and curve.svg for a look."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clif.showing.pictures import BLUE, GREY, RED, drawing, svg
from clif.showing.telling import done_until
from clif.storage.files import whole_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TABLE, PICTURE = "curve.csv", "curve.svg"
COLUMNS = ("predicted", "tokens", "realised", "ci95_low", "ci95_high", "p_value", "meets")


def write_curve(folder: Path, until: Mapping[str, Any], title: str) -> None:
    """Write both; the first column says how much was removed, and of what.

    What was not tried has empty cells from `tokens` on. The predicted T has all of its points.
    """
    counted = f"{until['unit']}s"
    tried = {trial[counted]: trial for trial in until["trials"]}
    rows = {point[counted]: dict(point) for point in until["predicted"]}
    for count, trial in tried.items():
        low, high = trial["realised_ci95"] or (None, None)
        rows[count] = {**trial, "ci95_low": low, "ci95_high": high}
    folder.mkdir(parents=True, exist_ok=True)
    with whole_file(folder / TABLE) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [counted, *COLUMNS], restval="", extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows[count] for count in sorted(rows))
    with whole_file(folder / PICTURE) as temporary:
        temporary.write_text(draw(until, title), encoding="utf-8")


def draw(until: Mapping[str, Any], title: str) -> str:
    """The predicted curve, and what came out with its interval; the number that was found is marked."""
    with drawing(6.4, 4.0) as figure:
        axes = figure.add_subplot()
        curve(axes, until)
        axes.set_title(title.replace("$", r"\$"), fontsize=9, loc="left")
        return svg(figure)


def curve(axes: Axes, until: Mapping[str, Any]) -> None:
    """Draw it."""
    points, trials, counted = until["predicted"], until["trials"], f"{until.get('unit', 'document')}s"
    axes.axhline(0, color="#bbbbbb", linewidth=0.8)
    axes.plot(
        [point[counted] for point in points],
        [point["predicted"] for point in points],
        color=GREY,
        label="predicted",
    )
    for colour, meets, label in ((RED, False, "retrained: goal not met"), (BLUE, True, "retrained: goal met")):
        mine = [trial for trial in trials if trial["meets"] is meets]
        ends = [trial["realised_ci95"] or (trial["realised"],) * 2 for trial in mine]
        if mine:
            axes.errorbar(
                [trial[counted] for trial in mine],
                [trial["realised"] for trial in mine],
                yerr=[
                    [trial["realised"] - low for trial, (low, _) in zip(mine, ends, strict=True)],
                    [high - trial["realised"] for trial, (_, high) in zip(mine, ends, strict=True)],
                ],
                fmt="o" if meets else "s",
                color=colour,
                label=f"{label} (95%)",
            )
    if until["reached"]:
        axes.axvline(until[counted], color=BLUE, linestyle=":", linewidth=1)
    axes.set_xlabel(done_until(until))
    axes.set_ylabel("bias")
    axes.legend(loc="best")
