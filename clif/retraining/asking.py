"""What a retraining asks of a run: the question, the rankings that choose documents, the problems that predict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clif.errors import UsageError
from clif.influence.adaptive import ADAPTIVE
from clif.influence.joint import SolveSettings
from clif.influence.methods import RECOMMENDED, find_method
from clif.influence.problem import Problem
from clif.objectives import BiasTest
from clif.progress import Progress
from clif.ranking import (
    Ranking,
    choose_test,
    ensemble_seeds,
    further_problems,
    make_problems,
    newest_ranking,
    rank_many,
    read_order,
)
from clif.retraining.limits import Limits
from clif.retraining.request import Request
from clif.run import Run

Words = tuple[tuple[str, ...], ...]
Split = tuple[BiasTest, BiasTest | None]  # used, held out


@dataclass(frozen=True, eq=False)
class Asked:
    """The question, and how documents are ranked for it: as the request says, else as the newest ranking was made."""

    question: BiasTest
    method: str
    measure: str
    damping: float | None
    ensemble: int | None = None
    confidence: float | None = None
    adaptive: int | None = None
    solving: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, run: Run, test: str | BiasTest | None, request: Request) -> Asked:
        """A question that the newest ranking does not answer takes nothing from it."""
        newest = newest_ranking(run)
        question = choose_test(run, test)
        method, measure, damping = request.method, request.measure, request.damping
        more: dict[str, Any] = {}
        if newest and newest.test == question:
            method = method or newest.about["method"]
            measure = measure or newest.about["measure"]
            damping = damping or newest.about["asked_damping"]
            more = {
                "ensemble": newest.models if newest.models > 1 else None,
                "confidence": newest.about.get("confidence"),
            }
            if method == newest.about["method"]:
                more |= {"solving": newest.about.get("solving") or {}, "adaptive": newest.about.get("adaptive")}
        if (
            request.until is not None or request.keep
        ):  # documents are chosen in the models whose retraining they are judged by
            method = _in_chunks(run, method)
            more = {"ensemble": request.seeds if request.seeds > 1 and not run.imported else None}
        return cls(question, method or RECOMMENDED, measure or "effect_size", damping, **more)


def _in_chunks(run: Run, method: str | None) -> str:
    """The method by which documents are chosen in chunks, where this one was asked for or ranked."""
    return method if method in ADAPTIVE else "source" if _repeats(run) else "block"


def _repeats(run: Run) -> bool:
    """Whether its training can be gone through once more."""
    return run.settings.trainer == "paired" and run.settings.workers == 1 and not run.imported


@dataclass(frozen=True, eq=False)
class Order:
    """Documents in the order of their choice: all, or, of a list with a confidence, the sure ones that serve the goal.

    `crossing` is the number of removals that is predicted to bring the bias to zero, `influence` (documents,) that of
    each document of the corpus, where the list says. `needed` of them are taken, if that is known already. `limits` are
    those that the choice keeps.
    """

    documents: NDArray[np.int64]
    crossing: int | None = None
    influence: NDArray[np.float64] | None = None
    needed: int | None = None
    limits: Limits | None = None


def order_documents(
    run: Run, tests: Sequence[BiasTest], asked: Asked, request: Request, progress: Progress
) -> list[Order]:
    """The order for each test, which is half of the question where words are held out; makes the rankings if none fits.

    Raises
    ------
    UsageError
        A file lists too few documents, or too few are sure; and as `rank_many`, whose other errors come through.

    """
    if request.ranking:
        order = read_order(request.ranking, run)
        if len(order) < len(run.corpus) and (request.amplify is None) != (request.aim == "reduce"):
            raise UsageError(
                f"lists {len(order)} of {len(run.corpus)} documents, but those at the other end are needed",
                where=str(request.ranking),
                next="Give the whole list, as `clif rank --top all --out FILE` writes it.",
            )
        return [Order(order)]
    options: dict[str, Any] = {"method": asked.method, "measure": asked.measure, "damping": asked.damping}
    options |= {"ensemble": asked.ensemble, "confidence": asked.confidence, "adaptive": asked.adaptive}
    ranked = rank_many(run, tests, half=bool(request.holdout), progress=progress, **options, **asked.solving)
    return [_order(run, ranking, request, predicts=find_method(asked.method).predicts) for ranking in ranked]


def _order(run: Run, ranked: Ranking, request: Request, *, predicts: bool) -> Order:
    number = run.corpus.number
    influence = None
    if predicts:
        influence = np.empty(len(run.corpus))
        influence[[number[doc_id] for doc_id in ranked.doc_ids]] = ranked.influence
    documents = np.array([number[doc_id] for doc_id in _candidates(ranked, request)])
    return Order(documents, ranked.about["zero_crossing"], influence)


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


def pose(
    run: Run, splits: Sequence[Split], asked: Asked, request: Request, progress: Progress
) -> Iterator[tuple[list[Problem], list[Problem]]]:
    """For each split the used and the held-out test (none: no problems), each put to every ranked model.

    Sets are predicted in the way of the method that ranked, and by Newton steps after a list from a file. What one
    half holds out its counterpart uses, so problems are kept from each half to the next, by their words.
    """
    tests = {_words(test): test for place in (1, 0) for split in splits if (test := split[place])}
    problems = make_problems(
        run, list(tests.values()), asked.measure, asked.damping, half=bool(request.holdout), progress=progress
    )
    plain = dict(zip(tests, problems, strict=True))
    method = None if request.ranking else find_method(asked.method)
    seeds, solving = ensemble_seeds(run, asked.ensemble), SolveSettings(**asked.solving)
    posed: dict[Words, list[Problem]] = {}
    for used, held in splits:
        wanted = [_words(test) for test in (used, held) if test]
        posed = {
            words: posed.get(words) or further_problems(run, plain[words], seeds, method, solving, progress=progress)
            for words in wanted
        }
        yield posed[wanted[0]], posed[wanted[1]] if held else []


def _words(test: BiasTest) -> Words:
    """X, Y, A and B, by which tests are the same whatever their names."""
    return tuple(test.sets.values())
