"""TOML files: whatever is wrong with one is a ValueError or an OSError, and none takes long to find that out."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

LARGEST = 1 << 20  # bytes; the longest lists of words come to a third of that
# Python's parser takes the square of the parts of a dotted key. Between these no key begins anew.
_BETWEEN_KEYS = re.compile(r"[=,\n]")
MOST_PARTS = 64


def read_toml(path: Path) -> dict[str, Any]:
    """The values of a TOML file, with or without a byte order mark.

    Raises
    ------
    OSError
        It cannot be read.
    ValueError
        It is not TOML in UTF-8, or larger, deeper, or of longer keys than any that was written by hand.

    """
    with path.open("rb") as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise ValueError(f"more than {LARGEST >> 20} MB")
    return parse_toml(data.decode("utf-8-sig"))


def parse_toml(text: str) -> dict[str, Any]:
    """The values of a TOML text; raises ValueError as `read_toml`."""
    if any(part.count(".") > MOST_PARTS for part in _BETWEEN_KEYS.split(text)):
        raise ValueError(f"a key of more than {MOST_PARTS} parts")
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise ValueError("tables or arrays nested too deep") from error
