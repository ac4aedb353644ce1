"""A picture of predicted against realised changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from clif.showing.pictures import BLUE, GREY, RED, drawing, svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

KINDS = {
    "subset": ("#cccccc", "random subsets"),
    "share": (GREY, "random"),
    "random": (GREY, "random"),
    "increase": (RED, "chosen to increase"),
    "reduce": (BLUE, "chosen to reduce"),
}
# Shapes say what colours say.
MARKS = {"subset": ".", "share": "o", "random": "o", "increase": "^", "reduce": "v"}


def draw(found: Mapping[str, Any], title: str) -> str:
    """A scatter of the sets of one test and method, with error bars, and the line on which predictions come true."""
    with drawing(5.6, 5.6) as figure:
        axes = figure.add_subplot(aspect="equal", adjustable="datalim")
        scatter(axes, found["sets"])
        axes.set_title(title.replace("$", r"\$"), fontsize=9, loc="left")
        return svg(figure)


def scatter(axes: Axes, sets: list[Mapping[str, Any]]) -> None:
    """Draw sets, each with `kind`, `predicted`, `realised` and `half_width` of its error bar (None: without)."""
    axes.axline((0, 0), slope=1, color="#999999", linestyle="--", linewidth=1)
    axes.axhline(0, color="#bbbbbb", linewidth=0.8)
    axes.axvline(0, color="#bbbbbb", linewidth=0.8)
    named = set()
    for kind, (colour, name) in KINDS.items():
        mine = [one for one in sets if one["kind"] == kind]
        if not mine:
            continue
        axes.errorbar(
            [one["predicted"] for one in mine],
            [one["realised"] for one in mine],
            xerr=[0.0 if kind == "subset" else one["half_width"] or 0.0 for one in mine],
            fmt=MARKS[kind],
            markersize=4.5,
            alpha=0.8,
            color=colour,
            ecolor=(colour, 0.4),
            elinewidth=1,
            label=None if name in named else name,
        )
        named.add(name)
    axes.set_xlabel("predicted")
    axes.set_ylabel("realised")
    axes.legend(loc="best")
