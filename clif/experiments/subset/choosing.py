"""One case: documents that go step by step, chosen in one of two ways, and what really comes of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from clif.corpus.encoding import Corpus
from clif.experiments.corpora import Ground
from clif.influence.joint import SolveSettings
from clif.influence.methods import METHODS
from clif.influence.problem import Problem
from clif.influence.scores import score_documents
from clif.objectives import WEAT, BiasTest, cover
from clif.progress import Progress
from clif.settings import TrainingSettings
from clif.training.exact import train_exact

if TYPE_CHECKING:
    from clif.experiments.subset import Settings

WAYS = GREEDY, ADAPTIVE = "greedy", "adaptive"
Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Case:
    """A corpus, a test, a measure and the seed of the start; documents go `step` at a time."""

    ground: Ground
    test: BiasTest
    measure: str
    seed: int
    step: int
    settings: Settings

    @property
    def name(self) -> str:
        """Name of its pieces."""
        return f"{self.ground.name}.{self.test.name}.{self.measure}.{self.seed}"

    @cached_property
    def _how(self) -> TrainingSettings:
        asked = self.settings
        return TrainingSettings(
            trainer="exact", dim=asked.dim, sample=self.ground.sample, seed=self.seed, l2=asked.l2,
            tolerance=asked.tolerance,
        )  # fmt: skip

    @cached_property
    def _objective(self) -> WEAT:
        return WEAT(cover(self.test, self.ground.vocabulary.index))

    def fit(self, corpus: Corpus, warm: Values | None = None) -> Values:
        """Z (2, V, d) at a minimum for this corpus, from the start of the seed or from `warm`."""
        trained = train_exact(corpus, self.ground.vocabulary, self._how, warm=warm)
        return np.stack([trained.U, trained.C])

    def value(self, Z: Values) -> float:
        """T at these vectors."""
        return self._objective.value(Z[0][self._objective.rows], self.measure)

    def influence(self, corpus: Corpus, Z: Values) -> Values:
        """Influence (documents,) at the minimum Z for this corpus."""
        problem = Problem(corpus, self.ground.vocabulary, self._how, Z[0], Z[1], self._objective, self.measure)
        how = SolveSettings("exact", self.settings.residual, dense=True)
        return score_documents(problem, METHODS["clif"], how).influence

    def follow(self, way: str, start: Values, progress: Progress) -> dict[str, Any]:
        """Let documents go from the minimum `start` in one of WAYS, and measure T before and after each step.

        `again` is T where all of them went at once, the loss minimised from `start`: it tells whether the path matters.
        """
        whole, most = self.ground.corpus, self.settings.most
        sign = np.sign(self.value(start)) or 1.0
        order = np.argsort(sign * self.influence(whole, start), kind="stable")
        gone, values, Z, left = np.zeros(0, dtype=np.int64), [self.value(start)], start, whole
        for done in range(0, most, self.step):
            progress("choose", done, most, f"{self.name}, {way}")
            if way == ADAPTIVE and done:
                order = np.argsort(sign * self.influence(left, Z), kind="stable")
            gone = np.concatenate([gone, order[~np.isin(order, gone)][: self.step]])
            left = without(whole, gone)
            Z = self.fit(left, Z)
            values.append(self.value(Z))
        return {"documents": gone.tolist(), "values": values, "again": self.value(self.fit(left, start))}


def without(corpus: Corpus, gone: NDArray[np.int64]) -> Corpus:
    """The corpus with some documents left empty, so that all keep their numbers."""
    lengths = corpus.lengths.copy()
    lengths[gone] = 0
    stays = np.repeat(lengths > 0, corpus.lengths)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return replace(corpus, tokens=corpus.tokens[stays], offsets=offsets)


def deal_out(test: BiasTest, number: int) -> BiasTest:
    """A test of the same words and sizes, its words dealt out anew, by number."""
    words = [word for members in test.sets.values() for word in members]
    dealt = iter(np.random.default_rng(number).permutation(words).tolist())
    X, Y, A, B = (tuple(next(dealt) for _ in members) for members in test.sets.values())
    return BiasTest(f"dealt-{number}", X, Y, A, B)
