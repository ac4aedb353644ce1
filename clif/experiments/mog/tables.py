"""Figures and tables of the experiment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from clif.experiments.mog.clustering import draw_points
from clif.experiments.mog.comparing import AGREEMENT, COLUMNS, SOLVERS, Record, agreement

if TYPE_CHECKING:
    from clif.experiments.mog import Settings

Figures = dict[str, Any]
Row = dict[str, Any]
# The retrainings that each column of predictions is held against, as the tables call them.
SETTINGS = {"smooth": COLUMNS, "two-step": (*COLUMNS, "released")}


def figures_of(smooth: Sequence[dict[str, Record]], procedure: Sequence[dict[str, Record]]) -> Figures:
    """Agreement by column and solver, a value a seed; that of the released procedure under `two_step`."""
    figures: Figures = {column: _column([each[column] for each in smooth]) for column in SETTINGS["smooth"]}
    figures["two_step"] = {column: _column([each[column] for each in procedure]) for column in SETTINGS["two-step"]}
    for column in COLUMNS:
        figures[column]["gradient_left"] = [each[column]["gradient"] for each in smooth]
    return figures


def _column(records: Sequence[Record]) -> Figures:
    column: Figures = {}
    for solver in SOLVERS:
        found = [agreement(record, solver) for record in records]
        column[solver] = {name: [each[name] for each in found] for name in AGREEMENT}
        column[solver]["residual"] = [record["residual"][solver] for record in records]
    column["accuracy"] = [record["accuracy"] for record in records]
    column["largest_change"] = [float(np.abs(record["realised"]).max()) for record in records]
    return column


def _each(figures: Figures) -> Iterator[tuple[str, str, str, Figures]]:
    for setting, columns in SETTINGS.items():
        home = figures if setting == "smooth" else figures["two_step"]
        for column in columns:
            for solver in SOLVERS:
                yield setting, column, solver, home[column][solver]


def agreement_rows(figures: Figures) -> list[Row]:
    """Mean over seeds, with deviation and the lowest."""
    return [
        {
            "setting": setting,
            "column": column,
            "solver": solver,
            "pearson": float(np.mean(found["pearson"])),
            "sd": float(np.std(found["pearson"])),
            "lowest": min(found["pearson"]),
            "spearman": float(np.mean(found["spearman"])),
            "slope": f"{np.mean(found['slope']):.3g}",
        }
        for setting, column, solver, found in _each(figures)
    ]


def seed_rows(figures: Figures, seeds: Sequence[int]) -> list[Row]:
    """The same, seed by seed."""
    return [
        {
            "setting": setting,
            "column": column,
            "solver": solver,
            "seed": seed,
            **{name: found[name][place] for name in (*AGREEMENT, "residual")},
        }
        for setting, column, solver, found in _each(figures)
        for place, seed in enumerate(seeds)
    ]


def removal_rows(settings: Settings, records: dict[str, Record]) -> list[Row]:
    """Predicted by the exact solver and realised for every removal and test point of the first seed, smooth setting."""
    points, tests = draw_points(settings.points, settings.tests, settings.seed)
    return [
        {
            "column": column,
            "test": test,
            "test_class": int(tests.classes[test]),
            "point": point,
            "x": float(points.at[point, 0]),
            "y": float(points.at[point, 1]),
            "class": int(points.classes[point]),
            "predicted": record["predicted"]["exact"][test][point],
            "realised": record["realised"][test][point],
        }
        for column, record in records.items()
        for test in range(len(tests))
        for point in range(len(points))
    ]
