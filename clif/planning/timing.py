"""What the work costs on this machine: the real code, run on a sample for a few seconds."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clif.corpus.encoding import Corpus, encode
from clif.corpus.tokenising import Tokeniser
from clif.counts import count_pairs
from clif.influence.attribution import JointPairs
from clif.influence.local import block
from clif.influence.methods import METHODS
from clif.influence.problem import Problem
from clif.influence.rehearsal import rehearse
from clif.objectives import WEAT, BiasObjective, BiasTest, cover, load_tests, objective_of
from clif.planning.growth import BEND, Growth, extrapolate
from clif.planning.sampling import Sample
from clif.settings import TrainingSettings
from clif.threads import one_thread
from clif.training.paired import PairedTraining
from clif.vocabulary import Vocabulary

EVERY = (4, 2, 1)  # one document in so many makes a part of the sample


@dataclass(frozen=True)
class Costs:
    """CPU seconds, bytes and counts of a sample of `tokens` tokens and `words` words of the vocabulary.

    Seconds: `encode`; `train`, an epoch; of `block`, `look` counts around the test's words, `tables` solves; `count`
    counts all pairs, `factors` and `lay_out` prepare the solve of `clif`; a `product` has `noise` in it, `vectors` is
    done between two, `ends` after the last; `score_block` and `score_clif` score. `types`, `vocabulary` and `different`
    (pairs of words) are those of growing parts of the sample. `files` are bytes by name.
    """

    tokens: int
    documents: int
    words: int
    seconds: dict[str, float]
    types: Growth
    vocabulary: Growth
    different: Growth
    files: dict[str, int]


def measure(sample: Sample, settings: TrainingSettings, tokeniser: Tokeniser, methods: list[str]) -> Costs:
    """Encode, train and score a sample.

    As many of its words are taken for its vocabulary as that of the whole corpus may have, as far as there are so many:
    the speed of most work depends on it.

    Raises
    ------
    InputError
        There is not one word in the sample.

    """
    clock = _Clock({})
    with tempfile.TemporaryDirectory() as folder, one_thread():
        corpus: Corpus = clock("encode", lambda: encode(sample.taken, tokeniser, Path(folder)))
        files = {path.name: path.stat().st_size for path in Path(folder).iterdir()}
        types, words = _grown(corpus, settings.min_count)
        expected = extrapolate(*words, len(corpus.tokens) / sample.share, BEND)
        size = min(len(corpus.types), max(8, int(expected)))
        vocabulary = Vocabulary(list(corpus.types[:size]), corpus.counts[:size])
        _time_training(clock, corpus, vocabulary, settings)
        different = _time_ranking(clock, corpus, vocabulary, settings, methods)
        return Costs(len(corpus.tokens), len(corpus), size, clock.seconds, types, words, different, files)


class _Clock:
    """Takes the CPU seconds of calls, the least of as many `times` as it is made."""

    def __init__(self, seconds: dict[str, float]) -> None:
        self.seconds = seconds

    def __call__(self, name: str, call: Callable[[], Any], times: int = 1) -> Any:
        for _ in range(times):
            began = time.process_time()
            found = call()
            self.seconds[name] = min(self.seconds.get(name, float("inf")), time.process_time() - began)
        return found


def _part(corpus: Corpus, every: int) -> Corpus:
    """Every n-th document as a corpus in memory."""
    documents = np.arange(0, len(corpus), every)
    ends = zip(corpus.offsets[documents], corpus.offsets[documents + 1], strict=True)
    tokens = np.concatenate([corpus.tokens[a:b] for a, b in ends])
    tokens.setflags(write=False)  # as those of a run are, for which kernels are compiled
    offsets = np.concatenate([[0], np.cumsum(corpus.lengths[documents])])
    return replace(corpus, doc_ids=[corpus.doc_ids[z] for z in documents], tokens=tokens, offsets=offsets)


def _time_training(clock: _Clock, corpus: Corpus, vocabulary: Vocabulary, settings: TrainingSettings) -> None:
    training = PairedTraining(corpus, vocabulary, settings)
    U, C = training.start()
    training.learn(training.epoch(0).part(0, 0), U, C)  # compiled before
    C += U[::-1]  # at the start the gradients are zero, and so are all steps
    clock("train", lambda: training.learn_epoch(0, U, C))


def _time_ranking(
    clock: _Clock, corpus: Corpus, vocabulary: Vocabulary, settings: TrainingSettings, methods: list[str]
) -> tuple[list[int], list[float]]:
    """Time both methods on random vectors; tokens and different pairs of growing parts of the sample."""
    rng = np.random.default_rng(0)
    shape = (len(vocabulary), settings.dim)
    U, C = (rng.normal(0, 2.0 / settings.dim**0.5, shape).astype(np.float32) for _ in range(2))
    problem = Problem(corpus, vocabulary, settings, U, C, _some_test(vocabulary), "mean_difference")
    rehearse(problem, METHODS["block"])
    counts = clock("look", problem.count)
    found = clock("tables", lambda: block(_counted(problem, counts)))
    assert found.pairs is not None
    clock("score_block", lambda: found.pairs.tokens(0, len(corpus)))
    if "clif" not in methods:
        return [1, 2], [1.0, 1.0]
    rehearse(problem, METHODS["clif"])
    sizes, different = [], []
    for every in EVERY[:-1]:
        part = _part(corpus, every)
        sizes.append(max(1, len(part.tokens)))
        different.append(float(len(count_pairs(part.tokens, part.offsets, problem.keep, settings.window))))
    clock("count", lambda: problem.pair_counts)
    curvature = problem.curvature()
    noise = curvature.noise_curvature
    clock("factors", lambda: noise.factors)
    Z = rng.normal(size=(2, *shape)).astype(np.float32)
    out, left, right = np.zeros_like(Z), np.hstack([Z[0], U]), np.hstack([C, Z[1]])
    noise.add_product(left, right, out)  # which keeps some of its parts
    clock("lay_out", lambda: curvature.precondition(Z, 1.0))
    clock("noise", lambda: noise.add_product(left, right, out))
    clock("product", lambda: curvature.product(Z, 1.0), times=3)
    fewer = problem.reading(_part(corpus, EVERY[0])).curvature()
    fewer.precondition(Z, 1.0)
    clock("product_of_fewer", lambda: fewer.product(Z, 1.0), times=3)
    clock("vectors", lambda: curvature.project(curvature.precondition(Z, 1.0)))
    pairs = clock("ends", lambda: JointPairs.of_solve(problem, Z))
    pairs.tokens(0, 1)
    clock("score_clif", lambda: pairs.tokens(0, len(corpus)))
    return [*sizes, len(corpus.tokens)], [*different, float(len(problem.pair_counts))]


def _counted(problem: Problem, counts: NDArray[np.float64]) -> Problem:
    problem.__dict__["counts"] = counts
    problem.__dict__["count"] = lambda: counts
    return problem


def _some_test(vocabulary: Vocabulary) -> BiasObjective:
    """A test that the sample covers, else one of as many words of middling frequency."""
    for test in load_tests(["gender-career", "weat"]):
        covered = cover(test, vocabulary.index)
        if covered.reason is None:
            return objective_of(covered)
    words = [vocabulary.words[n] for n in np.linspace(0, len(vocabulary) - 1, 32).astype(int)]
    X, Y, A, B = (tuple(words[n::4]) for n in range(4))
    return WEAT(cover(BiasTest("sample", X, Y, A, B), vocabulary.index, least=1))


def _grown(corpus: Corpus, least: int) -> tuple[Growth, Growth]:
    """Types, and words that occur `least` times, in parts of the sample that are spread over it."""
    sizes, types, words = [], [], []
    for every in EVERY:
        part = _part(corpus, every)
        counts = np.bincount(part.tokens, minlength=len(corpus.types))
        sizes.append(max(1, len(part.tokens)))
        types.append(float((counts > 0).sum()))
        words.append(float((counts >= least).sum()))
    return (sizes, types), (sizes, words)
