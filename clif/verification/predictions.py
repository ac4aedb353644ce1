"""What methods predict for sets of documents, by every model of the paired seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clif.errors import InputError
from clif.influence.groups import predict_change, vectors_after
from clif.influence.joint import SolveSettings
from clif.influence.memory import check_memory
from clif.influence.methods import Method
from clif.influence.problem import Problem
from clif.influence.scores import Scores, score_many
from clif.manifest import file_sha256
from clif.progress import Progress, silent
from clif.ranking import further_problems, solve_store
from clif.run import Run
from clif.training.models import further_model
from clif.verification.sets import DocumentSet

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Found:
    """What a method found for one test in one model: `influence` (documents,), the problem that knows the rest of it.

    `residual` is the relative residual of its solve, None where there is none.
    """

    problem: Problem
    influence: Values
    residual: float | None

    @classmethod
    def of(cls, problem: Problem, scores: Scores) -> Found:
        """What was scored, without what only the scoring needed."""
        found = scores.attribution
        residual = found.solve.residual if found.solve else None
        return cls(problem.knowing(found.predictor), scores.influence, residual)


@dataclass(frozen=True, eq=False)
class Predicted:
    """Changes of T that one method predicts: `changes` (sets, R), and `sums` of influences (sets, R).

    `residual` is the worst relative residual of the solves. The two differ where sets are predicted in another way than
    by adding up.
    """

    method: Method
    changes: Values
    sums: Values
    residual: float | None

    @property
    def variance(self) -> Values:
        """Variance (sets,) of the mean over the R models; 0 for one model, of which it is not known."""
        runs = self.changes.shape[1]
        return self.changes.var(axis=1, ddof=1) / runs if runs > 1 else np.zeros(len(self.changes))


@dataclass(frozen=True, eq=False)
class Models:
    """The run's own model and those of the seeds that follow, asked about every test: problems[seed][test]."""

    run: Run
    seeds: list[int]
    problems: list[list[Problem]]
    progress: Progress = silent
    solving: SolveSettings = field(default_factory=SolveSettings)
    _newton: dict[tuple[int, str], list[float]] = field(default_factory=dict)

    @classmethod
    def open(
        cls,
        run: Run,
        own: list[Problem],
        seeds: list[int],
        processes: int | None,
        progress: Progress = silent,
        solving: SolveSettings | None = None,
    ) -> Models:
        """The run's own model, asked the questions `own`, and the others, those that are missing trained now.

        Errors are those of `train_further`.
        """
        further = further_problems(run, own[0], seeds, threads=processes, progress=progress)[1:]
        others = [[first, *(first.asking(each.objective, each.measure) for each in own[1:])] for first in further]
        return cls(run, seeds, [own, *others], progress, solving or SolveSettings())

    @property
    def values(self) -> Values:
        """T (tests, R) of the models as they are."""
        return np.array([[problem.value for problem in problems] for problems in self.problems]).T

    def score(self, method: Method) -> list[list[Found]]:
        """What a method finds: found[seed][test]; errors are those of `rank`."""
        solving = self.solving
        check_memory(self.problems[0][0], method, solving, len(self.problems[0]))
        found = []
        for seed, problems in zip(self.seeds, self.problems, strict=True):
            identity = None
            if seed != self.seeds[0]:
                identity = {**self.run.identity, "model": file_sha256(further_model(self.run, seed).path)}
            stores = [solve_store(self.run, problem, solving, identity=identity) for problem in problems]
            scores = score_many(problems, method, solving, stores=stores, progress=self.progress)
            found.append([Found.of(problem, each) for problem, each in zip(problems, scores, strict=True)])
            problems[0].curvatures.clear()  # as large as the corpus' pairs, and needed no more
        return found

    def predict(self, test: int, method: Method, found: list[list[Found]], sets: Sequence[DocumentSet]) -> Predicted:
        """Predictions for these sets and the test with this number; `found` is what the method found."""
        mine = [each[test] for each in found]
        changes, sums = np.empty((len(sets), len(mine))), np.empty((len(sets), len(mine)))
        for row, each in enumerate(sets):
            self.progress("predict", row, len(sets), f"{row} of {len(sets)} sets, {method.name}")
            times = each.edit.times(self.run.corpus)
            sums[row] = [times @ one.influence for one in mine]
            if method.sets == "sum":
                changes[row] = sums[row]
            elif method.sets == "newton":
                changes[row] = self._newton_steps(test, each, times)
            else:
                changes[row] = [predict_change(one.problem, method.sets, one.influence, times) for one in mine]
        self.progress("predict", len(sets), len(sets), f"{len(sets)} sets, {method.name}")
        if not np.isfinite(changes).all():
            raise InputError(
                "gives predictions that are no finite numbers",
                where=f"--method {method.name}",
                next="Leave the method out, or train with smaller learning rates.",
            )
        residuals = [one.residual for one in mine if one.residual is not None]
        return Predicted(method, changes, sums, max(residuals, default=None))

    def _newton_steps(self, test: int, chosen: DocumentSet, times: NDArray[Any]) -> list[float]:
        """As `predict_change` does it, once for all such methods, and from one count of the pairs for all models."""
        key = test, chosen.name
        if key not in self._newton:
            problems = [problems[test] for problems in self.problems]
            counts = problems[0].count(chosen.edit.documents, times)
            self._newton[key] = [
                problem.objective.value(vectors_after(problem, counts), problem.measure) - problem.value
                for problem in problems
            ]
        return self._newton[key]


def rank_order(problem: Problem, influence: Values) -> NDArray[np.int64]:
    """Documents from the one whose removal reduces |T| most to the one that increases it most, as `rank` lists them."""
    return np.argsort(np.sign(problem.value) * influence, kind="stable")
