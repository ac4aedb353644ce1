"""Bias tests: sets of target words and of attribute words; packaged, or of one's own.

A test of one's own is a TOML file with `name`, `X`, `Y`, `A`, `B` (arrays of words) and optionally
`labels` (a table from X, Y, A, B to what the set stands for), `language` and `source`; and `kind`, which says how the
bias is measured, "weat" unless given. Kinds differ in the sets that they need (see `clif.objectives.kinds`); some have
numbers of their own, which go into a table `options`.
"""

from __future__ import annotations

import difflib
import os
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

from clif.errors import UsageError
from clif.objectives.kinds import KINDS, WEAT_KIND, Kind, find_kind
from clif.storage.toml_file import read_toml

SETS = ("X", "Y", "A", "B")
PACKAGED = (*(f"weat{number}" for number in range(1, 11)), "gender-career", "gender-science", "gender-math")
# Tests in other languages (WEATHub, Mukherjee et al. 2023), by language.
LANGUAGES: Mapping[str, tuple[str, ...]] = {
    language: tuple(f"weathub{number}-{language}" for number in (6, 7, 8)) for language in ("de", "it")
}
# Packaged too: tests of other kinds than WEAT, and in other languages.
OTHERS = ("direct-career", "ripa-career", *(name for names in LANGUAGES.values() for name in names))
GROUPS: Mapping[str, tuple[str, ...]] = {
    "weat": PACKAGED,
    **{f"weathub-{language}": names for language, names in LANGUAGES.items()},
}

_WORDSETS = Path(__file__).with_name("wordsets")
LONGEST_NAME = 100
_KEYS = ("name", *SETS, "labels", "language", "source", "kind", "options")
_SCHEMA = (
    'A test needs name = "..." and X, Y, A, B as arrays of words; labels, language, source and kind are optional. '
    "Kinds need different sets: see clif audit --list."
)


@dataclass(frozen=True)
class BiasTest:
    """Target words X and Y held against attribute words A and B; positive bias: X with A, Y with B.

    `labels` says what each set stands for and defaults to the letter. No word may stand in two sets. `kind` says how
    the bias is measured; kinds without a second set of targets have an empty Y. `options` are numbers that
    some kinds take.

    Raises
    ------
    UsageError
        A set has fewer words than its kind needs (two, for WEAT), or should not be there, a word is empty, repeated, or
        in two sets, or the name cannot be part of a file name. Kinds of plug-ins are checked where a test is put to
        use: what is stored of a test can be read without them.

    """

    name: str
    X: tuple[str, ...]
    Y: tuple[str, ...] = ()
    A: tuple[str, ...] = ()
    B: tuple[str, ...] = ()
    labels: dict[str, str] = field(default_factory=dict, hash=False)
    language: str = "en"
    source: str = ""
    kind: str = WEAT_KIND
    options: dict[str, float] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        for key, words in self.sets.items():
            object.__setattr__(self, key, tuple(unicodedata.normalize("NFC", word) for word in words))
        object.__setattr__(self, "labels", {key: self.labels.get(key, key) for key in SETS})
        self._check_name()
        if self.kind in KINDS:
            self.check(KINDS[self.kind])
        for key, words in self.sets.items():
            self._check_words(key, words)
        for (key, words), (other, others) in combinations(self.sets.items(), 2):
            if both := sorted(set(words) & set(others)):
                self._fail(
                    f"{_quoted(both)} {'stands' if len(both) == 1 else 'stand'} in both {key} and {other}",
                    "Keep each word in one set: a word in two sets pulls against itself.",
                )

    @property
    def sets(self) -> dict[str, tuple[str, ...]]:
        """Words by set, in the order X, Y, A, B."""
        return {"X": self.X, "Y": self.Y, "A": self.A, "B": self.B}

    def to_dict(self) -> dict[str, Any]:
        """The test as plain values, under the keys of its TOML file; kind and options where they are not WEAT's."""
        sets = {key: list(words) for key, words in self.sets.items()}
        about: dict[str, Any] = {"labels": dict(self.labels), "language": self.language, "source": self.source}
        if self.kind != WEAT_KIND:
            about["kind"] = self.kind
        if self.options:
            about["options"] = dict(self.options)
        return {"name": self.name, **sets, **about}

    def check(self, kind: Kind) -> None:
        """Raise UsageError if the test does not have the sets and options of its kind."""
        for key, words in self.sets.items():
            least = kind.least.get(key, 0)
            if words and key not in kind.least and key not in kind.optional:
                self._fail(
                    f"a test of kind {kind.name!r} has no set {key}", f"Leave out {key}, or choose another kind."
                )
            if len(words) < least:
                small = "." if kind.small else "; a test is covered from 4 words a set on."
                self._fail(
                    f"set {key} has {len(words)} word{'s' * (len(words) != 1)}, at least {least} "
                    f"{'is' if least == 1 else 'are'} needed",
                    f"Add words{small}",
                )
        if kind.paired and len(self.A) != len(self.B):
            self._fail(
                f"A has {len(self.A)} words and B {len(self.B)}, but for kind {kind.name!r} they are pairs",
                "Give for each word of A its partner, in the same place of B.",
            )
        if unknown := sorted(set(self.options) - set(kind.options)):
            known = ", ".join(kind.options) or "none"
            self._fail(f"kind {kind.name!r} has no option {_quoted(unknown)}", f"Options of this kind: {known}.")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> BiasTest:
        """The test of `to_dict`, or of `plugins.definition`; raises UsageError for other keys, types or words."""
        if not isinstance(values, Mapping):
            raise UsageError("is no test", where="a stored test", next=_SCHEMA)
        # Results name the package that brought a plug-in, too: the test is the same without.
        values = {key: value for key, value in values.items() if key != "plugin"}
        _check_types(values, "a stored test")
        if "name" not in values:
            raise UsageError("missing 'name'", where="a stored test", next=_SCHEMA)
        parts: dict[str, Any] = {key: tuple(value) if key in SETS else value for key, value in values.items()}
        return cls(**parts)

    @classmethod
    def from_toml(cls, path: str | os.PathLike[str]) -> BiasTest:
        """Read a test from a TOML file; raises UsageError for a missing file, wrong keys, types or words."""
        where = os.fspath(path)
        values = _parse(where)
        try:
            kind = find_kind(str(values.get("kind", WEAT_KIND)))
            _check_keys(values, where, kind)
            test = cls(**values)
            test.check(kind)
        except UsageError as error:
            raise UsageError(error.what, where=where, next=error.next) from None
        return test

    def _check_name(self) -> None:
        # Rankings are stored under the name of their test.
        if len(self.name.encode()) > LONGEST_NAME:
            self._fail(f"the name has more than {LONGEST_NAME} bytes", "Give the test a shorter name.")
        if not self.name.strip() or not self.name.isprintable() or set(self.name) & set("/\\"):
            self._fail(
                f"the name {self.name!r} cannot be part of a file name",
                "Name the test with letters, digits and hyphens, as in 'gender-career'.",
            )

    def _check_words(self, key: str, words: tuple[str, ...]) -> None:
        for position, word in enumerate(words):
            if not word or word != word.strip():
                self._fail(
                    f"set {key} holds {word!r}, which is empty or has blanks around it",
                    "Give each word without surrounding blanks.",
                )
            if word in words[:position]:
                self._fail(f"{word!r} stands twice in set {key}", "Remove the repetition.")

    def _fail(self, what: str, next_: str) -> None:
        raise UsageError(what, where=f"test {self.name!r}", next=next_)


def load_tests(names: Sequence[str]) -> list[BiasTest]:
    """Tests by name, in the order asked for: packaged ones, groups of them ("weat"), paths of TOML files, plug-ins.

    A plug-in's name stands for the test that it brings. A test that is asked for twice comes once.

    Raises
    ------
    UsageError
        A name is unknown, a file is missing or wrong, or two different tests share a name.

    """
    tests: dict[str, BiasTest] = {}
    for name in names:
        for member in GROUPS.get(name.lower(), (name,)):
            test = _load(member)
            if tests.setdefault(test.name, test) != test:
                raise UsageError(
                    f"two different tests are named {test.name!r}",
                    where=f"--test {name}",
                    next="Give the test of your own another name in its file.",
                )
    return list(tests.values())


def _load(name: str) -> BiasTest:
    if name.lower() in (*PACKAGED, *OTHERS):
        return BiasTest.from_toml(_WORDSETS / f"{name.lower()}.toml")
    # os.path answers False where pathlib raises, as for a name too long to be a path.
    if name.endswith(".toml") or (os.path.exists(name) and not os.path.isdir(name)):
        return BiasTest.from_toml(name)
    from clif.objectives.plugins import own_test  # which knows how tests are read

    if test := own_test(name):
        return test
    known = (*GROUPS, *PACKAGED, *OTHERS)
    raise UsageError(
        f"unknown test {name!r}",
        where="--test",
        next=f"{_closest(name.lower(), known)}Known tests: {', '.join(known)}. "
        "A test of your own is given by the path of its TOML file.",
    )


def _parse(where: str) -> dict[str, Any]:
    try:
        return read_toml(Path(where))
    except FileNotFoundError:
        raise UsageError("no such file", where=where, next=f"Check the path. {_SCHEMA}") from None
    except OSError as error:
        raise UsageError(
            f"cannot be read: {error.strerror}", where=where, next="Give the path of a readable TOML file."
        ) from None
    except ValueError as error:
        raise UsageError(f"not valid TOML: {error}", where=where, next=_SCHEMA) from None


def _check_keys(values: Mapping[str, Any], where: str, kind: Kind) -> None:
    _check_types(values, where)
    if missing := [key for key in ("name", *kind.least) if key not in values]:
        raise UsageError(f"missing {_quoted(missing)}", where=where, next=_SCHEMA)


def _check_types(values: Mapping[str, Any], where: str) -> None:
    for key, value in values.items():
        if key not in _KEYS:
            raise UsageError(f"unknown key {key!r}", where=where, next=f"{_closest(str(key), _KEYS)}{_SCHEMA}")
        if key in SETS:
            fits = isinstance(value, list | tuple) and all(isinstance(word, str) for word in value)
            wanted = "an array of strings"
        elif key == "labels":
            fits = isinstance(value, dict) and all(k in SETS and isinstance(v, str) for k, v in value.items())
            wanted = "a table of strings with the keys X, Y, A, B"
        elif key == "options":
            fits = isinstance(value, dict) and all(type(v) in (int, float) for v in value.values())
            wanted = "a table of numbers"
        else:
            fits, wanted = isinstance(value, str), "a string"
        if not fits:
            raise UsageError(f"{key} must be {wanted}, got {value!r:.60}", where=where, next=_SCHEMA)


def _closest(name: str, known: Sequence[str]) -> str:
    match = difflib.get_close_matches(name, known, n=1)
    return f"Did you mean {match[0]!r}? " if match else ""


def _quoted(words: Sequence[str]) -> str:
    return ", ".join(repr(word) for word in words)
