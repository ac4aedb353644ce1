"""The trade-off itself: what each policy removes, what it is trained for, and what comes of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clif.cluster import places
from clif.errors import UsageError
from clif.influence.joint import SolveSettings
from clif.influence.memory import check_memory
from clif.influence.methods import METHODS
from clif.manifest import versions
from clif.objectives import BiasTest, Coverage, kind_of
from clif.progress import Progress
from clif.ranking import choose_test, further_problems, make_problem
from clif.retraining.asking import Asked, chunk_method, repeats
from clif.retraining.edits import UNEDITED, Edit
from clif.retraining.keeping import QUALITY
from clif.retraining.kept import Kept
from clif.retraining.statistics import Sample
from clif.run import Run
from clif.tradeoffs.debiasing import pairs_of, read_pairs
from clif.tradeoffs.policies import at_random, by_keywords, chosen_by_influence, head
from clif.tradeoffs.request import CLIF, DEBIAS, KEEP, KEYWORD, RANDOM, Request
from clif.tradeoffs.trainings import CALLER, READINGS, Measured, make_training
from clif.training.pool import train_apart
from clif.verification.budget import Pace, duration

UNTOUCHED = "before"
INFLUENCE = (CLIF, KEEP)

Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Point:
    """Trainings of one policy at one share of the tokens (None: nothing is removed), one a seed.

    `documents` and `tokens` are means over the seeds. `kind` is what is read of each training.
    """

    policy: str
    share: float | None
    documents: float
    tokens: float
    trainings: Sequence[Measured]
    kind: str = "plain"

    def to_dict(self, run: Run) -> dict[str, Any]:
        """Plain values, with each reading's mean, deviation, interval and runs over the seeds."""
        found = [training.values(run, self.kind) for training in self.trainings]
        read: dict[str, Any] = {}
        for name in READINGS:
            read[name] = _sample([each[name] for each in found])
        read["kept"] = {name: _sample([each["kept"][name] for each in found]) for name in found[0].get("kept", {})}
        tokens = len(run.corpus.tokens)
        about = {"policy": self.policy, "share": self.share, "documents": self.documents, "tokens": self.tokens}
        return {**about, "token_share": self.tokens / tokens, **read}


def _sample(runs: Sequence[float | None]) -> dict[str, Any]:
    return Sample(tuple(value for value in runs if value is not None)).to_dict()


def compare(
    run: Run, asked: Asked, coverage: Coverage, request: Request, kept: Sequence[Kept], progress: Progress
) -> dict[str, Any]:
    """All figures, as result.json holds them, of what is kept too; errors are those of `tradeoff`."""
    seeds = [run.settings.seed + number for number in range(request.seeds)]
    pairs = words_of_pairs(run, coverage, request)
    influential = set(INFLUENCE) & set(request.policies)
    method = {"method": asked.method, "method_because": why(run, request)} if influential else {"method": None}
    said = f" {' and '.join(sorted(influential))} by {asked.method}: {method['method_because']}." if influential else ""
    progress("plan", 0, None, announce(run, request) + said)
    orders, warnings = _orders(run, asked, coverage, request, kept, seeds, progress)
    measured = tuple(each for each in kept if each.name != QUALITY)  # which is measured anyway

    def train(edits: Sequence[Edit]) -> list[Measured]:
        return [
            make_training(run, edit, seed, asked.question, asked.measure, pairs, request.analogies, measured)
            for edit, seed in zip(edits, seeds, strict=True)
        ]

    before = train([UNEDITED] * len(seeds))
    points = [Point(UNTOUCHED, None, 0.0, 0.0, before)]
    if pairs:
        points.append(Point(DEBIAS, None, 0.0, 0.0, before, "debiased"))
    for policy, by_seed in orders.items():
        points += _points(run, policy, by_seed, request, train)
    train_apart(run, [job for point in points for job in point.trainings], CALLER, progress, request.processes)
    found = [point.to_dict(run) for point in points]
    given = {"pairs": request.pairs, "analogies": request.analogies}
    return {
        "test": asked.question.name,
        "definition": asked.question.to_dict(),
        "measure": asked.measure,
        "method_because": None,
        **method,
        "policies": list(request.policies),
        "keep": list(request.keep) if KEEP in orders else [],
        "pairs": [list(pair) for pair in pairs],
        "files": {name: path and str(path) for name, path in given.items()},
        "seeds": seeds,
        "shares": list(request.shares),
        "documents": len(run.corpus),
        "tokens": len(run.corpus.tokens),
        "trainings": len({job.path for point in points for job in point.trainings}),
        "points": [{**each, "front": _on_front(each, found)} for each in found],
        "warnings": warnings,
        "run": run.identity,
        "versions": versions(),
    }


def announce(run: Run, request: Request) -> str:
    """How many trainings there are at the most, and how long they take by the run's own training."""
    removing = sum(policy != DEBIAS for policy in request.policies)
    count = (1 + removing * len(request.shares)) * request.seeds
    pace = Pace(run.manifest["training"]["cpu_seconds"] or 0.0, request.processes or places())
    return (
        f"Plan: {count} trainings at the most, about {duration(pace.time(count))} beside the choice of documents; "
        "those that are done already are not repeated."
    )


def words_of_pairs(run: Run, coverage: Coverage, request: Request) -> tuple[tuple[str, str], ...]:
    """The pairs of the policy debias, if it is compared; errors are those of `pairs_of` and `read_pairs`."""
    if DEBIAS not in request.policies:
        return ()
    return pairs_of(coverage) if request.pairs is None else read_pairs(request.pairs, run.vocabulary.index)


def _orders(
    run: Run,
    asked: Asked,
    coverage: Coverage,
    request: Request,
    kept: Sequence[Kept],
    seeds: Sequence[int],
    progress: Progress,
) -> tuple[dict[str, list[Integers]], list[str]]:
    """The order in which each policy removes documents, for each seed, and what is to be said of these."""
    tokens = max(request.shares) * len(run.corpus.tokens)
    found: dict[str, list[Integers]] = {}
    warnings = []
    wanted = [policy for policy in request.policies if policy in INFLUENCE]
    if wanted:
        problem = make_problem(run, asked.question, asked.measure, asked.damping, progress=progress)
        check_memory(problem, METHODS[asked.method], SolveSettings(), 2 * len(seeds))
        models = [run.settings.seed] if run.imported else seeds
        problems = further_problems(run, problem, models, progress=progress)
    for policy in wanted:
        stays = kept if policy == KEEP else ()
        order = chosen_by_influence(run, problems, asked.method, tokens, stays, progress)
        held = int(run.corpus.lengths[order].sum())
        if not len(order):
            raise UsageError(
                "no document lowers the test and leaves what is kept within its tolerance",
                where="--keep",
                next="Allow a larger tolerance, or leave out the policy keep.",
            )
        if held < 0.9 * tokens:
            warnings.append(
                f"{policy} ends at {held / len(run.corpus.tokens):.1%} of the tokens: no others lower the test"
                + (" and leave what is kept within its tolerance" if stays else "")
            )
        found[policy] = [order] * len(seeds)
    if RANDOM in request.policies:
        found[RANDOM] = [at_random(run, seed) for seed in seeds]
    if KEYWORD in request.policies:
        found[KEYWORD] = [by_keywords(run, coverage)] * len(seeds)
    return {policy: found[policy] for policy in request.policies if policy in found}, warnings


def _points(run: Run, policy: str, orders: Sequence[Integers], request: Request, train: Any) -> Iterator[Point]:
    """One for each share that an order reaches; that at which it ends counts as the next."""
    last = 0
    for share in request.shares:
        chosen = [head(run, order, share * len(run.corpus.tokens)) for order in orders]
        if len(chosen[0]) == last and policy in INFLUENCE:
            continue
        last = len(chosen[0])
        edits = [Edit(documents, 0) for documents in chosen]
        documents = float(np.mean([len(each) for each in chosen]))
        tokens = float(np.mean([edit.tokens(run.corpus) for edit in edits]))
        yield Point(policy, share, documents, tokens, train(edits))


def _on_front(point: dict[str, Any], points: Sequence[dict[str, Any]]) -> bool | None:
    """Whether no other point has both a smaller bias and a higher quality, by means; None if these are not known."""

    def place(each: dict[str, Any]) -> tuple[float, float] | None:
        bias, quality = each["bias"]["mean"], each["quality"]["mean"]
        return None if quality is None else (abs(bias), -quality)

    own = place(point)
    if own is None:
        return None
    others = [other for each in points if (other := place(each)) is not None and other != own]
    return not any(other[0] <= own[0] and other[1] <= own[1] for other in others)


def settle(run: Run, test: str | BiasTest | None, request: Request) -> Asked:
    """The question, and how documents are chosen for it: in chunks, as on the way to a goal.

    Nothing but the test is taken from the newest ranking, so that the answer does not depend on what was ranked last.
    Raises UsageError for a measure that the test's kind does not have.
    """
    question = choose_test(run, test)
    measure = kind_of(question).check_measure(request.measure)
    return Asked(question, chunk_method(run, request.method), measure, damping=None)


def why(run: Run, request: Request) -> str:
    """Why documents are chosen by this method."""
    if request.method is not None:
        return "it was asked for by --method"
    if repeats(run):
        return "the training of this run can be gone through once more"
    return "the training of this run cannot be gone through once more, which source would need"
