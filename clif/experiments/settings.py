"""Settings of an experiment: the defaults of its dataclass, a TOML file, and single changes."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from clif.errors import UsageError
from clif.storage.toml_file import parse_toml, read_toml

S = TypeVar("S")


def read_settings(kind: type[S], config: Path | None = None, changes: Mapping[str, Any] | Sequence[str] = ()) -> S:
    """Settings of the dataclass `kind`: its defaults, over them those of a TOML file, over them the changes.

    Lists become tuples. A change is a pair, or a text key=value with a value as in TOML; text needs no quotes.

    Raises
    ------
    UsageError
        The file cannot be read, a key is unknown, a value has the wrong type, or the dataclass refuses it.

    """
    values: dict[str, Any] = {}
    if config is not None:
        values.update(_checked(kind, _load(config), str(config)))
    pairs = changes if isinstance(changes, Mapping) else dict(_parse(change) for change in changes)
    values.update(_checked(kind, pairs, "--set"))
    return kind(**values)


def _load(config: Path) -> dict[str, Any]:
    try:
        return read_toml(config)
    except OSError as error:
        raise UsageError(
            f"cannot be read: {error.strerror or error}", where=str(config), next="Name a TOML file by --config."
        ) from error
    except ValueError as error:
        raise UsageError(f"is not TOML: {error}", where=str(config), next="Mend the line that is named.") from error


def _parse(change: str) -> tuple[str, Any]:
    key, equals, text = change.partition("=")
    if not equals:
        raise UsageError(
            f"{change!r} is no setting", where="--set", next="Write it as key=value, for instance seeds=3."
        )
    try:
        return key.strip(), parse_toml(f"value = {text}")["value"]
    except ValueError:
        return key.strip(), text.strip()


def _checked(kind: type[Any], values: Mapping[str, Any], where: str) -> dict[str, Any]:
    defaults = {each.name: each.default for each in fields(kind)}
    checked = {}
    for key, given in values.items():
        if key not in defaults:
            close = difflib.get_close_matches(key, defaults, 1)
            hint = f"Did you mean {close[0]!r}? " if close else ""
            raise UsageError(f"unknown setting {key!r}", where=where, next=f"{hint}Known: {', '.join(defaults)}.")
        value = tuple(given) if isinstance(given, list) else given
        if not _fits(value, defaults[key]):
            raise UsageError(
                f"{key} cannot be {given!r}", where=where, next=f"Give a value like the default, {defaults[key]!r}."
            )
        checked[key] = float(given) if isinstance(defaults[key], float) else value
    return checked


def _fits(value: Any, default: Any) -> bool:
    """Whether a value has the type of the default: whole numbers will do as floats, and one type fills a list."""
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(value, bool) and isinstance(default, bool)
    if isinstance(default, float):
        return isinstance(value, int | float)
    if isinstance(default, tuple):
        return isinstance(value, tuple) and all(_fits(each, default[0]) for each in value) if default else True
    return isinstance(value, type(default))
