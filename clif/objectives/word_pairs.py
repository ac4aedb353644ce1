"""Pairs of words, such as he and she, which stand on either side of what a test compares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from clif.errors import InputError, UsageError
from clif.storage.toml_file import read_toml

DEFAULT = Path(__file__).parent / "pairs" / "gender.toml"
KEYS = {"name", "source", "language", "pairs", "one_way"}


@dataclass(frozen=True)
class WordPairs:
    """Pairs in lower case, the partner of each word, and where they come from."""

    name: str
    source: str
    pairs: tuple[tuple[str, str], ...]
    partner: Mapping[str, str]

    @classmethod
    def read(cls, path: Path | None = None, option: str = "--pairs") -> WordPairs:
        """From a TOML file with `name`, `pairs` and perhaps `one_way` and `source`; gendered English words for None.

        Both are arrays of [word, other word]: of a pair each becomes the other, of `one_way` only the first becomes
        the second. No word may be the first in two ways. `option` is what errors name.

        Raises
        ------
        InputError
            The file cannot be read.
        UsageError
            It does not hold such pairs.

        """
        path = path or DEFAULT
        try:
            values = read_toml(path)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise InputError(
                f"cannot be read: {reason}", where=str(path), next='Give a TOML file with pairs = [["he", "she"], ...].'
            ) from error
        where = f"{option} {path}"
        unknown = sorted(set(values) - KEYS)
        pairs, one_way = _pairs(values, "pairs", where), _pairs(values, "one_way", where)
        if unknown or not pairs + one_way:
            raise _wrong(f"unknown key {unknown[0]!r}" if unknown else "holds no pairs", where)
        partner: dict[str, str] = {}
        for word, other in [*pairs, *((b, a) for a, b in pairs), *one_way]:
            if partner.setdefault(word, other) != other or word == other:
                raise _wrong(f"{word!r} has the partners {partner[word]!r} and {other!r}", where)
        return cls(str(values.get("name", path.stem)), str(values.get("source", "")), tuple(pairs), partner)


def _pairs(values: Mapping[str, object], key: str, where: str) -> list[tuple[str, str]]:
    given = values.get(key, [])
    good = isinstance(given, Sequence) and all(
        isinstance(pair, Sequence)
        and not isinstance(pair, str)
        and len(pair) == 2
        and all(isinstance(word, str) and word and len(word.split()) == 1 for word in pair)
        for pair in given
    )
    if not good or not isinstance(given, Sequence):
        raise _wrong(f"{key} is not an array of two words each", where)
    return [(first.lower(), second.lower()) for first, second in given]


def _wrong(what: str, where: str) -> UsageError:
    return UsageError(
        what,
        where=where,
        next='Write pairs = [["he", "she"], ...], and one_way = [["him", "her"]] if need be.',
    )
