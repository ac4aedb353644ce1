"""What all formats have in common: a file's documents, and the file again with some left out or repeated."""

from __future__ import annotations

import gzip
import io
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, cast

import zstandard

from clif.corpus.documents import Document, ReadOptions
from clif.corpus.opening import GZIP, ZSTD, Pieces, compression_of, read_lines
from clif.corpus.sources import SourceFile
from clif.storage.files import whole_file


def mark(name: str, number: int) -> str:
    """Id of a further copy: "a~2" is the second."""
    return f"{name}~{number}"


def mark_part(name: str, number: int) -> str:
    """Id of a part that was taken out: "a#2" is the second sentence."""
    return f"{name}#{number}"


@dataclass(frozen=True)
class Revision:
    """A document with another text, and what was taken out of it: the number and text of each part."""

    text: str
    parts: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True)
class Version:
    """A document, or a part of it, in an edited corpus: under this id, and with this text if it is another one."""

    doc_id: str
    text: str | None = None


# What an edit makes of a document; None for those that it leaves as they are.
Revise = Callable[[Document], Revision | None]


class Plan:
    """What becomes of each document in an edited corpus: under which ids it stands there, and with which text."""

    def __init__(self, copies: Mapping[str, int], taken: set[str], revise: Revise | None = None) -> None:
        self._copies = copies
        self._taken = taken
        self._revise = revise
        self.repeats = any(count > 1 for count in copies.values())
        self.revises = revise is not None

    def versions(
        self,
        document: Document,
        mark: Callable[[str, int], str] = mark,
        mark_part: Callable[[str, int], str] = mark_part,
    ) -> tuple[list[Version], list[Version]]:
        """What is kept of a document, and what is removed of it; a text of white space alone is not kept."""
        revision = self._revise(document) if self._revise else None
        if revision is not None:
            kept = [Version(document.doc_id, revision.text)] if revision.text.strip() else []
            return kept, [Version(mark_part(document.doc_id, number), text) for number, text in revision.parts]
        ids = self.ids(document.doc_id, mark)
        return [Version(doc_id) for doc_id in ids], [] if ids else [Version(document.doc_id)]

    def ids(self, doc_id: str, mark: Callable[[str, int], str] = mark) -> list[str]:
        """Ids of a document's copies: none if it is removed, else its own and then new ones by `mark`."""
        count = self._copies.get(doc_id, 1)
        ids = [doc_id] if count else []
        number = 1
        while len(ids) < count:
            number += 1
            candidate = mark(doc_id, number)
            if candidate not in self._taken:
                self._taken.add(candidate)
                ids.append(candidate)
        return ids


@dataclass(frozen=True)
class Written:
    """Files that the edit of one file gave."""

    kept: list[Path]
    removed: list[Path]


class Layout(ABC):
    """A file in one format."""

    def __init__(self, file: SourceFile, options: ReadOptions) -> None:
        self.file = file
        self.options = options

    @cached_property
    def compression(self) -> str | None:
        """Compression of the file."""
        return compression_of(self.file.path)

    @cached_property
    def pieces(self) -> Pieces:
        """How much of the file may stand in one piece."""
        return Pieces(self.file.path)

    @abstractmethod
    def documents(self) -> Iterator[Document]:
        """Documents of the file in order."""

    @abstractmethod
    def edit(self, plan: Plan, kept: Path, removed: Path) -> Written:
        """Write the file again: what stays to `kept`, what goes to `removed`; neither file if it is empty."""


class TextLayout(Layout):
    """A text file in which each document is a piece of text that can be written back as it is.

    `preamble` and `closing` stand around the documents; the preamble is known once the first was read.
    """

    preamble = ""
    closing = ""

    def lines(self) -> Iterator[str]:
        """Lines of the file with their endings; a byte order mark goes to the preamble."""
        lines = read_lines(self.file.path, self.options.encoding)
        first = next(lines, "")
        self.preamble = "\ufeff" if first.startswith("\ufeff") else ""
        yield first.removeprefix("\ufeff")
        yield from lines

    def raw(self, document: Document) -> str:
        """The document as it stands in the file."""
        return str(document.record)

    def copy(self, document: Document, doc_id: str, text: str | None = None) -> str:
        """The document as a record of its own with a new id, where records have ids, and perhaps another text."""
        return self.raw(document)

    def gap(self, previous: str) -> str:
        """What has to stand between a record and the next."""
        return "" if previous.endswith("\n") else "\n"

    def edit(self, plan: Plan, kept: Path, removed: Path) -> Written:
        """Write the file again, unedited documents character by character as they were."""
        with _Sink(kept, self) as keep, _Sink(removed, self) as remove:
            for document in self.documents():
                as_it_is = Version(document.doc_id)
                for sink, versions in zip((keep, remove), plan.versions(document), strict=True):
                    for each in versions:
                        same = each == as_it_is
                        sink.write(self.raw(document) if same else self.copy(document, each.doc_id, each.text))
        return Written(keep.written, remove.written)


class _Sink:
    """A text file that comes into being with its first record, and under its name when it is whole."""

    def __init__(self, path: Path, layout: TextLayout) -> None:
        self._path = path
        self._layout = layout
        self._stack = ExitStack()
        self._text: io.TextIOWrapper | None = None
        self._end = ""

    def write(self, raw: str) -> None:
        """Append a record."""
        if self._text is None:
            binary = self._stack.enter_context(open_whole(self._path, self._layout.compression))
            self._text = self._stack.enter_context(io.TextIOWrapper(binary, self._layout.options.encoding, newline=""))
            self._text.write(self._layout.preamble)
        else:
            self._text.write(self._layout.gap(self._end))
        self._text.write(raw)
        self._end = raw[-2:]

    @property
    def written(self) -> list[Path]:
        """The file, if there is one."""
        return [self._path] if self._text else []

    def __enter__(self) -> _Sink:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._stack.__exit__(kind, error, trace)
            return
        with self._stack:
            if self._text is not None:
                self._text.write(self._layout.closing)


@contextmanager
def open_whole(path: Path, compression: str | None) -> Iterator[BinaryIO]:
    """Open a file for writing, packed; it appears whole or not at all, with the same bytes each time."""
    with whole_file(path) as temporary, temporary.open("wb") as raw:
        if compression == GZIP:
            # Neither a time nor the temporary name may get into the file.
            with gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed:
                yield cast(BinaryIO, packed)
        elif compression == ZSTD:
            with zstandard.ZstdCompressor().stream_writer(raw, closefd=False) as frames:
                yield cast(BinaryIO, frames)
        else:
            yield raw
