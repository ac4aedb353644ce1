"""The sparse pairs of words as products with the curvature go through them: in both directions, by blocks of words.

All pairs whose output word is in one block stand together, in the order of the input words, so that the vectors of the
block stay in cache while all input words pass. A cell is the pairs of one input word with one block. Cells are gone
through in pieces. Where the counts lie on disk, so does what is laid out (6 bytes a pair and direction, or 10 for the
exact Hessian in single precision), and one piece at a time is in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clif.compiling import compiled, inlined
from clif.counts import PairCounts
from clif.room import append, mapped, release, scratch
from clif.spilling import BAND, bands

PIECE = 1 << 22  # pairs

Array = NDArray[Any]
# Fills slope and rest of the cells first to last - 1 from their places and counts: (first, last, place, count, ...).
Derive = Callable[[int, int, Array, Array, Array, Array], None]


@dataclass(frozen=True, eq=False)
class Layout:
    """Pairs in both directions, a pair of a word with itself twice.

    The pairs of input word w with the b-th `block` output words are pointer[b * V + w] to pointer[b * V + w + 1]:
    `place` is the output word within its block; `slope` and `rest` are what products need of the pair (see
    `curvature`), `rest` empty where it is not wanted. `pieces` are ranges of cells, each within a block of words.
    """

    pointer: NDArray[np.int64]
    block: int
    pieces: list[tuple[int, int]]
    place: Array
    slope: Array
    rest: Array

    @classmethod
    def of(cls, counts: PairCounts, block: int, pointer: NDArray[np.int64], derive: Derive, *, rests: bool) -> Layout:
        """Lay out counts by a `pointer` of `point`, on disk if they are there.

        Raises
        ------
        InputError
            The disk is full.

        """
        size = len(counts.totals)
        pieces = [
            (cell + first, cell + last)
            for cell in range(0, len(pointer) - 1, size)
            for first, last in bands(pointer[cell : cell + size + 1], PIECE)
        ]
        kinds = (np.dtype(np.uint16), counts.weight.dtype, counts.weight.dtype)
        wanted = (True, True, rests)
        on_disk = isinstance(counts.column, np.memmap)
        stores: list[Any] = [
            scratch() if on_disk else np.empty(int(pointer[-1]) * want, dtype=kind)
            for kind, want in zip(kinds, wanted, strict=True)
        ]
        for first, last in pieces:
            own = slice(int(pointer[first]), int(pointer[last]))
            long = own.stop - own.start
            parts = [
                np.empty(long * want, dtype=kind) if on_disk else store[own]
                for store, kind, want in zip(stores, kinds, wanted, strict=True)
            ]
            count = np.empty(long, dtype=counts.weight.dtype)
            _fill(counts, block, pointer, first, last, parts[0], count)
            derive(first, last, parts[0], count, parts[1], parts[2])
            if on_disk:
                for store, part in zip(stores, parts, strict=True):
                    append(store, part)
        place, slope, rest = (
            [mapped(store, kind) for store, kind in zip(stores, kinds, strict=True)] if on_disk else stores
        )
        return cls(pointer, block, pieces, place, slope, rest)

    def __iter__(self) -> Iterator[tuple[int, int, Array, Array, Array]]:
        """First and last cell of each piece, with its place, slope and rest, which begin at pointer[first]."""
        arrays = self.place, self.slope, self.rest
        for first, last in self.pieces:
            own = slice(int(self.pointer[first]), int(self.pointer[last]))
            if isinstance(self.place, np.memmap):
                place, slope, rest = (np.array(part[own]) for part in arrays)
                release(*arrays)
            else:
                place, slope, rest = (part[own] for part in arrays)
            yield first, last, place, slope, rest


def point(counts: PairCounts, block: int) -> NDArray[np.int64]:
    """Where the pairs of each cell begin, and where the last end, by blocks of so many output words."""
    size = len(counts.totals)
    pointer = np.zeros(-(-size // block) * size + 1, dtype=np.int64)
    for first, last in bands(counts.start, BAND):
        _count_cells(counts.start, counts.column, first, last, block, pointer)
        release(counts.column)
    return np.cumsum(pointer, out=pointer)


def _fill(
    counts: PairCounts, block: int, pointer: NDArray[np.int64], first: int, last: int, place: Array, count: Array
) -> None:
    """Fill place and count of the cells first to last - 1, which are of one block of output words.

    Within a cell places rise: words that come before the input word stand in rows of their own, the others in its.
    """
    size = len(counts.totals)
    begin = first - first % size
    low, words = begin // size * block, (first - begin, last - begin)
    high = min(size, low + block)
    fill = pointer[first:last] - pointer[first]
    parts = counts.start, counts.column, counts.weight
    for rows, kernel in (((low, high), _fill_others), (words, _fill_own)):
        for a, b in bands(counts.start[rows[0] : rows[1] + 1], BAND):
            kernel(*parts, rows[0] + a, rows[0] + b, low, high, *words, fill, place, count)
            release(counts.column, counts.weight)


@compiled
def _count_cells(start, column, first, last, block, pointer):  # type: ignore[no-untyped-def]
    """Count the pairs of each cell, from the rows first to last - 1 of the counts, one place behind it."""
    size = len(start) - 1
    for w in range(first, last):
        for e in range(start[w], start[w + 1]):
            c = column[e]
            pointer[(c // block) * size + w + 1] += 1
            pointer[(w // block) * size + c + 1] += 1


@compiled
def _fill_others(start, column, weight, first, last, low, high, begin, end, fill, place, count):  # type: ignore[no-untyped-def]  # noqa: ARG001 (both kernels take the same)
    """Of the rows first to last - 1, output words here, take the columns from begin to end - 1 as input words."""
    for w in range(first, last):
        for e in range(_find(column, start[w], start[w + 1], begin), start[w + 1]):
            c = column[e]
            if c >= end:
                break
            n = fill[c - begin]
            place[n] = w - low
            count[n] = weight[e]
            fill[c - begin] += 1


@compiled
def _fill_own(start, column, weight, first, last, low, high, begin, end, fill, place, count):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """Of the rows first to last - 1, input words here, take the columns from low to high - 1 as output words."""
    for w in range(first, last):
        for e in range(_find(column, start[w], start[w + 1], low), start[w + 1]):
            c = column[e]
            if c >= high:
                break
            n = fill[w - begin]
            place[n] = c - low
            count[n] = weight[e]
            fill[w - begin] += 1


@inlined
def _find(column, first, last, word):  # type: ignore[no-untyped-def]
    """The first place from first to last whose column is `word` or above."""
    while first < last:
        middle = (first + last) // 2
        if column[middle] < word:
            first = middle + 1
        else:
            last = middle
    return first
