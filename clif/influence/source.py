"""What documents did to the vectors of the test's words in each epoch of the training, carried to its end.

`block` asks what the trained vectors do where they stand; training went through others to get there. Here every epoch
is gradient flow, for as long as its learning rates sum to, eta, on the loss around where the vectors of the test's
words were in that epoch, beside the output vectors of that epoch. There the pairs of a set S of documents have the
gradient g(S) and the Hessian H(S), those of the whole corpus H, and taking out S moves a word's vector by delta, which
is zero at first:

    A = H - H(S)        delta <- exp(-eta A) delta + (1 - exp(-eta A)) A^-1 g(S)        from the first epoch to the last

and T is measured at U + delta. To first order A is H, delta is linear in the documents, and the influence of one is

    sum over test words and epochs of s . g(document)        with l = dT/du at the end, and from the last to the first
    s = (1 - exp(-eta H)) H^-1 l        l <- exp(-eta H) l

Gradient and Hessian of an epoch are the means of those where it starts and where it ends: those of the start alone
predict too little, those of the end alone too much. Before the first epoch all output vectors are zero, and both with
them. H and g are of the summed loss of one epoch (see `surroundings`). Sign: change of T when removed.

After: SOURCE (Bae, Lin, Lorraine, Grosse 2024, "Training Data Attribution via Approximate Unrolled Differentiation"),
with a segment an epoch and, instead of factored curvature, the exact one of each word, output vectors held fixed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clif.corpus.change import Change
from clif.influence.attribution import Attribution, PairTable
from clif.influence.problem import Matrix, Problem
from clif.influence.surroundings import Surroundings
from clif.settings import TrainingSettings
from clif.threads import one_thread

Array = NDArray[Any]
Values = NDArray[np.float64]


def source(problem: Problem) -> Attribution:
    """The influence of every pair through all epochs, and the predictor of sets by the recursion.

    Raises
    ------
    UsageError
        The training cannot be repeated: it was done by gensim, or by more than one worker.

    """
    course = course_of(problem)
    table = course.table(problem.gradient)

    def predict(change: Change) -> float:
        moved = problem.E + course.shift(problem.gone(change))
        return problem.objective.value(moved, problem.measure)

    return Attribution(PairTable(problem, table), predictor=predict)


def course_of(problem: Problem) -> Course:
    """The run's own training, as the test's words went through it; raises what `source` does."""
    problem.checkpoints.check("source")
    around = [
        Surroundings(U[problem.rows].astype(np.float64), C, problem.noise, problem.negative) for U, C in problem.stages
    ]
    return Course.of(epoch_rates(problem.settings), [*around, problem.surroundings], problem.count())


def epoch_rates(settings: TrainingSettings) -> Values:
    """Mean learning rate of each epoch, (epochs,): they fall in a line from alpha to min_alpha, and sum to tau."""
    done = (np.arange(settings.epochs) + 0.5) / settings.epochs
    return settings.alpha - (settings.alpha - settings.min_alpha) * done


@dataclass(frozen=True, eq=False)
class Course:
    """A training as the test's words went through it.

    `around` (epochs + 1) is the loss where each epoch starts, and where the last one ends; `hessians` (n, d, d) of the
    pairs of the whole corpus at each of these; `flows` (epochs) is what each epoch makes of a push.
    """

    rates: Values
    around: Sequence[Surroundings]
    hessians: Sequence[Array]
    flows: Sequence[Flow]

    @classmethod
    def of(cls, rates: Values, around: Sequence[Surroundings], counts: Matrix) -> Course:
        """The course of a corpus with these counts of pairs, (n, V); `rates` (epochs,) are the eta of the epochs."""
        hessians = [point.hessian(counts) for point in around]
        return cls(rates, around, hessians, _flows(rates, hessians))

    def shift(self, counts: Matrix) -> Matrix:
        """How far (n, d) the trained vectors move when pairs of these counts (n, V) are taken out."""
        return self._rest(counts)._shifts(counts)[-1]

    def first_order_shift(self, counts: Matrix) -> Matrix:
        """The part of `shift` that is linear in the counts: by the curvature of the whole corpus."""
        return self._shifts(counts)[-1]

    def without(self, counts: Matrix) -> Course:
        """The course once pairs of these counts are taken out, the vectors being where they are then.

        Its tables are the influences of what is left. The slopes of the logistic in the Hessians stay what they were.
        """
        rest = self._rest(counts)
        moved = zip(self.around, rest._shifts(counts), strict=True)
        return replace(rest, around=[replace(point, U=point.U + shift) for point, shift in moved])

    def _rest(self, counts: Matrix) -> Course:
        """The course with the curvature of what is left, the vectors being where they were."""
        with one_thread():
            hessians = [H - p.hessian(counts) for H, p in zip(self.hessians, self.around, strict=True)]
            return replace(self, hessians=hessians, flows=_flows(self.rates, hessians))

    def _shifts(self, counts: Matrix) -> list[Matrix]:
        """How far the vectors are moved at each checkpoint by the pushes of these counts."""
        shifts = [np.zeros_like(self.around[0].U)]
        with one_thread():
            for flow, push in zip(self.flows, _of_epochs([p.gradient(counts) for p in self.around]), strict=True):
                shifts.append(flow.rest(shifts[-1]) + flow.answer(push))
        return shifts

    def table(self, slope: Matrix) -> Matrix:
        """Influence F (n, V) of one expected pair (w, c): slope . delta to first order, with `slope` (n, d) = dT/dU."""
        weights = [np.zeros_like(slope) for _ in self.around]
        for epoch in reversed(range(len(self.flows))):
            s = self.flows[epoch].answer(slope)
            slope = self.flows[epoch].rest(slope)
            weights[epoch] += s / 2
            weights[epoch + 1] += s / 2
        return np.asarray(sum(point.contraction(s) for point, s in zip(self.around, weights, strict=True)))


class Flow:
    """Gradient flow for the time `eta` on quadratics with the symmetric Hessians A (n, d, d)."""

    def __init__(self, A: Array, eta: float) -> None:
        values, self._axes = np.linalg.eigh(A)
        self._left = np.exp(-eta * values)
        lost = -np.expm1(-eta * values)
        # Where A is flat the push adds up undamped: (1 - exp(-eta a)) / a tends to eta.
        self._gain = np.divide(lost, values, out=np.full_like(values, eta), where=values != 0)

    def answer(self, push: Matrix) -> Matrix:
        """What a constant push (n, d) comes to: (1 - exp(-eta A)) A^-1 push."""
        return self._scaled(push, self._gain)

    def rest(self, delta: Matrix) -> Matrix:
        """What is left of delta (n, d): exp(-eta A) delta."""
        return self._scaled(delta, self._left)

    def _scaled(self, vectors: Matrix, factors: Matrix) -> Matrix:
        along = np.einsum("nij,ni->nj", self._axes, vectors)
        return np.asarray(np.einsum("nij,nj->ni", self._axes, factors * along))


def _flows(rates: Values, hessians: Sequence[Array]) -> list[Flow]:
    return [Flow(A, rate) for A, rate in zip(_of_epochs(hessians), rates, strict=True)]


def _of_epochs(values: Sequence[Array]) -> list[Array]:
    """Means of what holds where an epoch starts and where it ends."""
    return [(start + end) / 2 for start, end in pairwise(values)]
