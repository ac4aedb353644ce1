"""A document, and the options that say how documents are read from files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from clif.errors import UsageError

FORMATS = ("auto", "jsonl", "text", "csv", "tsv", "parquet", "wnc")
SPLITS = ("line", "file", "blank")
SIDES = ("biased", "neutral")

Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Document:
    """One item of a corpus: the unit that is ranked, removed, repeated.

    `place` is where it stands, for messages: "speeches.jsonl:17" (line), "table.parquet:row 5",
    "folder/a.txt". `record` is what is needed to write it back in its own format (the raw line, the row).
    `metadata` is what else is known of it, by field.
    """

    doc_id: str
    text: str
    place: str = ""
    record: Any = None
    metadata: Mapping[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True)
class ReadOptions:
    """How files become documents; what is not given is guessed from the file.

    format      auto (by file name, then by content), jsonl, text, csv, tsv, parquet, or wnc: the Wikipedia
                Neutrality Corpus, tab-separated columns without a header (revision, source tokens, target
                tokens, ...) or any table that has a column for each side
    text_field  name of the field, key or column that holds the text
    id_field    that of the id; the empty string numbers documents by their position even if there are ids
    split       plain text: a document is a "line", a "file", or lines between "blank" ones; None: a line,
                but a file for the files of a folder
    side        of a Wikipedia Neutrality Corpus: "biased" (before the edit) or "neutral" (after it); None
                with format wnc: biased
    encoding    of text files

    Raises
    ------
    UsageError
        A value is unknown, or two options contradict each other.

    """

    format: str = "auto"
    text_field: str | None = None
    id_field: str | None = None
    split: str | None = None
    side: str | None = None
    encoding: str = "utf-8"

    def __post_init__(self) -> None:
        for option in fields(self):
            value = getattr(self, option.name)
            if not isinstance(value, str) and not (value is None and option.default is None):
                raise _wrong(option.name, value, "Give a string.")
        for name, known in (("format", FORMATS), ("split", SPLITS), ("side", SIDES)):
            value = getattr(self, name)
            if value is not None and value not in known:
                raise _wrong(name, value, f"Choose one of: {', '.join(known)}.")
        if self.text_field == "":
            raise _wrong("text_field", "", "Name the field that holds the text.")
        if not _is_text_encoding(self.encoding):
            raise _wrong("encoding", self.encoding, "For example utf-8, latin-1, cp1252 or utf-16.")
        if self.side and self.text_field:
            raise _clash("text_field", "side", "A side is a column: give one of the two.")
        if self.format == "wnc" and self.text_field:
            raise _clash("text_field", "format", "Choose the column of this corpus with --side.")
        if self.side and self.format == "text":
            raise _clash("format", "side", "Plain text has no sides: leave one of the two out.")
        if self.split and self.format not in ("auto", "text"):
            raise _clash("format", "split", f"Only plain text is split, not {self.format}: leave one out.")

    def to_dict(self) -> dict[str, Any]:
        """The options as plain values, for a manifest."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ReadOptions:
        """Options from plain values; raises UsageError for a key that is not an option."""
        known = [option.name for option in fields(cls)]
        unknown = sorted(set(values) - set(known))
        if unknown:
            raise UsageError(
                f"unknown option {unknown[0]!r}", where="reading a corpus", next=f"Known: {', '.join(known)}."
            )
        return cls(**values)


def whole_characters(text: str) -> str:
    """Halves of surrogate pairs, which JSON can escape but no file can hold, as U+FFFD."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _is_text_encoding(name: str) -> bool:
    try:
        # Python also has codecs from bytes to bytes, such as hex; str.encode refuses them.
        " ".encode(name)
    except (LookupError, ValueError):
        return False
    return True


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _wrong(name: str, value: object, next_step: str) -> UsageError:
    article = "an" if name[0] in "aeiou" else "a"
    return UsageError(
        f"{value!r} is not {article} {name.replace('_', ' ')}",
        where=_flag(name),
        next=next_step,
    )


def _clash(first: str, second: str, next_step: str) -> UsageError:
    return UsageError(f"{_flag(first)} and {_flag(second)} do not go together", where=_flag(second), next=next_step)
