"""The exact derivative of a training run: what each document's weight did to the parts of T, through every update.

Training by the paired trainer is a function of the documents' weights w, which multiply the learning rate. Its
derivative at w = 1 is found backwards: each epoch is trained again with its steps on tape, and then undone step by step
while the adjoints of U and C are carried along (see `reverse`). One adjoint a part: for WEAT the association of one
target word. With these,

    change of part i when z is removed = -d part_i / d w_z          influence(z) = dT/d parts . (changes of the parts)

It is the effect in this run, with its order and its negatives; the mean over models that differ in their seed is that
on the expected outcome. Contexts have theirs by a pass of their own (see `recording`). A set S takes its share of the
curvature along, which no derivative at w = 1 knows. That share is taken from the course of the test's words through the
epochs (see `source`): T is evaluated at the parts

    s(U + delta) + r [sum over S of the changes - ds/dU . delta_1]

with delta the shift of the words by the curvature of what remains, delta_1 that by the curvature of the whole corpus,
linear in S, and r the share of the tokens that stay. Without the bracket it is what `source` predicts, which knows the
corpus and not the draws. The bracket is the run's own answer: all of it counts for a small set, and the less the
further an edit leads away from this run. (r was found by retraining without halves of a corpus: docs/measured.md.)
Where single tokens are taken out or replaced, the weights of documents are not what changes: such edits are predicted
as `source` predicts them.

After: Maclaurin, Duvenaud, Adams 2015 (reversing training); Hara, Nitanda, Maehara 2019 (SGD-influence); Ilyas and
Engstrom 2025 (metagradients).

Undoing a pair stretches rounding errors of the input vector by 1 / (1 - sum_i g_i^2), so they grow exponentially with
the pairs of one word, and faster where their steps agree, as at the start of a training. Hence the vectors are taken
from the forward run after every segment, which ends before the stretches of any word come to exp(GROWTH); and what has
been undone is compared with them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clif.compiling import Fixed
from clif.corpus.change import Change
from clif.corpus.parts import cut
from clif.errors import InputError
from clif.influence.attribution import Attribution, SolveReport
from clif.influence.joint import SolveSettings, Store
from clif.influence.problem import Matrix, Problem
from clif.influence.reverse import reverse_documents
from clif.influence.shelf import Shelf, memory_to_use
from clif.influence.source import Course, course_of
from clif.progress import Progress, silent
from clif.training.checkpoints import Checkpoints
from clif.training.paired import PairedTraining

Array = NDArray[Any]
# Takes drawn pairs: their documents (pairs,), positions of input and output (pairs, 2), derivatives (pairs, m).
Record = Callable[[NDArray[np.int64], NDArray[np.uint32], Array], None]
SEGMENT = 400_000  # pairs between two states of the vectors, at the most
GROWTH = 2.0  # derivatives are then wrong by some 1e-4 of the largest, by rounding in single precision
LOST = 0.1  # of the length of U: where undone vectors are further off, derivatives are wrong by 1e-2 and more
LANES = 32  # adjoints that are carried at once


def unrolled(problem: Problem, _settings: SolveSettings, store: Store) -> Attribution:
    """Derivatives of T's parts by every document's weight, through the run's own training.

    Raises
    ------
    UsageError
        The training cannot be repeated: it was done by gensim, or by more than one worker.

    """
    problem.checkpoints.check("unrolled")
    found, _ = store("unrolled", lambda: (part_changes(problem), SolveReport(0.0)))
    parts: Matrix = found.astype(np.float64)
    slope = problem.objective.join_gradient(problem.objective.associations(problem.E), problem.measure)
    course = cache(lambda: course_of(problem))  # only predictions of sets need it

    def predict(change: Change) -> float:
        counts, start = problem.gone(change), problem.objective.associations(problem.E)
        if len(change.places):
            return problem.objective.value(problem.E + course().shift(counts), problem.measure)
        moved, first = shift_of_parts(problem, course(), counts)
        own = change.times @ parts - first
        return problem.objective.join(start + moved + change.stays(problem.corpus) * own, problem.measure)

    return Attribution(documents=parts @ slope, predictor=predict)


def shift_of_parts(problem: Problem, course: Course, counts: Matrix) -> tuple[Matrix, Matrix]:
    """Changes of the parts (parts,) as `source` predicts them when pairs of these counts (n, V) are removed.

    The whole changes, and their first order.
    """
    objective, E = problem.objective, problem.E
    moved = objective.associations(E + course.shift(counts)) - objective.associations(E)
    return moved, np.einsum("mnd,nd->m", objective.part_gradients(E), course.first_order_shift(counts))


def part_changes(problem: Problem) -> Matrix:
    """Change of each part when each document is removed, to first order, (documents, parts)."""
    gradients = problem.objective.part_gradients(problem.E)
    found = [
        derivatives(problem.checkpoints, problem.rows, gradients[first : first + LANES], progress=problem.progress)
        for first in range(0, len(gradients), LANES)
    ]
    return -np.concatenate(found, axis=1)


def derivatives(
    checkpoints: Checkpoints,
    rows: NDArray[np.int64],
    gradients: Matrix,
    *,
    precision: type = np.float32,
    segment: int | None = None,
    record: Record | None = None,
    progress: Progress = silent,
) -> Matrix:
    """d f_m / d w_z of functions f_m of the final U, (documents, m), from their `gradients` (m, n, d) in U[rows].

    `segment` is how many pairs are undone at a time, as many as rounding allows if it is left out. `record` is given
    the derivatives by the weight of each drawn pair, some at a time; they sum to those by the weights of their
    documents.

    Raises
    ------
    InputError
        Rounding errors grow too large while the training is undone: a document is too long for these learning rates.
        Or the disk is full.

    """
    corpus, settings = checkpoints.corpus, checkpoints.settings
    training = PairedTraining(corpus, checkpoints.vocabulary, settings, precision=precision)
    U_bar: Array = np.zeros((len(checkpoints.vocabulary), len(gradients), settings.dim), dtype=precision)
    U_bar[rows] = gradients.transpose(1, 0, 2)
    C_bar = np.zeros_like(U_bar)
    found = np.zeros((len(corpus), len(gradients)))
    coming = 2 * U_bar.nbytes + 4 * U_bar[:, 0].nbytes
    shelf = Shelf(U_bar[:, 0].shape, 1 + settings.negative, precision, checkpoints.folder, memory_to_use(coming))
    for number in range(settings.epochs - 1, -1, -1):
        epoch = training.epoch(number)
        sizes = training.pairs(epoch)
        parts = cut(sizes, segment or _pairs_at_a_time(checkpoints, training.keep, float(epoch.rates.max(initial=0))))
        places = [shelf.place(n, int(sizes[first:last].sum())) for n, (first, last) in enumerate(parts)]
        U, C = checkpoints.at(number)
        U, C = U.astype(precision), C.astype(precision)
        begin = U.copy()
        for (first, last), (tape, after_U, after_C) in zip(parts, places, strict=True):
            training.learn(epoch.part(first, last), U, C, tape)
            after_U[:], after_C[:] = U, C
        undone = None
        for done, ((first, last), (tape, U, C)) in enumerate(zip(reversed(parts), reversed(places), strict=True)):
            note = f"epoch {number + 1} of {settings.epochs}, backwards"
            progress("unroll", settings.epochs - 1 - number + done / len(parts), settings.epochs, note)
            part = epoch.part(first, last)
            _check(undone, U)
            undone = U
            drawn: Array = np.empty((len(tape) if record else 0, len(gradients)), dtype=precision)
            spots = np.empty((len(drawn), 2), dtype=np.uint32)
            reverse_documents(
                corpus.tokens, corpus.offsets, part.documents, part.keys, part.rates, training.keep,
                training.threshold, training.alias, settings.window, settings.negative, U, C, tape,
                U_bar, C_bar, found, spots, drawn, Fixed(settings.dim), Fixed(1 + settings.negative),
            )  # fmt: skip
            if record:
                record(np.repeat(part.documents, sizes[first:last]), spots, drawn)
        _check(undone, begin)
    return found


def _pairs_at_a_time(checkpoints: Checkpoints, keep: NDArray[np.float64], rate: float) -> int:
    """Pairs until the stretches of the most frequent word come to exp(GROWTH).

    Its share of the pairs is that of the tokens that are kept; a step g is some half of the learning rate.
    """
    kept = checkpoints.vocabulary.counts * keep
    growth = kept.max() / kept.sum() * (1 + checkpoints.settings.negative) * (rate / 2) ** 2
    return int(min(SEGMENT, max(1.0, GROWTH / growth))) if growth > 0 else SEGMENT


def _check(undone: Array | None, true: Array) -> None:
    """Raise InputError if what has been undone, if anything has, is not what it was in the forward run."""
    if undone is None or np.linalg.norm(undone - true) <= LOST * np.linalg.norm(true):
        return
    raise InputError(
        "rounding errors grow too large while this training is undone: a document is too long, with words that are too "
        "frequent, for these learning rates",
        where="--method unrolled",
        next="Cut long documents, train with --sample 1e-3 or a smaller --alpha, or use --method source.",
    )
