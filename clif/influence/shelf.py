"""Room for what a training leaves behind while it is gone through once more: the steps and vectors of each segment.

Every epoch uses the same room again, as memory that is new must first be found and emptied, which takes longer than it
takes to fill it. What does not fit into memory lies on disk, in files that are mapped.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

from clif.room import said
from clif.storage.files import cannot_write

Array = NDArray[Any]
LEAST = 1 << 29  # bytes that are held in memory in any case
SHARE = 4  # or one part of the free memory in so many
SPARE = 16  # one part in so many that a tape is longer than it must be: other epochs draw other pairs


def memory_to_use(coming: int = 0) -> int:
    """Bytes that a shelf may hold in memory, where so many others will still be filled."""
    return said() or max(LEAST, (int(psutil.virtual_memory().available) - coming) // SHARE)


class Shelf:
    """Places for a tape (pairs, width) and two matrices of a `shape`, as many as are asked for, numbered from 0.

    `memory` is in bytes. Files lie in `folder`, or where temporary ones do; they have no names while they are in use,
    so nothing is left of them however the process ends.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        width: int,
        precision: type,
        folder: Path | None = None,
        memory: int | None = None,
    ) -> None:
        self._shape, self._width = shape, width
        self._precision = np.dtype(precision)
        self._left = memory_to_use() if memory is None else memory
        self._places: list[tuple[Array, Array, Array]] = []
        self._folder = folder if folder and folder.is_dir() else None

    def place(self, number: int, pairs: int) -> tuple[Array, Array, Array]:
        """The place of this number, which is new or was asked for before: a tape and two matrices.

        Raises
        ------
        InputError
            The disk is full.

        """
        if number == len(self._places):
            self._places.append((self._tape(pairs), self._room(self._shape), self._room(self._shape)))
        tape, first, second = self._places[number]
        if pairs > len(tape):
            if not isinstance(tape, np.memmap):
                self._left += tape.nbytes
            tape = self._tape(pairs)
            self._places[number] = tape, first, second
        return tape[:pairs], first, second

    def _tape(self, pairs: int) -> Array:
        return self._room((pairs + pairs // SPARE, self._width))

    def _room(self, shape: tuple[int, int]) -> Array:
        size = max(1, int(np.prod(shape)) * self._precision.itemsize)
        if size <= self._left:
            self._left -= size
            return np.empty(shape, dtype=self._precision)
        with tempfile.TemporaryFile(dir=self._folder) as file:
            try:
                if hasattr(os, "posix_fallocate"):  # a full disk is an error here, and would be a crash later
                    os.posix_fallocate(file.fileno(), 0, size)
                else:
                    file.truncate(size)
            except OSError as error:
                raise cannot_write(self._folder or Path(tempfile.gettempdir()), error) from error
            return np.memmap(file, dtype=self._precision, mode="r+", shape=shape)
