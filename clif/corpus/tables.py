"""Tables as text: CSV, TSV, and the Wikipedia Neutrality Corpus."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator

from clif.corpus.documents import Document, ReadOptions
from clif.corpus.fields import SIDE_FIELDS, Fields, side_of
from clif.corpus.layouts import TextLayout
from clif.corpus.metadata import metadata_of
from clif.corpus.sources import SourceFile
from clif.errors import InputError

# The largest limit that fits the C long of every platform; the default is 128 kB.
_LONGEST_FIELD = 2**31 - 1


class Csv(TextLayout):
    """A table with a header; a field in quotes may hold delimiters, doubled quotes and line ends."""

    def __init__(self, file: SourceFile, options: ReadOptions, delimiter: str = ",") -> None:
        super().__init__(file, options)
        self._delimiter = delimiter
        self._id_column: int | None = None
        self._text_column = 0

    def documents(self) -> Iterator[Document]:
        """Documents in order, numbered by row.

        Raises
        ------
        InputError
            A row is broken, or there is no such field.

        """
        rows = self._rows()
        header, first, raw = next(rows, ([], 0, ""))
        if not header:
            return
        self.preamble += raw
        fields = Fields.choose(header, self.options, f"{self.file.shown}:{first}")
        self._id_column = header.index(fields.id) if fields.id else None
        self._text_column = header.index(fields.text)
        # Of two columns with one name the first counts, as it does for the id.
        others = {name: header.index(name) for name in header if name and name not in fields.names}
        for number, (row, line, raw) in enumerate(rows, 1):
            place = f"{self.file.shown}:{line}"
            if len(row) != len(header):
                raise InputError(
                    f"the row has {len(row)} fields, the header {len(header)}",
                    where=place,
                    next="Put quotes around fields that hold the delimiter or line ends, or mend this row.",
                )
            record = dict(zip(reversed(header), reversed(row), strict=True))
            doc_id = fields.id_of(record, place, f"{self.file.name}:{number}")
            # A table has no other way than an empty cell to say that something is not known.
            known = {name: row[column] or None for name, column in others.items()}
            metadata = metadata_of(known, (), self.file.name)
            yield Document(doc_id, fields.text_of(record, place), place, raw, metadata)

    def copy(self, document: Document, doc_id: str, text: str | None = None) -> str:
        """The row, written anew if it has an id or a text to change."""
        raw = self.raw(document)
        if self._id_column is None and text is None:
            return raw
        row = next(csv.reader(io.StringIO(raw, newline=""), delimiter=self._delimiter))
        if self._id_column is not None:
            row[self._id_column] = doc_id
        if text is not None:
            row[self._text_column] = text
        made = io.StringIO(newline="")
        # With this line terminator, fields that hold either half of it get quotes.
        csv.writer(made, delimiter=self._delimiter, lineterminator="\r\n").writerow(row)
        return made.getvalue().removesuffix("\r\n") + ("\r\n" if raw.endswith("\r\n") else "\n")

    def _rows(self) -> Iterator[tuple[list[str], int, str]]:
        """Rows that are not blank, the line at which each begins, and the row as it stands in the file."""
        csv.field_size_limit(max(csv.field_size_limit(), _LONGEST_FIELD))
        taken: list[str] = []

        def lines() -> Iterator[str]:
            size = 0
            for line in self.lines():
                size = size * bool(taken) + sys.getsizeof(line)
                self.pieces.check(size, "a row")
                taken.append(line)
                yield line

        # Strict, as a quote that is never closed would otherwise swallow the rest of the file.
        reader = csv.reader(lines(), delimiter=self._delimiter, strict=True)
        line = 1
        try:
            for row in reader:
                if row:
                    yield row, line, "".join(taken)
                taken.clear()
                line = reader.line_num + 1
        except csv.Error as error:
            # Python's own message speaks of arguments of open().
            reason = "a carriage return outside of quotes" if "new-line" in str(error) else error
            raise InputError(
                f"not a valid table: {reason}",
                where=f"{self.file.shown}:{line}",
                next="Put such fields in quotes and double the quotes in them, or convert it to JSON Lines.",
            ) from error


class NeutralityCorpus(TextLayout):
    """Official files of the Wikipedia Neutrality Corpus: tab-separated, without header or quotes.

    Columns are revision, source tokens, target tokens, ...: `biased` reads the source, `neutral` the target.
    A revision can have several rows, so ids are made of revision and line (or file name and line, if the
    options name an id field).
    """

    def documents(self) -> Iterator[Document]:
        """Documents in order; raises InputError for a line with less than three columns."""
        column = self._column
        for number, line in enumerate(self.lines(), 1):
            if not line.strip():
                continue
            cells = line.rstrip("\r\n").split("\t")
            place = f"{self.file.shown}:{number}"
            if len(cells) < 3:
                raise InputError(
                    f"{len(cells)} tab-separated columns, expected revision, source, target at least",
                    where=place,
                    next="Mend this line; for other tables than the Wikipedia Neutrality Corpus "
                    "leave --side and --format wnc out.",
                )
            stem = cells[0].strip() if self.options.id_field is None else self.file.name
            metadata = metadata_of({"revision": cells[0].strip()}, (), self.file.name)
            yield Document(f"{stem}:{number}", cells[column], place, line, metadata)

    def copy(self, document: Document, doc_id: str, text: str | None = None) -> str:
        """The line, perhaps with another text on this side; rows have no ids of their own."""
        raw = self.raw(document)
        if text is None:
            return raw
        line = raw.rstrip("\r\n")
        cells = line.split("\t")
        cells[self._column] = " ".join(text.split())
        return "\t".join(cells) + raw[len(line) :]

    @property
    def _column(self) -> int:
        return 1 if side_of(self.options) == "biased" else 2


def has_side_header(line: str) -> bool:
    """Whether the first line of a table with sides is a header."""
    cells = {cell.strip().strip('"').lower() for cell in line.split("\t")}
    return any(not cells.isdisjoint(names) for names in SIDE_FIELDS.values())
