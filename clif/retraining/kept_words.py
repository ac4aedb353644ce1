"""Objectives of the vectors of some words that shall stay: other tests, and agreement with judgements of similarity.

What a choice does to them is estimated as `block` does, whatever method chooses: that is cheap, and word similarity has
hundreds of words. Once some documents are gone the words' vectors are where one Newton step on what remains takes them
(see `clif.influence.groups`), and what further documents do is found there, with the slopes of the logistic in the
curvature as they were.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from clif.influence.attribution import PairTable
from clif.influence.groups import vectors_after
from clif.influence.problem import Problem
from clif.influence.units import Units
from clif.manifest import fingerprint
from clif.objectives import BiasObjective, Similarity
from clif.objectives.similarity import SMOOTH, SPEARMAN
from clif.retraining.kept import Integers, Kept, Matrix, Values
from clif.threads import one_thread


@dataclass(frozen=True, eq=False)
class KeptWords(Kept):
    """A test, which may go neither way, or the agreement with judgements, which may rise."""

    objective: BiasObjective | Similarity

    @property
    def high(self) -> float:
        """Largest change that is allowed."""
        return np.inf if self.measure == SPEARMAN else self.tolerance

    @property
    def slope(self) -> str:
        """The measure by which influences are found: that which has a gradient, where `measure` has none."""
        return SMOOTH if self.measure == SPEARMAN else self.measure

    @property
    def definition(self) -> dict[str, Any] | None:
        """The test as plain values."""
        return None if isinstance(self.objective, Similarity) else self.objective.coverage.test.to_dict()

    @property
    def recipe(self) -> list[Any]:
        """The words themselves."""
        of = self.objective
        words = {"rows": of.rows, "human": of.human} if isinstance(of, Similarity) else self.definition
        return [self.name, self.tolerance, fingerprint(words)]

    def value(self, U: Matrix, C: Matrix) -> float:
        """T, in which C has no part."""
        return self.objective.value(U[self.objective.rows].astype(np.float64), self.measure)

    def put_to(self, problems: Sequence[Problem], units: Units) -> ForeseenWords:
        """The same question put to the models of these problems."""
        return ForeseenWords(self, [problem.asking(self.objective, self.slope) for problem in problems], units)


@dataclass(frozen=True, eq=False)
class ForeseenWords:
    """What becomes of it, in the mean over the models of `problems`."""

    kept: KeptWords
    problems: Sequence[Problem]
    units: Units

    @cached_property
    def before(self) -> float:
        """T as it is."""
        return float(np.mean([self.kept.objective.value(p.E, self.kept.measure) for p in self.problems]))

    def change(self, chosen: Integers) -> float:
        """Predicted change without these units."""
        if not len(chosen):
            return 0.0
        counts = self._counts(chosen)
        return self._change([vectors_after(problem, counts) for problem in self.problems])

    def beyond(self, gone: Integers) -> tuple[float, Values]:
        """Predicted change without the units that are `gone`, and then the influence of each, (units,)."""
        first, counts = self.problems[0], self._counts(gone)
        moved, tables = [], []
        for problem in self.problems:
            E = vectors_after(problem, counts) if len(gone) else problem.E
            moved.append(E)
            tables.append(_table(problem, counts, E))
        pairs = PairTable(first, np.mean(tables, axis=0))
        return self._change(moved), self.units.influence(pairs, self.units.without(gone))

    def _counts(self, gone: Integers) -> Any:
        """Pairs that go, which are of the corpus, so the same for all models."""
        first = self.problems[0]
        return first.gone(self.units.without(gone)) if len(gone) else np.zeros_like(first.counts)

    def _change(self, moved: Sequence[Any]) -> float:
        return float(np.mean([self.kept.objective.value(E, self.kept.measure) for E in moved])) - self.before


def _table(problem: Problem, counts: Any, E: Any) -> Any:
    """Influence (n, V) of each pair on the smooth measure, where pairs of these counts are gone and vectors are E."""
    with one_thread():
        left = problem.hessian - problem.surroundings.hessian(counts) + problem.damp * np.eye(E.shape[1])
        slope = problem.objective.gradient(E, problem.measure)
        s = np.asarray(np.linalg.solve(left, slope[:, :, None])[:, :, 0])
        return replace(problem.surroundings, U=np.asarray(E, dtype=np.float64)).contraction(s)
