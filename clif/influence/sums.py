"""Sums by key of more rows than memory holds: rows wait in files by ranges of the key, which are summed one by one."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clif.storage.leftovers import temporary_prefix

Keys = NDArray[np.int64]
Values = NDArray[np.float64]
ROWS = 1 << 21  # that a file should hold: summing takes some 100 bytes a row


def row_type(precision: type[np.floating]) -> np.dtype[Any]:
    """A row: a key, how many times it came, and the sum of its values."""
    return np.dtype([("key", np.int64), ("times", np.uint32), ("value", precision)])


class Sums:
    """Rows with keys of 0 or more, to be added up by key; a context manager that removes its files at the end.

    edges      rising: the first file takes the keys below edges[0], the last one those from edges[-1] on
    folder     where the files lie, in a folder of their own; in that of the system if it is None or missing
    precision  of the values while they wait; they are added in double precision
    """

    def __init__(self, edges: Keys, folder: Path | None, precision: type[np.floating] = np.float64) -> None:
        self.edges, self.type = edges, row_type(precision)
        self._folder = tempfile.TemporaryDirectory(
            prefix=temporary_prefix("sums"), suffix=".tmp", dir=folder if folder and folder.is_dir() else None
        )

    def __enter__(self) -> Sums:
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()

    def add(self, key: Keys, value: NDArray[np.floating], times: NDArray[np.integer] | int = 1) -> None:
        """Add rows, (n,) each."""
        rows = np.empty(len(key), dtype=self.type)
        rows["key"], rows["value"], rows["times"] = key, value, times
        place = np.searchsorted(self.edges, key, side="right")
        rows = rows[np.argsort(place, kind="stable")]
        ends = np.cumsum(np.bincount(place, minlength=len(self.edges) + 1))
        for number in np.unique(place).tolist():
            with self._path(number).open("ab") as file:
                rows[ends[number - 1] if number else 0 : ends[number]].tofile(file)

    def totals(self) -> Iterator[tuple[Keys, NDArray[np.int64], Values]]:
        """Yield keys, rising and each once, with how many times it came and its sum, in a block for each file."""
        for number in range(len(self.edges) + 1):
            if self._path(number).exists():
                yield _total(np.fromfile(self._path(number), dtype=self.type))

    def _path(self, number: int) -> Path:
        return Path(self._folder.name) / f"{number}.rows"


def _total(rows: NDArray[Any]) -> tuple[Keys, NDArray[np.int64], Values]:
    rows = rows[np.argsort(rows["key"], kind="stable")]  # in the order in which they came: the same bits each time
    first = np.flatnonzero(np.diff(rows["key"], prepend=-1))
    times = np.add.reduceat(rows["times"].astype(np.int64), first)
    return rows["key"][first], times, np.add.reduceat(rows["value"].astype(np.float64), first)
