"""Kinds of bias tests that other installed packages bring.

A package offers a kind under the entry point group `clif.objectives`:

    [project.entry-points."clif.objectives"]
    mykind = "mypackage:KIND"

where KIND is a `clif.objectives.Kind`. Its name is that of the entry point, and its `make` takes a `Coverage` and gives
a `BiasObjective`; how to write one without deriving anything by hand is shown by `TorchObjective`. A test asks for it
with kind = "mykind"; a plug-in that brings a test of its own (Kind.test) is also asked for by --test mykind.
A plug-in is imported only when a test names it. It is then probed once, with vectors drawn at random: shapes must fit,
and gradients agree with finite differences, as a wrong gradient would show nowhere else.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache, partial
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import numpy as np

from clif.errors import ClifError, InputError, UsageError
from clif.objectives.bias_tests import BiasTest
from clif.objectives.coverage import Coverage, uncovered_error
from clif.objectives.kinds import KINDS, Kind
from clif.objectives.probing import probe

GROUP = "clif.objectives"


@dataclass(frozen=True)
class PlugIn:
    """An installed plug-in, not imported: its name, the package and the version that brings it."""

    name: str
    package: str
    version: str
    entry: EntryPoint

    def to_dict(self) -> dict[str, str]:
        """What a list of plug-ins says of it."""
        return {"kind": self.name, "package": self.package, "version": self.version}

    def __str__(self) -> str:
        return f"{self.name!r} of {self.package} {self.version}"


def definition(test: BiasTest) -> dict[str, Any]:
    """What a test is, for the names of stored results: its words and, where it is a plug-in's, which version's."""
    brought = [] if test.kind in KINDS else [str(each) for each in installed() if each.name == test.kind]
    return {**test.to_dict(), **({"plugin": brought} if brought else {})}


def installed() -> list[PlugIn]:
    """The plug-ins that are installed, by name; none is imported."""
    found = []
    for entry in entry_points(group=GROUP):
        package, version = (entry.dist.name, entry.dist.version) if entry.dist else ("?", "?")
        found.append(PlugIn(entry.name, package, version, entry))
    return sorted(found, key=lambda each: (each.name, each.package))


def load_kind(name: str) -> Kind:
    """The kind of an installed plug-in, imported now.

    Raises
    ------
    UsageError
        No plug-in has that name.
    InputError
        Several have, or it cannot be imported or is no Kind.

    """
    mine = [each for each in installed() if each.name == name]
    if not mine:
        others = ", ".join(dict.fromkeys(each.name for each in installed())) or "none"
        raise UsageError(
            f"unknown kind of test {name!r}",
            where="kind",
            next=f"Kinds: {', '.join(KINDS)}. Installed plug-ins: {others}.",
        )
    if len(mine) > 1:
        packages = " and ".join(f"{each.package} {each.version}" for each in mine)
        raise InputError(f"{packages} both bring it", where=f"plug-in {name!r}", next="Uninstall one of them.")
    return _load(mine[0])


def own_test(name: str) -> BiasTest | None:
    """The test that a plug-in of that name brings; None if there is no such plug-in.

    Raises
    ------
    UsageError
        The plug-in brings no test, or one that does not fit.
    InputError
        As `load_kind`.

    """
    if name in KINDS or not any(each.name == name for each in installed()):
        return None
    kind = load_kind(name)
    test = kind.test
    if test is None:
        raise UsageError(
            "this plug-in brings no test of its own",
            where=f"--test {name}",
            next=f'Write one: a TOML file with kind = "{name}" and its sets.',
        )
    if not isinstance(test, BiasTest):
        test = BiasTest.from_toml(test)
    if test.kind != name:
        raise UsageError(
            f"the test that this plug-in brings is of kind {test.kind!r}",
            where=f"--test {name}",
            next="Tell its authors: it must be of the plug-in's own kind.",
        )
    test.check(kind)
    return test


@cache
def _load(plug_in: PlugIn) -> Kind:
    with _blamed(plug_in, "cannot be imported"):
        found = plug_in.entry.load()
    if not isinstance(found, Kind):
        what = f"the class {found.__name__!r}" if isinstance(found, type) else repr(type(found).__name__)
        raise _faulty(plug_in, f"gives {what}, not a clif.objectives.Kind")
    if not found.measures:
        raise _faulty(plug_in, "names no measures")
    measures: Any = found.measures
    if isinstance(measures, str):
        raise _faulty(plug_in, f"gives {measures!r} as its measures, not a tuple: ({measures!r},)")
    if not isinstance(found.test, BiasTest | str | os.PathLike | None):
        raise _faulty(plug_in, f"brings {type(found.test).__name__!r} as its test, not a BiasTest or a path")
    return replace(found, name=plug_in.name, make=partial(_make, plug_in, found))


def _make(plug_in: PlugIn, kind: Kind, coverage: Coverage) -> Any:
    """What the plug-in makes of the words, once it has been found to be an objective."""
    if coverage.reason is not None:
        raise uncovered_error([coverage], where=f"kind {plug_in.name!r}")
    with _blamed(plug_in, "cannot make an objective"):
        made = kind.make(coverage)
    with _blamed(plug_in, "fails when it is tried out"):
        if fault := probe(made, kind, coverage):
            raise _faulty(plug_in, fault)
    return _Watched(made, plug_in)


class _Watched:
    """An objective of a plug-in: what fails when it is put to real vectors is blamed on it, T that is no number too."""

    def __init__(self, made: Any, plug_in: PlugIn) -> None:
        self._made, self._plug_in = made, plug_in

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name in ("_made", "_plug_in"):
            raise AttributeError(name)
        found = getattr(self._made, name)
        if not callable(found):
            return found

        def watched(*args: Any, **options: Any) -> Any:
            with _blamed(self._plug_in, f"fails in {name}"):
                result = found(*args, **options)
                if name != "value":
                    return result
                T = float(result)
            if not np.isfinite(T):
                raise _faulty(self._plug_in, f"gives {T}, not a finite number")
            return T

        return watched


@contextmanager
def _blamed(plug_in: PlugIn, what: str) -> Iterator[None]:
    """Any error inside is the plug-in's, except those that are meant for users."""
    try:
        yield
    except ClifError:
        raise
    except Exception as error:
        text = " ".join(str(error).split())
        raise _faulty(plug_in, f"{what}: {type(error).__name__}{f': {text:.200}' if text else ''}") from error


def _faulty(plug_in: PlugIn, what: str) -> InputError:
    return InputError(
        what, where=f"plug-in {plug_in}", next="Mend or uninstall it, or use a test of another kind: clif audit --list."
    )
