"""The bytes of one file, unpacked, in memory that follows what was read and not what a file claims."""

from __future__ import annotations

import os
import stat
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from clif.corpus.limits import largest_whole, too_large
from clif.errors import InputError

BLOCK = 1 << 20

# Compressed bytes go in by small steps: 1 kB unpacks to 1 MB (gzip) or 32 MB (zstd) in the worst case.
_STEP = 1 << 10


class Stream:
    """The unpacked bytes of a file from front to back; `buffer` holds those read and not yet dropped.

    The compression (none, gzip, zstd) is found from the first bytes. `size` is the number of bytes in all
    where that is known beforehand, in a plain regular file, else None. The file is opened once and never
    rewound, so a pipe will do.

    Raises
    ------
    InputError
        The file cannot be opened or read, or its compressed data are damaged or cut off; from any method.

    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.where = str(path)
        self.buffer = b""
        try:
            self._file: BinaryIO = path.open("rb")
        except OSError as error:
            raise self._unreadable(error) from error
        try:
            head = self._file.read(4)
            status = os.fstat(self._file.fileno())
        except OSError as error:
            self._file.close()
            raise self._unreadable(error) from error
        codec = _codec(head)
        self.plain = codec is None and stat.S_ISREG(status.st_mode)
        self.size = status.st_size if self.plain else None
        self._blocks = self._read(head) if codec is None else self._unpack(head, *codec)

    def __enter__(self) -> Stream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def need(self, count: int) -> bool:
        """Whether the buffer holds `count` bytes, after reading as far as that takes."""
        parts, held = [self.buffer], len(self.buffer)
        while held < count:
            try:
                block = next(self._blocks, None)
            except OSError as error:
                raise self._unreadable(error) from error
            if block is None:
                break
            parts.append(block)
            held += len(block)
        if len(parts) > 1:
            self.buffer = b"".join(parts)
        return held >= count

    def drop(self, count: int) -> None:
        """Forget the first `count` bytes of the buffer."""
        self.buffer = self.buffer[count:]

    def rest(self) -> bytes:
        """Everything that is left."""
        while self.need(len(self.buffer) + BLOCK):
            pass
        return self.buffer

    def lines(self, longest: int) -> Iterator[list[bytes]]:
        """Blocks of whole lines without their line feeds; a line above `longest` bytes is an InputError."""
        while self.need(1):
            more = self.need(BLOCK)
            cut = self.buffer.rfind(b"\n") + 1
            if more and not cut:
                more = self.need(longest)
                cut = self.buffer.rfind(b"\n") + 1
            if not more:
                cut = len(self.buffer)
            if not cut:
                raise InputError(
                    f"{len(self.buffer)} bytes stand without a line break",
                    where=self.where,
                    next="The file is damaged or no text; export the vectors again.",
                )
            lines = self.buffer[:cut].split(b"\n")
            if not lines[-1]:
                lines.pop()  # what follows the last line feed of the block is no line
            self.drop(cut)
            yield lines

    def _read(self, head: bytes) -> Iterator[bytes]:
        block = head
        while block:
            yield block
            block = self._file.read(BLOCK)

    def _unpack(self, head: bytes, name: str, fresh: Callable[[], Any], failure: type[Exception]) -> Iterator[bytes]:
        # Both libraries offer the same object: decompress(), eof, unused_data. Their file-like readers will
        # not do: that of zstandard takes a file that is cut off for one that ends.
        engine, data, total = fresh(), head, 0
        bound = largest_whole(os.fstat(self._file.fileno()).st_size)
        while data or (data := self._file.read(_STEP)):
            if engine.eof:
                if not data.strip(b"\0"):  # gzip allows zeros as padding
                    data = b""
                    continue
                engine = fresh()
            try:
                block = engine.decompress(data)
            except failure as error:
                raise self._damaged(f"the {name} data are damaged ({error})") from error
            total += len(block)
            if total > bound:
                raise too_large(self.where, bound, "the file")
            yield block
            data = engine.unused_data if engine.eof else b""
        if not engine.eof:
            raise self._damaged(f"the file ends in the middle of its {name} data")

    def _damaged(self, what: str) -> InputError:
        return InputError(what, where=self.where, next="Copy or download the file again.")

    def _unreadable(self, error: OSError) -> InputError:
        if isinstance(error, IsADirectoryError):
            return InputError(
                "is a folder, but not a run folder",
                where=self.where,
                next="Give a run folder made by `clif train`, or a file of word vectors.",
            )
        if isinstance(error, FileNotFoundError):
            return InputError("there is no such file", where=self.where, next="Check the name and the folder.")
        return InputError(
            f"cannot be read: {error.strerror or error}",
            where=self.where,
            next="Check the file and its permissions.",
        )


def _codec(head: bytes) -> tuple[str, Callable[[], Any], type[Exception]] | None:
    if head.startswith(b"\x1f\x8b"):
        return "gzip", lambda: zlib.decompressobj(wbits=31), zlib.error
    if head == b"\x28\xb5\x2f\xfd":
        import zstandard

        return "zstd", lambda: zstandard.ZstdDecompressor().decompressobj(), zstandard.ZstdError
    return None
