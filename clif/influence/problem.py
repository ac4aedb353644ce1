"""One question about one model: which documents move this objective?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from clif.influence.surroundings import Surroundings
from clif.pairs import Contexts, stream_contexts

if TYPE_CHECKING:
    from clif.corpus.encoding import Corpus
    from clif.objectives import WEAT
    from clif.settings import TrainingSettings
    from clif.vocabulary import Vocabulary

Matrix = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Problem:
    """A model (U, C), the corpus and settings that it was trained on, an objective T and the damping.

    Everything that is derived is computed when first used and kept: `n` is the number of test words.
    """

    corpus: Corpus
    vocabulary: Vocabulary
    settings: TrainingSettings
    U: NDArray[np.float32]
    C: NDArray[np.float32]
    objective: WEAT
    measure: str = "effect_size"
    damping: float | None = None

    @property
    def rows(self) -> NDArray[np.int64]:
        """Rows (n,) of the vocabulary that T reads."""
        return self.objective.rows

    @property
    def damp(self) -> float:
        """The damping, 1/tau unless given: tau is the sum of the learning rates over the epochs."""
        return 1.0 / self.settings.tau if self.damping is None else self.damping

    @cached_property
    def E(self) -> Matrix:  # noqa: N802 (the name of the vectors in the objective)
        """Input vectors (n, d) of the test's words."""
        return self.U[self.rows].astype(np.float64)

    @cached_property
    def value(self) -> float:
        """T of the model as it is."""
        return self.objective.value(self.E, self.measure)

    @cached_property
    def gradient(self) -> Matrix:
        """dT/dU on the test's rows, (n, d); it is zero elsewhere."""
        return self.objective.gradient(self.E, self.measure)

    @cached_property
    def keep(self) -> NDArray[np.float64]:
        """Keep probabilities (V,) of the full corpus."""
        return self.vocabulary.keep_probabilities(self.settings.sample)

    @cached_property
    def slot(self) -> NDArray[np.int64]:
        """Place of each word among the test's rows, -1 for the others, (V,)."""
        slot = np.full(len(self.vocabulary), -1)
        slot[self.rows] = np.arange(len(self.rows))
        return slot

    @cached_property
    def surroundings(self) -> Surroundings:
        """The training loss around the test's words."""
        noise = self.vocabulary.noise(self.settings.ns_exponent)
        return Surroundings(self.E, self.C.astype(np.float64), noise, self.settings.negative)

    @cached_property
    def counts(self) -> Matrix:
        """Expected pair counts (n, V) of the whole corpus."""
        return self.count()

    @cached_property
    def hessian(self) -> NDArray[np.float64]:
        """Hessian (n, d, d) of the training loss for each test word, without damping."""
        return self.surroundings.hessian(self.counts)

    def count(self, documents: NDArray[np.int64] | None = None, times: NDArray[np.float64] | None = None) -> Matrix:
        """Expected counts (n, V) of the pairs whose input is a test word, in all or in some documents.

        `times` (documents of the corpus,) multiplies each document's pairs.
        """
        shape = (len(self.rows), len(self.vocabulary))
        counts = np.zeros(shape[0] * shape[1])
        for contexts in self.contexts(documents):
            weight = contexts.weight if times is None else contexts.weight * times[contexts.document]
            cell = self.slot[contexts.input] * shape[1] + contexts.output
            counts += np.bincount(cell, weight, minlength=len(counts))
        return counts.reshape(shape)

    def contexts(self, documents: NDArray[np.int64] | None = None) -> Iterator[Contexts]:
        """Stream the contexts whose input word is one of the test's."""
        return stream_contexts(
            self.corpus.tokens,
            self.corpus.offsets,
            self.keep,
            self.settings.window,
            wanted=self.slot >= 0,
            documents=documents,
        )
