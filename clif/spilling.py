"""Pair counts that do not fit into memory: sorted runs on disk, merged into one, row by row.

Blocks of contexts are listed and sorted as in `counts`. Each sorted block is a run, written to disk; when there are FAN
of them they are merged with what was merged before. Of one cell the weights are added in the order of the blocks, each
sum rounded to the precision of the counts, which is what `count_pairs` does in memory: the result has the same bytes.

What stays in memory is one block, one band of rows, and a few numbers a word. On disk are at most FAN runs and twice
the counts, 8 bytes an entry. Files have no names, so nothing is left of them however the process ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clif.compiling import compiled
from clif.counts import ROOM, Block, PairCounts, add_totals, list_blocks
from clif.progress import Progress, silent
from clif.room import append, mapped, release, room, scratch

FAN = 48  # runs that are merged at a time
BAND = 1 << 22  # entries, of all runs together, that are merged in memory at a time
# Different pairs of words for each token of a corpus; it falls as the corpus grows (1.9 for 2.3M tokens of Wikipedia).
PAIRS_A_TOKEN = 2.0

Array = NDArray[Any]


def expected_pairs(tokens: int, words: int) -> int:
    """How many different pairs a corpus may hold, from above."""
    return min(int(PAIRS_A_TOKEN * tokens), words * (words + 1) // 2)


def counts_fit(tokens: int, words: int, wide: int) -> bool:
    """Whether the counts of a corpus, with weights of `wide` bytes, may be made in memory: in half of the `room`.

    The other half is for what a solve needs beside them.
    """
    return ROOM * 28 + 3 * expected_pairs(tokens, words) * (4 + wide) <= room() // 2


@dataclass(frozen=True, eq=False)
class Run:
    """A sorted matrix on disk: row w is start[w]:start[w + 1] of column and weight."""

    start: NDArray[np.int64]
    column: Array
    weight: Array

    @classmethod
    def of(cls, start: Array, column: Array, weight: Array) -> Run:
        """Write a matrix to disk; raises InputError if the disk is full."""
        files = scratch(), scratch()
        append(files[0], column)
        append(files[1], weight)
        return cls(start, mapped(files[0], column.dtype), mapped(files[1], weight.dtype))


def count_on_disk(
    tokens: NDArray[np.uint32],
    offsets: NDArray[np.int64],
    keep: NDArray[np.float64],
    window: int,
    *,
    precision: type[np.floating] = np.float32,
    block: int = ROOM,
    progress: Progress = silent,
) -> PairCounts:
    """Do what `count_pairs` does, with the same bytes, in memory that does not grow with the tokens.

    Columns and weights of the result are memory-mapped.

    Raises
    ------
    InputError
        The disk is full.

    """

    def blocks() -> Iterator[Block]:
        for part in list_blocks(tokens, offsets, keep, window, precision, block, progress):
            yield part
            release(tokens)

    return add_on_disk(blocks(), len(keep), precision)


def add_on_disk(blocks: Iterable[Block], size: int, precision: type[np.floating]) -> PairCounts:
    """Do what `add_blocks` does, with the same bytes, on disk; raises InputError if that is full."""
    runs = list[Run]()
    for part in blocks:
        runs.append(Run.of(*part))
        if len(runs) > FAN:
            runs = [merge(runs, size, precision)]
    whole = merge(runs, size, precision) if len(runs) != 1 else runs[0]
    totals = np.zeros(size)
    for first, last in bands(whole.start):
        add_totals(whole.start, whole.column, whole.weight, totals, first, last)
        release(whole.column, whole.weight)
    return PairCounts(whole.start, whole.column, whole.weight, totals)


def bands(start: NDArray[np.int64], most: int = BAND) -> list[tuple[int, int]]:
    """Cut rows into bands (first, last) of at most so many entries, or of one row."""
    found, first, size = [], 0, len(start) - 1
    while first < size:
        last = max(first + 1, int(np.searchsorted(start, start[first] + most, side="right")) - 1)
        found.append((first, last))
        first = last
    return found


def merge(runs: list[Run], size: int, precision: type[np.floating]) -> Run:
    """Add up sorted matrices, the earlier ones first, on disk."""
    columns, weights = scratch(), scratch()
    starts = np.zeros(size + 1, dtype=np.int64)
    together = np.sum([run.start for run in runs], axis=0) if runs else starts
    for first, last in bands(together):
        pointers = np.stack([run.start[first : last + 1] - run.start[first] for run in runs])
        parts = [slice(run.start[first], run.start[last]) for run in runs]
        lengths, column, weight = _add_up(
            pointers,
            np.concatenate([[0], np.cumsum(pointers[:, -1])]),
            np.concatenate([run.column[part] for run, part in zip(runs, parts, strict=True)]),
            np.concatenate([run.weight[part] for run, part in zip(runs, parts, strict=True)]),
            size,
        )
        starts[first + 1 : last + 1] = lengths
        append(columns, column)
        append(weights, weight)
        for run in runs:
            release(run.column, run.weight)
    return Run(np.cumsum(starts), mapped(columns, np.int32), mapped(weights, precision))


@compiled
def _add_up(pointers, ends, column, weight, size):  # type: ignore[no-untyped-def]
    """Add up a band of rows of several matrices.

    Row r of matrix m is pointers[m, r]:pointers[m, r + 1] behind ends[m] of column and weight. Returns the length of
    each row, and the columns and weights.
    """
    height = pointers.shape[1] - 1
    lengths = np.zeros(height, dtype=np.int64)
    sums = np.zeros(size, dtype=weight.dtype)
    met = np.zeros(size, dtype=np.bool_)
    different = np.empty(size, dtype=np.int32)
    columns = np.empty(len(column), dtype=np.int32)
    weights = np.empty(len(column), dtype=weight.dtype)
    n = 0
    for row in range(height):
        count = 0
        for m in range(len(pointers)):
            for place in range(ends[m] + pointers[m, row], ends[m] + pointers[m, row + 1]):
                c = column[place]
                if met[c]:
                    sums[c] += weight[place]
                else:
                    met[c] = True
                    sums[c] = weight[place]
                    different[count] = c
                    count += 1
        for c in np.sort(different[:count]):
            columns[n] = c
            weights[n] = sums[c]
            met[c] = False
            n += 1
        lengths[row] = count
    return lengths, columns[:n].copy(), weights[:n].copy()
