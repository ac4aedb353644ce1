"""A tiny problem that runs every kernel of a method once, so that compiling them is no part of what is timed."""

from __future__ import annotations

from typing import Any

import numpy as np

from clif.corpus.encoding import Corpus
from clif.influence.attribution import JointPairs, PairTable
from clif.influence.joint import SolveSettings, solve_joint
from clif.influence.methods import Method
from clif.influence.problem import Problem
from clif.influence.turnover import turnover
from clif.influence.unrolled import derivatives
from clif.objectives import WEAT, BiasTest, cover
from clif.settings import TrainingSettings
from clif.training.checkpoints import Checkpoints
from clif.vocabulary import Vocabulary

WORDS = [f"w{n}" for n in range(8)]


def rehearse(problem: Problem, method: Method) -> None:
    """Run the kernels that `method` needs, on arrays of the kinds that `problem` has."""
    small = _small(problem.U.dtype, problem.corpus.tokens)
    list(small.contexts())
    if method.solves or method.name == "kfac":
        s, _ = solve_joint(small, SolveSettings(steps=1))
        pairs = JointPairs.of_solve(small, s)
        pairs.tokens(0, 1)
        pairs.of(np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64))
    if method.name == "unrolled":  # whose kernel is made for the vectors' dimension
        settings = TrainingSettings(dim=problem.settings.dim, epochs=1)
        gradients = np.ones((1, 2, settings.dim))
        derivatives(Checkpoints(small.corpus, small.vocabulary, settings), np.arange(2), gradients)
    if method.name == "turnover":
        turnover(small)
    elif not method.solves:
        PairTable(small, np.zeros((8, 8))).tokens(0, 1)


def _small(kind: Any, tokens: Any) -> Problem:
    X, Y, A, B = (tuple(WORDS[n : n + 2]) for n in range(0, 8, 2))
    test = BiasTest("rehearsal", X, Y, A, B)
    rng = np.random.default_rng(0)
    # The tokens of a run are memory-mapped read-only, which is a type of its own to the compiler.
    own = np.arange(8, dtype=np.uint32)
    own.setflags(write=tokens.flags.writeable)
    corpus = Corpus(["d"], np.array([0, 8]), own, WORDS, np.ones(8, dtype=np.int64), "rehearsal")
    vocabulary = Vocabulary(WORDS, np.arange(8, 0, -1))
    U, C = (rng.normal(size=(8, 4)).astype(kind) for _ in range(2))
    objective = WEAT(cover(test, vocabulary.index, least=2))
    return Problem(corpus, vocabulary, TrainingSettings(dim=4), U, C, objective, "mean_difference")
