"""Small trainings that can be repeated and undone, also in double precision."""

from __future__ import annotations

import numpy as np
from helpers import corpus_of

from clif.influence.problem import Problem
from clif.objectives import WEAT, BiasTest, cover
from clif.training.checkpoints import Checkpoints
from clif.training.paired import PairedTraining, train_paired
from clif.vocabulary import Vocabulary

DIM = 5  # one only: a kernel is compiled for each


def vocabulary_of(corpus):
    return Vocabulary(corpus.types, np.maximum(corpus.counts, 1))


class Doubles(Checkpoints):
    """Checkpoints of a training in double precision."""

    def at(self, epoch):
        return train(self.corpus, self.settings, epochs=epoch)


def train(corpus, settings, weights=None, epochs=None):
    training = PairedTraining(corpus, vocabulary_of(corpus), settings, weights, precision=np.float64)
    U, C = training.start()
    for number in range(settings.epochs if epochs is None else epochs):
        training.learn(training.epoch(number), U, C)
    return U, C


def topical(seed, documents=120, length=60):
    """Documents that lean to one of two topics, about a test of 16 words."""
    rng = np.random.default_rng(seed)
    sizes = 48
    base = np.ones(sizes)
    docs = []
    for _ in range(documents):
        share = base.copy()
        lean = rng.integers(0, 4)
        for half in ((0, 8), (4, 12)) if lean < 2 else ((0, 12), (4, 8)):
            start = half[lean % 2]
            share[start : start + 4] *= 6
        share[16 + 8 * lean : 24 + 8 * lean] *= 4
        docs.append(rng.choice(sizes, length, p=share / share.sum()))
    return corpus_of(docs, sizes)


def question(corpus, options, **more):
    words = corpus.types
    test = BiasTest(name="made", X=tuple(words[0:4]), Y=tuple(words[4:8]), A=tuple(words[8:12]), B=tuple(words[12:16]))
    vocabulary = vocabulary_of(corpus)
    trained = train_paired(corpus, vocabulary, options)
    coverage = cover(test, vocabulary.index)
    return Problem(corpus, vocabulary, options, trained.U, trained.C, WEAT(coverage), **more)
