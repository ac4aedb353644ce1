"""From a request to a plan: which documents, which controls, which seeds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clif import __version__
from clif.errors import UsageError
from clif.influence.groups import mean_crossing, mean_value, predict_mean
from clif.influence.joint import SolveSettings
from clif.influence.methods import RECOMMENDED, find_method
from clif.influence.problem import Problem
from clif.manifest import fingerprint
from clif.objectives import WEAT, BiasTest, cover, uncovered_error
from clif.progress import Progress, silent
from clif.ranking import (
    HALF_LEAST,
    Ranking,
    choose_test,
    ensemble_seeds,
    further_problems,
    make_problem,
    newest_ranking,
    rank,
    read_order,
)
from clif.retraining.edits import Edit, choose_edit, random_edit, read_protected
from clif.retraining.holdout import split_words
from clif.retraining.request import ZERO, Request
from clif.run import Run
from clif.training.trainers import HELD_FIXED

CONSTANTS = "vocabulary, keep probabilities and noise are those of the full corpus"


@dataclass(frozen=True, eq=False)
class Plan:
    """What will be trained, with the question that chose the documents.

    `held_out` is the objective on the words that were held out; `about` is what a result says of its plan.
    """

    problem: Problem
    held_out: WEAT | None
    edit: Edit
    controls: list[Edit]
    seeds: list[int]
    about: dict[str, Any]

    def name(self, run: Run) -> str:
        """Name of the retraining's folder: the same for the same plan on the same run."""
        recipe = {
            **run.identity,
            "test": self.about["definitions"],
            "measure": self.about["measure"],
            "damping": self.about["damping"],
            "clif": __version__,
            "edit": self.edit.name(),
            "controls": [edit.name() for edit in self.controls],
            "seeds": self.seeds,
        }
        return f"{self.about['name']}.{fingerprint(recipe)[:8]}"


def make_plan(run: Run, test: str | BiasTest | None, request: Request, progress: Progress = silent) -> Plan:
    """Choose documents, controls and seeds; makes the ranking if none fits. Errors are those of `retrain`.

    After a ranking by an ensemble, predictions are means over its models; after one with a confidence, documents are
    chosen from those that are sure.
    """
    newest = newest_ranking(run)
    question = choose_test(run, test)
    method, measure, damping = request.method, request.measure, request.damping
    ensemble, confidence, adaptive = None, None, None
    solving: dict[str, Any] = {}
    if newest and newest.test == question:
        method = method or newest.about["method"]
        measure = measure or newest.about["measure"]
        if method == newest.about["method"]:
            solving, adaptive = newest.about.get("solving") or {}, newest.about.get("adaptive")
        damping = damping or newest.about["asked_damping"]
        ensemble, confidence = newest.models if newest.models > 1 else None, newest.about.get("confidence")
    method, measure = method or RECOMMENDED, measure or "effect_size"
    used, held = question, None
    if request.holdout:
        coverage = cover(question, run.model.index)
        if coverage.reason:
            raise uncovered_error([coverage], where=str(run.path))
        used, held = split_words(coverage, request.holdout, run.settings.seed)
    half = held is not None
    crossing, influence, chosen = None, None, None
    if request.ranking:
        order = read_order(request.ranking, run)
        if len(order) < len(run.corpus) and (request.amplify is None) != (request.aim == "reduce"):
            raise UsageError(
                f"lists {len(order)} of {len(run.corpus)} documents, but those at the other end are needed",
                where=str(request.ranking),
                next="Give the whole list, as `clif rank --top all --out FILE` writes it.",
            )
        method = str(request.ranking)
    else:
        options: dict[str, Any] = {"method": method, "measure": measure, "damping": damping, "half": half, **solving}
        options |= {"ensemble": ensemble, "confidence": confidence, "adaptive": adaptive}
        ranked = rank(run, used, progress=progress, **options)
        order = np.array([run.corpus.number[doc_id] for doc_id in _candidates(ranked, request)])
        crossing = ranked.about["zero_crossing"]
        chosen = find_method(method)
        if chosen.predicts:
            influence = np.empty(len(run.corpus))
            influence[[run.corpus.number[doc_id] for doc_id in ranked.doc_ids]] = ranked.influence
    problem = make_problem(run, used, measure, damping, half=half, progress=progress)
    problems = further_problems(
        run, problem, ensemble_seeds(run, ensemble), chosen, SolveSettings(**solving), progress=progress
    )
    protected = read_protected(request.protect, run.corpus)
    copies, k = _how_many(request, problems, order, protected, crossing)
    edit = choose_edit(order, k, copies=copies, goal=request.aim, protected=protected)
    removing = copies == 0
    warnings = []
    if removing and request.aim == "reduce" and crossing is not None and k > crossing:
        warnings.append(
            f"removing {k} documents goes beyond {crossing}, where the prediction crosses zero: "
            "expect the bias to turn round"
        )
    value = mean_value(problems)
    change = predict_mean(problems, edit.times(run.corpus)) - value
    if (change * np.sign(value) > 0) == (request.aim == "reduce"):
        warnings.append(
            f"these documents are predicted not to {request.aim} the bias, but to change it by {change:+.3g}"
        )
    about = {
        "name": f"{used.name}.{'remove' if removing else 'amplify'}-{k}",
        "test": question.name,
        "measure": measure,
        "method": method,
        "damping": problem.damp,
        "goal": request.aim,
        "holdout_words": request.holdout,
        "removed": k if removing else 0,
        "amplified": 0 if removing else k,
        "copies": None if removing else request.copies,
        "removed_tokens": edit.tokens(run.corpus) if removing else 0,
        "tokens": len(run.corpus.tokens),
        "documents": len(run.corpus),
        "edited_tokens": edit.tokens(run.corpus),
        "zero_crossing": crossing,
        "ensemble": ensemble_seeds(run, ensemble) if ensemble else None,
        "confidence": confidence,
        "value": value,
        "predicted": change,
        "predicted_sum": None if influence is None else float(edit.times(run.corpus) @ influence),
        "protected": int(protected.sum()),
        "trainer": run.settings.trainer,
        "held_fixed": {"constants": CONSTANTS, **HELD_FIXED[run.settings.trainer]},
        "warnings": warnings,
        "definitions": {"used": used.to_dict(), "held_out": held.to_dict() if held else None},
    }
    seed = run.settings.seed
    return Plan(
        problem=problem,
        held_out=WEAT(cover(held, run.model.index, HALF_LEAST)) if held else None,
        edit=edit,
        controls=[random_edit(run.corpus, edit, protected, seed, number) for number in range(request.controls)],
        seeds=[seed + number for number in range(request.seeds)],
        about=about,
    )


def _candidates(ranked: Ranking, request: Request) -> list[str]:
    """Ids to choose from, in rank order: all, or of a list with a confidence the sure ones that serve the goal."""
    confidence = ranked.about.get("confidence")
    if confidence is None:
        return ranked.doc_ids
    ids, falling = ranked.cut().doc_ids, ranked.about["sure_reduce"]
    head = (request.amplify is None) == (request.aim == "reduce")
    ids = ids[:falling] if head else ids[falling:]
    asked = request.remove if request.amplify is None else request.amplify
    if not ids or (isinstance(asked, int) and asked > len(ids)):
        raise UsageError(
            f"{len(ids)} documents are sure to {'reduce' if head else 'increase'} the bias by their removal, at the "
            f"newest ranking's confidence of {confidence:g}",
            where="--remove-top-k" if request.amplify is None else "--amplify-top-k",
            next="Give a smaller number, or rank again with more models, a lower --confidence or none.",
        )
    return ids


def _how_many(
    request: Request,
    problems: list[Problem],
    order: NDArray[np.int64],
    protected: NDArray[np.bool_],
    crossing: int | None,
) -> tuple[int, int]:
    """How often the chosen documents shall stand in the edited corpus, and how many are chosen.

    `crossing` is the number that the ranking gave for zero, which is taken where all of its documents may go.
    """
    if request.amplify is not None:
        return 1 + request.copies, request.amplify
    if request.remove != ZERO:
        return 0, int(request.remove or 0)
    free = order[~protected[order]]
    k = None
    if request.aim == "reduce":
        k = crossing if len(free) == len(order) and crossing else mean_crossing(problems, free, len(free))
    if k is None:
        raise UsageError(
            f"no number of removals is predicted to bring {problems[0].objective.coverage.test.name} to zero",
            where=f"--remove-top-k {ZERO}",
            next="Give a number of documents, or rank by another method or measure.",
        )
    return 0, k
