"""Texts in CSV files for people: a spreadsheet runs a cell that begins with = + - or @ as a formula.

Such a cell gets an apostrophe in front, which spreadsheets show as text; one that has apostrophes before such a sign
gets one more, so that `exact` gives every text back. Numbers are left as they are, also as texts.
"""

from __future__ import annotations

import re
from typing import Any

# As do tabs and line ends, which some programs skip, and the wide signs of East Asian input.
_FORMULA = re.compile("'*[=+\\-@\t\r\n＝＋－＠]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def inert(value: Any) -> Any:
    """A cell that no spreadsheet runs; what is not text, and text that cannot be run, is returned as it is."""
    return "'" + value if isinstance(value, str) and _runs(value) else value


def exact(value: Any) -> Any:
    """What `inert` was given."""
    return value[1:] if isinstance(value, str) and value[:1] == "'" and _runs(value[1:]) else value


def _runs(text: str) -> bool:
    return _FORMULA.match(text) is not None and _NUMBER.fullmatch(text) is None
