"""The picture: how well every relaxation agrees with retraining, from near to far within each gap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from clif.showing.pictures import COLOURS, GREY, drawing, svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Row = Mapping[str, Any]
ACCEPTED = 0.99  # Pearson's correlation that theory has to reach where it holds
PEARSONS = (0.0, 0.9, 0.99, 0.999, 0.9999, 0.99999)  # that are marked
APART = {"pearson": (1.5, 3e-6), "slope": (-0.5, 3.5)}  # ends of the axes; what lies outside is an arrow at the edge


def draw(rows: Sequence[Row]) -> str:
    """An SVG of the rows of one measure: a line a relaxation, a colour a corpus, with 95% intervals over sets.

    The axis of Pearson's correlation r is logarithmic in 1 - r, so that .99 and .9999 are told apart.
    """
    names = list(dict.fromkeys((row["gap"], row["relaxation"]) for row in rows))
    corpora = list(dict.fromkeys(row["corpus"] for row in rows))
    with drawing(9.5, 1.2 + 0.3 * len(names)) as figure:
        axes = figure.subplots(1, 2, sharey=True)
        for axis, column in zip(axes, APART, strict=True):
            for row in rows:
                number = corpora.index(row["corpus"])
                y = names.index((row["gap"], row["relaxation"])) + 0.22 * (number - (len(corpora) - 1) / 2)
                _point(axis, column, row, y, COLOURS[number])
            for first in (n for n in range(1, len(names)) if names[n][0] != names[n - 1][0]):
                axis.axhline(first - 0.5, color="#cccccc", linewidth=0.6)
        pearson, slope = axes
        pearson.set_xscale("log")
        pearson.set_xlim(*APART["pearson"])
        pearson.set_xticks([1 - r for r in PEARSONS], [f"{r:g}" for r in PEARSONS])
        pearson.minorticks_off()
        pearson.axvline(1 - ACCEPTED, color=GREY, linewidth=1, linestyle="--")
        pearson.set_xlabel("Pearson correlation of predicted and realised changes")
        pearson.set_yticks(range(len(names)), [f"{gap}:  {name}" for gap, name in names])
        pearson.set_ylim(len(names) - 0.4, -0.6)
        slope.set_xlim(*APART["slope"])
        slope.axvline(1.0, color=GREY, linewidth=1, linestyle="--")
        slope.set_xlabel("slope, realised on predicted")
        figure.suptitle("Random sets, difference of means: each block gives up one assumption, downwards by more")
        handles, labels = pearson.get_legend_handles_labels()
        shown = dict(zip(labels, handles, strict=True))
        figure.legend(shown.values(), shown.keys(), loc="outside lower center", ncols=len(shown))
        return svg(figure)


def _point(axis: Axes, column: str, row: Row, y: float, colour: str) -> None:
    """One figure with its interval."""
    if row[column] is None:
        return
    low, high = sorted(APART[column])
    at, *ends = (1 - row[name] if column == "pearson" else row[name] for name in _with_ends(column, row))
    outside = not low <= at <= high
    arrow = ">" if (at > high) == (APART[column][1] == high) else "<"
    axis.plot([min(max(end, low), high) for end in ends], [y] * len(ends), color=colour, linewidth=1.2)
    axis.plot(
        [min(max(at, low), high)], [y], arrow if outside else "o", color=colour, markersize=4, label=row["corpus"]
    )


def _with_ends(column: str, row: Row) -> list[str]:
    return [column, *(name for name in (f"{column}_low", f"{column}_high") if row[name] is not None)]
