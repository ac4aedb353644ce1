"""Pictures: agreement by depth under every procedure, and predicted against realised changes of the base cells."""

from __future__ import annotations

from typing import Any

import numpy as np

from clif.experiments.fragility.measuring import RETRAINING
from clif.experiments.fragility.procedures import PROCEDURES, REFERENCE
from clif.experiments.fragility.tables import NAMES, Results
from clif.showing.pictures import BLUE, GREY, ORANGE, drawing, svg

REACH = 1.5  # of the picture of points, in units of the largest change that a test loss really makes


def draw(results: Results) -> dict[str, str]:
    """Both pictures."""
    return {"depth": _depth(results), "base": _base(results)}


def _panels(figure: Any, results: Results) -> Any:
    return figure.subplots(len(results.settings.data), len(PROCEDURES), sharex="row", sharey=True, squeeze=False)


def _depth(results: Results) -> str:
    with drawing(12.5, 2.6 * len(results.settings.data) + 0.7) as figure:
        panels = _panels(figure, results)
        for data, row in zip(results.settings.data, panels, strict=True):
            for procedure, axes in zip(PROCEDURES, row, strict=True):
                lines = [(results.settings.decay, "exact", BLUE, "-"), (0.0, "exact", ORANGE, "-")]
                if procedure != REFERENCE:
                    lines.insert(0, (results.settings.decay, RETRAINING, GREY, "--"))
                for decay, estimate, colour, style in lines:
                    _line(axes, results, data, decay, procedure, estimate, colour, style)
                axes.axhline(0, color="#999999", linewidth=0.6)
                axes.set_ylim(-0.45, 1.05)
                axes.set_xticks([cell.depth for cell in results.plane(data, 0.0)])
                if data == results.settings.data[0]:
                    axes.set_title(results.settings.effort.about(procedure).replace(", ", ",\n", 1), fontsize=9)
                if data == results.settings.data[-1]:
                    axes.set_xlabel("hidden layers")
            row[0].set_ylabel(f"{NAMES[data]}\nSpearman")
        handles, labels = panels[0][-1].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3)
        return svg(figure)


def _line(
    axes: Any, results: Results, data: str, decay: float, procedure: str, estimate: str, colour: str, style: str
) -> None:
    cells = results.plane(data, decay)
    shown = [(cell.depth, results.row(cell, procedure, 1, estimate)) for cell in cells]
    shown = [(depth, row) for depth, row in shown if row["spearman"] is not None]
    depths = [depth for depth, _ in shown]
    low, middle, high = ([row[key] for _, row in shown] for key in ("spearman_low", "spearman", "spearman_high"))
    label = f"influence, decay {decay:g}" if decay else "influence, no decay"
    if estimate == RETRAINING:
        label = f"converged retraining in the place of influence, decay {decay:g}"
    axes.plot(depths, middle, style, color=colour, marker="o", markersize=3, label=label)
    if estimate != RETRAINING:
        axes.fill_between(depths, low, high, color=colour, alpha=0.15, linewidth=0)


def _base(results: Results) -> str:
    with drawing(12.5, 2.6 * len(results.settings.data) + 0.5) as figure:
        panels = _panels(figure, results)
        for data, row in zip(results.settings.data, panels, strict=True):
            cell = results.base(data)
            points = results.measured[cell]["points"]
            # Each test loss in units of its own largest change, so that all of them show in one panel.
            unit = np.abs(np.array(points["realised"][REFERENCE])).max(1, keepdims=True)
            unit = np.where(unit > 0, unit, 1.0)
            for procedure, axes in zip(PROCEDURES, row, strict=True):
                x, y = np.array(points["predicted"]) / unit, np.array(points["realised"][procedure]) / unit
                axes.plot([-REACH, REACH], [-REACH, REACH], color="#999999", linewidth=0.6)
                axes.plot(x.clip(-REACH, REACH).ravel(), y.clip(-REACH, REACH).ravel(), ".", color=BLUE,
                          markersize=3, alpha=0.5, markeredgewidth=0)  # fmt: skip
                found = results.spearman(cell, procedure)
                shown = f"{found:.2f}" if found is not None else "undefined"
                axes.text(0.04, 0.93, f"median Spearman {shown}", transform=axes.transAxes, fontsize=8)
                if data == results.settings.data[0]:
                    axes.set_title(results.settings.effort.about(procedure).replace(", ", ",\n", 1), fontsize=9)
                if data == results.settings.data[-1]:
                    axes.set_xlabel("predicted change\n(largest converged change: 1)")
            row[0].set_ylabel(f"{NAMES[data]}, depth {cell.depth}\nrealised change")
        return svg(figure)
