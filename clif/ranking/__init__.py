"""Rank documents or contexts by their influence on a test, and keep the list in the run."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import Any

import numpy as np

from clif import __version__
from clif.errors import InputError, UsageError
from clif.files import read_json, write_json
from clif.influence.groups import zero_crossing
from clif.influence.methods import RECOMMENDED, find_method
from clif.influence.problem import Problem
from clif.influence.scores import score_documents, top_contexts
from clif.manifest import file_sha256, fingerprint
from clif.objectives import MEASURES, WEAT, BiasTest, cover, load_tests, uncovered_error
from clif.progress import Progress, silent
from clif.ranking.files import WRITERS, check_ending, read_order, read_table, write_ranking
from clif.ranking.lists import (
    CONTEXT_COLUMNS,
    DOCUMENT_COLUMNS,
    Ranking,
    context_columns,
    document_columns,
    warnings_of,
)
from clif.run import Run

__all__ = [
    "CONTEXT_COLUMNS",
    "DEFAULT_TEST",
    "DOCUMENT_COLUMNS",
    "HALF_LEAST",
    "TOP_CONTEXTS",
    "UNITS",
    "WRITERS",
    "Ranking",
    "check_ending",
    "choose_test",
    "make_problem",
    "newest_ranking",
    "rank",
    "read_order",
    "read_table",
    "write_ranking",
]

DEFAULT_TEST = "gender-career"
UNITS = ("document", "context")
TOP_CONTEXTS = 10_000
HALF_LEAST = 2  # words that each set of half a test needs; whole tests need more


def rank(
    run: Run,
    test: str | BiasTest | None = None,
    *,
    method: str = RECOMMENDED,
    measure: str = "effect_size",
    unit: str = "document",
    top: int | None = None,
    damping: float | None = None,
    cache: bool = True,
    half: bool = False,
    progress: Progress = silent,
) -> Ranking:
    """Score every document of a run for one test and store the ranked list in the run.

    `top` bounds a list of contexts (default TOP_CONTEXTS); a list of documents always holds them all. A stored
    list of the same model, corpus, test and settings is taken as it is unless `cache` is false. `half` says that
    the test is half of another, whose other words are held out: HALF_LEAST words a set will do, and the list is
    never what later commands mean by the newest ranking.

    Raises
    ------
    UsageError
        The test, method, measure or unit is unknown, or the damping is not positive and finite.
    CoverageError
        The vocabulary does not cover the test.
    MismatchError
        Files of the run do not belong together.

    """
    if unit not in UNITS:
        raise UsageError(f"unknown unit {unit!r}", where="--unit", next=f"Choose one of: {', '.join(UNITS)}.")
    if measure not in MEASURES:
        raise UsageError(
            f"unknown measure {measure!r}", where="--measure", next=f"Choose one of: {', '.join(MEASURES)}."
        )
    if damping is not None and not 0 < damping < float("inf"):
        raise UsageError(
            f"the damping must be positive and finite, got {damping}",
            where="--damping",
            next="Leave it out for 1 / (sum of the learning rates).",
        )
    chosen = find_method(method)
    question = choose_test(run, test)
    limit = TOP_CONTEXTS if unit == "context" and top is None else top
    recipe = {
        "test": question.to_dict(),
        "method": method,
        "measure": measure,
        "unit": unit,
        "damping": damping,
        "top": limit if unit == "context" else None,
        "half": half,
    }
    name = f"{question.name}.{method}.{measure}.{unit}"
    if damping is not None:
        name += f".damping-{damping:g}"
    path = run.rankings / f"{name}.csv"
    mark = fingerprint({**recipe, **run.identity, "clif": __version__})
    if cache and (found := _stored(path, mark)):
        with contextlib.suppress(OSError):  # a run that is shared may not be ours to touch
            os.utime(path.with_suffix(".json"))  # it is the newest ranking again
        return found
    problem = make_problem(run, question, measure, damping, half=half)
    scores = score_documents(problem, chosen, progress)
    sign = np.sign(problem.value)
    order = np.argsort(sign * scores.influence, kind="stable")
    crossing, began = None, time.perf_counter()
    if unit == "document":
        columns = document_columns(problem, scores.influence, order)
        crossing = zero_crossing(problem, order, limit=int((sign * scores.influence < 0).sum()))
    else:
        columns = context_columns(problem, *top_contexts(problem, scores, limit))
    about = {
        "test": question.name,
        "method": method,
        "measure": measure,
        "unit": unit,
        "value": problem.value,
        "effect_size": _effect_size(problem),
        "bound": problem.objective.bound,
        "asked_damping": damping,
        "damping": problem.damp if chosen.solve and method != "gradient" else None,
        "residual": scores.residual,
        "documents": len(problem.corpus),
        "zero_crossing": crossing,
        "seconds": {
            "solve": round(scores.solve_seconds, 4),
            "score": round(scores.score_seconds, 4),
            "zero_crossing": round(time.perf_counter() - began, 4),
        },
        "cpu_seconds": round(scores.cpu_seconds, 4),
        "definition": question.to_dict(),
        "half": half,
        "identity": run.identity,
        "recipe": mark,
    }
    ranking = Ranking(about, columns, path, warnings=tuple(warnings_of(about)))
    # The list is stored when both files are: without the second one it is nobody's.
    path.with_suffix(".json").unlink(missing_ok=True)
    write_ranking(ranking, path)
    about["sha256"] = file_sha256(path)
    write_json(path.with_suffix(".json"), about)
    return ranking


def _effect_size(problem: Problem) -> float | None:
    """Effect size of the model as it is; None where the associations do not differ."""
    try:
        return problem.objective.value(problem.E)
    except InputError:
        return None


def choose_test(run: Run, test: str | BiasTest | None) -> BiasTest:
    """The test asked for, else that of the newest stored ranking, else DEFAULT_TEST."""
    if isinstance(test, BiasTest):
        return test
    if test is None:
        newest = newest_ranking(run)
        if newest:
            return newest.test
    tests = load_tests([test or DEFAULT_TEST])
    if len(tests) != 1:
        raise UsageError(
            f"{test!r} names {len(tests)} tests; documents are ranked for one",
            where="--test",
            next=f"Choose one of: {', '.join(t.name for t in tests)}.",
        )
    return tests[0]


def make_problem(
    run: Run, test: BiasTest, measure: str, damping: float | None = None, *, half: bool = False
) -> Problem:
    """The question of `test` put to a run's model; raises CoverageError if the vocabulary lacks its words."""
    model = run.model
    assert model.C is not None
    coverage = cover(test, model.index, HALF_LEAST) if half else cover(test, model.index)
    if coverage.reason:
        raise uncovered_error([coverage], where=str(run.path))
    return Problem(run.corpus, run.vocabulary, run.settings, model.U, model.C, WEAT(coverage), measure, damping)


def newest_ranking(run: Run) -> Ranking | None:
    """The stored ranking of documents that was made or used last; None if there is none of this model."""
    paths = sorted(run.rankings.glob("*.json"), key=lambda path: (path.stat().st_mtime_ns, path.name))
    for path in reversed(paths):
        about = _read_about(path)
        whole = about.get("unit") == "document" and not about.get("half") and path.with_suffix(".csv").is_file()
        if whole and about.get("identity") == run.identity:
            return _open(path.with_suffix(".csv"), about)
    return None


def _stored(path: Path, mark: str) -> Ranking | None:
    side = path.with_suffix(".json")
    if not (side.is_file() and path.is_file()):
        return None
    about = _read_about(side)
    return _open(path, about) if about.get("recipe") == mark else None


def _read_about(path: Path) -> dict[str, Any]:
    about = read_json(path, "Remove it, and rank again.")
    if not isinstance(about, dict):
        raise InputError("says nothing about a ranking", where=str(path), next="Remove it, and rank again.")
    return about


def _open(path: Path, about: dict[str, Any]) -> Ranking:
    if file_sha256(path) != about.get("sha256"):
        raise InputError("is not the list that was stored here", where=str(path), next="Remove it, and rank again.")
    frame = read_table(path)
    columns = {name: frame[name].to_numpy() for name in frame.columns}
    return Ranking(about, columns, path, reused=True, warnings=tuple(warnings_of(about)))
