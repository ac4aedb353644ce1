"""How much memory a file may take that is small on disk. Packed by gzip or zstd, a thousand pages are a line.

A plain file takes what it is long. A packed one of any length is read in pieces, and only a piece is bounded: a line, a
record, a document that is a whole file. It may unpack to LEAST bytes, or to TIMES the size of the packed file if that
is more; natural text packs to a third or a fourth. The variable CLIF_UNPACKED (as 2GB) sets another bound, for those
who know their files; unpacking the file does as well.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable

from clif.corpus.remote import Remote, Source
from clif.errors import InputError, UsageError

VARIABLE = "CLIF_UNPACKED"
LEAST, TIMES = 16 << 20, 3
# A Parquet file, or vectors, packed as a whole: they hold numbers, which hardly pack.
LEAST_WHOLE, TIMES_WHOLE = 4 << 20, 5
# What zstd may keep to look back at. Its own programs go as far without being told to.
WINDOW = 1 << 27
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}


def largest_piece(size: int) -> int:
    """Bytes of memory that a line, record or document of a packed file of `size` bytes may take."""
    return _asked() or max(LEAST, TIMES * size)


def largest_whole(size: int) -> int:
    """Bytes that a packed file of `size` bytes may unpack to where all of it is needed."""
    return _asked() or max(LEAST_WHOLE, TIMES_WHOLE * size)


def largest_window(size: int) -> int:
    """Bytes that zstd may look back, of a file of `size` bytes; `zstd --long=31` on what needs it is allowed."""
    return max(WINDOW, min(1 << 31, TIMES_WHOLE * size))


def too_large(where: str, bound: int, what: str) -> InputError:
    """What is said of a piece beyond its bound."""
    return InputError(
        f"{what} unpacks to more than {bound / 1e6:,.0f} MB, far more than its compressed file suggests",
        where=where,
        next=f"If you trust the file, unpack it first, or allow more: {VARIABLE}=2GB.",
    )


def copy_bounded(read: Callable[[int], bytes], write: Callable[[bytes], object], bound: int, where: str) -> None:
    """Copy all that `read(count)` gives; raises InputError for more than `bound` bytes."""
    left = bound
    while block := read(1 << 17):
        left -= len(block)
        if left < 0:
            raise too_large(where, bound, "the file")
        write(block)


def size_of(path: Source) -> int:
    """Bytes of a file; 0 for one that is gone, which whoever reads it will notice, or of a length that is not told."""
    try:
        return path.size if isinstance(path, Remote) else path.stat().st_size
    except OSError:
        return 0


def _asked() -> int | None:
    text = os.environ.get(VARIABLE, "").strip()
    if not text:
        return None
    found = re.fullmatch(r"(\d{1,12})\s*([kmgt]?)b?", text.lower())
    if not found or not int(found[1]):
        raise UsageError(f"{text!r} is no number of bytes", where=VARIABLE, next="Write it as 2GB, or unset it.")
    return int(found[1]) * _UNITS[found[2]]
