"""The loss of text that was held out, which shall not rise: what the vectors know of text like it shall stay.

    T(U, C) = expected loss of skip-gram, with its negatives, per expected pair of the held-out documents

in nats, with the vocabulary, the keep probabilities and the noise of the run. The text is a file that the user names.
A share of the corpus would not do: it has been trained on, so what it loses by its own removal would be called loss of
usefulness; and a curator knows which text the vectors are for.

T reads all vectors of both matrices, so `block`, which holds the output vectors fixed, would see half of it at best.
Its influence is that of the method `clif`,

    influence(z) = s . g_z,    s = (H + damp I)^-1 dT/d(U, C)

by one joint Gauss-Newton solve. Influences are added up: each document has a small part in the vectors of very many
words, so what one does hardly depends on which others are gone. The model is the first of those that choose: a solve
takes about as long as a training, and two seeds agree (on the speeches the influences of documents correlate to .98).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from clif.corpus.change import OUTSIDE
from clif.corpus.encoding import Corpus
from clif.corpus.reading import read_documents
from clif.errors import UsageError
from clif.influence.attribution import SAMPLE, JointPairs
from clif.influence.joint import SolveSettings, solve_gradient
from clif.influence.memory import check_memory
from clif.influence.methods import METHODS
from clif.influence.problem import Problem
from clif.influence.units import Units
from clif.manifest import fingerprint
from clif.noise_sample import NoiseSample
from clif.retraining.kept import Integers, Kept, Matrix, Values
from clif.run import Run
from clif.threads import one_thread
from clif.training.outputs import count_outputs
from clif.training.pair_loss import PairLoss

LOSS = "loss"
SOLVING = SolveSettings(tolerance=1e-2)  # on the speeches influences correlate to .99999 with those of 1e-3


@dataclass(frozen=True, eq=False)
class KeptLoss(Kept):
    """The loss of `documents` held-out documents of a file, which may fall.

    `left_out` others were left out, as they stand in the corpus word for word; `mark` tells the text.
    """

    loss: PairLoss
    documents: int
    left_out: int
    mark: str
    of_outputs = True

    @property
    def low(self) -> float:
        """Least change that is allowed."""
        return -np.inf

    @property
    def about(self) -> dict[str, Any]:
        """How much text it is measured on."""
        return {"held_out": {"documents": self.documents, "left_out": self.left_out, "pairs": self.loss.pairs}}

    @property
    def recipe(self) -> list[Any]:
        """The text."""
        return [self.name, self.tolerance, self.mark]

    def value(self, U: Matrix, C: Matrix) -> float:
        """T, in nats per pair."""
        found = self.loss.mean(U, C)
        assert found is not None
        return found

    def put_to(self, problems: Sequence[Problem], units: Units) -> ForeseenLoss:
        """The same question put to the first of these models."""
        return ForeseenLoss(self, problems[0], units)


@dataclass(frozen=True, eq=False)
class ForeseenLoss:
    """What becomes of it: sums of influences in one model.

    A sentence has half of each context that it shares with another one, and what closes up behind it is not foreseen.
    """

    kept: KeptLoss
    problem: Problem
    units: Units

    @cached_property
    def influence(self) -> Values:
        """Predicted change of the loss by the choice of each unit alone, (units,)."""
        problem = self.problem
        check_memory(problem, METHODS["clif"], SOLVING)
        problem.progress("solve", 0, None, "for the loss of the held-out text")
        with one_thread():
            gradient = self.kept.loss.gradient(problem.U, problem.C).astype(problem.U.dtype)
            s, _ = solve_gradient(problem, gradient, SOLVING)
            return self.units.influence_alone(JointPairs.of_solve(problem, s))

    def change(self, chosen: Integers) -> float:
        """Predicted change without these units."""
        return float(self.influence[chosen].sum())

    def beyond(self, gone: Integers) -> tuple[float, Values]:
        """Predicted change without the units that are `gone`, and the influence of each, (units,)."""
        return self.change(gone), self.influence


def find_loss(run: Run, file: str, tolerance: float) -> KeptLoss:
    """The loss of the documents of a file or folder, read as the run's corpus was.

    Documents whose words stand in the corpus as a document of their own are left out: they were trained on.

    Raises
    ------
    UsageError
        No file is named, or its text has no pair of words that the vocabulary holds, or all of it was trained on.
    InputError
        The file cannot be read.

    """
    if not file:
        raise UsageError(
            "the loss of which text?",
            where=f"--keep {LOSS}",
            next=f"Name a file of documents that were not trained on: --keep {LOSS}:held-out.jsonl=.01",
        )
    where, corpus = f"--keep {LOSS}:{file}", run.corpus
    index = {word: n for n, word in enumerate(corpus.types)}
    texts = [
        np.array([index.get(word, OUTSIDE) for word in words], dtype=np.uint32)
        for document in read_documents([file], run.read_options)
        if (words := run.tokeniser(document.text))
    ]
    known = _trained_on(corpus, {len(text) for text in texts})
    new = [text for text in texts if text.tobytes() not in known]
    held = Corpus(
        doc_ids=[str(n) for n in range(len(new))],
        offsets=np.cumsum([0, *map(len, new)]).astype(np.int64),
        tokens=np.concatenate([np.empty(0, dtype=np.uint32), *new]),
        types=corpus.types,
        counts=corpus.counts,
        content_hash="",
    )
    noise = run.vocabulary.noise(run.settings.ns_exponent)
    counts = count_outputs(held, run.vocabulary, run.settings)
    loss = PairLoss(counts, noise, run.settings.negative, NoiseSample.draw(noise, *SAMPLE))
    if not loss.pairs:
        trained = f"all of its {len(texts):,} documents stand in the corpus word for word"
        none = "no two words of the vocabulary stand near each other in it"
        raise UsageError(
            f"this text has no loss: {none if new else trained}",
            where=where,
            next="Name documents of the corpus's language and kind that were not trained on.",
        )
    name = f"{LOSS}:{Path(file).name}"
    mark = fingerprint({"tokens": held.tokens, "offsets": held.offsets})
    return KeptLoss(name, LOSS, tolerance, loss, len(new), len(texts) - len(new), mark)


def _trained_on(corpus: Corpus, lengths: set[int]) -> set[bytes]:
    """The documents of the corpus of these lengths, by their words."""
    return {
        corpus.tokens[corpus.offsets[z] : corpus.offsets[z + 1]].tobytes()
        for z in np.flatnonzero(np.isin(corpus.lengths, list(lengths))).tolist()
    }
