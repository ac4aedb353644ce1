"""Skip-gram training by gensim, on an encoded corpus in which documents may be left out or repeated."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from clif.pairs import LONGEST
from clif.training.trained import Trained

if TYPE_CHECKING:
    from clif.corpus.encoding import Corpus
    from clif.settings import TrainingSettings
    from clif.vocabulary import Vocabulary


class Sentences:
    """The corpus as gensim wants it: lists of words, of LONGEST words at the most.

    `copies` (documents,) says how often each document stands. A document that is left out gives an empty
    list: it trains nothing but counts as seen, so the learning rate at every other document stays what it was, to
    within one batch of 10,000 words (gensim sets it once a batch). `seen(documents)` is called now and then.
    """

    def __init__(
        self,
        corpus: Corpus,
        words: list[str],
        copies: NDArray[np.int64] | None = None,
        seen: Callable[[int], None] | None = None,
    ) -> None:
        self.corpus = corpus
        self.words = words
        self.copies = np.ones(len(corpus), dtype=np.int64) if copies is None else copies
        self.seen = seen

    def _pieces(self, document: int) -> int:
        start, end = self.corpus.offsets[document : document + 2]
        inside = int((self.corpus.tokens[start:end] < len(self.words)).sum()) if end - start > LONGEST else 0
        return max(1, -(-inside // LONGEST))

    def __len__(self) -> int:
        long = np.flatnonzero(self.corpus.lengths > LONGEST)
        pieces = np.ones(len(self.corpus), dtype=np.int64)
        pieces[long] = [self._pieces(int(z)) for z in long]
        return int((pieces * np.maximum(self.copies, 1)).sum())

    def __iter__(self) -> Iterator[list[str]]:
        tokens, offsets, words = self.corpus.tokens, self.corpus.offsets, self.words
        size = len(words)
        for z in range(len(self.corpus)):
            if self.seen and z % 512 == 0:
                self.seen(z)
            ids = [token for token in tokens[offsets[z] : offsets[z + 1]].tolist() if token < size]
            sentence = [words[token] for token in ids]
            copies = int(self.copies[z])
            for _ in range(max(copies, 1)):
                for start in range(0, max(len(sentence), 1), LONGEST):
                    yield sentence[start : start + LONGEST] if copies else []
        if self.seen:
            self.seen(len(self.corpus))


def train_gensim(
    corpus: Corpus,
    vocabulary: Vocabulary,
    settings: TrainingSettings,
    *,
    copies: NDArray[np.int64] | None = None,
    seen: Callable[[int], None] | None = None,
    after_epoch: Callable[[int, NDArray[np.float32], NDArray[np.float32]], None] | None = None,
) -> Trained:
    """Train by gensim's Word2Vec with the vocabulary's counts, so that an edit of the corpus changes no constant.

    `copies` as in `Sentences`, the other arguments as for `train_model`. With one worker the result is the same, bit
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

    sentences = Sentences(corpus, vocabulary.words, copies, seen)
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
