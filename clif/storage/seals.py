"""Files that say by themselves whether they are whole: each holds its own SHA-256, taken with zeros in that place.

The place is a text `seal` and 64 hexadecimal digits: the last key of a JSON object, a key of what a safetensors file
says of itself, the last comment of a page or a picture, the end of a file of rows. Anyone can check a file:

    sed 's/seal": "[0-9a-f]*/seal": "'$(printf '0%.0s' {1..64})'/' result.json | sha256sum
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

KEY, CHECKSUMS = "seal", "checksums"  # the latter: of other files, in a JSON object that is sealed itself
EMPTY = "0" * 64
_SEAL = re.compile(rb'seal(?:\\?": \\?"| )([0-9a-f]{64})')
_TAIL = 256  # bytes at the end of a file that hold its seal, but for safetensors, which hold it in their head
_HEAD = 100_000_000  # bytes that the head of a safetensors file may have
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Seal:
    """What a file says its SHA-256 is, what it is, and where in the file it is said."""

    said: str
    found: str
    place: int

    @property
    def intact(self) -> bool:
        """Whether nothing was changed since the file was sealed."""
        return self.said == self.found


def read_seal(path: Path) -> Seal | None:
    """The seal of a file; None if it has none. Raises OSError if it cannot be read."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        first, length = max(0, size - _TAIL), _TAIL
        start = file.read(9)
        head = 8 + int.from_bytes(start[:8], "little")
        if start[8:] == b"{" and head <= min(size, _HEAD):  # safetensors
            first, length = 0, head
        file.seek(first)
        places = [match.span(1)[0] for match in _SEAL.finditer(file.read(length))]
        if not places:
            return None
        place = first + places[-1]
        file.seek(0)
        digest = hashlib.sha256()
        _feed(digest, file, place)
        said = file.read(len(EMPTY)).decode()
        digest.update(EMPTY.encode())
        _feed(digest, file, size - file.tell())
        return Seal(said, digest.hexdigest(), place)


def seal(path: Path) -> None:
    """Put the SHA-256 of a file in the place that was left for it; raises ValueError if there is none."""
    empty = read_seal(path)
    if empty is None or empty.said != EMPTY:
        raise ValueError(f"{path} leaves no place for a seal")
    with path.open("rb+") as file:
        file.seek(empty.place)
        file.write(empty.found.encode())


def _feed(digest: hashlib._Hash, file: BinaryIO, length: int) -> None:
    while length > 0:
        block = file.read(min(length, _BLOCK))
        if not block:
            break
        digest.update(block)
        length -= len(block)
