"""One corpus: sets of documents, what each relaxation predicts for them, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from clif.errors import InputError
from clif.experiments.convergence.relaxing import Relaxation, Start
from clif.experiments.convergence.training import MEASURED, DocumentSet, Trainings, Values
from clif.influence.attribution import SolveReport
from clif.influence.groups import predict_value, removal
from clif.influence.joint import Solve, SolveSettings
from clif.influence.joint_step import LIMIT, joint_step
from clif.influence.methods import METHODS
from clif.influence.problem import Predictor, Problem
from clif.influence.scores import score_documents
from clif.training.exact import count_dense

RANDOM, REDUCE, INCREASE = "random", "reduce", "increase"


@dataclass(frozen=True, eq=False)
class Study:
    """The experiment on one corpus; `random` sets of each size, `few` of them where trainings take long."""

    trainings: Trainings
    random: int
    few: int

    def compare(self, relaxation: Relaxation) -> dict[str, Any]:
        """Predicted and realised changes of T, by set and measure."""
        sets = self.sets(relaxation)
        return {
            "corpus": self.trainings.ground.name,
            "relaxation": relaxation.name,
            "gap": relaxation.gap,
            "sets": [{"kind": each.kind, "size": each.size, "number": each.number} for each in sets],
            "predicted": [self.predicted(relaxation, each).tolist() for each in sets],
            "realised": [self.trainings.change(relaxation.judge, relaxation.warm, each).tolist() for each in sets],
        }

    def sets(self, relaxation: Relaxation) -> list[DocumentSet]:
        """The sets that a relaxation is judged by: random ones, and both ends of the ranking of the base."""
        sizes = (relaxation.large,) if relaxation.large else self.trainings.settings.sizes
        drawn = self.few if relaxation.few else self.random
        return [each for size in sizes for each in self._of_size(size) if each.number < drawn]

    def _of_size(self, size: int) -> list[DocumentSet]:
        ground = self.trainings.ground
        if 2 * size > len(ground.corpus):
            raise InputError(
                f"both ends of {len(ground.corpus)} documents cannot have {size} each",
                where=f"the corpus {ground.name}",
                next="Give smaller sizes, or a larger corpus.",
            )
        rng = np.random.default_rng([self.trainings.settings.seed, size])
        drawn = [np.sort(rng.choice(len(ground.corpus), size, replace=False)) for _ in range(self.random)]
        sign = np.sign(self.trainings.problem(self.trainings.base).value)
        order = np.argsort(sign * self._influence[0], kind="stable")
        return [
            *(DocumentSet(RANDOM, size, number, each) for number, each in enumerate(drawn)),
            DocumentSet(REDUCE, size, 0, order[:size]),
            DocumentSet(INCREASE, size, 0, order[-size:]),
        ]

    def predicted(self, relaxation: Relaxation, left_out: DocumentSet) -> Values:
        """Change of T, by measure, as a relaxation predicts it."""
        problem = self.trainings.problem(relaxation.model)
        if relaxation.by == "sum":
            return np.asarray(self._influence[:, left_out.documents].sum(1))
        if relaxation.by == "step":
            name = f"{_step_name(relaxation)}.{left_out.name}"
            after = np.array(self.trainings.get(name, lambda: self._step(relaxation, left_out)))
        else:
            times = removal(problem, left_out.documents)
            after = np.array([predict_value(each, times) for each in self._asked(relaxation)])
        return after - self.trainings.measure(problem.U)

    def _step(self, relaxation: Relaxation, left_out: DocumentSet) -> list[float]:
        """T, by measure, after one Newton step of all vectors."""
        problem = self.trainings.problem(relaxation.model)
        found = joint_step(
            replace(problem, damping=problem.damp + relaxation.damping),
            left_out.documents,
            counts=self._counts,
            exact=relaxation.exact,
            tolerance=self.trainings.settings.residual,
            limit=relaxation.products or LIMIT,
        )
        values: list[float] = self.trainings.measure(found.Z[0]).tolist()
        return values

    @cached_property
    def _counts(self) -> Values:
        """Pair counts of all documents."""
        ground = self.trainings.ground
        return count_dense(ground.corpus, ground.vocabulary, self.trainings.how(self.trainings.base))

    @cached_property
    def _influence(self) -> Values:
        """Influence at the base, by measure and document, as `clif rank --curvature exact --dense` finds it."""
        how = SolveSettings("exact", self.trainings.settings.residual, dense=True)

        def find() -> list[list[float]]:
            problems = _by_measure(self.trainings.problem(self.trainings.base))
            return [score_documents(each, METHODS["clif"], how).influence.tolist() for each in problems]

        return np.array(self.trainings.get("influence", find))

    def _asked(self, relaxation: Relaxation) -> list[Problem]:
        """The question by each measure, to the model of a relaxation, with the predictor of its method."""
        if relaxation not in self._known:
            problems = _by_measure(self.trainings.problem(relaxation.model))
            if relaxation.by == "unrolled":
                problems = [each.knowing(self._unrolled(each, relaxation.model)) for each in problems]
            self._known[relaxation] = problems
        return self._known[relaxation]

    @cached_property
    def _known(self) -> dict[Relaxation, list[Problem]]:
        return {}

    def _unrolled(self, problem: Problem, start: Start) -> Predictor | None:
        def store(method: str, solve: Callable[[], Solve]) -> Solve:
            kept = self.trainings.get(f"{start.name}.{method}", lambda: solve()[0].tolist())
            return np.array(kept), SolveReport(0.0)

        return METHODS["unrolled"].find(problem, SolveSettings(), store).predictor


def _step_name(relaxation: Relaxation) -> str:
    curvature = "exact" if relaxation.exact else "gn"
    solve = "" if relaxation.products is None else f"-{relaxation.products}"
    return f"{relaxation.model.name}.step-{curvature}-{relaxation.damping:g}{solve}"


def _by_measure(problem: Problem) -> list[Problem]:
    return [problem.asking(problem.objective, measure) for measure in MEASURED]
