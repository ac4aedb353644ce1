"""What a record says beside its text and id, as plain values under flat names."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from clif.corpus.documents import Scalar, whole_characters

LONGEST = 200  # characters of a string
FILE = "file"
METADATA = "metadata.parquet"

_SCALARS = frozenset((str, int, float, bool, type(None)))


def metadata_of(record: Mapping[str, Any], without: Collection[str | None], file: str) -> dict[str, Scalar]:
    """Fields of a record but those in `without`, and the name of its `file` unless a field has that name.

    A field of an object in the record is named "object.field". Lists and whatever lies deeper are left out,
    strings are cut to LONGEST characters.
    """
    found: dict[str, Scalar] = {}
    for name, value in record.items():
        if name in without:
            continue
        if type(value) in _SCALARS:
            found[_text(name)] = _text(value, LONGEST) if type(value) is str else value
        elif type(value) is dict:
            for inner, scalar in value.items():
                if type(scalar) in _SCALARS:
                    scalar = _text(scalar, LONGEST) if type(scalar) is str else scalar
                    found.setdefault(_text(f"{name}.{inner}"), scalar)
    found.setdefault(FILE, file)
    return found


def as_text(value: Scalar) -> str:
    """A value as text, true and false as JSON has them."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return _text(str(value), LONGEST)


def _text(text: str, longest: int | None = None) -> str:
    if longest is not None and len(text) > longest:
        text = text[: longest - 1] + "…"
    return text if text.isascii() else whole_characters(text)
