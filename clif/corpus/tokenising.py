"""From text to words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import regex

from clif.corpus.sentences import sentences_of, token_sentences_of
from clif.errors import UsageError

_WORDS = regex.compile(r"\p{L}[\p{L}\p{M}]*")
# The same for ASCII, several times faster.
_ASCII_WORDS = re.compile(r"[A-Za-z]+")
_TOKENS = re.compile(r"\S+")


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
        return _words(text)

    def sentences(self, text: str) -> list[list[str]]:
        """Words of each sentence of `text`, some perhaps without any; put together they are those of `text`."""
        if self.pretokenised:
            return [sentence.split() for sentence in token_sentences_of(text)]
        if not self.keep_case:
            # Before the text is cut: a capital sigma becomes one of two small letters by what is around it.
            text = text.lower()
        return [_words(sentence) for sentence in sentences_of(text)]

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Where each word of `text` stands in it: begin and end in the text as it is written.

        Lower case and normal form C make letters of letters and marks of marks, so the same runs are found in the
        text before both.
        """
        pattern = _TOKENS if self.pretokenised else _ASCII_WORDS if text.isascii() else _WORDS
        return [match.span() for match in pattern.finditer(text)]

    def to_dict(self) -> dict[str, Any]:
        """The settings as plain values, for a manifest."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Tokeniser:
        """A tokeniser from plain values; raises UsageError for a key that is not a setting."""
        known = [field.name for field in fields(cls)]
        unknown = sorted(set(values) - set(known))
        if unknown:
            raise UsageError(f"unknown setting {unknown[0]!r}", where="tokeniser", next=f"Known: {', '.join(known)}.")
        return cls(**values)


def _words(text: str) -> list[str]:
    if text.isascii():
        return _ASCII_WORDS.findall(text)
    # After lower-casing, as J with a caron has no single code point and its small letter has one.
    words: list[str] = _WORDS.findall(unicodedata.normalize("NFC", text))
    return words
