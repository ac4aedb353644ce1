"""JSON Lines, JSON arrays and plain text."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain, takewhile
from pathlib import Path, PurePosixPath
from typing import Any

from clif.corpus.documents import Document, whole_characters
from clif.corpus.fields import Fields, kind_of
from clif.corpus.layouts import Plan, TextLayout, Written, mark, mark_part, open_whole
from clif.corpus.metadata import metadata_of
from clif.corpus.opening import SUFFIXES, faults
from clif.errors import InputError
from clif.storage.files import whole_file

# Brackets and braces that may open in one line, or in an array, and one more for so many characters.
MOST_PARTS, SHARE_OF_PARTS = 1 << 20, 20


class JsonLines(TextLayout):
    """One JSON object a line; blank lines are skipped."""

    _fields: Fields | None = None

    def documents(self) -> Iterator[Document]:
        """Documents in order; raises InputError for a line that is not a JSON object or lacks a field."""
        for number, line in enumerate(self.lines(), 1):
            if line.strip(" \t\r\n"):
                place = f"{self.file.shown}:{number}"
                yield self._document(_parsed(line, place), place, number, line)

    def copy(self, document: Document, doc_id: str, text: str | None = None) -> str:
        """The line, written anew if it has an id or a text to change."""
        line, fields = self.raw(document), self._fields
        new = {fields.id: doc_id} if fields and fields.id else {}
        new |= {fields.text: text} if fields and text is not None else {}
        if not new:
            return line
        # In ASCII: half a surrogate pair, or a character that the file's encoding lacks, can only be escaped.
        renamed = json.dumps(json.loads(line) | new)
        return renamed + ("\r\n" if line.endswith("\r\n") else "\n")

    def _document(self, record: Any, place: str, number: int, raw: str) -> Document:
        if not isinstance(record, dict):
            raise InputError(
                f"not a JSON object but {kind_of(record)}",
                where=place,
                next='Write each document as an object on its own line: {"id": "a1", "text": "..."}.',
            )
        if self._fields is None:
            self._fields = Fields.choose(record, self.options, place)
        doc_id = self._fields.id_of(record, place, f"{self.file.name}:{number}")
        text = self._fields.text_of(record, place)
        if "\\ud" in raw or "\\uD" in raw:
            doc_id, text = whole_characters(doc_id), whole_characters(text)
        others = metadata_of(record, (self._fields.text, self._fields.id), self.file.name)
        return Document(doc_id, text, place, raw, others)


class JsonArray(JsonLines):
    """One JSON array of objects, as a whole in memory."""

    preamble = "[\n"
    closing = "\n]\n"

    def documents(self) -> Iterator[Document]:
        """Documents in order; raises InputError if the file is not an array of JSON objects."""
        text = "".join(self.pieces.checked(self.lines(), "the array"))
        # Without the byte order mark, if there was one: it is not allowed in JSON.
        self.preamble = type(self).preamble
        records = _parsed(text, self.file.shown)
        if not isinstance(records, list):
            raise InputError(
                "is not an array of JSON objects",
                where=self.file.shown,
                next="Convert it to JSON Lines, one object a line (for example: jq -c . FILE).",
            )
        for number, record in enumerate(records, 1):
            yield self._document(record, f"{self.file.shown}:item {number}", number, json.dumps(record))

    def copy(self, document: Document, doc_id: str, text: str | None = None) -> str:
        """The object on one line, with another id if it has one, and perhaps another text."""
        return super().copy(document, doc_id, text).rstrip("\n")

    def gap(self, previous: str) -> str:
        """A comma."""
        return ",\n"


class TextLines(TextLayout):
    """Plain text with a document on each line; blank lines are skipped."""

    def documents(self) -> Iterator[Document]:
        """Documents in order."""
        for number, line in enumerate(self.lines(), 1):
            if line.strip():
                yield self._document(line, number, number)

    def copy(self, document: Document, doc_id: str, text: str | None = None) -> str:
        """The lines as they are, or of another text, without blank ones, which would end it."""
        raw = self.raw(document)
        if text is None:
            return raw
        end = "\r\n" if raw.endswith("\r\n") else "\n"
        return end.join(line.rstrip("\r") for line in text.split("\n") if line.strip()) + end

    def _document(self, raw: str, number: int, line: int) -> Document:
        text = raw.replace("\r\n", "\n").rstrip("\r\n")
        others = metadata_of({}, (), self.file.name)
        return Document(f"{self.file.name}:{number}", text, f"{self.file.shown}:{line}", raw, others)


class TextBlocks(TextLines):
    """Plain text with blank lines between documents."""

    def documents(self) -> Iterator[Document]:
        """Documents in order, numbered by block."""
        number = line = 0
        lines = self.lines()
        for first in lines:
            line += 1
            if first.strip():
                number += 1
                block = list(self.pieces.checked(chain([first], takewhile(str.strip, lines))))
                yield self._document("".join(block), number, line)
                line += len(block)  # and the blank line after it

    def gap(self, previous: str) -> str:
        """A blank line."""
        return super().gap(previous) + ("\r\n" if previous.endswith("\r\n") else "\n")


class TextFile(TextLayout):
    """Plain text, the whole file one document named by its path; white space alone is none."""

    def documents(self) -> Iterator[Document]:
        """The document."""
        text = "".join(self.pieces.checked(self.lines())).replace("\r\n", "\n")
        if text.strip():
            others = metadata_of({}, (), self.file.name)
            yield Document(self.file.name, text, self.file.shown, self.file.path, others)

    def edit(self, plan: Plan, kept: Path, removed: Path) -> Written:
        """Copy the file, byte for byte, once for each id; texts that are other ones get files of their own."""
        for document in self.documents():
            kept_as, removed_as = plan.versions(document, _marked_name, partial(_marked_name, mark=mark_part))
            return Written(
                [self._write(kept.with_name(Path(each.doc_id).name), each.text) for each in kept_as],
                [self._write(removed.with_name(Path(each.doc_id).name), each.text) for each in removed_as],
            )
        return Written([], [])

    def _write(self, target: Path, text: str | None) -> Path:
        if text is None:
            return self._copied(target)
        with open_whole(target, self.compression) as file:
            file.write((text.rstrip("\n") + "\n").encode(self.options.encoding))
        return target

    def _copied(self, target: Path) -> Path:
        with faults(self.file.path):
            source = self.file.path.open("rb")
        with source, whole_file(target) as temporary, temporary.open("wb") as file:
            shutil.copyfileobj(source, file)
        return target


def _marked_name(name: str, number: int, mark: Callable[[str, int], str] = mark) -> str:
    """Name of a further copy of a file, or of a part: the mark stands before the suffixes, which tell the format."""
    path = PurePosixPath(name)
    packing = path.suffix if path.suffix.lower() in SUFFIXES else ""
    plain = PurePosixPath(path.name.removesuffix(packing))
    return path.with_name(mark(plain.stem, number) + plain.suffix + packing).as_posix()


def _parsed(text: str, place: str) -> Any:
    if len(text) > MOST_PARTS and text.count("{") + text.count("[") > MOST_PARTS + len(text) // SHARE_OF_PARTS:
        # Empty ones take thirty times the memory of their two brackets.
        raise InputError(
            f"more than {MOST_PARTS:,} brackets and braces open here",
            where=place,
            next="No document needs that: remove this record, or the fields that clif does not read.",
        )
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        line = f"line {error.lineno}, " if error.lineno > 1 else ""
        reason = f"{error.msg} ({line}column {error.colno})"
    except (ValueError, RecursionError) as error:
        # Numbers of thousands of digits, thousands of nested lists.
        reason = str(error)
    raise InputError(
        f"not valid JSON: {reason}",
        where=place,
        next="Mend or remove this line: one JSON object a line. Not JSON Lines at all? Name the --format.",
    )
