"""Rows of the tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from clif.experiments.fragility.measuring import RETRAINING
from clif.experiments.fragility.procedures import PROCEDURES, REFERENCE
from clif.experiments.fragility.settings import Cell, Settings, base_cell

Row = Mapping[str, Any]
NAMES = {"iris": "Iris", "digits": "Digits"}


@dataclass(frozen=True)
class Results:
    """What was measured in each cell, in the order of the grid."""

    settings: Settings
    measured: Mapping[Cell, Mapping[str, Any]]

    def row(self, cell: Cell, procedure: str, removed: int = 1, estimate: str = "exact") -> Row:
        """One row of a cell."""
        asked = (procedure, removed, estimate)
        rows: list[Row] = self.measured[cell]["rows"]
        return next(row for row in rows if (row["procedure"], row["removed"], row["estimate"]) == asked)

    def spearman(self, cell: Cell, procedure: str, removed: int = 1, estimate: str = "exact") -> float | None:
        """The median of that row, None where nothing is defined; of a retraining with itself it is 1."""
        if estimate == RETRAINING and procedure == REFERENCE:
            return 1.0
        found: float | None = self.row(cell, procedure, removed, estimate)["spearman"]
        return found

    def noise(self, cell: Cell, procedure: str) -> float | None:
        """Change of the test losses with nothing removed / with a point removed, by their medians."""
        row = self.row(cell, procedure)
        return row["control"] / row["moved"] if row["moved"] > 0 else None

    def base(self, data: str) -> Cell:
        """The base cell of a data set."""
        return base_cell(self.settings, data)

    def plane(self, data: str, decay: float) -> list[Cell]:
        """The cells that differ from the base cell in their depth and decay only, by depth."""
        base = self.base(data)
        same = (data, base.width, base.activation, decay)
        found = [cell for cell in self.measured if (cell.data, cell.width, cell.activation, cell.decay) == same]
        return sorted(found, key=lambda cell: cell.depth)


def middle(values: Iterable[float | None]) -> float | None:
    """The median of what is defined."""
    defined = [value for value in values if value is not None]
    return median(defined) if defined else None


def cell_rows(results: Results) -> list[dict[str, Any]]:
    """Spearman of influence and each procedure's change, for single points: median and quartiles of every cell."""
    return [
        {
            "cell": _label(cell),
            **{procedure: _spread(results.row(cell, procedure)) for procedure in PROCEDURES},
        }
        for cell in results.measured
    ]


def _spread(row: Row) -> str:
    if row["spearman"] is None:
        return "undefined"
    return f"{row['spearman']:.2f} ({row['spearman_low']:.2f} to {row['spearman_high']:.2f})"


def _label(cell: Cell) -> str:
    return f"{cell.data} {cell.depth}x{cell.width} {cell.activation}, decay {cell.decay:g}"


def part_rows(results: Results) -> list[dict[str, Any]]:
    """Estimate and check apart, for single points: medians over the depths, with decay and without.

    estimate  Spearman of influence and the change under retraining from the optimum to convergence
    check     Spearman of that change and the change under the procedure: what a perfect estimate would reach
    together  Spearman of influence and the change under the procedure: what a reader is shown
    noise     change with nothing removed / change with a point removed
    """
    planes = [(data, decay) for data in results.settings.data for decay in (results.settings.decay, 0.0)]
    return [
        {
            "data": data,
            "decay": decay,
            "procedure": procedure,
            "estimate": middle(results.spearman(cell, REFERENCE) for cell in results.plane(data, decay)),
            "check": middle(results.spearman(cell, procedure, 1, RETRAINING) for cell in results.plane(data, decay)),
            "together": middle(results.spearman(cell, procedure) for cell in results.plane(data, decay)),
            "noise": middle(results.noise(cell, procedure) for cell in results.plane(data, decay)),
        }
        for data, decay in planes
        for procedure in PROCEDURES
    ]


def procedure_rows(results: Results) -> list[dict[str, Any]]:
    """Everything: cell by procedure by size of the removed sets by estimate."""
    return [{**asdict(cell), **row} for cell, found in results.measured.items() for row in found["rows"]]


def training_rows(results: Results) -> list[dict[str, Any]]:
    """How the networks of each cell were trained with all points.

    gradient      the worst of the norms that were left; `converged` the share of networks below the tolerance
    separated     share whose loss ran to zero, so that there is no minimum
    indefinite    share whose Hessian has a negative eigenvalue: not a minimum
    test_accuracy the median
    """
    rows = []
    for cell, found in results.measured.items():
        training = found["training"]
        shares = {name: training[name] for name in ("parameters", "converged", "separated", "indefinite")}
        gradient = f"{training['gradient_worst']:.0e}"  # from 1e-9 to 1e3
        rows.append({"cell": _label(cell), **shares, "gradient": gradient, "test_accuracy": training["test_accuracy"]})
    return rows
