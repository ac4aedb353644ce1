"""Where sentences end in a text."""

from __future__ import annotations

import re

_MARKS = ".!?…؟۔।॥。！？｡"
_CLOSING = re.escape("\"'”’“‘»«›‹)]}」』）】》〉")  # some languages close with the quotes that others open with
_BLANK_LINE = r"(?<=\n)[^\S\n]*\n"
# Both begin with one set of characters, which Python's re finds fast, and look back to see which of them it was.
# Chinese and Japanese have no space behind a sentence.
_END = re.compile(rf"[{_MARKS}\n](?:{_BLANK_LINE}|(?<=[。！？｡])[{_CLOSING}]*|(?<!\n)[{_CLOSING}]*\s)")
_END_TOKEN = re.compile(rf"[{_MARKS}\n](?:{_BLANK_LINE}|(?<!\n)(?<!\S[{_MARKS}])[{_MARKS}]*[{_CLOSING}]*(?=\s))")


def sentences_of(text: str) -> list[str]:
    """Cut a text at blank lines and at white space behind a mark such as `.`, `!` or `?` and closing quotes.

    What is lost between the parts holds no letters. A single line break ends no sentence: prose may be wrapped.
    """
    return _END.split(text)


def last_end(gap: str) -> int | None:
    """Where the last sentence ends that ends in a text between two words; None if none does."""
    ends = [match.end() for match in _END.finditer(gap)]
    return ends[-1] if ends else None


def token_sentences_of(text: str) -> list[str]:
    """Cut a text of tokens between white space at blank lines and behind a token that is a mark; nothing is lost."""
    ends = [match.end() for match in _END_TOKEN.finditer(text)]
    return [text[start:end] for start, end in zip([0, *ends], [*ends, len(text)], strict=True)]
