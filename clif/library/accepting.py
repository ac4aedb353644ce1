"""What the functions of the library take for a run, a test and an option."""

from __future__ import annotations

import difflib
import inspect
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Protocol

from clif.errors import UsageError
from clif.objectives import BiasTest
from clif.ranking import Ranking
from clif.ranking.stored import mark_newest
from clif.run import Run, open_trained

Test = str | os.PathLike[str] | BiasTest | Mapping[str, Any]


class HasRun(Protocol):
    """A model of the library."""

    @property
    def run(self) -> Run:
        """Its run."""


AnyRun = HasRun | Run | str | os.PathLike[str]


def run_of(given: AnyRun) -> Run:
    """The run of a model, or in a folder.

    Raises
    ------
    InputError
        The folder holds no run.
    UsageError
        It is none of these.

    """
    if isinstance(given, Run):
        return given
    if isinstance(given, str | os.PathLike):
        return open_trained(Path(given))
    run = getattr(given, "run", None)
    if isinstance(run, Run):
        return run
    raise UsageError(
        f"a model cannot be of type {type(given).__name__}",
        where="clif",
        next="Give what clif.train or clif.load_model returned, or the path of a run.",
    )


def test_of(given: Test | None) -> str | BiasTest | None:
    """A test by name, by the path of its file, as itself, or as a mapping with the keys of such a file."""
    if isinstance(given, Mapping):
        return BiasTest.from_dict(given)
    return os.fspath(given) if isinstance(given, os.PathLike) else given


def tests_of(given: Test | Sequence[Test]) -> list[str | BiasTest]:
    """One test or several."""
    several = [given] if isinstance(given, str | os.PathLike | BiasTest | Mapping) else given
    return [test for each in several if (test := test_of(each)) is not None]


def question_of(given: Test | Ranking | None) -> tuple[str | BiasTest | None, dict[str, Any]]:
    """A test, and of a ranking what it was made by: it becomes the newest again, from which later steps take the rest.

    Raises UsageError for a list of contexts or of pairs of words, which nothing can be done with.
    """
    if not isinstance(given, Ranking):
        return test_of(given), {}
    unit = given.about["unit"]
    if unit not in ("document", "sentence"):
        raise UsageError(
            f"a list of {unit}s cannot be acted on",
            where=str(given.path),
            next="Rank documents or sentences, and give that ranking.",
        )
    mark_newest(given.path)
    about = given.about
    asked = {"method": about["method"], "measure": about["measure"], "damping": about["asked_damping"]}
    return given.test, {**asked, **({"unit": unit} if unit != "document" else {})}


def check_options(function: str, options: Iterable[str], known: Iterable[str]) -> None:
    """Raise TypeError, as Python does, for an option that the function does not have; it names the nearest."""
    known = list(known)
    for name in options:
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(known)}"
            raise TypeError(f"{function}() has no option {name!r}; {hint}")


def fields_of(kind: type[Any]) -> list[str]:
    """Options that are the fields of a settings class."""
    return [field.name for field in fields(kind) if field.init]


def keywords_of(function: Callable[..., Any]) -> list[str]:
    """Options that are keywords of a function, but progress."""
    parameters = inspect.signature(function).parameters.values()
    return [each.name for each in parameters if each.kind is each.KEYWORD_ONLY and each.name != "progress"]
