"""Read everything that is reported off the retrained models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clif.objectives import PACKAGED, BiasObjective, cover, kind_of, load_tests, objective_of
from clif.quality import wordsim353
from clif.retraining.choosing import Choice
from clif.retraining.keeping import report
from clif.retraining.neighbours import compare, nearest, words_to_show
from clif.retraining.planning import Plan
from clif.retraining.readings import Readings
from clif.retraining.statistics import P_VALUE_TEST
from clif.retraining.trainings import Journal, Trainings
from clif.retraining.transfer import NO_TRANSFER, transfer_report
from clif.run import Run
from clif.training.pool import Job

QUALITY = "WordSim-353"
Found = dict[str, float | None]


def measure_all(run: Run, journal: Journal, plan: Plan, trainings: Trainings) -> dict[str, Any]:
    """Everything that is read off the retrained models."""
    others = _other_tests(run, plan)

    def read(job: Job, choices: Sequence[Choice]) -> tuple[Found, list[Found]]:
        """What is the same for all halves, and T on the used and the held-out words of these."""
        U, C = journal.matrices(job)
        common: Found = {
            name: _value(other, U, kind_of(other.coverage.test).measures[0]) for name, other in others.items()
        }
        common |= {_key(each.kept.name): each.kept.value(U, C) for each in plan.kept}
        common[QUALITY] = wordsim353(U, run.model.index).spearman
        measure = plan.about["measure"]
        own: list[Found] = [
            {name: _value(mine, U, measure) for name, mine in (("used", c.used), ("held out", c.held)) if mine}
            for c in choices
        ]
        return common, own

    before = [read(job, plan.choices) for job in trainings.before]
    edited = [
        [[read(job, [choice]) for job in row] for row in sets]
        for choice, sets in zip(plan.choices, trainings.edited, strict=True)
    ]

    def common(name: str) -> dict[str, Any]:
        after = [[[found[name] for found, _ in row] for row in sets] for sets in edited]
        return Readings.of_models([[found[name] for found, _ in before]], after).to_dict()

    def own(name: str) -> Readings:
        after = [[[found[name] for _, (found,) in row] for row in sets] for sets in edited]
        return Readings.of_models([[found[half][name] for _, found in before] for half in range(len(edited))], after)

    used = own("used")
    held = own("held out") if plan.choices[0].held else None
    pooled = used.turned(plan.signs)
    return {
        "seeds": plan.seeds,
        **pooled.to_dict(),
        "p_value": pooled.p_value(),
        "p_value_test": P_VALUE_TEST,
        "control_sets": [
            {"documents": len(edit.documents), "edited": edit.size, "tokens": edit.tokens(run.corpus)}
            for choice in plan.choices
            for edit in choice.controls
        ],
        "tests": {name: common(name) for name in others},
        "quality": {
            "measure": "Spearman correlation with WordSim-353",
            "pairs": wordsim353(run.model.U, run.model.index).pairs,
            **common(QUALITY),
        },
        "kept": _kept(plan, common),
        "neighbours": _neighbours(run, journal, plan, trainings),
        **(transfer_report(run, plan, used, held) if held else NO_TRANSFER),
    }


def _key(name: str) -> str:
    """Of a kept objective among what is the same for all halves: a test may be kept and be another test as well."""
    return f"kept {name}"


def _kept(plan: Plan, common: Callable[[str], dict[str, Any]]) -> list[dict[str, Any]]:
    """Of each kept objective what was foreseen, what came of it, and what random sets did to it."""
    chosen = plan.choices[0].edit.chosen
    found = []
    for each in plan.kept:
        read = common(_key(each.kept.name))
        about = report(each, chosen, read["before"]["runs"], read["after"]["runs"])
        found.append({**about, "realised_ci95": read["realised_ci95"], "controls": read["controls"]})
    return found


def _other_tests(run: Run, plan: Plan) -> dict[str, BiasObjective]:
    """The packaged tests and the whole of the question, as far as they are covered."""
    covered = [cover(test, run.model.index) for test in load_tests(PACKAGED)]
    return {c.test.name: objective_of(c) for c in [*covered, plan.question] if c.reason is None}


def _value(objective: BiasObjective, U: NDArray[np.float32], measure: str) -> float:
    return objective.value(U[objective.rows].astype(np.float64), measure)


def _neighbours(run: Run, journal: Journal, plan: Plan, trainings: Trainings) -> dict[str, Any]:
    """Those of the first seed, without the documents that the first half chose."""
    held = plan.choices[0].held
    shown = words_to_show(plan.question, held.coverage if held else None, run.vocabulary.counts)
    models = [journal.vectors(job) for job in (trainings.before[0], trainings.edited[0][0][0])]
    return compare(shown, *([nearest(U, run.vocabulary.words, word.row) for word in shown] for U in models))
