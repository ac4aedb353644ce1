"""Skip-gram training as a function of the corpus: run again, or without some documents, all else stays the same.

Every choice is a hash (see `draws`): what is kept, windows and negatives of (seed, document id, epoch, position), the
order of the documents of (seed, document id, epoch), the first vector of a word of (seed, word). The learning rate at
a document is set by the tokens of the full corpus that come before it, whatever its weight and theirs. Two trainings
that differ in some documents hence differ in nothing else, so their difference is what these documents did.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from clif.compiling import Fixed
from clif.corpus.parts import cut
from clif.training.draws import GOLDEN, Keys, alias_table, hashed, name_keys, spread_rows
from clif.training.steps import count_drawn, train_documents
from clif.training.trained import Trained

if TYPE_CHECKING:
    from clif.corpus.encoding import Corpus
    from clif.settings import TrainingSettings
    from clif.vocabulary import Vocabulary

Matrix = NDArray[Any]
CHUNK = 50_000  # tokens that are trained before their pages are let go of, and a word of progress


@dataclass(frozen=True, eq=False)
class Epoch:
    """What is trained in one epoch, in order, (passes,): documents, the keys of their draws, their learning rates."""

    documents: NDArray[np.int64]
    keys: Keys
    rates: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.documents)

    def part(self, first: int, last: int) -> Epoch:
        """Some of it, one after the other."""
        return Epoch(self.documents[first:last], self.keys[first:last], self.rates[first:last])


class PairedTraining:
    """A training of U and C (V, d) on a corpus, epoch by epoch.

    weights    (documents,) of 0 or more, by which each document's learning rate is multiplied, 1 if left out: 0 removes
               it, .5 halves its steps. From 2 on a document is passed as often as the weight has units, one pass after
               the other with draws of their own, the first with those it has anyway: w = 2.5 makes two passes at 1.25
               times the rate.
    precision  of the vectors
    """

    def __init__(
        self,
        corpus: Corpus,
        vocabulary: Vocabulary,
        settings: TrainingSettings,
        weights: NDArray[np.float64] | None = None,
        precision: type[np.floating] = np.float32,
    ) -> None:
        self.corpus, self.settings, self.precision = corpus, settings, precision
        self.words = vocabulary.words
        self.weights = np.ones(len(corpus)) if weights is None else np.asarray(weights, dtype=np.float64)
        self.keep = vocabulary.keep_probabilities(settings.sample)
        self.threshold, self.alias = alias_table(vocabulary.noise(settings.ns_exponent))
        self._keys = name_keys("document", settings.seed, corpus.doc_ids)

    def start(self) -> tuple[Matrix, Matrix]:
        """U before training, uniform in [-1, 1] / d, each row by its word and the seed alone; and C, zero."""
        dim = self.settings.dim
        U: Matrix = (spread_rows("word", self.settings.seed, self.words, dim) / dim).astype(self.precision)
        return U, np.zeros_like(U)

    def epoch(self, number: int) -> Epoch:
        """The epoch e with this number, from 0: the rate at a document with a share b of the tokens before it is

        w / passes x (alpha - (alpha - min_alpha) (e + b) / epochs)
        """
        keys = hashed(self._keys + np.uint64(number))
        order = np.argsort(keys, kind="stable")
        lengths = self.corpus.lengths[order]
        before = np.concatenate([[0], np.cumsum(lengths)[:-1]]) / max(1, int(lengths.sum()))
        settings = self.settings
        rates = settings.alpha - (settings.alpha - settings.min_alpha) * (number + before) / settings.epochs
        weights = self.weights[order]
        passes = np.where(weights > 0, np.maximum(np.floor(weights), 1), 0).astype(np.int64)
        places = np.repeat(np.arange(len(order)), passes)
        which = np.arange(len(places)) - np.repeat(np.cumsum(passes) - passes, passes)
        repeated = hashed(keys[order[places]] + which.astype(np.uint64) * GOLDEN)
        return Epoch(
            documents=order[places],
            keys=np.where(which == 0, keys[order[places]], repeated),
            rates=(rates * weights / np.maximum(passes, 1))[places],
        )

    def learn(self, part: Epoch, U: Matrix, C: Matrix, tape: Matrix | None = None) -> int:
        """Train U and C, in place, on documents of an epoch; return how many pairs they gave.

        `tape` (pairs, 1 + k), if given, receives the step g of each update (see `steps`), 0 where one is left out.
        """
        settings, corpus = self.settings, self.corpus
        pairs: int = train_documents(
            corpus.tokens, corpus.offsets, part.documents, part.keys, part.rates, self.keep, self.threshold, self.alias,
            settings.window, settings.negative, U, C, np.zeros((0, 0), dtype=U.dtype) if tape is None else tape,
            Fixed(settings.dim),
        )  # fmt: skip
        corpus.release()
        return pairs

    def learn_epoch(self, number: int, U: Matrix, C: Matrix) -> None:
        """Train U and C, in place, on a whole epoch, of which the tokens of a few documents are in memory at a time."""
        epoch = self.epoch(number)
        for first, last in cut(self.corpus.lengths[epoch.documents], CHUNK):
            self.learn(epoch.part(first, last), U, C)

    def pairs(self, part: Epoch) -> NDArray[np.int64]:
        """How many pairs each pass over a document gives, (passes,)."""
        corpus = self.corpus
        found = []
        for first, last in cut(corpus.lengths[part.documents], CHUNK):
            few = part.part(first, last)
            found.append(
                count_drawn(corpus.tokens, corpus.offsets, few.documents, few.keys, self.keep, self.settings.window)
            )
            corpus.release()
        return np.concatenate([np.zeros(0, dtype=np.int64), *found])


def train_paired(
    corpus: Corpus,
    vocabulary: Vocabulary,
    settings: TrainingSettings,
    *,
    weights: NDArray[np.float64] | None = None,
    seen: Callable[[int], None] | None = None,
    after_epoch: Callable[[int, NDArray[np.float32], NDArray[np.float32]], None] | None = None,
    start: tuple[int, Matrix, Matrix] | None = None,
) -> Trained:
    """Train from the start to the end; arguments as for `train_model`, `weights` as in `PairedTraining`.

    With one worker equal inputs give equal bytes, in whatever order the documents are listed. With more, threads share
    the vectors without locks, as word2vec's do, and no run repeats.
    """
    training = PairedTraining(corpus, vocabulary, settings, weights)
    done, U, C = start or (0, *training.start())
    training.learn(training.epoch(0).part(0, 0), U, C)  # compiled outside of the clock
    spent, began = 0.0, time.process_time()
    for number in range(done, settings.epochs):
        epoch = training.epoch(number)
        for first, last in cut(corpus.lengths[epoch.documents], CHUNK * settings.workers):
            _learn(training, epoch.part(first, last), U, C)
            if seen:
                seen(round(last / len(epoch) * len(corpus)))
        if after_epoch:
            spent += time.process_time() - began
            after_epoch(number + 1, U, C)
            began = time.process_time()
    return Trained(U, C, spent + time.process_time() - began)


def _learn(training: PairedTraining, part: Epoch, U: Matrix, C: Matrix) -> None:
    """Train on a part, shared out among the workers: documents that follow one another go to the same one."""
    workers = min(training.settings.workers, len(part))
    if workers == 1:
        training.learn(part, U, C)
        return
    share = -(-len(part) // workers)
    shares = [part.part(first, first + share) for first in range(0, len(part), share)]
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(lambda own: training.learn(own, U, C), shares))
