"""Is influence fragile in deep networks, or is the check?

Basu, Pope and Feizi 2021 held influence against retraining in deep and wide networks and found it erroneous, most of
all without weight decay. Epifano, Ramachandran, Masino and Rasool 2023 did it again and suspected the way of checking.
Here both are factors of one grid. In every cell (data set, depth, width, decay, activation) networks are trained, every
training point is left out in turn, and the change of several test losses is

    predicted    by the exact Hessian of the objective that was trained, decay included (see `estimates`)
    realised     by six ways of retraining, of which only the first is what influence is about (see `procedures`)

The changes under the first are also taken as if they had been predicted, and held against the others: no estimate can
be expected to do better than that. So a low correlation divides into the part of the estimate (predicted against the
first procedure) and the part of the check (the first procedure against the one at hand).

    settings, problems, networks    the grid, the data and objective, many networks at once
    minimising, curvature           training to convergence
    measuring, agreement            one cell, and how well changes agree
    tables, claims, drawing         what came out
"""

from __future__ import annotations

from functools import partial

from clif.experiments.folder import Pieces
from clif.experiments.fragility.claims import make_claims
from clif.experiments.fragility.drawing import draw
from clif.experiments.fragility.measuring import measure_cell
from clif.experiments.fragility.settings import Settings, make_cells
from clif.experiments.fragility.tables import Results, cell_rows, part_rows, procedure_rows, training_rows
from clif.experiments.fragility.working import side_by_side
from clif.experiments.outcome import Outcome
from clif.progress import Progress

__all__ = ["Settings", "examine"]


def examine(settings: Settings, pieces: Pieces, progress: Progress) -> Outcome:
    """Measure every cell of the grid, each a piece, and divide what is found between estimate and check."""
    cells = make_cells(settings)
    jobs = {cell.name: partial(measure_cell, settings, cell) for cell in cells}
    measured = side_by_side(jobs, settings.processes, pieces, progress)
    results = Results(settings, dict(zip(cells, (measured[cell.name] for cell in cells), strict=True)))
    return Outcome(
        claims=make_claims(results),
        figures={"parts": part_rows(results)},
        tables={
            "cells": cell_rows(results),
            "parts": part_rows(results),
            "procedures": procedure_rows(results),
            "training": training_rows(results),
        },
        pictures=draw(results),
    )
