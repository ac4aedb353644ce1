"""Documents ranked by their mean influence over models that differ in their seed alone, with its standard error.

Bias and influences vary from seed to seed, and a list made of one model carries that model's noise. With influences
F_mz of document z in the models m = 1 ... N, each by the sign of "change of T when removed", and T_m of each,

    influence_z = mean_m F_mz        stderr_z = sd_m(F_mz) / sqrt(N), with N - 1 degrees of freedom
    agreement_z = share of the models whose F_mz has the sign of the mean

Documents come by sign(mean_m T_m) x influence, rising. A document is sure at a confidence P where Student's t test of
its N influences against zero, two-sided, rejects: |influence_z| > stderr_z x t((1 + P) / 2, N - 1). Each
document is tested by itself: of documents without any influence on the average, 1 - P are sure by chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clif.errors import InputError, UsageError
from clif.influence.attribution import Attribution
from clif.influence.groups import mean_crossing, mean_value
from clif.influence.joint import SolveSettings
from clif.influence.methods import Method
from clif.influence.problem import Problem
from clif.influence.scores import Scores, score_many
from clif.manifest import file_sha256
from clif.objectives import kind_of
from clif.progress import Progress, silent
from clif.ranking.lists import document_columns
from clif.ranking.questions import bias_of
from clif.ranking.solves import solve_store
from clif.ranking.spread import is_sure, spread
from clif.run import Run
from clif.threads import one_thread
from clif.training.models import check_repeatable, train_further
from clif.training.pool import Job

EFFECT_SIZE = "effect_size"

Values = NDArray[np.float64]


def check_ensemble(ensemble: int | None, confidence: float | None, unit: str = "document") -> None:
    """Raise UsageError for numbers that make no ensemble, and for units that are not averaged."""
    if ensemble is not None and ensemble < 2:
        raise UsageError(
            f"an ensemble has 2 models at least, got {ensemble}",
            where="--ensemble",
            next="Give 2 or more, or leave it out to rank by the run's own model.",
        )
    if confidence is not None and not 0 < confidence < 1:
        raise UsageError(
            f"a confidence is a number between 0 and 1, got {confidence}", where="--confidence", next="Give .95, say."
        )
    if confidence is not None and ensemble is None:
        raise UsageError(
            "one model does not say how sure its influences are",
            where="--confidence",
            next="Add --ensemble 3 or more, or leave it out.",
        )
    if ensemble is not None and unit != "document":
        raise UsageError(
            f"only documents are averaged over models, not {unit}s",
            where="--ensemble",
            next="Leave out --ensemble or --unit.",
        )


def ensemble_seeds(run: Run, ensemble: int | None) -> list[int]:
    """Seeds of the models: the run's own, and for an ensemble those that follow it."""
    return [run.settings.seed + n for n in range(ensemble or 1)]


def further_problems(
    run: Run,
    problem: Problem,
    seeds: Sequence[int],
    method: Method | None = None,
    solving: SolveSettings | None = None,
    *,
    threads: int | None = None,
    progress: Progress = silent,
) -> list[Problem]:
    """The question of `problem`, about the run's own model, put to each model with these seeds; trains the missing.

    Each knows how `method` predicts sets of documents, with solves taken from the run. Errors are those of
    `train_further`, and of the method.
    """
    jobs, _ = train_further(run, seeds[1:], progress, threads)
    problems = [problem, *(problem.of_model(*job.read(run), job.settings(run)) for job in jobs)]
    if method is None or not method.finds_sets:
        return problems
    solving = solving or SolveSettings()
    identities = [None, *(_identity(run, job) for job in jobs)]
    informed = []
    with one_thread():  # the same bits as in a ranking
        for asked, identity in zip(problems, identities, strict=True):
            found = method.attribute(asked, solving, solve_store(run, asked, solving, identity=identity))
            informed.append(_informed(asked, found))
    return informed


@dataclass(frozen=True, eq=False)
class Answers:
    """One question as each of one or several models answers it, and CPU seconds of training models for it."""

    seeds: list[int]
    problems: list[Problem]
    scores: list[Scores]
    training_cpu: float = 0.0

    @property
    def many(self) -> bool:
        """Whether it is an ensemble."""
        return len(self.seeds) > 1

    @property
    def values(self) -> Values:
        """T of each model."""
        return np.array([problem.value for problem in self.problems])

    @property
    def value(self) -> float:
        """Mean of T over the models."""
        return mean_value(self.problems)

    @property
    def effect_size(self) -> float | None:
        """Mean effect size of the models; None for kinds without one, or where associations do not differ."""
        if EFFECT_SIZE not in kind_of(bias_of(self.problems[0]).coverage.test).measures:
            return None
        try:
            return float(np.mean([problem.objective.value(problem.E, EFFECT_SIZE) for problem in self.problems]))
        except InputError:
            return None

    def total(self) -> Scores:
        """Mean influence, what all the models took, and the solve that went worst."""
        if not self.many:
            return self.scores[0]
        reports = [solve for scores in self.scores if (solve := scores.attribution.solve)]
        worst = max(reports, key=lambda report: report.residual, default=None)
        if worst:
            worst = replace(worst, reused=all(report.reused for report in reports))
        return Scores(
            influence=np.mean([scores.influence for scores in self.scores], axis=0),
            attribution=Attribution(solve=worst),
            solve_seconds=sum(scores.solve_seconds for scores in self.scores),
            score_seconds=sum(scores.score_seconds for scores in self.scores),
            solve_cpu=sum(scores.solve_cpu for scores in self.scores),
            score_cpu=sum(scores.score_cpu for scores in self.scores),
        )

    def to_dict(self) -> dict[str, Any] | None:
        """The models and their T, as plain values; None for one model."""
        if not self.many:
            return None
        sd = float(self.values.std(ddof=1))
        return {"seeds": self.seeds, "values": self.values.tolist(), "mean": self.value, "sd": sd}


# What is said of lists of which no documents are chosen.
UNCUT = {"zero_crossing": None, "confidence": None, "sure_reduce": None, "sure_increase": None}


def list_documents(
    answers: Answers, influence: Values, confidence: float | None
) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Columns of the documents in rank order; and how many may go, of those that are sure if a confidence is asked."""
    problem, sign = answers.problems[0], np.sign(answers.value)
    order = np.argsort(sign * influence, kind="stable")
    columns = document_columns(problem, influence, order)
    taken = order
    if answers.many:
        stderr, agreement = spread(np.stack([scores.influence for scores in answers.scores]))
        columns |= {"stderr": stderr[order], "agreement": agreement[order]}
        if confidence is not None:
            taken = order[is_sure(influence, stderr, len(answers.seeds), confidence)[order]]
    falls, rises = int((sign * influence[taken] < 0).sum()), int((sign * influence[taken] > 0).sum())
    return columns, {
        "zero_crossing": mean_crossing(answers.problems, taken, falls),
        "confidence": confidence,
        "sure_reduce": None if confidence is None else falls,
        "sure_increase": None if confidence is None else rises,
    }


def score_models(
    run: Run,
    problems: Sequence[Problem],
    method: Method,
    solving: SolveSettings,
    seeds: list[int],
    *,
    cache: bool = True,
    parts: bool = False,
    threads: int | None = None,
    progress: Progress = silent,
) -> list[Answers]:
    """Score several questions, put to the run's own model by `problems`, on every model with these seeds.

    Errors are those of `train_further` and of `score_many`. The problems of the answers know how the method predicts
    sets of documents. `parts` as for `score_many`.
    """
    if method.repeats:
        check_repeatable(run)
        problems[0].checkpoints.check(method.name)  # before other models are trained
    jobs, training_cpu = train_further(run, seeds[1:], progress, threads)

    def score(asked: Sequence[Problem], identity: dict[str, str] | None = None) -> list[Scores]:
        stores = [solve_store(run, problem, solving, identity=identity, cache=cache) for problem in asked]
        return score_many(asked, method, solving, stores=stores, parts=parts, threads=threads, progress=progress)

    answers = [
        Answers(seeds, [_informed(problem, scored.attribution)], [scored], training_cpu)
        for problem, scored in zip(problems, score(problems), strict=True)
    ]
    for job in jobs:
        _forget(answers)
        first = problems[0].of_model(*job.read(run), job.settings(run))
        asked = [first, *(first.asking(problem.objective, problem.measure) for problem in problems[1:])]
        scores = score(asked, _identity(run, job))
        for answer, problem, scored in zip(answers, asked, scores, strict=True):
            answer.problems.append(_informed(problem, scored.attribution))
            answer.scores.append(scored)
    return answers


def _identity(run: Run, job: Job) -> dict[str, str]:
    """What a solve for a further model names."""
    return {**run.identity, "model": file_sha256(job.path)}


def _informed(problem: Problem, found: Attribution) -> Problem:
    """The problem with what a method found, by which it predicts sets of documents."""
    return problem.knowing(found.predictor)


def _forget(answers: list[Answers]) -> None:
    """Free what only the scoring of the last model needed."""
    for answer in answers:
        answer.problems[-1].curvatures.clear()
        solve = answer.scores[-1].attribution.solve
        answer.scores[-1] = replace(answer.scores[-1], attribution=Attribution(solve=solve))
