"""What the work costs on this machine: the real code, run on a sample for a few seconds."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from clif.corpus.encoding import Corpus, encode
from clif.corpus.tokenising import Tokeniser
from clif.counts import count_pairs
from clif.influence.attribution import JointPairs
from clif.influence.local import block
from clif.influence.methods import METHODS
from clif.influence.problem import Problem
from clif.influence.rehearsal import rehearse
from clif.objectives import WEAT, BiasTest, cover, load_tests, objective_of
from clif.planning.growth import at_parts
from clif.planning.sampling import Sample
from clif.settings import TrainingSettings
from clif.training.paired import PairedTraining, cut
from clif.vocabulary import Vocabulary

TRAINED = 250_000  # tokens that are trained, scored and counted


@dataclass(frozen=True)
class Costs:
    """CPU seconds, bytes and counts of a sample of `tokens` tokens and `words` words of the vocabulary.

    Seconds are those of the whole sample: `encode` with reading; `train` one epoch; of `block`, `look` counts around the
    test's words, `tables` solves; `score_block` and `score_clif` score; `count` counts all pairs, `lay_out` lays them
    out, `pairs` and `noise` are the two parts of a product, and `vectors` what a solve does to vectors between two.
    `types`, `vocabulary` and `different` (pairs) are (tokens, number) of growing parts of the sample. `files` are bytes
    by name.
    """

    tokens: int
    documents: int
    words: int
    seconds: dict[str, float]
    types: tuple[list[int], list[float]]
    vocabulary: tuple[list[int], list[float]]
    different: tuple[list[int], list[float]]
    files: dict[str, int]


def measure(sample: Sample, settings: TrainingSettings, tokeniser: Tokeniser, methods: list[str]) -> Costs:
    """Encode, train and score a sample.

    Words of the sample's vocabulary are those that would be seen often enough in the whole corpus, so that both
    vocabularies are of about one size, on which the speed of training depends.

    Raises
    ------
    InputError
        There is not one word in the sample.

    """
    seconds: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder, threadpool_limits(1):
        clock = _Clock(seconds)
        with_corpus = clock("encode", lambda: encode(sample.taken, tokeniser, Path(folder)))
        files = {path.name: path.stat().st_size for path in Path(folder).iterdir()}
        corpus: Corpus = with_corpus
        least = max(1, round(settings.min_count * sample.share))
        size = max(8, int((corpus.counts >= least).sum()))
        vocabulary = Vocabulary(list(corpus.types[:size]), corpus.counts[:size])
        few = _few(corpus)
        clock.share = len(corpus.tokens) / max(1, int(corpus.lengths[few].sum()))
        _time_training(clock, corpus, vocabulary, settings, few)
        different = _time_ranking(clock, corpus, vocabulary, settings, few, methods)
        types, words = _grown(corpus, settings.min_count)
        return Costs(len(corpus.tokens), len(corpus), size, seconds, types, words, different, files)


class _Clock:
    """Takes the CPU seconds of calls, times what part of the sample they saw."""

    def __init__(self, seconds: dict[str, float]) -> None:
        self.seconds, self.share = seconds, 1.0

    def __call__(self, name: str, call: Callable[[], Any], share: float | None = None) -> Any:
        began = time.process_time()
        found = call()
        self.seconds[name] = (time.process_time() - began) * (self.share if share is None else share)
        return found


def _few(corpus: Corpus) -> NDArray[np.int64]:
    """Documents spread over the sample, of TRAINED tokens or some more."""
    every = max(1, len(corpus.tokens) // TRAINED)
    return np.arange(0, len(corpus), min(every, len(corpus)))


def _part(corpus: Corpus, documents: NDArray[np.int64]) -> Corpus:
    """These documents as a corpus in memory."""
    from dataclasses import replace

    ends = zip(corpus.offsets[documents], corpus.offsets[documents + 1], strict=True)
    tokens = np.concatenate([corpus.tokens[a:b] for a, b in ends])
    tokens.setflags(write=False)  # as those of a run are, for which kernels are compiled
    offsets = np.concatenate([[0], np.cumsum(corpus.lengths[documents])])
    return replace(corpus, doc_ids=[corpus.doc_ids[z] for z in documents], tokens=tokens, offsets=offsets)


def _time_training(
    clock: _Clock, corpus: Corpus, vocabulary: Vocabulary, settings: TrainingSettings, few: NDArray[np.int64]
) -> None:
    training = PairedTraining(_part(corpus, few), vocabulary, settings)
    U, C = training.start()
    epoch = training.epoch(0)
    training.learn(epoch.part(0, 0), U, C)  # compiled before
    C += U[::-1]  # at the start the gradients are zero, and so are all steps
    clock("train", lambda: training.learn(epoch, U, C))


def _time_ranking(
    clock: _Clock,
    corpus: Corpus,
    vocabulary: Vocabulary,
    settings: TrainingSettings,
    few: NDArray[np.int64],
    methods: list[str],
) -> tuple[list[int], list[float]]:
    part = _part(corpus, few)
    rng = np.random.default_rng(0)
    shape = (len(vocabulary), settings.dim)
    U, C = (rng.normal(0, 2.0 / settings.dim**0.5, shape).astype(np.float32) for _ in range(2))
    problem = Problem(part, vocabulary, settings, U, C, _some_test(vocabulary), "mean_difference")
    rehearse(problem, METHODS["block"])
    counts = clock("look", problem.count)
    found = clock("tables", lambda: block(_counted(problem, counts)), 1.0)
    assert found.pairs is not None
    clock("score_block", lambda: found.pairs.tokens(0, len(part)))
    if "clif" not in methods:
        return [1], [0.0]
    rehearse(problem, METHODS["clif"])

    def pairs_of(tokens: int) -> float:
        last = max(1, int(np.searchsorted(corpus.offsets, tokens, side="right")) - 1)
        chosen = np.arange(0, len(corpus), max(1, len(corpus) // last))
        some = _part(corpus, chosen)
        return float(len(count_pairs(some.tokens, some.offsets, problem.keep, settings.window)))

    different = at_parts(pairs_of, len(corpus.tokens))
    clock("count", lambda: problem.pair_counts)
    curvature = problem.curvature()
    clock("lay_out", lambda: curvature._pairs, 1.0)
    Z = rng.normal(size=(2, *shape)).astype(np.float32)
    noise = curvature.noise_curvature
    out, left, right = np.zeros_like(Z), np.hstack([Z[0], U]), np.hstack([C, Z[1]])
    noise.add_product(left, right, out)
    curvature.precondition(Z, 1.0)
    clock("noise", lambda: noise.add_product(left, right, out), 1.0)
    clock("pairs", lambda: curvature.product(Z, 1.0), 1.0)
    clock.seconds["pairs"] = max(clock.seconds["pairs"] - clock.seconds["noise"], 1e-9)
    clock("vectors", lambda: curvature.project(curvature.precondition(Z, 1.0)), 1.0)
    pairs = clock("s", lambda: JointPairs.of_solve(problem, Z), 1.0)
    pairs.tokens(0, 1)
    clock("score_clif", lambda: pairs.tokens(0, len(part)))
    clock.seconds["laid"] = float(len(problem.pair_counts))
    return different


def _counted(problem: Problem, counts: NDArray[np.float64]) -> Problem:
    problem.__dict__["counts"] = counts
    problem.__dict__["count"] = lambda: counts
    return problem


def _some_test(vocabulary: Vocabulary) -> WEAT:
    """A test that the sample covers, else one of as many words of middling frequency."""
    for test in load_tests(["weat"]):
        covered = cover(test, vocabulary.index)
        if covered.reason is None:
            return objective_of(covered)
    words = [vocabulary.words[n] for n in np.linspace(0, len(vocabulary) - 1, 32).astype(int)]
    sets = [tuple(words[n::4]) for n in range(4)]
    return WEAT(cover(BiasTest("sample", *sets), vocabulary.index, least=1))


def _grown(corpus: Corpus, least: int) -> tuple[Any, Any]:
    """Types, and words that occur `least` times, in parts of the sample that are spread over it."""
    sizes, types, words = [], [], []
    for every in (4, 2, 1):
        part = _part(corpus, np.arange(0, len(corpus), every))
        counts = np.bincount(part.tokens, minlength=len(corpus.types))
        sizes.append(max(1, len(part.tokens)))
        types.append(float((counts > 0).sum()))
        words.append(float((counts >= least).sum()))
    return (sizes, types), (sizes, words)
