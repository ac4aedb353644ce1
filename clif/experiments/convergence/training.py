"""The trainings of one corpus, each kept as a piece: models as they are, and the test after a set has been left out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from clif.experiments.convergence.relaxing import Start
from clif.experiments.corpora import Ground
from clif.experiments.folder import Pieces
from clif.influence.groups import removal
from clif.influence.problem import Problem
from clif.objectives import WEAT, cover
from clif.settings import TrainingSettings
from clif.training.exact import train_exact
from clif.training.paired import train_paired

if TYPE_CHECKING:
    from clif.experiments.convergence import Settings

MEASURED = ("mean_difference", "effect_size")
Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class DocumentSet:
    """Documents that are left out together: `random`, or from the end of the ranking that would `reduce` or `increase`.

    `number` tells sets of one kind and size apart.
    """

    kind: str
    size: int
    number: int
    documents: NDArray[np.int64]

    @property
    def name(self) -> str:
        """Name of its pieces."""
        return f"{self.kind}-{self.size}-{self.number}"


@dataclass(frozen=True, eq=False)
class Trainings:
    """Trainings on a corpus, measured by its test; what is kept is neither trained nor loaded twice."""

    ground: Ground
    settings: Settings
    pieces: Pieces

    @property
    def base(self) -> Start:
        """The model of which theory speaks."""
        return Start(self.settings.seed, self.settings.l2, self.settings.tolerance)

    @cached_property
    def objective(self) -> WEAT:
        """The test of the corpus; raises CoverageError where the vocabulary lacks its words."""
        return WEAT(cover(self.ground.tests[0], self.ground.vocabulary.index))

    def how(self, start: Start) -> TrainingSettings:
        """Settings of a training."""
        common: dict[str, Any] = {"dim": self.settings.dim, "sample": self.ground.sample, "seed": start.seed}
        if start.l2 is None or start.tolerance is None:
            return TrainingSettings(epochs=self.settings.epochs, **common)
        return TrainingSettings(trainer="exact", l2=start.l2, tolerance=start.tolerance, **common)

    def problem(self, start: Start) -> Problem:
        """The question to a model, by the first measure."""
        if start not in self._problems:
            U, C = np.array(self.get(start.name, lambda: self._train(start).tolist()), dtype=_precision(start))
            self._problems[start] = Problem(
                self.ground.corpus, self.ground.vocabulary, self.how(start), U, C, self.objective, MEASURED[0]
            )
        return self._problems[start]

    @cached_property
    def _problems(self) -> dict[Start, Problem]:
        return {}

    def change(self, start: Start, warm: bool, left_out: DocumentSet) -> Values:
        """Change of T, by measure, when a model is trained again without a set: from where it is, or from its start."""
        kept = self.get(
            f"{start.name}.{'warm' if warm else 'cold'}.{left_out.name}",
            lambda: self.measure(self._train(start, left_out, warm)[0]).tolist(),
        )
        return np.array(kept) - self.measure(self.problem(start).U)

    def measure(self, U: NDArray[np.floating]) -> Values:
        """T by each measure."""
        E = U[self.objective.rows].astype(np.float64)
        return np.array([self.objective.value(E, measure) for measure in MEASURED])

    def get(self, name: str, compute: Any) -> Any:
        """A piece of this corpus."""
        return self.pieces.get(f"{self.ground.name}.{name}", compute)

    def _train(self, start: Start, left_out: DocumentSet | None = None, warm: bool = False) -> NDArray[np.floating]:
        """U and C, (2, V, d), of all documents or of those that a set leaves."""
        how, corpus, vocabulary = self.how(start), self.ground.corpus, self.ground.vocabulary
        weights = None if left_out is None else 1.0 - removal(self.problem(start), left_out.documents)
        if how.trainer == "paired":
            trained = train_paired(corpus, vocabulary, how, weights=weights)
        else:
            here = self.problem(start) if warm else None
            trained = train_exact(
                corpus, vocabulary, how, weights=weights, warm=None if here is None else np.stack([here.U, here.C])
            )
        return np.stack([trained.U, trained.C])


def _precision(start: Start) -> type[np.floating]:
    return np.float32 if start.l2 is None else np.float64
