"""The influence of every context by the derivative of the training run: one adjoint, that of T itself, carried back.

What one drawn pair adds to the derivative by the weight of its document is the derivative by a weight on that pair
alone (see `reverse`). So with g_i the steps of a pair and gbar_i their adjoints,

    influence(context) = -dT / d w_context = -sum over the times that it was drawn, and its outputs, of gbar_i g_i

the predicted change of T when the pair is never trained at that place; contexts sum to their document. For documents
alone the parts of T are carried instead, as sets are predicted by these (see `unrolled`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clif.corpus.parts import cut
from clif.errors import InputError
from clif.influence.attribution import Attribution, SolveReport
from clif.influence.drawn import DrawnContexts, pack, unpack
from clif.influence.joint import SolveSettings, Store
from clif.influence.problem import Problem
from clif.influence.sums import ROWS, Sums, row_type
from clif.influence.unrolled import derivatives
from clif.manifest import fingerprint
from clif.storage.files import check_seal, parents_of, whole_file
from clif.storage.seals import EMPTY, seal
from clif.training.paired import PairedTraining

Array = NDArray[Any]
Integers = NDArray[np.int64]
PRECISION = np.float32  # of a training
_END = f"seal {EMPTY}".encode()  # of a file of rows


def unrolled_contexts(problem: Problem, _settings: SolveSettings, store: Store) -> Attribution:
    """The influence of every context that the run's training drew.

    They lie beside the checkpoints, in a file that is named by what they follow from; the store keeps where each
    document begins in it. Without a folder they are held in memory.

    Raises
    ------
    UsageError
        The training cannot be repeated: it was done by gensim, or by more than one worker.
    InputError
        The file cannot be written.

    """
    problem.checkpoints.check("unrolled")
    path = _path(problem)
    made: list[DrawnContexts] = []

    def record() -> tuple[Array, SolveReport]:
        made.append(record_contexts(problem, path))
        return made[0].starts, SolveReport(0.0)

    starts, _ = store("unrolled-contexts", record)
    if starts.shape != (len(problem.corpus) + 1,) or starts.dtype.kind != "i" or (np.diff(starts, prepend=0) < 0).any():
        raise InputError(
            "the stored contexts are not of this many documents",
            where="solves of unrolled",
            next="Remove the folder `solves` of the run, or rank with --no-cache.",
        )
    kind = row_type(PRECISION)
    if not made and path and path.is_file() and path.stat().st_size == starts[-1] * kind.itemsize + len(_END):
        check_seal(path, "Remove it: it is made again when it is needed.")
        return Attribution(DrawnContexts(problem, starts, _open(path, kind)))
    if not made:  # the file was removed, or cut short
        record()
    return Attribution(made[0])


def record_contexts(
    problem: Problem,
    path: Path | None = None,
    *,
    precision: type[np.floating] = PRECISION,
    segment: int | None = None,
    most: int = ROWS,
) -> DrawnContexts:
    """Go back through the training and add up what each context did; written to `path`, or held in memory without one.

    `precision` and `segment` as for `derivatives`. With a path, memory holds some `most` drawn pairs at a time.
    """
    corpus = problem.corpus
    note = "Going back through the training, pair by pair: this takes about as long as three trainings."
    problem.progress("plan", 0, None, note)
    with ExitStack() as stack:
        if path:
            stack.enter_context(parents_of(path))
        sums = stack.enter_context(Sums(_edges(problem, most), problem.folder, precision))

        def record(documents: Integers, spots: NDArray[np.integer], drawn: Array) -> None:
            position, output_position = spots.T.astype(np.int64)
            sums.add(pack(corpus, documents, position, output_position), -drawn[:, 0])

        derivatives(
            problem.checkpoints, problem.rows, problem.gradient[None], precision=precision, segment=segment,
            record=record, progress=problem.progress,
        )  # fmt: skip
        counts = np.zeros(len(corpus), dtype=np.int64)
        blocks = _count(problem, sums, counts)
        if path:
            with whole_file(path) as temporary, temporary.open("wb") as file:
                for block in blocks:
                    block.tofile(file)
                file.write(_END)
                file.flush()
                seal(temporary)
            rows = _open(path, sums.type)
        else:
            rows = np.concatenate([np.empty(0, dtype=sums.type), *blocks])
    return DrawnContexts(problem, np.concatenate([[0], np.cumsum(counts)]), rows)


def _count(problem: Problem, sums: Sums, counts: Integers) -> Iterator[Array]:
    """Yield the rows of all contexts, and add to `counts` how many there are of each document."""
    for key, times, value in sums.totals():
        document, _, _ = unpack(problem.corpus, key)
        counts += np.bincount(document, minlength=len(counts))
        rows = np.empty(len(key), dtype=sums.type)
        rows["key"], rows["times"], rows["value"] = key, times, value
        yield rows


def _edges(problem: Problem, most: int) -> Integers:
    """Keys that part the documents into ranges of some `most` drawn pairs each."""
    corpus, settings = problem.corpus, problem.settings
    training = PairedTraining(corpus, problem.vocabulary, settings)
    epoch = training.epoch(0)
    sizes = np.zeros(len(corpus), dtype=np.int64)
    sizes[epoch.documents] = training.pairs(epoch)  # other epochs draw about as many
    ends = np.array([last for _, last in cut(sizes * settings.epochs, most)[:-1]], dtype=np.int64)
    return pack(corpus, ends, np.zeros_like(ends), np.zeros_like(ends))


def _path(problem: Problem) -> Path | None:
    """Where the rows are kept: beside the checkpoints, by what they follow from; None without a folder."""
    if problem.folder is None:
        return None
    mark = fingerprint(
        {
            "corpus": problem.corpus.content_hash,
            "settings": problem.settings.to_dict(),
            "rows": problem.rows.tolist(),
            "gradient": problem.gradient.tolist(),
        }
    )
    return problem.folder / f"seed-{problem.settings.seed}.contexts-{mark[:12]}.rows"


def _open(path: Path, kind: np.dtype[Any]) -> Array:
    count = (path.stat().st_size - len(_END)) // kind.itemsize
    if not count:  # which cannot be mapped
        return np.empty(0, dtype=kind)
    return np.memmap(path, dtype=kind, mode="r", shape=(count,))
