"""Which fields of a record hold its text and its id."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clif.corpus.documents import ReadOptions
from clif.errors import InputError

TEXT_FIELDS = ("text", "content", "body", "document", "raw_content", "abstract", "sentence")
ID_FIELDS = ("id", "doc_id", "docid", "document_id", "_id", "uuid", "url")
# Names of the columns of a Wikipedia Neutrality Corpus, tokenised text first.
SIDE_FIELDS = {
    "biased": ("src_tok", "src_tokens", "biased", "src_raw", "src", "text"),
    "neutral": ("tgt_tok", "tgt_tokens", "neutral", "tgt_raw", "tgt"),
}
POSITION = "give --id-field another field, or an empty one to number documents by position"

# A page's address is often an extra that some records have; the other names promise an id.
_PROMISES = frozenset(ID_FIELDS) - {"url"}
_ABSENT = object()


def side_of(options: ReadOptions) -> str | None:
    """Side of a Wikipedia Neutrality Corpus that is read, None for other corpora."""
    return options.side or ("biased" if options.format == "wnc" else None)


@dataclass(frozen=True, slots=True)
class Fields:
    """Names of the fields of a file that hold text and id; `id` None: documents are numbered by position.

    `promises` are fields that no record may have, as the first one had no id.
    """

    text: str
    id: str | None
    promises: frozenset[str] = frozenset()

    @property
    def names(self) -> list[str]:
        """Fields that are needed."""
        return list(dict.fromkeys([self.text, self.id or self.text]))

    @classmethod
    def choose(cls, names: Iterable[str], options: ReadOptions, place: str) -> Fields:
        """Take the fields that the options name, else the first customary ones among `names`.

        Raises
        ------
        InputError
            There is no such field.

        """
        names = list(names)
        side = side_of(options)
        if options.text_field is not None:
            text = _given(options.text_field, names, place, "--text-field")
        else:
            candidates = SIDE_FIELDS[side] if side else TEXT_FIELDS
            guess = _guess(candidates, names)
            if guess is None:
                raise InputError(
                    f"no field for the text among: {_listed(names)}",
                    where=place,
                    next=f"Name it with --text-field; looked for {', '.join(candidates)}.",
                )
            text = guess
        if options.id_field == "":
            return cls(text, None)
        if options.id_field is not None:
            return cls(text, _given(options.id_field, names, place, "--id-field"))
        field = _guess(ID_FIELDS, names)
        return cls(text, field, frozenset() if field else _PROMISES)

    def text_of(self, record: Mapping[str, Any], place: str) -> str:
        """Text of a record; raises InputError if it is missing or not a string."""
        text = record.get(self.text, _ABSENT)
        if isinstance(text, str):
            return text
        if text is _ABSENT:
            raise InputError(
                f"the text field {self.text!r} is missing; there is: {_listed(list(record))}",
                where=place,
                next="Add the field to this record or remove the record, or name another with --text-field.",
            )
        raise InputError(
            f"the text field {self.text!r} is {kind_of(text)}, not a string",
            where=place,
            next="Mend or remove this record, or name another field with --text-field.",
        )

    def id_of(self, record: Mapping[str, Any], place: str, position: str) -> str:
        """Id of a record, `position` if records have none.

        Raises
        ------
        InputError
            The id is missing, empty, or neither a string nor a whole number.

        """
        if self.id is None:
            if self.promises.isdisjoint(record):
                return position
            name = _guess(ID_FIELDS, list(record))
            raise InputError(
                f"this record has an id field {name!r}, earlier ones have none",
                where=place,
                next=f"Give every record an id, or {POSITION}.",
            )
        value = record.get(self.id, _ABSENT)
        if isinstance(value, str) and value:
            return value
        # True is an int to Python, but no id.
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        fault = "missing" if value is _ABSENT else "empty" if value == "" else kind_of(value)
        raise InputError(
            f"the id field {self.id!r} is {fault}",
            where=place,
            next=f"Give this record an id (text or a whole number), or {POSITION}.",
        )


def _given(field: str, names: list[str], place: str, option: str) -> str:
    if field in names:
        return field
    raise InputError(
        f"no field {field!r} among: {_listed(names)}", where=place, next=f"Name one of these with {option}."
    )


def _guess(candidates: Sequence[str], names: list[str]) -> str | None:
    for name in candidates:
        if name in names:
            return name
    # "Text" and "ID" head the columns of many tables.
    lower = {name.lower(): name for name in reversed(names)}
    return next((lower[name] for name in candidates if name in lower), None)


def _listed(names: list[str], most: int = 20) -> str:
    more = f", and {len(names) - most} more" if len(names) > most else ""
    return (", ".join(names[:most]) or "nothing") + more


def kind_of(value: object) -> str:
    """What a value is, in words."""
    kinds = {type(None): "null", bool: "true or false", dict: "an object", list: "a list", bytes: "bytes"}
    kind = next((name for known, name in kinds.items() if isinstance(value, known)), None)
    return kind or (f"the number {value}" if isinstance(value, int | float) else f"of type {type(value).__name__}")
