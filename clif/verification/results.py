"""Do a verification: choose the sets, predict, retrain, and say how the two agree."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from clif.errors import InputError, UsageError
from clif.manifest import versions
from clif.progress import Progress
from clif.ranking import make_problems
from clif.run import Run
from clif.training.pool import train_apart
from clif.verification.comparing import Realised, compare
from clif.verification.noise import Detectable, detectable, of_seeds, of_sets
from clif.verification.planning import Plan, Question, announce, foresee, make_plan, pace, warnings_for
from clif.verification.predictions import Models, Predicted, Values, rank_order
from clif.verification.request import Request
from clif.verification.sets import DocumentSet, make_sets
from clif.verification.trainings import CALLER, Journal

QUALITY = "Spearman correlation with WordSim-353"


def verify_now(
    run: Run, question: Question, request: Request, journal: Journal, folder: Path, progress: Progress
) -> dict[str, Any]:
    """All figures, as result.json holds them; errors are those of `verify`. Predictions come before retrainings."""
    own = make_problems(run, question.tests, question.measure, question.damping, progress=progress)
    chosen = Models(run, question.seeds[:1], [own], progress, request.solving).score(question.chosen_by)[0]
    orders = [rank_order(found.problem, found.influence) for found in chosen]
    plan = make_plan(run, question, request, make_sets(run.corpus, request, orders, run.settings.seed), journal, folder)
    progress("plan", 0, None, announce(question, plan, plan.missing(journal), pace(run, request)))
    models = Models.open(run, own, question.seeds, request.processes, progress, request.solving)
    for test, line in zip(question.tests, _foreseen(plan, models.values, question, journal), strict=True):
        progress("plan", 0, None, foresee(test.name, line))
    predicted, skipped = _predict(models, question, request, plan.sets)
    train_apart(run, journal.reopen(plan.measured), CALLER, progress, request.processes)
    before = models.values
    if plan.unedited:
        before = np.array([journal.measure(training, question.measure) for training in plan.unedited]).T
    after = np.array([[journal.measure(one, question.measure) for one in row] for row in plan.trainings])
    by_test = [_of_test(run, question, plan.sets, n, predicted, after, before) for n in range(len(question.tests))]
    names = [test.name for test in question.tests]
    return {
        "test": names[0],
        "measure": question.measure,
        "method": question.methods[0].name,
        "chosen_by": question.chosen_by.name,
        "damping": models.problems[0][0].damp,
        "seeds": question.seeds,
        "runs": len(question.seeds),
        "documents": len(run.corpus),
        "tokens": len(run.corpus.tokens),
        **by_test[0],
        "tests": dict(zip(names[1:], by_test[1:], strict=True)),
        "quality": _quality(run, journal, plan),
        "trainings": len(plan),
        "left_out": plan.left_out,
        "skipped": skipped,
        "warnings": warnings_for(run),
        "definitions": [test.to_dict() for test in question.tests],
        "run": run.identity,
        "versions": versions(),
    }


def _mine(sets: list[DocumentSet], test: int) -> list[int]:
    """Places of the sets on which predictions for this test are held: its own chosen ones, and all random ones."""
    return [place for place, each in enumerate(sets) if each.test in (None, test)]


def _foreseen(plan: Plan, before: Values, question: Question, journal: Journal) -> Iterator[Detectable]:
    """What the retrainings can detect of each test: by random sets that are done, else by the unedited trainings."""
    rows = [row for each, row in zip(plan.sets, plan.trainings, strict=True) if each.random]
    done = [[n for n, one in enumerate(row) if journal.done(one)] for row in rows]
    values = [
        (np.array([journal.measure(row[n], question.measure) for n in seeds]).T - before[:, seeds])
        for row, seeds in zip(rows, done, strict=True)
        if seeds and not plan.unedited
    ]
    for n in range(len(question.tests)):
        spread = of_sets([changes[n] for changes in values]) or of_seeds(before[n])
        yield detectable(spread, len(question.seeds))


def _predict(
    models: Models, question: Question, request: Request, sets: list[DocumentSet]
) -> tuple[list[dict[str, Predicted]], list[dict[str, str]]]:
    """Predictions by test and method; and the methods that the run does not support, where all were asked for."""
    predicted: list[dict[str, Predicted]] = [{} for _ in question.tests]
    skipped = []
    for method in question.methods:
        try:
            found = models.score(method)
            for test, by_method in enumerate(predicted):
                mine = [sets[place] for place in _mine(sets, test)]
                by_method[method.name] = models.predict(test, method, found, mine)
        except (UsageError, InputError) as error:
            if not request.every_method or method is question.methods[0]:
                raise
            skipped.append({"method": method.name, "reason": error.what})
            for by_method in predicted:
                by_method.pop(method.name, None)
    return predicted, skipped


def _of_test(
    run: Run,
    question: Question,
    sets: list[DocumentSet],
    test: int,
    predicted: list[dict[str, Predicted]],
    after: Values,
    before: Values,
) -> dict[str, Any]:
    """What is said of one test: `after` (sets, R, tests) and `before` (tests, R) are values of T."""
    mine = _mine(sets, test)
    realised = Realised.of(run.corpus, [sets[place] for place in mine], after[mine, :, test], before[test])
    by_method = {name: compare(each, realised, predicted[test]) for name, each in predicted[test].items()}
    first = by_method.pop(question.methods[0].name)
    return {**realised.about(), **first, "methods": by_method}


def _quality(run: Run, journal: Journal, plan: Plan) -> dict[str, Any]:
    """What retraining did to word similarity: means over seeds and sets, None where too few pairs are known."""
    from clif.quality import wordsim353

    kinds = ["targeted" if each.targeted else "random" if each.random else "subset" for each in plan.sets]
    means: dict[str, float | None] = {}
    for kind in ("targeted", "random", "subset"):
        rows = [row for row, own in zip(plan.trainings, kinds, strict=True) if own == kind]
        values = [value for row in rows for one in row if (value := journal.quality(one)) is not None]
        means[kind] = float(np.mean(values)) if values else None
    own = wordsim353(run.model.U, run.model.index)
    return {"measure": QUALITY, "pairs": own.pairs, "before": own.spearman, **means}
