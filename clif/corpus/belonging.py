"""Tables of an encoded corpus, which say by hashes what they belong to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, overload

from clif.checks import check_rows
from clif.errors import DAMAGE, InputError
from clif.storage.files import whole_file


class Texts(Sequence[str]):
    """Texts as they lie in a table: as Python objects, those of a large vocabulary would take ten times the room."""

    def __init__(self, column: Any) -> None:
        self._column = column

    def __len__(self) -> int:
        return len(self._column)

    @overload
    def __getitem__(self, place: int) -> str: ...

    @overload
    def __getitem__(self, place: slice) -> list[str]: ...

    def __getitem__(self, place: int | slice) -> str | list[str]:
        found = self._column[place] if isinstance(place, slice) else self._column[int(place)]
        text: str | list[str] = found.to_pylist() if isinstance(place, slice) else found.as_py()
        return text

    def __iter__(self) -> Iterator[str]:
        return iter(self._column.to_pylist())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    def __hash__(self) -> int:
        return hash(tuple(self))


def write_table(path: Path, columns: dict[str, object], belongs: dict[str, str]) -> None:
    """Write a table with the hashes of what it belongs to; raises InputError if that cannot be."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table(columns).replace_schema_metadata(belongs)
    with whole_file(path) as temporary:
        pq.write_table(table, temporary)


def read_table(path: Path, kinds: Mapping[str, type]) -> tuple[dict[str, Any], dict[str, str]]:
    """Columns of a table, numbers as arrays and texts as Texts, and the hashes it was written with.

    `kinds` are int and str by column. Raises InputError for a damaged file, or one with other columns.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        check_rows(pq.read_metadata(path).num_rows, path.stat().st_size)
        table = pq.read_table(path, columns=list(kinds))
        _check_kinds(table, kinds)
        table.validate(full=True)
        said = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
        belongs = {"corpus": said["corpus"], "tokens": said["tokens"]}
        if "sentences" in said:  # not in runs of earlier versions
            belongs["sentences"] = said["sentences"]
    except (*DAMAGE, pa.ArrowException) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"cannot be read: {reason}", where=str(path), next="Train again with --force.") from error
    columns = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        columns[name] = column.to_numpy() if pa.types.is_integer(column.type) else Texts(column.combine_chunks())
    del table
    pa.default_memory_pool().release_unused()
    return columns, belongs


def _check_kinds(table: Any, kinds: Mapping[str, type]) -> None:
    import pyarrow as pa

    for name, kind in kinds.items():
        column = table.column(name)
        fits = pa.types.is_integer(column.type) if kind is int else pa.types.is_string(column.type)
        if not fits or column.null_count:
            raise ValueError(f"no {kind.__name__} in column {name}")
