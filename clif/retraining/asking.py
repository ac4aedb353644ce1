"""What a retraining asks of a run: the question, the rankings that choose documents, the problems that predict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clif.errors import UsageError
from clif.influence.adaptive import ADAPTIVE
from clif.influence.joint import SolveSettings
from clif.influence.methods import RECOMMENDED, Method, find_method
from clif.influence.problem import Problem
from clif.objectives import BiasTest, kind_of
from clif.progress import Progress
from clif.ranking import (
    TOP,
    Ranking,
    choose_test,
    ensemble_seeds,
    find_sentences,
    further_problems,
    make_problems,
    newest_ranking,
    rank_many,
    read_order,
    read_sentence_order,
)
from clif.retraining.edits import SENTENCES, SWAP
from clif.retraining.limits import Limits
from clif.retraining.request import Request
from clif.run import Run

ONE_MODEL = (
    "sentences are ranked in the run's own model alone, not in the {} of the newest ranking; --until takes all models"
)
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
    broad: str | None = None
    wider: dict[str, Any] | None = None
    solving: dict[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

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
                more |= {"broad": newest.about.get("broad"), "wider": newest.about.get("wider")}
            if request.unit != "document":  # those are lists of documents
                passed = more["ensemble"] and request.until is None
                more = {name: value for name, value in more.items() if name == "solving"}
                more["warnings"] = (ONE_MODEL.format(newest.models),) if passed else ()
        if request.until is not None or request.keep:  # chosen in the models whose retraining they are judged by
            method = chunk_method(run, method)
            more = {"ensemble": request.seeds if request.seeds > 1 and not run.imported else None}
        return cls(question, method or RECOMMENDED, kind_of(question).check_measure(measure), damping, **more)


def chunk_method(run: Run, method: str | None = None) -> str:
    """The method by which documents are chosen in chunks, where this one was asked for or ranked."""
    return method if method in ADAPTIVE else "source" if repeats(run) else "block"


def repeats(run: Run) -> bool:
    """Whether its training can be gone through once more."""
    return run.settings.trainer == "paired" and run.settings.workers == 1 and not run.imported


@dataclass(frozen=True, eq=False)
class Order:
    """Documents, or sentences, in the order of their choice: all, or those that serve the goal and are sure.

    `crossing` is the number of removals that is predicted to bring the bias to zero, `influence` (units,) that of each
    document, or sentence, of the corpus, where the list says. `needed` of them are taken, if that is known already.
    `limits` are those that the choice keeps.
    """

    units: NDArray[np.int64]
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
        return [Order(_read(run, request.ranking, request))]
    options: dict[str, Any] = {"method": asked.method, "measure": asked.measure, "damping": asked.damping}
    options |= {"ensemble": asked.ensemble, "confidence": asked.confidence, "adaptive": asked.adaptive}
    options |= {"broad": asked.broad, "wider": asked.wider}
    if request.unit != "document":
        options |= {"unit": request.unit, "top": _rows(run, request)}
    ranked = rank_many(run, tests, half=bool(request.holdout), progress=progress, **options, **asked.solving)
    order = _order if request.unit == "document" else _order_sentences
    return [order(run, ranking, request, predicts=find_method(asked.method).predicts) for ranking in ranked]


def _read(run: Run, path: Path, request: Request) -> NDArray[np.int64]:
    if request.unit == "document":
        order, of = read_order(path, run), len(run.corpus)
    else:
        order, of = read_sentence_order(path, run), len(run.corpus.sentences)
    if len(order) < of and not request.from_head:
        raise UsageError(
            f"lists {len(order)} of {of} {request.unit}s, but those at the other end are needed",
            where=str(path),
            next=f"Give the whole list, as `clif rank --unit {request.unit} --top all --out FILE` writes it.",
        )
    return order


def _order(run: Run, ranked: Ranking, request: Request, *, predicts: bool) -> Order:
    number = run.corpus.number
    influence = None
    if predicts:
        influence = np.empty(len(run.corpus))
        influence[[number[doc_id] for doc_id in ranked.doc_ids]] = ranked.influence
    documents = np.array([number[doc_id] for doc_id in _candidates(ranked, request)])
    return Order(documents, ranked.about["zero_crossing"], influence)


def _order_sentences(run: Run, ranked: Ranking, _request: Request, *, predicts: bool) -> Order:
    order = find_sentences(run, ranked.doc_ids, ranked.columns["sentence"].tolist(), str(ranked.path))
    influence = np.full(len(run.corpus.sentences), np.nan)  # of sentences that are not listed
    influence[order] = ranked.influence
    return Order(order, influence=influence if predicts else None)


def _rows(run: Run, request: Request) -> int | None:
    """How long the list of sentences must be: as `clif rank` makes it, if the first ones are wanted and may all go."""
    k = request.number
    enough = request.from_head and request.protect is None and not request.limited and k is not None and k <= TOP
    return None if enough else len(run.corpus.sentences)


def _candidates(ranked: Ranking, request: Request) -> list[str]:
    """Ids to choose from, in rank order: all, or of a list with a confidence the sure ones that serve the goal."""
    confidence = ranked.about.get("confidence")
    if confidence is None:
        return ranked.doc_ids
    ids, falling = ranked.cut().doc_ids, ranked.about["sure_reduce"]
    ids = ids[:falling] if request.from_head else ids[falling:]
    if not ids or (request.number is not None and request.number > len(ids)):
        raise UsageError(
            f"{len(ids)} documents are sure to {'reduce' if request.from_head else 'increase'} the bias by their "
            f"removal, at the newest ranking's confidence of {confidence:g}",
            where=request.option,
            next="Give a smaller number, or rank again with more models, a lower --confidence or none.",
        )
    return ids


def predicting_method(asked: Asked, request: Request) -> Method | None:
    """The method that predicts sets; None for a list from a file, which says none, and so has Newton steps.

    Derivatives by the weights of documents, `unrolled`, say nothing of some of their tokens: there it is `source`.
    """
    if request.ranking:
        return None
    parts = request.edit in (SENTENCES, SWAP)
    return find_method("source" if parts and asked.method == "unrolled" else asked.method)


def pose(
    run: Run, splits: Sequence[Split], asked: Asked, request: Request, progress: Progress
) -> Iterator[tuple[list[Problem], list[Problem]]]:
    """For each split the used and the held-out test (none: no problems), each put to every ranked model.

    Sets are predicted in the way of the method that ranked (see `predicting_method`). What one
    half holds out its counterpart uses, so problems are kept from each half to the next, by their words.
    """
    tests = {_words(test): test for place in (1, 0) for split in splits if (test := split[place])}
    problems = make_problems(
        run, list(tests.values()), asked.measure, asked.damping, half=bool(request.holdout), progress=progress
    )
    plain = dict(zip(tests, problems, strict=True))
    method = predicting_method(asked, request)
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
