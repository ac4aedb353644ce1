"""The picture: at how many k adaptive wins, and how much further it goes, by corpus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from clif.showing.pictures import COLOURS, GREY, drawing, svg

Row = Mapping[str, Any]


def draw(rows: Sequence[Row], rates: Sequence[Row]) -> str:
    """An SVG with a column a corpus: above the winning rate at each k, below the gain of each case, by measure.

    The gain is in percent of the change that greedy has brought at that k.
    """
    corpora = list(dict.fromkeys(row["corpus"] for row in rows))
    measures = list(dict.fromkeys(row["measure"] for row in rows))
    with drawing(1.0 + 4.0 * len(corpora), 5.0) as figure:
        axes = figure.subplots(2, len(corpora), squeeze=False, sharex=True, height_ratios=(1, 2))
        for corpus, (above, below) in zip(corpora, axes.T, strict=True):
            mine = [row for row in rates if row["corpus"] == corpus]
            above.plot([row["k"] for row in mine], [100 * row["winning_rate"] for row in mine], ".-", color=GREY)
            above.axhline(50, color=GREY, linewidth=1, linestyle="--")
            above.set_ylim(-5, 105)
            above.set_title(f"{corpus}, {mine[0]['cases']} cases")
            cases: dict[tuple[str, str, int], list[Row]] = {}
            for row in (row for row in rows if row["corpus"] == corpus):
                cases.setdefault((row["measure"], row["test"], row["seed"]), []).append(row)
            for (measure, _, _), line in cases.items():
                gains = [100 * row["gain"] / abs(row["greedy"]) for row in line]
                colour = COLOURS[measures.index(measure)]
                below.plot(
                    [row["k"] for row in line], gains, ".-", color=colour, linewidth=1, markersize=3, label=measure
                )
            below.axhline(0, color=GREY, linewidth=1, linestyle="--")
            below.set_xlabel("documents removed, k")
        axes[0, 0].set_ylabel("wins, %")
        axes[1, 0].set_ylabel("gain, % of greedy's change")
        figure.suptitle("Adaptive against greedy selection, judged by minimising again")
        handles, labels = axes[1, 0].get_legend_handles_labels()
        shown = {label.replace("_", " "): handle for label, handle in zip(labels, handles, strict=True)}
        figure.legend(shown.values(), shown.keys(), loc="outside lower center", ncols=len(shown))
        return svg(figure)
