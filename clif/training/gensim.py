"""Skip-gram training by gensim, on an encoded corpus in which documents may be left out or repeated."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from clif.pairs import LONGEST
from clif.training.draws import hashed, name_keys
from clif.training.trained import Trained

if TYPE_CHECKING:
    from clif.corpus.encoding import Corpus
    from clif.settings import TrainingSettings
    from clif.vocabulary import Vocabulary


class Sentences:
    """The corpus as gensim wants it: lists of words, of LONGEST words at the most.

    `weights` (documents,) say how often each document stands: w = 2.5 makes two passes in every epoch, and a third one
    in every other, by a hash of (seed, document id, epoch). An epoch is one time through all of it. A pass that is left
    out gives an empty list: it trains nothing but counts as seen, so the learning rate at every other document stays
    what it was, to within one batch of 10,000 words (gensim sets it once a batch). `seen(documents)` is called now and
    then.
    """

    def __init__(
        self,
        corpus: Corpus,
        words: list[str],
        weights: NDArray[np.floating | np.integer] | None = None,
        seen: Callable[[int], None] | None = None,
        seed: int = 0,
    ) -> None:
        self.corpus = corpus
        self.words = words
        self.weights = np.ones(len(corpus)) if weights is None else np.asarray(weights, dtype=np.float64)
        self.seen = seen
        self._passes = np.maximum(np.ceil(self.weights), 1).astype(np.int64)
        self._parts = np.flatnonzero(self.weights % 1)
        self._keys = name_keys("part of a document", seed, [corpus.doc_ids[z] for z in self._parts])
        self._epoch = 0

    def copies(self, epoch: int) -> NDArray[np.int64]:
        """How often each document stands in the epoch of this number, from 0, (documents,)."""
        copies = np.floor(self.weights).astype(np.int64)
        chance = hashed(self._keys + np.uint64(epoch)) / 2.0**64
        copies[self._parts] += chance < self.weights[self._parts] % 1
        return copies

    def _pieces(self, document: int) -> int:
        start, end = self.corpus.offsets[document : document + 2]
        inside = int((self.corpus.tokens[start:end] < len(self.words)).sum()) if end - start > LONGEST else 0
        return max(1, -(-inside // LONGEST))

    def __len__(self) -> int:
        long = np.flatnonzero(self.corpus.lengths > LONGEST)
        pieces = np.ones(len(self.corpus), dtype=np.int64)
        pieces[long] = [self._pieces(int(z)) for z in long]
        return int((pieces * self._passes).sum())

    def __iter__(self) -> Iterator[list[str]]:
        tokens, offsets, words = self.corpus.tokens, self.corpus.offsets, self.words
        size, copies = len(words), self.copies(self._epoch)
        self._epoch += 1
        for z in range(len(self.corpus)):
            if self.seen and z % 512 == 0:
                self.seen(z)
            ids = [token for token in tokens[offsets[z] : offsets[z + 1]].tolist() if token < size]
            sentence = [words[token] for token in ids]
            for number in range(int(self._passes[z])):
                for start in range(0, max(len(sentence), 1), LONGEST):
                    yield sentence[start : start + LONGEST] if number < copies[z] else []
        if self.seen:
            self.seen(len(self.corpus))


def train_gensim(
    corpus: Corpus,
    vocabulary: Vocabulary,
    settings: TrainingSettings,
    *,
    weights: NDArray[np.floating | np.integer] | None = None,
    seen: Callable[[int], None] | None = None,
    after_epoch: Callable[[int, NDArray[np.float32], NDArray[np.float32]], None] | None = None,
) -> Trained:
    """Train by gensim's Word2Vec with the vocabulary's counts, so that an edit of the corpus changes no constant.

    `weights` as in `Sentences`, the other arguments as for `train_model`. With one worker the result is the same, bit
    for bit, whenever settings and corpus are.
    """
    from gensim.models import Word2Vec
    from gensim.models.callbacks import CallbackAny2Vec

    outside = 0.0

    class AfterEpoch(CallbackAny2Vec):  # type: ignore[misc]
        def __init__(self) -> None:
            self.epoch = 0

        def on_epoch_end(self, model: Word2Vec) -> None:
            nonlocal outside
            self.epoch += 1
            if after_epoch:
                began = time.process_time()
                after_epoch(self.epoch, model.wv.vectors, model.syn1neg)
                outside += time.process_time() - began

    sentences = Sentences(corpus, vocabulary.words, weights, seen, settings.seed)
    began = time.process_time()
    model = Word2Vec(
        sg=1,
        hs=0,
        vector_size=settings.dim,
        window=settings.window,
        negative=settings.negative,
        ns_exponent=settings.ns_exponent,
        alpha=settings.alpha,
        min_alpha=settings.min_alpha,
        sample=settings.sample,
        seed=settings.seed,
        workers=settings.workers,
        min_count=1,
        sorted_vocab=0,  # our order already reproduces; gensim's sort of equal counts does not
    )
    model.build_vocab_from_freq(
        dict(zip(vocabulary.words, vocabulary.counts.tolist(), strict=True)), corpus_count=len(sentences)
    )
    model.train(sentences, total_examples=len(sentences), epochs=settings.epochs, callbacks=[AfterEpoch()])
    return Trained(
        U=np.asarray(model.wv.vectors, dtype=np.float32),
        C=np.asarray(model.syn1neg, dtype=np.float32),
        cpu_seconds=time.process_time() - began - outside,
    )
