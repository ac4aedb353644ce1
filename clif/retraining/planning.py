"""From a request to a plan: which documents, which controls, which seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from clif import __version__
from clif.influence.problem import Problem
from clif.manifest import fingerprint
from clif.objectives import (
    BiasObjective,
    BiasTest,
    Coverage,
    check_ranked,
    cover,
    definition,
    objective_of,
    uncovered_error,
)
from clif.progress import Progress, silent
from clif.ranking import ensemble_seeds
from clif.retraining.asking import Asked, Order, Split, order_documents, pose
from clif.retraining.choosing import Choice, choose
from clif.retraining.describing import cost_report, edit_report, predicted_by, predictions, warnings_of
from clif.retraining.editors import editor_of
from clif.retraining.edits import read_protected
from clif.retraining.goals import Goal
from clif.retraining.holdout import split_halves
from clif.retraining.kept import Foreseen
from clif.retraining.limiting import Bounds, limit_order, shortfall
from clif.retraining.request import Request
from clif.retraining.seeking import Sought, seek
from clif.retraining.trainings import Journal
from clif.run import Run
from clif.training.trainers import HELD_FIXED

CONSTANTS = "vocabulary, keep probabilities and noise are those of the full corpus"


@dataclass(frozen=True, eq=False)
class Plan:
    """What will be trained: a choice of documents for each half of the words, or one where no words are held out.

    `question` is the whole test. `signs` (halves,) is -1 where the words that a half uses have a bias of the other sign
    than the whole test: what is pooled over halves takes T of such a half with X and Y exchanged, so that all of them
    are pushed in one direction. `about` is what a result says of its plan, `limits` what its name says of limits, and
    `kept` what shall stay.
    """

    question: Coverage
    choices: list[Choice]
    signs: list[float]
    seeds: list[int]
    about: dict[str, Any]
    limits: dict[str, Any] = field(default_factory=dict)
    kept: Sequence[Foreseen] = ()

    def name(self, run: Run) -> str:
        """Name of the retraining's folder: the same for the same plan on the same run."""
        recipe = {
            **run.identity,
            "measure": self.about["measure"],
            "damping": self.about["damping"],
            "clif": __version__,
            "seeds": self.seeds,
            "choices": [
                {"test": choice.definitions(), "edits": [edit.name() for edit in choice.edits]}
                for choice in self.choices
            ],
            **self.limits,
        }
        return f"{self.about['name']}.{fingerprint(recipe)[:8]}"


def make_plan(
    run: Run,
    test: str | BiasTest | None,
    request: Request,
    progress: Progress = silent,
    sought: Sought | None = None,
    bounds: Bounds | None = None,
) -> Plan:
    """Choose documents, controls and seeds; makes the rankings if none fits. Errors are those of `retrain`.

    After a ranking by an ensemble, predictions are means over its models; after one with a confidence, documents are
    chosen from those that are sure. Where documents were `sought` for a goal, they are the choice. `bounds` are those
    of `find_bounds`.
    """
    asked = Asked.of(run, test, request)
    coverage = _covered(run, asked.question)
    splits: list[Split] = [(asked.question, None)]
    if request.holdout:
        splits = [*split_halves(coverage, request.holdout, run.settings.seed, request.halves)]
    bounds = bounds or find_bounds(run, test, request, progress)
    if sought:
        orders = [Order(sought.order, needed=sought.needed, limits=sought.limits)]
    elif request.keep:  # chosen anew
        orders = [Order(np.arange(len(bounds.parts)))]
    else:
        orders = order_documents(run, [used for used, _ in splits], asked, request, progress)
    editor = editor_of(run, request)
    posed = iter([(list(sought.problems), list[Problem]())]) if sought else pose(run, splits, asked, request, progress)
    choices, damping = [], 0.0
    kept: Sequence[Foreseen] = ()
    for half, (split, order, (used, held)) in enumerate(zip(splits, orders, posed, strict=True)):
        damping = used[0].damp
        if not sought:
            order = limit_order(order, used, asked, bounds, progress)
        choices.append(choose(run, split, used, held, order, request, editor, bounds.protected, half))
        kept = order.limits.kept if order.limits else ()
    signs = _signs(run, objective_of(coverage), asked.measure, choices)
    about = {
        **edit_report(run, request, choices),
        **editor.about,
        **predictions(choices, signs),
        "test": asked.question.name,
        "kind": asked.question.kind,
        "measure": asked.measure,
        "method": str(request.ranking) if request.ranking else asked.method,
        "damping": damping,
        "goal": request.aim,
        "holdout_words": request.holdout,
        "tokens": len(run.corpus.tokens),
        "documents": len(run.corpus),
        "ensemble": ensemble_seeds(run, asked.ensemble) if asked.ensemble else None,
        "confidence": asked.confidence,
        **_order_of(asked, request),
        "protected": int(bounds.protected.sum()),
        "trainer": run.settings.trainer,
        "held_fixed": {"constants": CONSTANTS, **HELD_FIXED[run.settings.trainer]},
        "until": {**sought.to_dict(), "weight": request.weight or None} if sought else None,
        "predicted_by": predicted_by(asked, request),
        **bounds.about(choices[0].edit.chosen),
        "costs": cost_report(run, request, coverage, choices),
        "warnings": [
            *(sought.warnings if sought else []),
            *asked.warnings,
            *editor.warnings,
            *shortfall(request, min(choice.edit.size for choice in choices)),
            *warnings_of(choices, signs),
        ],
    }
    return Plan(coverage, choices, signs, _seeds(run, request), about, bounds.recipe(), kept)


def _order_of(asked: Asked, request: Request) -> dict[str, Any]:
    """How the list that chose was ordered, beside its method; of a list from a file nothing is known."""
    if request.ranking:
        return {"adaptive": None, "broad": None, "wider": None}
    return {"adaptive": asked.adaptive, "broad": asked.broad, "wider": asked.wider["name"] if asked.wider else None}


def find_bounds(run: Run, test: str | BiasTest | None, request: Request, progress: Progress = silent) -> Bounds:
    """What the request limits."""
    coverage = _covered(run, Asked.of(run, test, request).question)
    protected, parts = read_protected(request.protect, run.corpus), editor_of(run, request).units
    return Bounds.of(run, request, coverage, protected, parts, progress)


def seek_documents(
    run: Run,
    test: str | BiasTest | None,
    request: Request,
    bounds: Bounds,
    journal: Journal,
    progress: Progress = silent,
) -> Sought:
    """The documents that must go for the request's goal; the trainings stay in the journal."""
    asked = Asked.of(run, test, request)
    editor = editor_of(run, request)
    ((problems, _),) = pose(run, [(asked.question, None)], asked, request, progress)
    goal = Goal.parse(str(request.until))
    seeds = _seeds(run, request)
    limits = bounds.put_to(problems)
    return seek(run, problems, goal, asked.method, seeds, editor, limits, journal, request.processes, progress)


def name_of_goal(run: Run, test: str | BiasTest | None, request: Request, bounds: Bounds) -> str:
    """Name of the folder of a retraining to a goal, which is known before the documents are."""
    asked, goal = Asked.of(run, test, request), Goal.parse(str(request.until))
    goal.check(check_ranked(asked.question))
    recipe = {
        **run.identity,
        "test": definition(asked.question),
        "goal": str(goal),
        "method": asked.method,
        "measure": asked.measure,
        "damping": asked.damping,
        "seeds": _seeds(run, request),
        "controls": request.controls,
        "protected": np.flatnonzero(bounds.protected),
        "clif": __version__,
        **({} if request.unit == "document" else {"unit": request.unit}),
        **({"weight": request.weight} if request.weight else {}),
        **bounds.recipe(),
    }
    slug = f"p-{goal.bound:g}" if goal.is_p else f"{goal.bound:g}"
    slug += f".weight-{request.weight:g}" if request.weight else ""
    slug += "" if request.unit == "document" else f".{request.unit}s"
    return f"{asked.question.name}.until-{slug}.{fingerprint(recipe)[:8]}"


def _seeds(run: Run, request: Request) -> list[int]:
    return [run.settings.seed + number for number in range(request.seeds)]


def _covered(run: Run, question: BiasTest) -> Coverage:
    """Coverage of the question; raises CoverageError if the model has too few of its words."""
    coverage = cover(question, run.model.index)
    if coverage.reason:
        raise uncovered_error([coverage], where=str(run.path))
    return coverage


def _signs(run: Run, whole: BiasObjective, measure: str, choices: Sequence[Choice]) -> list[float]:
    """The signs of a plan; one half is taken as it is."""
    value = whole.value(run.model.U[whole.rows].astype(np.float64), measure)
    return [-1.0 if len(choices) > 1 and choice.value * value < 0 else 1.0 for choice in choices]
