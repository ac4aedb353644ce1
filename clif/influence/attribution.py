"""What a method finds: the influence of any training pair, or of whole documents.

The influence of a context is its expected weight times that of its pair (w, c),

    F_wc = s . (gradient of the loss of one expected pair, with its negatives)
         = -(sigma(-x_wc) + k q_c sigma(x_wc)) t_wc + k sum_c' q_c' sigma(x_wc') t_wc',

with t_wc = s_U[w] . c_c + u_w . s_C[c], and contexts sum to their document. `PairTable` holds F for the words of a
test, for methods whose s lives on their rows alone; `JointPairs` computes it for any pair from s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clif.influence.kernels import joint_pairs, score_joint, score_table
from clif.influence.noise import NoiseSample, logistic
from clif.influence.problem import Matrix, Predictor, Problem

Values = NDArray[np.float64]
Array = NDArray[Any]

# Frequent and drawn output words in the noise part of a pair's influence; all, if there are no more.
SAMPLE = 2000, 6000
ROWS = 256


@dataclass(frozen=True, eq=False)
class PairTable:
    """Influence (n, V) of the pairs whose input is a word of the test; that of the others is zero."""

    problem: Problem
    table: Matrix

    @property
    def wanted(self) -> NDArray[np.bool_]:
        """Input words (V,) whose pairs have an influence."""
        return self.problem.slot >= 0

    def of(self, inputs: NDArray[np.integer], outputs: NDArray[np.integer]) -> Values:
        """Influence of one expected pair (inputs[n], outputs[n]), for each n."""
        slot = self.problem.slot[inputs]
        return np.where(slot >= 0, self.table[slot, outputs], 0.0)

    def tokens(self, first: int, last: int) -> Matrix:
        """Influence (1, tokens) of the tokens of the documents first to last - 1: half of each of their contexts."""
        corpus = self.problem.corpus
        result = np.zeros((1, int(corpus.offsets[last] - corpus.offsets[first])))
        score_table(
            corpus.tokens, corpus.offsets, first, last, self.problem.keep, self.problem.settings.window,
            self.problem.slot, self.table, result[0],
        )  # fmt: skip
        return result


@dataclass(frozen=True, eq=False)
class JointPairs:
    """Influence of the pairs of all words on one or several objectives.

    `s` (objectives, 2, V, d); `noise_part` (objectives, V) is k sum_c q_c sigma(x_wc) t_wc for each input word.
    """

    problem: Problem
    s: Array
    noise_part: Matrix

    @classmethod
    def of_solve(cls, problem: Problem, s: Array) -> JointPairs:
        """The pairs of one solve s (2, V, d)."""
        return cls(problem, s[None], _noise_part(problem, s)[None])

    @classmethod
    def join(cls, parts: Sequence[JointPairs]) -> JointPairs:
        """Several solves of one model as objectives of one pass."""
        s = np.concatenate([pairs.s for pairs in parts])
        return cls(parts[0].problem, s, np.concatenate([pairs.noise_part for pairs in parts]))

    @property
    def wanted(self) -> NDArray[np.bool_]:
        """Input words (V,) whose pairs have an influence: all."""
        return np.ones(len(self.problem.vocabulary), dtype=np.bool_)

    @cached_property
    def _left(self) -> Array:
        return np.hstack([self.problem.U, *(each[0] for each in self.s)])

    @cached_property
    def _right(self) -> Array:
        return np.hstack([self.problem.C, *(each[1] for each in self.s)])

    @cached_property
    def _kq(self) -> Values:
        return self.problem.negative * self.problem.noise

    def of(self, inputs: NDArray[np.integer], outputs: NDArray[np.integer]) -> Values:
        """Influence of one expected pair (inputs[n], outputs[n]) on the first objective, for each n."""
        result = np.empty(len(inputs))
        dim = self.problem.U.shape[1]
        joint_pairs(self._left, self._right, self.noise_part, self._kq, inputs, outputs, dim, result)
        return result

    def tokens(self, first: int, last: int) -> Matrix:
        """Influence (objectives, tokens) of the tokens of the documents first to last - 1."""
        problem, corpus = self.problem, self.problem.corpus
        result = np.zeros((len(self.s), int(corpus.offsets[last] - corpus.offsets[first])))
        score_joint(
            corpus.tokens, corpus.offsets, first, last, problem.keep, problem.settings.window,
            self._left, self._right, self.noise_part, self._kq, problem.U.shape[1], result,
        )  # fmt: skip
        return result


Pairs = PairTable | JointPairs


def _noise_part(problem: Problem, s: Array) -> Values:
    """k sum_c q_c sigma(x_wc) t_wc for each input word, (V,), over a sample of output words if there are many."""
    result = np.zeros(len(problem.U))
    sample = NoiseSample.draw(problem.noise, *SAMPLE)
    left = np.hstack([s[0], problem.U])
    for start in range(0, len(sample.words), 1024):
        part = slice(start, start + 1024)
        words = sample.words[part]
        weights = (problem.negative * problem.noise[words] * sample.weights[part]).astype(left.dtype)
        C = problem.C[words]
        right = np.hstack([C, s[1][words]])
        for row in range(0, len(left), ROWS):
            rows = slice(row, row + ROWS)
            t = left[rows] @ right.T
            t *= logistic(problem.U[rows] @ C.T)
            result[rows] += t @ weights
    return result


@dataclass(frozen=True)
class SolveReport:
    """How a solve went: relative residual, products taken, whether it came below the tolerance.

    `noise_error` is the relative residual that the approximation of the noise part adds (0 where there is none);
    `reused` says that the solve was stored.
    """

    residual: float
    iterations: int | None = None
    converged: bool = True
    noise_error: float = 0.0
    reused: bool = False


@dataclass(frozen=True, eq=False)
class Attribution:
    """What a method found for a problem: `pairs`, or else a number for each document.

    `predictor`: T after an edit, if the method predicts sets of documents in a way of its own.
    """

    pairs: Pairs | None = None
    documents: Values | None = None
    predictor: Predictor | None = None
    solve: SolveReport | None = None
