"""What solvers predict for each removal, beside what came of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from scipy.stats import pearsonr, spearmanr
from torch import Tensor

from clif.crossloss import influence
from clif.experiments.mog.clustering import Likelihood, Network

COLUMNS = ("cross", "matched")
# Names of figures, and the solvers of the engine that they stand for.
SOLVERS = {"exact": "exact", "cg": "cg", "lissa": "lissa-released", "gradient": "gradient"}
AGREEMENT = ("pearson", "spearman", "slope")
Record = dict[str, Any]


def compare(task: Likelihood, model: Network, realised: Tensor, damping: float, seed: int) -> Record:
    """Predicted changes (tests, n) by each solver, and those that were realised (tests, n), as lists."""
    predicted, residual = {}, {}
    for name, solver in SOLVERS.items():
        found = influence(task, model, solver=solver, damping=damping, limit=2000, seed=seed)
        predicted[name], residual[name] = found.values.tolist(), found.residual
    with torch.no_grad():
        measured = task.measure(model).tolist()
    return {
        "accuracy": model.accuracy(task.points),
        "measured": measured,
        "realised": realised.tolist(),
        "predicted": predicted,
        "residual": residual,
    }


def agreement(record: Record, solver: str) -> dict[str, float]:
    """Pearson, Spearman and slope (realised by predicted, through the origin) over the removals, mean over tests.

    Where one side is the same for all removals, the two agree in nothing: 0.
    """
    found = []
    for predicted, realised in zip(np.array(record["predicted"][solver]), np.array(record["realised"]), strict=True):
        if not np.ptp(predicted) or not np.ptp(realised):
            found.append((0.0, 0.0, 0.0))
            continue
        slope = predicted @ realised / (predicted @ predicted)
        found.append((pearsonr(predicted, realised).statistic, spearmanr(predicted, realised).statistic, slope))
    return dict(zip(AGREEMENT, np.mean(found, axis=0).tolist(), strict=True))
