"""From text to words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import regex

from clif.errors import UsageError

_WORDS = regex.compile(r"\p{L}[\p{L}\p{M}]*")
# The same for ASCII, several times faster.
_ASCII_WORDS = re.compile(r"[A-Za-z]+")


@dataclass(frozen=True)
class Tokeniser:
    r"""Cut a text into words: letters with their combining marks, in lower case.

    Words are the runs of `\p{L}[\p{L}\p{M}]*` in the lower-case text in normal form C, so digits,
    apostrophes, hyphens and underscores separate. `keep_case` leaves capitals. `pretokenised` splits on
    white space and changes nothing else: case, punctuation and digits stay as they are.
    """

    keep_case: bool = False
    pretokenised: bool = False

    def __call__(self, text: str) -> list[str]:
        """Words of `text` in order."""
        if self.pretokenised:
            return text.split()
        if not self.keep_case:
            text = text.lower()
        if text.isascii():
            return _ASCII_WORDS.findall(text)
        # After lower-casing, as J with a caron has no single code point and its small letter has one.
        words: list[str] = _WORDS.findall(unicodedata.normalize("NFC", text))
        return words

    def to_dict(self) -> dict[str, Any]:
        """The settings as plain values, for a manifest."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Tokeniser:
        """A tokeniser from plain values; raises UsageError for a key that is not a setting."""
        known = [field.name for field in fields(cls)]
        unknown = sorted(set(values) - set(known))
        if unknown:
            raise UsageError(f"unknown tokeniser setting {unknown[0]!r}", next=f"Known settings: {', '.join(known)}.")
        return cls(**values)
