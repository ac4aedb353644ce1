"""How much memory buffers may take: what `--memory` says, else a share of what is free.

It bounds what can lie on disk instead: counts of pairs, what is laid out for products, tokens that are read. A model,
its vocabulary, and a few numbers a document stay in memory, whatever is said here. No result depends on it.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clif.errors import UsageError
from clif.storage.files import cannot_write

SHARE = 0.5  # of the free memory, where nothing is said
LEAST = 64_000_000
PART = 1 << 20  # tokens that are looked at at a time
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]i?)?b?\s*", re.IGNORECASE)

_limit: ContextVar[int | None] = ContextVar("clif_memory", default=None)
_folder: ContextVar[Path | None] = ContextVar("clif_spill", default=None)


def parse_size(given: str | int) -> int:
    """Bytes of a size such as 1GB, 512 MB or 2GiB; raises UsageError for what is none, or less than LEAST."""
    match = _SIZE.fullmatch(str(given))
    if not match:
        raise UsageError(f"{given!r} is not a size", where="--memory", next="Give one as 512MB, 2GB or 1.5GiB.")
    size = int(float(match[1]) * _UNITS[(match[2] or "").lower()])
    if size < LEAST:
        raise UsageError(
            f"buffers of {size:,} bytes are too small to work with",
            where="--memory",
            next=f"Give {LEAST // 10**6}MB or more.",
        )
    return size


@contextmanager
def memory_limit(size: str | int | None, folder: Path | None = None) -> Iterator[None]:
    """Bound the buffers of what runs in this block, `with clif.memory_limit("1GB"):`.

    Counts of pairs and what is laid out for a solve go to disk beyond it; a model, its vocabulary and some numbers a
    document stay in memory. No result depends on it. `size` is a text such as "512MB", or bytes; None leaves half of
    the free memory. What does not fit lies in files without a name in `folder`, or where temporary files are (TMPDIR).

    Raises
    ------
    UsageError
        This is no size, or it is too small.

    """
    limit = _limit.set(None if size is None else parse_size(size))
    place = _folder.set(folder)
    try:
        yield
    finally:
        _limit.reset(limit)
        _folder.reset(place)


def said() -> int | None:
    """The bound that was set, if one was."""
    return _limit.get()


def room() -> int:
    """Bytes that buffers may take together."""
    import psutil

    return said() or max(LEAST, int(SHARE * psutil.virtual_memory().available))


def scratch() -> Any:
    """A file without a name, which is gone when it is closed, however the process ends.

    Raises
    ------
    InputError
        None can be made.

    """
    folder = _folder.get()
    try:
        return tempfile.TemporaryFile(dir=folder)
    except OSError as error:
        raise cannot_write(folder or Path(tempfile.gettempdir()), error) from error


def append(file: Any, array: NDArray[Any]) -> None:
    """Write an array behind what is in a file; raises InputError if the disk is full."""
    try:
        array.tofile(file)
        file.flush()
    except OSError as error:
        raise cannot_write(_folder.get() or Path(tempfile.gettempdir()), error) from error


def mapped(file: Any, kind: Any) -> NDArray[Any]:
    """What was written to a file, as an array that is read when it is looked at; the map keeps what it needs of it."""
    with file:
        length = file.seek(0, 2) // np.dtype(kind).itemsize
        # Not read-only, which would be a type of its own to the compiler.
        return np.memmap(file, dtype=kind, mode="r+", shape=(length,)) if length else np.empty(0, dtype=kind)


def release(*arrays: NDArray[Any]) -> None:
    """Let go of the pages of memory-mapped arrays that were read: they come back from the file when they are needed."""
    import mmap

    for array in arrays:
        pages = getattr(array, "_mmap", None)
        if pages is not None and hasattr(mmap, "MADV_DONTNEED"):
            pages.madvise(mmap.MADV_DONTNEED)
