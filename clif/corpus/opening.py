"""Open corpus files: compression told by content, text line by line, every fault as an InputError."""

from __future__ import annotations

import codecs
import gzip
import io
import shutil
import sys
import zlib
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import BinaryIO, cast

import zstandard

from clif.corpus.limits import largest_piece, largest_window, size_of, too_large
from clif.corpus.remote import CHECK, Source
from clif.errors import InputError
from clif.storage.files import whole_file

SUFFIXES = (".gz", ".gzip", ".zst", ".zstd")
GZIP, ZSTD = "gzip", "zstd"

_MAGIC = {b"\x1f\x8b": GZIP, b"\x28\xb5\x2f\xfd": ZSTD}
# pzstd puts a skippable frame first; its last digit is free.
_MAGIC |= {bytes([0x50 + n]) + b"\x2a\x4d\x18": ZSTD for n in range(16)}
_FOREIGN = {b"BZh91AY&SY": "bzip2", b"\xfd7zXZ\0": "xz", b"PK\x03\x04": "zip", b"7z\xbc\xaf'\x1c": "7-zip"}
_CHUNK = 1 << 17
# Packed bytes that zstd is given at a time: in the worst case they unpack to 32 MB.
_STEP = 1 << 10
_LINE = 1 << 20  # characters of a line that are read at a time


def shown(path: Source) -> str:
    """A path for messages and ids: bytes of a file name that are no text become U+FFFD."""
    return str(path).encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def compression_of(path: Source) -> str | None:
    """Compression of a file, "gzip", "zstd" or None, by its first bytes, never by its name.

    Raises
    ------
    InputError
        The file cannot be read, or is packed in a way that clif does not read.

    """
    with faults(path), path.open("rb") as raw:
        head = raw.read(10)
    for magic, name in _FOREIGN.items():
        if head.startswith(magic):
            raise InputError(
                f"is compressed with {name}, which clif does not read",
                where=shown(path),
                next="Unpack it, or compress it with gzip or zstd instead.",
            )
    return next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), None)


@contextmanager
def faults(path: Source) -> Iterator[None]:
    """Turn what can go wrong while reading `path` into InputErrors that name it."""
    where = shown(path)
    try:
        yield
    except PermissionError as error:
        raise InputError("permission denied", where=where, next="Make it readable (chmod +r).") from error
    except (gzip.BadGzipFile, EOFError, zlib.error, zstandard.ZstdError) as error:
        raise InputError(
            f"the compressed data is damaged or cut short ({error})",
            where=where,
            next="Copy or download the file again; `gzip -t` or `zstd -t` tells whether it is whole.",
        ) from error
    except OSError as error:
        after = "Check the file and its disk." if isinstance(path, Path) else CHECK
        raise InputError(f"cannot be read: {error.strerror or error}", where=where, next=after) from error


@contextmanager
def open_binary(path: Source) -> Iterator[BinaryIO]:
    """Open a file for reading, unpacked; to be used within `faults`."""
    kind = compression_of(path)
    with path.open("rb") as raw:
        if kind == GZIP:
            with gzip.GzipFile(fileobj=raw) as unpacked:
                yield cast(BinaryIO, unpacked)
        elif kind == ZSTD:
            with io.BufferedReader(_Zstd(raw, largest_window(size_of(path))), _CHUNK) as frames:
                yield frames
        else:
            yield raw


def read_lines(path: Source, encoding: str) -> Generator[str, None, None]:
    r"""Lines of a text file, unpacked, each with its ending; only \n ends a line.

    Raises
    ------
    InputError
        The file cannot be read or unpacked, is not text in `encoding`, holds NUL, or a line of a packed file is longer
        than `clif.corpus.limits` allows.

    """
    pieces = Pieces(path)
    with faults(path):
        try:
            with open_binary(path) as binary, io.TextIOWrapper(binary, encoding, newline="\n") as text:
                for line in _lines(text, pieces):
                    if "\0" in line:
                        raise _noise(path, encoding)
                    yield line
        except UnicodeError as error:
            raise _noise(path, encoding) from error


class Pieces:
    """Puts lines together, as many as a packed file may have in one piece; a plain one may have any number."""

    def __init__(self, path: Source) -> None:
        self._path = path
        self._most = largest_piece(size_of(path)) if compression_of(path) else None

    def checked(self, parts: Iterable[str], what: str = "a document") -> Iterator[str]:
        """The parts of one piece; raises InputError when they take too much memory."""
        taken = 0
        for part in parts:
            taken += sys.getsizeof(part)
            self.check(taken, what)
            yield part

    def check(self, taken: int, what: str) -> None:
        """Raise InputError if so many bytes are more than one piece may take."""
        if self._most is not None and taken > self._most:
            raise too_large(shown(self._path), self._most, what)


def _lines(text: io.TextIOWrapper, pieces: Pieces) -> Iterator[str]:
    while line := text.readline(_LINE):
        if len(line) == _LINE and not line.endswith("\n"):
            line = "".join(pieces.checked(chain([line], _rest(text)), "a line"))
        yield line


def _rest(text: io.TextIOWrapper) -> Iterator[str]:
    """The rest of a long line."""
    while part := text.readline(_LINE):
        yield part
        if part.endswith("\n"):
            return


def _noise(path: Source, encoding: str) -> InputError:
    """Find the first byte that is not text; a second pass, as a text stream does not tell its offset."""
    decoder = codecs.getincrementaldecoder(encoding)()
    offset, line = 0, 1
    reason = "holds NUL characters"
    with open_binary(path) as binary:
        while chunk := binary.read(_CHUNK):
            try:
                text = decoder.decode(chunk)
            except UnicodeDecodeError as error:
                # The decoder puts the bytes it still held before this chunk.
                at = offset - (len(error.object) - len(chunk)) + error.start
                line += error.object[: error.start].count(b"\n")
                reason = f"byte 0x{error.object[error.start]:02x} at offset {at} is not {encoding}"
                break
            except UnicodeError as error:
                reason = f"is not {encoding} ({error})"
                break
            if "\0" in text:
                line += text[: text.index("\0")].count("\n")
                break
            line += text.count("\n")
            offset += len(chunk)
        else:
            reason = f"ends in the middle of a character of {encoding}"
    return InputError(
        f"is not plain text: {reason}",
        where=f"{shown(path)}:{line}",
        next="Name the encoding of the file (--encoding latin-1, --encoding utf-16, ...), "
        "or leave this file out if it is not text.",
    )


def spool_stdin(stream: BinaryIO, folder: Path) -> Path:
    """Copy a stream whole to `folder/stdin`, so that it can be read more than once.

    Raises
    ------
    InputError
        The folder cannot be written to.

    """
    path = folder / "stdin"
    with whole_file(path) as temporary, temporary.open("wb") as file:
        shutil.copyfileobj(stream, file, _CHUNK)
    return path


class _Zstd(io.RawIOBase):
    """Zstandard frames, one after the other; unlike zstandard's own reader it notices a missing end."""

    def __init__(self, raw: BinaryIO, window: int) -> None:
        self._raw = raw
        self._window = window
        self._packed = b""
        self._plain = memoryview(b"")
        self._frame: zstandard.ZstdDecompressionObj | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        while not self._plain:
            packed = self._packed or self._raw.read(_STEP)
            self._packed = b""
            if not packed:
                if self._frame is not None:
                    raise EOFError("the last frame has no end")
                return 0
            if self._frame is None:
                self._frame = zstandard.ZstdDecompressor(max_window_size=self._window).decompressobj()
            self._plain = memoryview(self._frame.decompress(packed))
            if self._frame.eof:
                self._packed = self._frame.unused_data
                self._frame = None
        count = min(len(buffer), len(self._plain))
        buffer[:count] = self._plain[:count]
        self._plain = self._plain[count:]
        return count
