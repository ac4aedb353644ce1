"""From a request to a plan: which questions, which sets, what fits into the time, and what is said beforehand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from clif import __version__
from clif.cluster import places
from clif.errors import InputError, UsageError
from clif.influence.methods import METHODS, Method
from clif.manifest import fingerprint
from clif.objectives import BiasTest, cover, definition, kind_of, uncovered_error
from clif.ranking import choose_test, ensemble_seeds, newest_ranking
from clif.run import Run
from clif.storage.files import read_json, write_json
from clif.training.models import further_model
from clif.training.pool import Job
from clif.verification.budget import Pace, duration, fit
from clif.verification.noise import Detectable
from clif.verification.request import Request
from clif.verification.sets import INCREASE, RANDOM, REDUCE, SHARE, SUBSET, DocumentSet, check_sizes
from clif.verification.trainings import Journal, Measured

PLAN = "plan.json"
STREAM = (
    "gensim draws its random numbers from one stream, so two runs of a seed share little but their start: changes hold "
    "the noise of two trainings, and need more seeds than with --trainer paired"
)
WORKERS = (
    "the run was trained by several workers, which does not repeat: it is compared with trainings by one worker, which "
    "share little with it"
)


@dataclass(frozen=True, eq=False)
class Question:
    """What is verified: tests, methods (the first is what the result is about), and how T is measured."""

    tests: list[BiasTest]
    methods: list[Method]
    chosen_by: Method
    measure: str
    damping: float | None
    seeds: list[int]

    def folder(self, run: Run, request: Request) -> Path:
        """Where the result is kept: the same for the same question, sets and model."""
        recipe = {
            **run.identity,
            "clif": __version__,
            "tests": [definition(test) for test in self.tests],
            "methods": [method.name for method in self.methods],
            "chosen_by": self.chosen_by.name,
            "measure": self.measure,
            "damping": self.damping,
            "seeds": self.seeds,
            **{name: getattr(request, name) for name in ("sizes", "random_sets", "random_shares", "subsets", "alpha")},
            "budget": request.seconds,
            **({"steps": request.steps} if request.steps else {}),
        }
        name = f"{self.tests[0].name}.{self.methods[0].name}.{self.measure}"
        return run.verifications / f"{name}.{fingerprint(recipe)[:8]}"


def ask(run: Run, tests: Sequence[str | BiasTest | None], request: Request) -> Question:
    """The question that a request puts to a run.

    Raises
    ------
    UsageError
        The run was imported, a test is unknown or given twice in two forms, or a set would leave no document.
    CoverageError
        The vocabulary does not cover a test.

    """
    if run.imported:
        raise UsageError(
            "the model of this run was trained elsewhere, so it cannot be retrained as it was",
            where=str(run.path),
            next="Train on this corpus with `clif train`, and verify on that run.",
        )
    check_sizes(request.sizes or (), len(run.corpus))
    questions: dict[str, BiasTest] = {}
    for asked in tests or [None]:
        test = choose_test(run, asked)
        if questions.setdefault(test.name, test) != test:
            raise UsageError(
                f"two different tests are named {test.name!r}", where="--test", next="Give one of them another name."
            )
    coverages = [cover(test, run.vocabulary.index) for test in questions.values()]
    if lacking := [coverage for coverage in coverages if coverage.reason]:
        raise uncovered_error(lacking, where=str(run.path))
    kinds = list({kind_of(test).name: kind_of(test) for test in questions.values()}.values())
    shared = [name for name in kinds[0].measures if all(name in kind.measures for kind in kinds)]
    if not shared:
        raise UsageError(
            f"tests of the kinds {', '.join(kind.name for kind in kinds)} have no measure in common, by which all are "
            "verified",
            where="--test",
            next="Verify them one after the other: trainings that are done are not repeated.",
        )
    newest = newest_ranking(run)
    measure, damping = request.measure, request.damping
    if newest and newest.test in questions.values():
        if newest.about["measure"] in shared:
            measure = measure or newest.about["measure"]
        damping = damping or newest.about["asked_damping"]
    measure = measure or shared[0]
    for test in questions.values():
        kind_of(test).check_measure(measure)
    methods = [METHODS[name] for name in request.methods]
    return Question(
        tests=list(questions.values()),
        methods=methods,
        chosen_by=METHODS[request.choose] if request.choose else methods[0],
        measure=measure,
        damping=damping,
        seeds=ensemble_seeds(run, request.seeds),
    )


@dataclass(frozen=True, eq=False)
class Plan:
    """The sets that are retrained without, how many were left out for want of time, and the trainings.

    trainings    of the sets, by set and seed
    unedited     of the whole corpus, by seed: the run's own models where these were trained by one worker
    """

    sets: list[DocumentSet]
    left_out: dict[str, int]
    trainings: list[list[Measured]]
    unedited: list[Measured]
    models: list[Job]

    @property
    def measured(self) -> list[Measured]:
        """Every training that is measured, each once."""
        rows = [training for row in self.trainings for training in row]
        return list({training.path: training for training in [*self.unedited, *rows]}.values())

    def missing(self, journal: Journal) -> int:
        """How many trainings are to be done."""
        waiting = sum(not job.path.exists() for job in self.models)
        return waiting + sum(not journal.done(training) for training in self.measured)

    def __len__(self) -> int:
        return len(self.measured) + len(self.models)


def make_plan(
    run: Run, question: Question, request: Request, sets: list[DocumentSet], journal: Journal, folder: Path
) -> Plan:
    """Which trainings there are to do. What a budget leaves is noted in `folder`: the same call goes on with it.

    Raises
    ------
    UsageError
        Nothing fits into the budget.

    """
    models = [further_model(run, seed) for seed in question.seeds[1:]]
    unedited = [] if run.settings.workers == 1 else [journal.unedited(seed) for seed in question.seeds]

    def plan(some: Sequence[DocumentSet]) -> Plan:
        left = Counter(each.kind for each in sets)
        left.subtract(each.kind for each in some)
        trainings = [[journal.training(each.edit, seed) for seed in question.seeds] for each in some]
        return Plan(list(some), {kind: n for kind, n in left.items() if n}, trainings, unedited, models)

    if request.seconds is None:
        return plan(sets)
    path = folder / PLAN
    if path.exists():
        return plan(_as_planned(path, sets))
    whole = plan(sets)
    waiting = {training.path for training in whole.measured if not journal.done(training)}
    always = whole.missing(journal) - len(waiting) + sum(training.path in waiting for training in unedited)
    paths = {each: {training.path for training in row} for each, row in zip(sets, whole.trainings, strict=True)}

    def count(some: Sequence[DocumentSet]) -> int:
        return always + len(waiting & {path for each in some for path in paths[each]})

    kept = fit(sets, count, pace(run, request), request.seconds)
    write_json(path, {"sets": [number for number, each in enumerate(sets) if each in set(kept)]})
    return plan(kept)


def pace(run: Run, request: Request) -> Pace:
    """How fast this machine trains, by what the run's own training took."""
    return Pace(run.manifest["training"]["cpu_seconds"] or 0.0, request.processes or places())


def _as_planned(path: Path, sets: list[DocumentSet]) -> list[DocumentSet]:
    values = read_json(path, "Remove it, and verify again.")
    try:
        return [sets[number] for number in values["sets"]]
    except (TypeError, KeyError, IndexError) as error:
        raise InputError(
            "is not the plan of this verification", where=str(path), next="Remove it, and verify again."
        ) from error


def announce(question: Question, plan: Plan, missing: int, speed: Pace) -> str:
    """What will be done, and how long it takes."""
    words = {"targeted": "chosen", RANDOM: "random", SHARE: "random by share", SUBSET: "random subsets"}
    kinds = Counter("targeted" if each.targeted else each.kind for each in plan.sets)
    sets = ", ".join(f"{count} {words[kind]}" for kind, count in kinds.items())
    text = (
        f"Plan: {len(plan.sets)} sets of documents ({sets}), seeds {', '.join(map(str, question.seeds))}: "
        f"{len(plan)} trainings, {len(plan) - missing} of them done. "
        f"About {duration(speed.time(missing))} with {speed.processes} at a time."
    )
    if plan.left_out:
        left = ", ".join(f"{count} {_LEFT[kind]}" for kind, count in plan.left_out.items())
        text += f"\nLeft out to fit into the budget: {left}."
    return text


_LEFT = {
    REDUCE: "chosen to reduce", INCREASE: "chosen to increase", RANDOM: "random", SHARE: "random by share",
    SUBSET: "random subsets",
}  # fmt: skip


def foresee(test: str, found: Detectable) -> str:
    """How small a change the retrainings can detect, before they are done."""
    if found.change is None:
        return f"{test}: one run of each set cannot say how small a change it detects; --seeds 2 can."
    return (
        f"{test}: the smallest change that {found.runs} retrainings can detect is {found.change:.2g} "
        f"(alpha {found.alpha:g}, power {found.power:g}; judged by the {found.source})."
    )


def warnings_for(run: Run) -> list[str]:
    """What limits the comparison whatever comes out."""
    return [STREAM] * (run.settings.trainer == "gensim") + [WORKERS] * (run.settings.workers > 1)
