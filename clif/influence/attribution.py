"""What a method finds: the influence of any training pair, or of whole documents.

The influence of a context is its expected weight times that of its pair (w, c),

    F_wc = s . (gradient of the loss of one expected pair, with its negatives)
         = -(sigma(-x_wc) + k q_c sigma(x_wc)) t_wc + k sum_c' q_c' sigma(x_wc') t_wc',

with t_wc = s_U[w] . c_c + u_w . s_C[c], and contexts sum to their document. `PairTable` holds F for the words of a
test, for methods whose s lives on their rows alone; `JointPairs` computes it for any pair from s. Where a context has
an influence of its own, `DrawnContexts` holds it (see `drawn`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from clif.influence.kernels import joint_pairs
from clif.influence.noise import logistic
from clif.influence.problem import Matrix, Predictor, Problem
from clif.influence.scorers import JointScorer, Scorer, TableScorer
from clif.noise_sample import NoiseSample
from clif.pairs import Contexts

Integers = NDArray[np.int64]
Values = NDArray[np.float64]
Array = NDArray[Any]
# Pairs of words: rows of the vocabulary of input and output, count in an epoch, and influence of all of them together.
Cells = tuple[Integers, Integers, Values, Values]

# Frequent and drawn output words in the noise part of a pair's influence; all, if there are no more.
SAMPLE = 2000, 6000
ROWS = 256


class Pairs(Protocol):
    """The influence of training pairs, summed up in whatever way is asked for."""

    @property
    def problem(self) -> Problem:
        """The question."""

    def contexts(self, documents: Integers | None = None) -> Iterator[tuple[Contexts, Values]]:
        """Yield contexts of all or some documents, in blocks, with their influence; those left out have none."""

    def cells(self, most: int) -> Iterator[Cells]:
        """Yield the pairs of words of the corpus, each once, `most` at a time; those left out have no influence."""

    def tokens(self, first: int, last: int) -> Matrix:
        """Influence (objectives, tokens) of the tokens of the documents first to last - 1: half of each context."""

    @property
    def scorer(self) -> Scorer | None:
        """What gives `tokens`, for other processes; None where it can be had only here."""


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

    def contexts(self, documents: Integers | None = None) -> Iterator[tuple[Contexts, Values]]:
        """Yield the contexts whose input is a word of the test, in blocks, with their influence."""
        for contexts in self.problem.contexts(documents, wanted=self.wanted):
            yield contexts, context_influence(self, contexts)

    def cells(self, most: int) -> Iterator[Cells]:
        """Yield the pairs of words of the corpus whose input is a word of the test, `most` at a time."""
        slot, output = np.nonzero(self.problem.counts)
        yield from _cells(self, self.problem.rows[slot], output, self.problem.counts[slot, output], most)

    def tokens(self, first: int, last: int) -> Matrix:
        """Influence (1, tokens) of the tokens of the documents first to last - 1: half of each of their contexts."""
        return self.scorer(self.problem.corpus.tokens, self.problem.corpus.offsets, first, last)

    @cached_property
    def scorer(self) -> Scorer:
        """What gives `tokens`."""
        return TableScorer(self.problem.keep, self.problem.settings.window, self.problem.slot, self.table)


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

    def contexts(self, documents: Integers | None = None) -> Iterator[tuple[Contexts, Values]]:
        """Yield all contexts, in blocks, with their influence on the first objective."""
        for contexts in self.problem.contexts(documents):
            yield contexts, context_influence(self, contexts)

    def cells(self, most: int) -> Iterator[Cells]:
        """Yield all pairs of words of the corpus, `most` at a time, with their influence on the first objective."""
        # Both directions of a pair, once for a word with itself, whose two directions are one cell.
        for row, column, weight in self.problem.pair_counts.parts(most):
            yield from _cells(self, row, column, np.where(row == column, 2 * weight, weight), most)
        for row, column, weight in self.problem.pair_counts.parts(most):
            other = row != column
            yield from _cells(self, column[other], row[other], weight[other], most)

    def tokens(self, first: int, last: int) -> Matrix:
        """Influence (objectives, tokens) of the tokens of the documents first to last - 1."""
        return self.scorer(self.problem.corpus.tokens, self.problem.corpus.offsets, first, last)

    @cached_property
    def scorer(self) -> Scorer:
        """What gives `tokens`."""
        keep, window, dim = self.problem.keep, self.problem.settings.window, self.problem.U.shape[1]
        return JointScorer(keep, window, self._left, self._right, self.noise_part, self._kq, dim)


def context_influence(pairs: PairTable | JointPairs, contexts: Contexts) -> Values:
    """Influence of each context: its expected weight times that of its pair; they sum to their document."""
    return contexts.weight * pairs.of(contexts.input, contexts.output)


def _cells(
    pairs: PairTable | JointPairs, inputs: Integers, outputs: Integers, weights: Values, most: int
) -> Iterator[Cells]:
    for start in range(0, len(inputs), most):
        part = slice(start, start + most)
        yield inputs[part], outputs[part], weights[part], weights[part] * pairs.of(inputs[part], outputs[part])


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
    `reused` says that the solve was stored; `residuals` are those after each product, where there was more than one.
    """

    residual: float
    iterations: int | None = None
    converged: bool = True
    noise_error: float = 0.0
    reused: bool = False
    residuals: Sequence[float] = ()


@dataclass(frozen=True, eq=False)
class Attribution:
    """What a method found for a problem: `pairs`, or else a number for each document.

    `predictor`: T after an edit, if the method predicts sets of documents in a way of its own.
    """

    pairs: Pairs | None = None
    documents: Values | None = None
    predictor: Predictor | None = None
    solve: SolveReport | None = None
