"""Read everything that is reported off the retrained models."""

from __future__ import annotations

from typing import Any

import numpy as np

from clif.objectives import PACKAGED, WEAT, cover, load_tests
from clif.quality import wordsim353
from clif.retraining.planning import Plan
from clif.retraining.statistics import P_VALUE_TEST, Sample, against_controls
from clif.retraining.trainings import Journal
from clif.run import Run
from clif.training.pool import Job


def measure_all(
    run: Run,
    journal: Journal,
    plan: Plan,
    before: list[Job],
    after: list[Job],
    chance: list[list[Job]],
) -> dict[str, Any]:
    """Everything that is read off the retrained models, from one reading of each."""
    measure, index = plan.about["measure"], run.model.index
    main = plan.problem.objective
    held_out = plan.held_out
    others: dict[str, WEAT] = {}
    for test in [*load_tests(PACKAGED), plan.problem.objective.coverage.test]:
        coverage = cover(test, index)
        if coverage.reason is None:
            others[test.name] = WEAT(coverage)

    def read(training: Job) -> dict[str, float | None]:
        U = journal.vectors(training)
        found: dict[str, float | None] = {
            name: weat.value(U[weat.rows].astype(np.float64)) for name, weat in others.items()
        }
        found["T"] = main.value(U[main.rows].astype(np.float64), measure)
        if held_out:
            found["held out"] = held_out.value(U[held_out.rows].astype(np.float64), measure)
        found["quality"] = wordsim353(U, index).spearman
        return found

    groups = {
        "before": [read(training) for training in before],
        "after": [read(training) for training in after],
        "controls": [read(training) for row in chance for training in row],
    }

    def samples(key: str) -> dict[str, Any]:
        columns = {
            name: [value for found in group if (value := found[key]) is not None] for name, group in groups.items()
        }
        row: dict[str, Any] = {
            name: Sample(tuple(values), len(chance) if name == "controls" and values else None).to_dict()
            for name, values in columns.items()
        }
        change = Sample(tuple(np.subtract(columns["after"], columns["before"]).tolist()))
        return {**row, "realised": change.mean, "realised_ci95": change.ci95}

    top = samples("T")
    table = np.array(top["controls"]["runs"]).reshape(len(chance), len(before))
    result: dict[str, Any] = {
        "seeds": plan.seeds,
        **top,
        "p_value": against_controls(np.array(top["after"]["runs"]), table),
        "p_value_test": P_VALUE_TEST,
        "control_sets": [
            {"documents": len(edit.documents), "tokens": edit.tokens(run.corpus)} for edit in plan.controls
        ],
        "tests": {name: samples(name) for name in others},
        "quality": {
            "measure": "Spearman correlation with WordSim-353",
            "pairs": wordsim353(run.model.U, index).pairs,
            **samples("quality"),
        },
        "transfer": {"targets": None, "attributes": None, "both": None},
    }
    if held_out:
        result["held_out"] = samples("held out")
        result["transfer"][plan.about["holdout_words"]] = _ratio(result["held_out"]["realised"], result["realised"])
    return result


def _ratio(held_out: float | None, used: float | None) -> float | None:
    """Change on words that were not used over change on those that were; None if those did not change."""
    return None if held_out is None or not used else held_out / used
