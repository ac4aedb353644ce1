"""Corpora in memory: strings, mappings, documents, tables of pandas and of Hugging Face's datasets.

What is edited or explained later is read again, so a corpus that is no file is copied into the run as JSON Lines. No
library is imported to recognise its objects: they are taken by what they can do.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Protocol

from clif.corpus.documents import Document, ReadOptions, whole_characters
from clif.corpus.fields import Fields, kind_of
from clif.errors import InputError, UsageError
from clif.storage.files import whole_file

COPY = "corpus.jsonl"
LONGEST_PATH = 4096


class Table(Protocol):
    """What is needed of a pandas data frame: a document a row."""

    @property
    def columns(self) -> Any:
        """Names of the columns."""

    @property
    def index(self) -> Any:
        """Labels of the rows, which are the ids where no column holds them."""

    def itertuples(self, index: bool = ..., name: None = ...) -> Iterable[tuple[Any, ...]]:
        """The rows."""


class Rows(Protocol):
    """What is needed of a dataset of Hugging Face: a document a row, each a mapping."""

    @property
    def column_names(self) -> Any:
        """Names of the columns."""

    def __iter__(self) -> Iterator[Any]: ...


InMemory = Table | Rows | Mapping[str, str] | Iterable[str | Mapping[str, Any] | Document]
_Record = tuple[str, dict[str, Any], str]  # id where the record has none, record, place


@dataclass
class Spooled:
    """A corpus in memory on its way into a run: `read` says how its copy will be read. It is stored once."""

    records: Iterator[_Record]
    fields: Fields
    named: str

    @property
    def read(self) -> ReadOptions:
        """Text and id keep the names of their fields."""
        return ReadOptions(format="jsonl", text_field=self.fields.text, id_field=self.named)

    def store(self, folder: Path) -> Path:
        """Write the documents to `folder`, one a line, and return the path of the file.

        Raises
        ------
        InputError
            A document lacks text or id, or two have the same id; or the folder cannot be written to.

        """
        path, places = folder / COPY, dict[str, str]()
        with whole_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
            for position, record, place in self.records:
                doc_id = self.fields.id_of(record, place, position)
                text = self.fields.text_of(record, place)
                if doc_id in places:
                    raise InputError(
                        f"the id {doc_id!r} stands twice, first at {places[doc_id]}",
                        where=place,
                        next='Make ids unique, or number documents by their position: id_field="".',
                    )
                places[doc_id] = place
                line = json.dumps({**record, self.named: doc_id, self.fields.text: text}, ensure_ascii=False)
                file.write((line if line.isascii() else whole_characters(line)) + "\n")
        return path


def paths_in(given: Any) -> list[Path | str] | None:
    """Files and folders, if `given` names such; None for a corpus in memory.

    A string is a path. In a list, strings are paths if each of them exists or holds no white space, as a text of one
    word teaches nothing; else they are texts.

    Raises
    ------
    UsageError
        Some strings of a list are files, and others are not.

    """
    if isinstance(given, str | os.PathLike):
        return [_path(given)]
    if not isinstance(given, list | tuple) or not given:
        return None
    if not all(isinstance(each, str | os.PathLike) for each in given):
        return None
    there = [isinstance(each, os.PathLike) or _exists(each) for each in given]
    if all(known or len(each.split(maxsplit=1)) < 2 for known, each in zip(there, given, strict=True)):
        return [_path(each) for each in given]
    if any(there):
        raise UsageError(
            f"{str(given[there.index(True)])!r} is a file and {_short(given[there.index(False)])!r} is not, so these "
            "may be files or texts",
            where="corpus",
            next="Check the paths; or give texts as mappings, as in [{'id': 'a', 'text': '...'}].",
        )
    return None


def spool(given: InMemory, text_field: str | None = None, id_field: str | None = None) -> Spooled:
    """Recognise a corpus in memory and find its fields.

    Known are a table of pandas or of Hugging Face's datasets, a mapping or series of texts by id, and any iterable of
    strings, mappings or documents. Fields are found by their customary names, as in files. Without an id field the
    label of a row of pandas is the id, else its position, counted from 0 as Python does.

    Raises
    ------
    UsageError
        It is none of these.
    InputError
        It is empty, or has no field for the text or the id that is asked for.

    """
    records = _records(given)
    first = next(records, None)
    if first is None:
        raise InputError("no documents: it is empty", where="corpus", next="Give some documents.")
    _, record, place = first
    fields = Fields.choose(record, ReadOptions(text_field=text_field, id_field=id_field), place)
    free = (name for name in ("id", "position", "clif_id") if name not in record)
    return Spooled(chain([first], records), fields, fields.id or next(free, "_clif_id"))


def _records(given: Any) -> Iterator[_Record]:
    if hasattr(given, "itertuples") and hasattr(given, "columns"):
        return _of_table(given)
    if isinstance(given, Mapping) or (hasattr(given, "items") and hasattr(given, "index")):
        return _of_mapping(given)
    if isinstance(given, Iterable) and not isinstance(given, bytes | bytearray):
        return _of_items(given)
    raise UsageError(
        f"a corpus cannot be {kind_of(given)}",
        where="corpus",
        next="Give paths, a data frame, a dataset, or a list of texts, mappings or documents.",
    )


def _of_table(table: Table) -> Iterator[_Record]:
    names = [str(name) for name in table.columns]
    double = next((name for name in names if names.count(name) > 1), None)
    if double is not None:
        raise InputError(f"two columns are named {double!r}", where="data frame", next="Rename or drop one of them.")
    for number, (label, row) in enumerate(zip(table.index, table.itertuples(index=False, name=None), strict=True)):
        yield str(label), dict(zip(names, map(plain, row), strict=True)), f"row {number} of the data frame"


def _of_mapping(texts: Any) -> Iterator[_Record]:
    for number, (doc_id, text) in enumerate(texts.items()):
        if hasattr(text, "column_names"):
            raise UsageError(
                f"holds several datasets: {', '.join(map(str, texts))}",
                where="corpus",
                next=f"Choose one of them, as in corpus[{doc_id!r}].",
            )
        if isinstance(text, list | tuple):
            raise UsageError(
                "a mapping gives the text of each id, and this one holds lists",
                where="corpus",
                next="Make a table of columns with pandas.DataFrame(corpus).",
            )
        yield str(doc_id), {"id": str(doc_id), "text": plain(text)}, f"item {number} of the corpus"


def _of_items(items: Iterable[Any]) -> Iterator[_Record]:
    for number, item in enumerate(items):
        place = f"item {number} of the corpus"
        if isinstance(item, str):
            yield str(number), {"text": item}, place
        elif isinstance(item, Document):
            yield item.doc_id, {**plain(item.metadata), "id": item.doc_id, "text": item.text}, place
        elif isinstance(item, Mapping):
            yield str(number), {str(name): plain(value) for name, value in item.items()}, place
        else:
            raise InputError(
                f"a document cannot be {kind_of(item)}", where=place, next="Give strings, mappings or clif.Document."
            )


def plain(value: Any) -> Any:
    """A value as JSON has them: what is missing (NaN, NaT, NA) as null, times in ISO form, what else as text."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None if math.isnan(value) else str(value)
    if isinstance(value, Mapping):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if type(value).__name__ in ("NAType", "NaTType"):
        return None
    if hasattr(value, "tolist"):  # numbers and arrays of NumPy
        return plain(value.tolist())
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _path(given: str | os.PathLike[str]) -> Path | str:
    return given if isinstance(given, str) else Path(given)


def _exists(text: str) -> bool:
    return len(text) < LONGEST_PATH and "\n" not in text and os.path.exists(text)


def _short(text: Any, most: int = 40) -> str:
    return str(text) if len(str(text)) <= most else str(text)[: most - 1] + "…"
