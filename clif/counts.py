"""Expected pair counts of a corpus, N_wc, as a sparse symmetric matrix."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clif.compiling import compiled
from clif.corpus.parts import blocks_of
from clif.pairs import LONGEST, list_inside, scan
from clif.progress import Progress, silent
from clif.room import release

# Contexts that are sorted at a time: what counting needs beside its result is about 25 bytes for each.
ROOM = 1 << 22
# Tokens after which a block ends at the next document, wherever it began: what may be counted apart.
PIECE = 1 << 20

Block = tuple[NDArray[np.int64], NDArray[np.int32], NDArray[Any]]


@dataclass(frozen=True, eq=False)
class PairCounts:
    """Expected counts of one epoch: the upper triangle by row, N_wc = N_cw.

    Row w has the columns column[start[w]:start[w + 1]], rising, none below w, and their `weight`; a pair of one word
    with itself is formed in both directions, so N_ww is two times its weight. `totals` (V,) is N_w = sum_c N_wc.
    """

    start: NDArray[np.int64]
    column: NDArray[np.int32]
    weight: NDArray[Any]
    totals: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.column)

    @property
    def row(self) -> NDArray[np.int32]:
        """Row of each entry."""
        return np.repeat(np.arange(len(self.totals), dtype=np.int32), np.diff(self.start))

    def parts(self, most: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]]:
        """Yield row, column and weight of so many entries at a time, in order."""
        for first in range(0, len(self), most):
            places = np.arange(first, min(first + most, len(self)))
            row = np.searchsorted(self.start, places, side="right") - 1
            column, weight = (part[first : first + most] for part in (self.column, self.weight))
            yield row, column.astype(np.int64), weight.astype(np.float64)
            release(self.column, self.weight)


def count_pairs(
    tokens: NDArray[np.uint32],
    offsets: NDArray[np.int64],
    keep: NDArray[np.float64],
    window: int,
    *,
    precision: type[np.floating] = np.float32,
    room: int = ROOM,
    progress: Progress = silent,
) -> PairCounts:
    """Count the expected pairs of all documents; the arguments are those of `stream_contexts`.

    Sums are kept in `precision`, each as good as its rounding once for every block of `room` contexts.
    """
    return add_blocks(list_blocks(tokens, offsets, keep, window, precision, room, progress), len(keep), precision)


def add_blocks(blocks: Iterable[Block], size: int, precision: type[np.floating]) -> PairCounts:
    """Add up blocks of `size` words, in their order."""
    whole = (np.zeros(size + 1, dtype=np.int64), np.empty(0, dtype=np.int32), np.empty(0, dtype=precision))
    for part in blocks:
        whole = _merge(*whole, *part) if len(whole[1]) else part
    start, column, weight = whole
    totals = np.zeros(size)
    add_totals(start, column, weight, totals, 0, size)
    return PairCounts(start, column, weight, totals)


def list_blocks(
    tokens: NDArray[np.uint32],
    offsets: NDArray[np.int64],
    keep: NDArray[np.float64],
    window: int,
    precision: type[np.floating],
    room: int,
    progress: Progress = silent,
) -> Iterator[Block]:
    """Yield the pairs of up to `room` contexts at a time as start, column and weight of a PairCounts."""
    longest = int(np.diff(offsets).max(initial=0))
    room = max(room, min(LONGEST, longest))
    rows, columns = np.empty(room, dtype=np.int32), np.empty(room, dtype=np.int32)
    weights = np.empty(room, dtype=precision)
    inside = np.empty(longest, dtype=np.int64)
    for document, last in blocks_of(offsets, PIECE):
        centre = 0
        while document < last:
            progress("count", float(offsets[document]), float(offsets[-1]), "pairs of words")
            document, centre, n = _emit(
                tokens, offsets[: last + 1], keep, window, document, centre, inside, rows, columns, weights
            )
            yield _gather(rows[:n], columns[:n], weights[:n], len(keep))


@compiled
def _emit(tokens, offsets, keep, window, document, centre, inside, rows, columns, weights):  # type: ignore[no-untyped-def]
    """List pairs from `document`, `centre` on, each once, as (smaller word, larger word, weight)."""
    size = len(keep)
    room = len(weights)
    between = np.empty(window)
    places = np.empty(LONGEST, dtype=np.int64)
    reached = np.empty(LONGEST)
    n = 0
    while document < len(offsets) - 1:
        start = offsets[document]
        length = list_inside(tokens, start, offsets[document + 1], size, inside)
        while centre < length:
            first = centre - centre % LONGEST
            last = min(first + LONGEST, length)
            if room - n < last - centre:
                return document, centre, n
            word = np.int32(tokens[start + inside[centre]])
            found = scan(tokens, start, inside, centre, 1, first, last, keep, window, between, places, reached)
            for f in range(found):
                other = np.int32(tokens[start + inside[places[f]]])
                rows[n] = min(word, other)
                columns[n] = max(word, other)
                weights[n] = reached[f]
                n += 1
            centre += 1
        document += 1
        centre = 0
    return document, centre, n


@compiled
def _gather(rows, columns, weights, size):  # type: ignore[no-untyped-def]
    """Sort pairs by row and column, and add up those of one cell."""
    start = np.zeros(size + 1, dtype=np.int64)
    for n in range(len(rows)):
        start[rows[n] + 1] += 1
    for row in range(size):
        start[row + 1] += start[row]
    fill = start[:-1].copy()
    column = np.empty(len(rows), dtype=np.int32)
    weight = np.empty(len(rows), dtype=weights.dtype)
    for n in range(len(rows)):
        place = fill[rows[n]]
        column[place] = columns[n]
        weight[place] = weights[n]
        fill[rows[n]] += 1
    sums = np.zeros(size)
    met = np.zeros(size, dtype=np.bool_)
    different = np.empty(size, dtype=np.int32)
    begin, end = 0, 0
    for row in range(size):
        count = 0
        for place in range(start[row], start[row + 1]):
            c = column[place]
            if not met[c]:
                met[c] = True
                different[count] = c
                count += 1
            sums[c] += weight[place]
        start[row] = begin
        for c in np.sort(different[:count]):
            column[end] = c
            weight[end] = sums[c]
            sums[c] = 0.0
            met[c] = False
            end += 1
        begin = end
    start[size] = end
    return start, column[:end].copy(), weight[:end].copy()


@compiled
def _merge(start, column, weight, start_b, column_b, weight_b):  # type: ignore[no-untyped-def]
    """Add two sorted sparse matrices."""
    size = len(start) - 1
    starts = np.zeros(size + 1, dtype=np.int64)
    columns = np.empty(len(column) + len(column_b), dtype=np.int32)
    weights = np.empty(len(columns), dtype=weight.dtype)
    n = 0
    for row in range(size):
        a, b = start[row], start_b[row]
        while a < start[row + 1] or b < start_b[row + 1]:
            take_b = b < start_b[row + 1] and (a >= start[row + 1] or column_b[b] <= column[a])
            take_a = a < start[row + 1] and (b >= start_b[row + 1] or column[a] <= column_b[b])
            columns[n] = column[a] if take_a else column_b[b]
            value = 0.0
            if take_a:
                value += weight[a]
                a += 1
            if take_b:
                value += weight_b[b]
                b += 1
            weights[n] = value
            n += 1
        starts[row + 1] = n
    return starts, columns[:n].copy(), weights[:n].copy()


@compiled
def add_totals(start, column, weight, totals, first, last):  # type: ignore[no-untyped-def]
    """Add the rows first to last - 1 to the totals N_w (V,)."""
    for row in range(first, last):
        for place in range(start[row], start[row + 1]):
            totals[row] += weight[place]
            totals[column[place]] += weight[place]
