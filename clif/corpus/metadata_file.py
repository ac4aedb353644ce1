"""Metadata of a corpus as a Parquet table: one row a document, one column a field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from clif.corpus.documents import Scalar
from clif.corpus.metadata import METADATA, as_text
from clif.errors import DAMAGE, InputError, MismatchError
from clif.manifest import MANIFEST, check_file
from clif.storage.files import read_json, whole_file

DOCUMENTS = "documents.parquet"
# Objects with a key for each user or page would otherwise give a column for each of these.
MOST_FIELDS = 256
CELLS = 1 << 17  # in memory at a time
_AGAIN = "Restore the file of this run, or train again with --force."

_DAMAGE = (*DAMAGE, pa.ArrowException)
_TYPES = {bool: pa.bool_(), int: pa.int64(), float: pa.float64(), str: pa.string()}


class MetadataWriter:
    """Takes the metadata of one document after the other and writes the table when all are there.

    Until then they lie in `spool`, as no one knows which fields are still to come, or of which type: a field
    whose values are not all of one type becomes text. The first MOST_FIELDS fields are kept.
    """

    def __init__(self, spool: BinaryIO) -> None:
        self._spool = spool
        self._batches = 0
        self._rows = 0
        self._columns: dict[str, list[Scalar]] = {}
        self._types: dict[str, pa.DataType] = {}

    def add(self, metadata: Mapping[str, Scalar]) -> None:
        """Append a document."""
        for name, value in metadata.items():
            column = self._columns.get(name)
            if column is None:
                if len(self._columns) == MOST_FIELDS:
                    continue
                column = self._columns[name] = []
                self._types[name] = pa.null()
            if len(column) < self._rows:
                column.extend([None] * (self._rows - len(column)))
            column.append(value)
        self._rows += 1
        if self._rows * len(self._columns) >= CELLS:
            self._flush()

    def write(self, path: Path, belongs: Mapping[str, str]) -> None:
        """Write the table with `belongs` in its schema; raises InputError if that cannot be."""
        if self._columns:
            self._flush()
        self._spool.seek(0)
        # A column of nothing but nulls is no type that other programs expect.
        types = {name: pa.string() if pa.types.is_null(kind) else kind for name, kind in self._types.items()}
        schema = pa.schema(types.items(), metadata=belongs)
        with whole_file(path) as temporary, pq.ParquetWriter(temporary, schema) as writer:
            for _ in range(self._batches):
                rows = pa.ipc.open_stream(self._spool).read_all()
                columns = [_as(rows, name, kind) for name, kind in types.items()]
                writer.write_table(pa.Table.from_arrays(columns, schema=schema))

    def _flush(self) -> None:
        arrays = []
        for name, column in self._columns.items():
            column.extend([None] * (self._rows - len(column)))
            arrays.append(_array(column))
            self._types[name] = _common(self._types[name], arrays[-1].type)
        batch = pa.record_batch(arrays, list(self._columns))
        with pa.ipc.new_stream(self._spool, batch.schema) as stream:
            stream.write_batch(batch)
        self._batches += 1
        self._rows = 0
        self._columns = {name: [] for name in self._columns}


def read_metadata(folder: Path, fields: Sequence[str], content_hash: str) -> dict[str, list[Any]]:
    """Values of these fields for each document of the encoded corpus in `folder`, in order; None: it has none.

    Raises
    ------
    InputError
        There is no such field; or no metadata, in a run of an earlier version; or the file is damaged.
    MismatchError
        It belongs to another corpus than that of `content_hash`.

    """
    check_fields(folder, fields, content_hash)
    try:
        with pq.ParquetFile(folder / METADATA) as file:
            table = file.read(columns=list(fields))
        return {name: table.column(name).to_pylist() for name in fields}
    except _DAMAGE as error:
        raise _damaged(folder / METADATA, error) from error


def few_valued(folder: Path, most: int, content_hash: str) -> list[str]:
    """Fields with 2 to `most` different values; none in a run of an earlier version. Errors are those of `read_row`."""
    import pyarrow.compute as pc

    path = folder / METADATA
    if not path.is_file():
        return []
    check_fields(folder, (), content_hash)
    try:
        with pq.ParquetFile(path) as file:
            return [
                name
                for name in file.schema_arrow.names
                if 2 <= pc.count_distinct(file.read(columns=[name]).column(name), mode="all").as_py() <= most
            ]
    except _DAMAGE as error:
        raise _damaged(path, error) from error


def read_row(folder: Path, row: int, content_hash: str) -> dict[str, Any]:
    """Metadata of one document of the encoded corpus in `folder`, without the fields that it lacks.

    Empty in a run of an earlier version, which kept none; else errors are those of `read_metadata`.
    """
    path = folder / METADATA
    if not path.is_file():
        return {}
    check_fields(folder, (), content_hash)
    try:
        with pq.ParquetFile(path) as file:
            for group in range(file.num_row_groups):
                rows = file.metadata.row_group(group).num_rows
                if row < rows:
                    (found,) = file.read_row_group(group).slice(row, 1).to_pylist()
                    return {name: value for name, value in found.items() if value is not None}
                row -= rows
    except _DAMAGE as error:
        raise _damaged(path, error) from error
    return {}


def field_names(folder: Path, content_hash: str) -> list[str]:
    """The fields that the documents have, in the order in which they first came; errors are those of `check_fields`."""
    path = folder / METADATA
    if not path.is_file():
        raise InputError(
            f"there is no {METADATA}: this run was made by an earlier version of clif, which kept no metadata",
            where=str(folder),
            next="Train again with --force.",
        )
    try:
        schema = pq.read_schema(path)
        # A table of one value packs so well that only the other table says how many rows are too many.
        rows, documents = (pq.read_metadata(folder / name).num_rows for name in (METADATA, DOCUMENTS))
    except _DAMAGE as error:
        raise _damaged(path, error) from error
    if (schema.metadata or {}).get(b"corpus", b"").decode("utf-8", "replace") != content_hash:
        raise MismatchError(
            "holds the metadata of another corpus",
            where=str(path),
            next=_AGAIN,
        )
    if rows > documents:
        raise _damaged(path, ValueError(f"{rows} rows of {documents} documents"))
    manifest = folder / MANIFEST
    if manifest.is_file():
        check_file(folder, METADATA, read_json(manifest, _AGAIN), _AGAIN)
    return list(schema.names)


def check_fields(folder: Path, fields: Sequence[str], content_hash: str) -> None:
    """Raise what `read_metadata` would, but for damaged values, without reading them."""
    names = field_names(folder, content_hash)
    unknown = [name for name in fields if name not in names]
    if unknown:
        most = f" (the first {MOST_FIELDS} were kept)" if len(names) == MOST_FIELDS else ""
        raise InputError(
            f"the documents have no field {unknown[0]!r}",
            where=str(folder / METADATA),
            next=f"Known fields: {', '.join(names) or 'none'}{most}. To add one, train again with --force.",
        )


def _damaged(path: Path, error: Exception) -> InputError:
    reason = getattr(error, "strerror", None) or error
    return InputError(f"cannot be read: {reason}", where=str(path), next="Train again with --force.")


def _array(values: list[Scalar]) -> pa.Array:
    """Values as the type they share, else as text."""
    kinds = set(map(type, values)) - {type(None)}
    if not kinds:
        return pa.nulls(len(values))
    if len(kinds) == 1 and (kind := kinds.pop()) in _TYPES:
        try:
            return pa.array(values, _TYPES[kind])
        except OverflowError:  # a whole number of more than 64 bits
            pass
    return _text_array(values)


def _text_array(values: list[Scalar]) -> pa.Array:
    return pa.array([None if value is None else as_text(value) for value in values], pa.string())


def _common(one: pa.DataType, other: pa.DataType) -> pa.DataType:
    if pa.types.is_null(one) or one == other:
        return other
    return one if pa.types.is_null(other) else pa.string()


def _as(rows: pa.Table, name: str, kind: pa.DataType) -> pa.Array | pa.ChunkedArray:
    """A column of a batch as it shall be in the whole table; a field that came later has none."""
    if name not in rows.column_names:
        return pa.nulls(len(rows), kind)
    column = rows.column(name)
    if pa.types.is_null(column.type):
        return pa.nulls(len(rows), kind)
    # Not cast by Arrow, which may write a number otherwise than it is written within a batch.
    return column if column.type == kind else _text_array(column.to_pylist())
