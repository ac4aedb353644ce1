"""Pictures of the experiment: predicted against realised, and the points that matter for one test point."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clif.experiments.mog.clustering import CLASSES, draw_points
from clif.experiments.mog.comparing import COLUMNS, SOLVERS, Record, agreement
from clif.showing.pictures import BLUE, GREEN, GREY, ORANGE, RED, drawing, svg

if TYPE_CHECKING:
    from clif.experiments.mog import Settings

COLOURS = (BLUE, ORANGE, GREEN)
MARKED = 10
NAMES = {"exact": "exact Hessian", "cg": "conjugate gradients", "lissa": "LiSSA as released", "gradient": "gradient"}
TITLES = {"cross": "cross-loss", "matched": "matched losses"}


def draw(settings: Settings, smooth: dict[str, Record], procedure: dict[str, Record]) -> dict[str, str]:
    """Pictures of the first seed."""
    return {
        "smooth": _scatter(settings, smooth),
        "two-step": _scatter(settings, procedure),
        "clusters": _clusters(settings, smooth),
    }


def _scatter(settings: Settings, records: dict[str, Record]) -> str:
    """Predicted against realised change: a row a column of figures, a panel a solver; one test point of each class."""
    shown = [place * settings.tests for place in range(CLASSES)]
    with drawing(10.0, 5.4) as figure:
        panels = figure.subplots(len(COLUMNS), len(SOLVERS), squeeze=False)
        for row, column in zip(panels, COLUMNS, strict=True):
            record = records[column]
            for panel, solver in zip(row, SOLVERS, strict=True):
                for number, (test, colour) in enumerate(zip(shown, COLOURS, strict=True)):
                    predicted, realised = record["predicted"][solver][test], record["realised"][test]
                    panel.scatter(predicted, realised, s=7, color=colour, alpha=0.6, linewidths=0, label=f"{number}")
                if solver in ("exact", "cg"):
                    panel.axline((0.0, 0.0), slope=1.0, color=GREY, linewidth=0.8, zorder=0)
                panel.text(0.03, 0.93, f"Pearson {agreement(record, solver)['pearson']:.3f}", transform=panel.transAxes)
                panel.ticklabel_format(style="sci", scilimits=(-2, 3))
            row[0].set_ylabel(f"{TITLES[column]}\nrealised change")
        for panel, solver in zip(panels[0], SOLVERS, strict=True):
            panel.set_title(NAMES[solver], fontsize=9)
        panels[0, 0].legend(title="class of the test point", loc="lower right", fontsize=7, title_fontsize=7)
        for panel in panels[-1]:
            panel.set_xlabel("predicted change")
        return svg(figure)


def _clusters(settings: Settings, records: dict[str, Record]) -> str:
    """The points, and those whose removal changes the least likely test point most; a panel a column."""
    points, tests = draw_points(settings.points, settings.tests, settings.seed)
    test = int(np.argmin(records["cross"]["measured"]))
    with drawing(8.0, 5.0) as figure:
        for panel, column in zip(figure.subplots(1, len(COLUMNS)), COLUMNS, strict=True):
            predicted = np.array(records[column]["predicted"]["exact"][test])
            realised = np.array(records[column]["realised"][test])
            for number, colour in enumerate(COLOURS):
                x, y = points.at[points.classes == number].numpy().T
                panel.scatter(x, y, s=14, color=colour, alpha=0.6, linewidths=0)
            first = np.argsort(-np.abs(predicted))[:MARKED]
            for sign, marker, face, does in ((1, "^", "none", "raises"), (-1, "v", "black", "lowers")):
                x, y = points.at[first[np.sign(predicted[first]) == sign]].numpy().T
                label = f"its removal {does} the likelihood"
                panel.scatter(x, y, s=36, marker=marker, facecolors=face, edgecolors="black", label=label)
            panel.scatter(*tests.at[test].numpy(), s=130, marker="*", color=RED, label="test point", zorder=3)
            shared = len(set(first) & set(np.argsort(-np.abs(realised))[:MARKED]))
            panel.set_title(f"{TITLES[column]}: {shared} of these {len(first)} are the first {len(first)}", fontsize=9)
            panel.set_aspect("equal")
        figure.suptitle("points whose removal is predicted to change the likelihood of a test point most", fontsize=9)
        figure.legend(*panel.get_legend_handles_labels(), loc="outside lower center", ncols=3)
        return svg(figure)
