"""Parquet tables, read in batches."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from clif.corpus.documents import Document
from clif.corpus.fields import Fields
from clif.corpus.layouts import Layout, Plan, Written, open_whole
from clif.corpus.limits import copy_bounded, largest_whole, size_of, too_large
from clif.corpus.metadata import LONGEST, metadata_of
from clif.corpus.opening import faults, open_binary
from clif.errors import DAMAGE, InputError

# Rows in memory at a time; whole books as rows still fit.
_BATCH = 2048


class Parquet(Layout):
    """A Parquet file; documents are rows."""

    def documents(self) -> Iterator[Document]:
        """Documents in order, numbered by row, reading the columns of text and id and those of plain values only.

        Raises
        ------
        InputError
            The file is damaged, or there is no such column.

        """
        with self._open(as_dictionaries=True) as table:
            fields = Fields.choose(table.schema_arrow.names, self.options, self.file.shown)
            others = _plain_columns(table.schema_arrow, fields)
            paths = [path for paths in others.values() for path in paths]
            number = 0
            for batch in self._batches(table, [*fields.names, *paths]):
                yield from self._documents(batch, fields, number, list(others))
                number += batch.num_rows

    def edit(self, plan: Plan, kept: Path, removed: Path) -> Written:
        """Write the table again with its schema; if documents are repeated or cut, an id of numbers becomes text."""
        with self._open() as table, ExitStack() as stack:
            schema = table.schema_arrow
            fields = Fields.choose(schema.names, self.options, self.file.shown)
            renamed = (plan.repeats, plan.revises)  # in which of both files there are new ids
            sinks = [
                _Sink(path, _renamed(schema, fields.id if renames else None), self, table, stack)
                for path, renames in zip((kept, removed), renamed, strict=True)
            ]
            before = 0
            for batch in self._batches(table, None):
                rows = pa.Table.from_batches([batch])
                documents = list(self._documents(batch, fields, before))
                before += batch.num_rows
                both = list(map(plan.versions, documents))
                for n, sink in enumerate(sinks):
                    chosen = [(row, each) for row, own in enumerate(both) for each in own[n]]
                    part = _take(rows, [row for row, _ in chosen])
                    if plan.revises:
                        texts = [documents[row].text if each.text is None else each.text for row, each in chosen]
                        part = _with(part, fields.text, texts, schema)
                    if fields.id and renamed[n]:
                        part = _with(part, fields.id, [each.doc_id for _, each in chosen], sink.schema)
                    sink.write(part)
        return Written(sinks[0].written, sinks[1].written)

    def _documents(
        self, batch: pa.RecordBatch, fields: Fields, before: int, others: Sequence[str] = ()
    ) -> Iterator[Document]:
        values: list[Iterable[Any]] = [self._one_by_one(batch.column(name)) for name in fields.names]
        with self._damage():
            values += [_values(batch.column(name)) for name in others]
        names = [*fields.names, *others]
        for number, row in enumerate(zip(*values, strict=True), before + 1):
            place = f"{self.file.shown}:row {number}"
            record = dict(zip(names, row, strict=True))
            doc_id = fields.id_of(record, place, f"{self.file.name}:{number}")
            metadata = metadata_of(record, fields.names, self.file.name)
            yield Document(doc_id, fields.text_of(record, place), place, number, metadata)

    def _one_by_one(self, column: pa.Array) -> Iterator[Any]:
        """Values of a column. One long text that stands in all rows is stored once, and shall be so in memory."""
        for value in column:
            with self._damage():
                found = value.as_py()
            yield found

    def _batches(self, table: pq.ParquetFile, columns: list[str] | None) -> Iterator[pa.RecordBatch]:
        batches = table.iter_batches(batch_size=_BATCH, columns=columns)
        while True:
            with self._damage():
                batch = next(batches, None)
            if batch is None:
                return
            yield batch

    @contextmanager
    def _open(self, *, as_dictionaries: bool = False) -> Iterator[pq.ParquetFile]:
        """Open the table; one that is packed or remote is put on disk first, as Parquet is read from its end.

        `as_dictionaries`: texts as the numbers of different ones, each of which is there once.
        """
        with ExitStack() as stack:
            source: Any = self.file.path
            if self.compression or not isinstance(source, Path):
                source = stack.enter_context(tempfile.TemporaryFile())
                bound = largest_whole(size_of(self.file.path)) if self.compression else sys.maxsize
                with faults(self.file.path), open_binary(self.file.path) as packed:
                    copy_bounded(packed.read, source.write, bound, self.file.shown)
                source.seek(0)
            with self._damage():
                table = stack.enter_context(pq.ParquetFile(source))
                self._check_sizes(table.metadata)
                if as_dictionaries:
                    texts = [field.name for field in table.schema_arrow if pa.types.is_string(field.type)]
                    table = stack.enter_context(pq.ParquetFile(source, read_dictionary=texts))
            yield table

    def _check_sizes(self, metadata: pq.FileMetaData) -> None:
        """Raise InputError for rows that the file is far too small for.

        What is known of single columns is not asked for: where that is damaged, Arrow ends the process.
        """
        bound = largest_whole(metadata.serialized_size + size_of(self.file.path))
        for group in range(metadata.num_row_groups):
            if metadata.row_group(group).total_byte_size > bound:
                raise too_large(self.file.shown, bound, f"row group {group}")

    @contextmanager
    def _damage(self) -> Iterator[None]:
        try:
            yield
        except (*DAMAGE, pa.ArrowException) as error:
            raise InputError(
                f"not a valid Parquet file: {error}",
                where=self.file.shown,
                next="Copy or write the file again; if it is another format, name it with --format.",
            ) from error


class _Sink:
    """A Parquet file that comes into being with its first row, closed by `stack`."""

    def __init__(
        self, path: Path, schema: pa.Schema, layout: Parquet, source: pq.ParquetFile, stack: ExitStack
    ) -> None:
        self._path = path
        self.schema = schema
        self._layout = layout
        self._stack = stack
        self._writer: pq.ParquetWriter | None = None
        metadata = source.metadata
        codec = metadata.row_group(0).column(0).compression if metadata.num_row_groups else "SNAPPY"
        self._codec = "NONE" if codec == "UNCOMPRESSED" else codec

    def write(self, rows: pa.Table) -> None:
        """Append rows."""
        if not rows.num_rows:
            return
        if self._writer is None:
            stream = self._stack.enter_context(open_whole(self._path, self._layout.compression))
            self._writer = self._stack.enter_context(pq.ParquetWriter(stream, self.schema, compression=self._codec))
        self._writer.write_table(rows)

    @property
    def written(self) -> list[Path]:
        """The file, if there is one."""
        return [self._path] if self._writer else []


def _renamed(schema: pa.Schema, column: str | None) -> pa.Schema:
    """The schema with a column of texts, where it is one of numbers."""
    if column is None or _is_text(schema.field(column).type):
        return schema
    number = schema.get_field_index(column)
    return schema.set(number, schema.field(column).with_type(pa.string()))


def _with(rows: pa.Table, column: str, values: Sequence[str], schema: pa.Schema) -> pa.Table:
    """Rows with other texts in a column, of the type that the schema gives it."""
    number = schema.get_field_index(column)
    return rows.set_column(number, schema.field(number), pa.array(values, schema.field(number).type))


def _take(rows: pa.Table, numbers: list[int]) -> pa.Table:
    return rows.take(pa.array(numbers, pa.int64()))


def _plain_columns(schema: pa.Schema, fields: Fields) -> dict[str, list[str]]:
    """Columns for the metadata, each with what is to be read of it: itself, or the plain fields of its objects."""
    found: dict[str, list[str]] = {}
    for name in schema.names:
        place = schema.get_field_index(name)  # -1 where two columns have this name
        if not name or place < 0 or name in fields.names:
            continue
        kind = schema.field(place).type
        if _is_plain(kind) or _is_time(kind):
            found[name] = [name]
        elif pa.types.is_struct(kind):
            inner = [f"{name}.{field.name}" for field in kind if field.name and _is_plain(field.type)]
            found |= {name: inner} if inner else {}
    return found


def _is_plain(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    number = pa.types.is_integer(kind) or pa.types.is_floating(kind)
    return bool(number or pa.types.is_boolean(kind) or _is_text(kind))


def _is_time(kind: pa.DataType) -> bool:
    return bool(pa.types.is_date(kind) or pa.types.is_timestamp(kind))


def _values(column: pa.Array) -> list[Any]:
    """Values of a column for the metadata, times as text, long strings cut before there are Python strings of them."""
    kind = column.type
    if pa.types.is_struct(kind):
        return [value or {} for value in column.to_pylist()]
    if pa.types.is_timestamp(kind):
        # UTC: whether this machine knows the time zone must not matter.
        column = column.cast(pa.timestamp(kind.unit))
    if pa.types.is_dictionary(kind) and pa.types.is_string(kind.value_type):
        short = pc.utf8_slice_codeunits(column.dictionary, 0, LONGEST + 1)
        column = pa.DictionaryArray.from_arrays(column.indices, short)
    elif _is_time(kind):
        column = column.cast(pa.string())
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        column = pc.utf8_slice_codeunits(column, 0, LONGEST + 1)
    found: list[Any] = column.to_pylist()
    return found


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))
