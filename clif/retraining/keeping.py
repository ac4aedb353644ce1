"""What shall stay as it is while a test is lowered: other tests, or how useful the vectors are.

What a choice does to a kept objective is estimated as `block` does, whatever method chooses: that is cheap, and word
similarity has hundreds of words. Once some documents are gone the words' vectors are where one Newton step on what
remains takes them (see `clif.influence.groups`), and what further documents do is found there, with the slopes of the
logistic in the curvature as they were.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from clif.errors import UsageError
from clif.influence.attribution import PairTable
from clif.influence.groups import vectors_after
from clif.influence.problem import Matrix, Problem
from clif.influence.scores import document_influence
from clif.manifest import fingerprint
from clif.objectives import (
    GROUPS,
    BiasObjective,
    BiasTest,
    Similarity,
    check_ranked,
    cover,
    load_tests,
    objective_of,
    uncovered_error,
)
from clif.objectives.similarity import SMOOTH, SPEARMAN
from clif.quality import read_judgements, wordsim_pairs
from clif.run import Run

QUALITY = "quality"
TABLES = (".tsv", ".csv", ".txt")
TOLERANCES = {"effect_size": 0.1}
TOLERANCE = 0.01  # of a rank correlation, and of other measures, whose sizes are those of cosines

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Keep:
    """What to keep: `quality` (WordSim-353), a file of judged pairs of words, or tests by name or TOML file."""

    name: str
    tolerance: float | None = None

    @classmethod
    def parse(cls, text: str) -> Keep:
        """From "NAME" or "NAME=TOLERANCE"; raises UsageError for a tolerance that is none."""
        name, equals, number = str(text).rpartition("=")
        if not equals:
            return cls(number)
        try:
            tolerance = float(number)
        except ValueError:
            return cls(str(text))
        if not (name and 0 <= tolerance < float("inf")):
            raise UsageError(
                f"{text!r} names nothing to keep, or no tolerance of 0 or more",
                where="--keep",
                next="Give a test, 'quality' or a file, and how far it may go, as weat1=.1 or quality=.01.",
            )
        return cls(name, tolerance)


@dataclass(frozen=True, eq=False)
class Kept:
    """An objective that shall stay within `tolerance`, and the models in which that is foreseen.

    `slope` is the measure that has a gradient, where that of `measure` has none. A test may go neither way, the
    agreement with judgements may rise: `low` and `high` bound its change.
    """

    name: str
    objective: BiasObjective | Similarity
    measure: str
    tolerance: float

    @property
    def low(self) -> float:
        """Least change that is allowed."""
        return -self.tolerance

    @property
    def high(self) -> float:
        """Largest change that is allowed."""
        return np.inf if self.measure == SPEARMAN else self.tolerance

    @property
    def slope(self) -> str:
        """The measure by which influences are found."""
        return SMOOTH if self.measure == SPEARMAN else self.measure

    @property
    def recipe(self) -> list[Any]:
        """What a file name must tell apart: the words themselves, whatever file named them."""
        of = self.objective
        words = {"rows": of.rows, "human": of.human} if isinstance(of, Similarity) else of.coverage.test.to_dict()
        return [self.name, self.tolerance, fingerprint(words)]

    def holds(self, change: float) -> bool:
        """Whether a change is within the tolerance."""
        return self.low <= change <= self.high

    def value(self, U: NDArray[np.floating]) -> float:
        """T of the vectors of a model, (V, d)."""
        return self.objective.value(U[self.objective.rows].astype(np.float64), self.measure)

    def put_to(self, problems: Sequence[Problem]) -> Foreseen:
        """The same question put to the models of these problems."""
        return Foreseen(self, [problem.asking(self.objective, self.slope) for problem in problems])


@dataclass(frozen=True, eq=False)
class Foreseen:
    """What removals do to a kept objective, in the mean over the models of `problems`."""

    kept: Kept
    problems: Sequence[Problem]

    @cached_property
    def before(self) -> float:
        """T as it is."""
        return float(np.mean([self.kept.objective.value(p.E, self.kept.measure) for p in self.problems]))

    def change(self, times: Values) -> float:
        """Predicted change when each document z is taken out times[z] times."""
        documents = np.flatnonzero(times)
        if not len(documents):
            return 0.0
        return self._change([vectors_after(p, self.problems[0].count(documents, times)) for p in self.problems])

    def beyond(self, gone: NDArray[np.int64]) -> tuple[float, Values]:
        """Predicted change without the documents that are `gone`, and then the influence of each, (documents,)."""
        first = self.problems[0]
        counts = first.count(gone) if len(gone) else np.zeros_like(first.counts)
        moved, tables = [], []
        for problem in self.problems:
            E = vectors_after(problem, counts) if len(gone) else problem.E
            moved.append(E)
            tables.append(_table(problem, counts, E))
        return self._change(moved), document_influence(PairTable(first, np.mean(tables, axis=0)))[0]

    def _change(self, moved: Sequence[Matrix]) -> float:
        return float(np.mean([self.kept.objective.value(E, self.kept.measure) for E in moved])) - self.before


def _table(problem: Problem, counts: Matrix, E: Matrix) -> Matrix:
    """Influence (n, V) of each pair on the smooth measure, where pairs of these counts are gone and vectors are E."""
    with threadpool_limits(1):
        left = problem.hessian - problem.surroundings.hessian(counts) + problem.damp * np.eye(E.shape[1])
        slope = problem.objective.gradient(E, problem.measure)
        s = np.asarray(np.linalg.solve(left, slope[:, :, None])[:, :, 0])
        return replace(problem.surroundings, U=np.asarray(E, dtype=np.float64)).contraction(s)


def find_kept(run: Run, keeps: Sequence[Keep], question: BiasTest) -> list[Kept]:
    """What is asked to be kept, each once; of a group of tests those that are covered, but the question itself.

    Raises
    ------
    UsageError
        A name is unknown, or names the question.
    CoverageError
        The vocabulary lacks the words.
    InputError
        A file of judgements cannot be read.

    """
    found: dict[str, Kept] = {}
    for keep in keeps:
        for kept in _find(run, keep, question):
            found[kept.name] = kept
    return list(found.values())


def _find(run: Run, keep: Keep, question: BiasTest) -> Iterator[Kept]:
    index = run.model.index
    if keep.name == QUALITY or keep.name.lower().endswith(TABLES):
        judged = wordsim_pairs() if keep.name == QUALITY else read_judgements(Path(keep.name))
        name = QUALITY if keep.name == QUALITY else Path(keep.name).name
        yield Kept(name, Similarity.of(judged, index), SPEARMAN, _tolerance(keep, SPEARMAN))
        return
    coverages = [cover(test, index) for test in load_tests([keep.name])]
    others = [each for each in coverages if (each.test.kind, each.test.sets) != (question.kind, question.sets)]
    if not others:
        raise UsageError(
            f"{question.name} is what shall change, so it cannot be kept",
            where=f"--keep {keep.name}",
            next="Leave it out, or keep another test.",
        )
    covered = [each for each in others if each.reason is None]
    if not covered or (len(covered) < len(others) and keep.name.lower() not in GROUPS):
        raise uncovered_error(others, where=f"--keep {keep.name}")
    for each in covered:
        measure = check_ranked(each.test).measures[0]
        yield Kept(each.test.name, objective_of(each), measure, _tolerance(keep, measure))


def _tolerance(keep: Keep, measure: str) -> float:
    return TOLERANCES.get(measure, TOLERANCE) if keep.tolerance is None else keep.tolerance


def report(foreseen: Foreseen, times: Values, before: Sequence[float], after: Sequence[float]) -> dict[str, Any]:
    """Predicted and realised change by an edit; `before` and `after` are T of the retrained models, one a seed."""
    kept, start = foreseen.kept, float(np.mean(before))
    realised = float(np.mean(after)) - start
    return {
        "name": kept.name,
        "measure": kept.measure,
        "tolerance": kept.tolerance,
        "definition": None if isinstance(kept.objective, Similarity) else kept.objective.coverage.test.to_dict(),
        "before": start,
        "predicted": foreseen.change(times),
        "realised": realised,
        "holds": kept.holds(realised),
    }
