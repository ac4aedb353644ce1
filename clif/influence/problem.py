"""One question about one model: which documents move this objective?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from clif.cluster import current_cluster
from clif.corpus.change import Change
from clif.corpus.parts import in_passes
from clif.counts import PairCounts, count_pairs
from clif.influence.curvature import Curvature
from clif.influence.divided import count_pairs_divided, count_words, count_words_divided
from clif.influence.surroundings import Surroundings
from clif.pairs import Contexts, stream_contexts
from clif.progress import Progress, silent
from clif.spilling import count_on_disk, counts_fit
from clif.training.checkpoints import Checkpoints

if TYPE_CHECKING:
    from clif.corpus.encoding import Corpus
    from clif.objectives import Objective
    from clif.settings import TrainingSettings
    from clif.vocabulary import Vocabulary

Matrix = NDArray[np.float64]
# T after a change of the corpus.
Predictor = Callable[[Change], float]
Stage = tuple[NDArray[np.floating], NDArray[np.floating]]


@dataclass(frozen=True, eq=False)
class Problem:
    """A model (U, C), the corpus and settings that it was trained on, an objective T and the damping.

    `folder` is where checkpoints of the training are kept, if they are. `predictor` is how a
    method predicts sets of documents, if it has a way of its own (`knowing`).
    Everything that is derived is computed when first used and kept: `n` is the number of test words.
    """

    corpus: Corpus
    vocabulary: Vocabulary
    settings: TrainingSettings
    U: NDArray[np.floating]
    C: NDArray[np.floating]
    objective: Objective
    measure: str = "effect_size"
    damping: float | None = None
    folder: Path | None = field(default=None, repr=False)
    predictor: Predictor | None = field(default=None, repr=False)
    progress: Progress = field(default=silent, repr=False)

    def asking(self, objective: Objective, measure: str | None = None) -> Problem:
        """Another question about the same model, which shares what does not depend on the question."""
        other = replace(self, objective=objective, measure=measure or self.measure, predictor=None)
        return self._share(other, "keep", "noise", "_of_corpus", "_last_counts", "curvatures", "_stages")

    def of_model(self, U: NDArray[np.floating], C: NDArray[np.floating], settings: TrainingSettings) -> Problem:
        """The same question about another model of the corpus, trained alike but for its seed."""
        other = replace(self, U=U, C=C, settings=settings, predictor=None)
        return self._share(other, "keep", "noise", "_of_corpus", "_last_counts", "slot")

    def reading(self, corpus: Corpus) -> Problem:
        """The same question about the same model where the text is another; what training left behind is not there."""
        other = replace(self, corpus=corpus, folder=None, predictor=None)
        return self._share(other, "keep", "noise", "slot")

    def knowing(self, predictor: Predictor | None) -> Problem:
        """The same question with the predictor that a method brings, by which sets of documents are then predicted."""
        if predictor is None:
            return self
        other = replace(self, predictor=predictor)
        other.__dict__.update({name: value for name, value in self.__dict__.items() if name not in other.__dict__})
        return other

    @cached_property
    def checkpoints(self) -> Checkpoints:
        """The vectors after each epoch of the training."""
        return Checkpoints(self.corpus, self.vocabulary, self.settings, self.folder)

    @property
    def stages(self) -> list[Stage]:
        """U and C (V, d) where each epoch of the training starts; kept, as they do not depend on the question."""
        if not self._stages:
            found, epochs = [], self.settings.epochs
            for number, (_, U, C) in zip(range(epochs), self.checkpoints.all(), strict=False):
                self.progress("solve", number, epochs, f"vectors of epoch {number + 1} of {epochs}")
                found.append((U, C))
            self._stages.extend(found)
        return self._stages

    @cached_property
    def _stages(self) -> list[Stage]:
        """Those of `stages`, once they were asked for."""
        return []

    def _share(self, other: Problem, *names: str) -> Problem:
        for name in names:
            other.__dict__[name] = getattr(self, name)
        return other

    @cached_property
    def _last_counts(self) -> dict[tuple[bytes, bytes], Matrix]:
        """Counts of one edit, by the rows and the edit."""
        return {}

    @cached_property
    def _of_corpus(self) -> dict[str, PairCounts]:
        """What depends on the corpus alone, by whichever of the problems that share it needed it first."""
        return {}

    @property
    def rows(self) -> NDArray[np.int64]:
        """Rows (n,) of the vocabulary that T reads."""
        return self.objective.rows

    @property
    def damp(self) -> float:
        """The damping, 1/tau unless given: tau is the sum of the learning rates over the epochs, or 1/l2."""
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
    def noise(self) -> NDArray[np.float64]:
        """Distribution q of the negatives, (V,)."""
        return self.vocabulary.noise(self.settings.ns_exponent)

    @property
    def negative(self) -> int:
        """Negatives of a pair, k."""
        return self.settings.negative

    @property
    def pair_counts(self) -> PairCounts:
        """Expected pair counts of the whole corpus, sparse, in the precision of the model."""
        if "pairs" not in self._of_corpus:
            tokens, offsets, precision = self.corpus.tokens, self.corpus.offsets, self.U.dtype.type
            cluster, keep, window = current_cluster(), self.keep, self.settings.window
            if cluster:
                found = count_pairs_divided(cluster, self.corpus, keep, window, precision, self.progress)
            else:
                count = count_pairs if counts_fit(len(tokens), len(self.U), self.U.dtype.itemsize) else count_on_disk
                found = count(tokens, offsets, keep, window, precision=precision, progress=self.progress)
            self._of_corpus["pairs"] = found
            self.corpus.release()
        return self._of_corpus["pairs"]

    @cached_property
    def curvatures(self) -> dict[tuple[bool, bool], Curvature]:
        """Curvatures that were asked for."""
        return {}

    def curvature(self, *, exact: bool = False, dense: bool = False) -> Curvature:
        """Curvature of the training loss in all vectors; kept, as it does not depend on the question."""
        if (exact, dense) not in self.curvatures:
            self.curvatures[exact, dense] = Curvature(
                self.U, self.C, self.pair_counts, self.noise, self.negative, exact=exact, dense=dense,
                penalised=self.settings.trainer == "exact",
            )  # fmt: skip
        return self.curvatures[exact, dense]

    @cached_property
    def slot(self) -> NDArray[np.int64]:
        """Place of each word among the test's rows, -1 for the others, (V,)."""
        slot = np.full(len(self.vocabulary), -1)
        slot[self.rows] = np.arange(len(self.rows))
        return slot

    @cached_property
    def surroundings(self) -> Surroundings:
        """The training loss around the test's words."""
        return Surroundings(self.E, self.C, self.noise, self.negative)

    @cached_property
    def counts(self) -> Matrix:
        """Expected pair counts (n, V) of the whole corpus."""
        return self.count()

    @cached_property
    def hessian(self) -> NDArray[np.float64]:
        """Hessian (n, d, d) of the training loss for each test word, without damping."""
        return self.surroundings.hessian(self.count())  # counts need as much memory as a model; most need them once

    def count(self, documents: NDArray[np.int64] | None = None, times: NDArray[np.float64] | None = None) -> Matrix:
        """Expected counts (n, V) of the pairs whose input is a test word, in all or in some documents.

        `times` (documents of the corpus,) multiplies each document's pairs. The last counts of an edit stay, for the
        models of other seeds that are asked about it next.
        """
        asked = None if times is None else (self.rows.tobytes(), times.tobytes())
        if asked and asked in self._last_counts:
            return self._last_counts[asked]
        cluster = current_cluster()
        if cluster and documents is None and times is None:
            window = self.settings.window
            return count_words_divided(cluster, self.corpus, self.keep, window, self.slot, self.progress)
        result = count_words(self.contexts(documents, wanted=self.slot >= 0), self.slot, times)
        if asked:
            self._last_counts.clear()
            self._last_counts[asked] = result
        return result

    def gone(self, change: Change) -> Matrix:
        """Expected counts (n, V) of the pairs that a change of the corpus takes out; negative where it adds pairs.

        Of the documents that stand less often, their share of what they hold; of those with other tokens, the counts as
        they were less those of the text as it is then. Kept like those of `count`.
        """
        documents, touched = np.flatnonzero(change.times), change.touched(self.corpus)
        if not len(touched):
            return self.count(documents, change.times)
        asked = (self.rows.tobytes(), change.key)
        if asked not in self._last_counts:
            stays = 1.0 - change.times
            after = self.reading(change.text(self.corpus)).count(touched, stays)
            found = self.count(documents, change.times) + self.count(touched, stays) - after
            self._last_counts.clear()
            self._last_counts[asked] = found
        return self._last_counts[asked]

    def contexts(
        self, documents: NDArray[np.int64] | None = None, *, wanted: NDArray[np.bool_] | None = None
    ) -> Iterator[Contexts]:
        """Stream the contexts whose input word is `wanted` (V,); all for None."""
        # Of a wanted word that is rare, one block of contexts may come from all over the corpus.
        for some in in_passes(self.corpus, documents):
            yield from stream_contexts(
                self.corpus.tokens, self.corpus.offsets, self.keep, self.settings.window, wanted=wanted, documents=some
            )
