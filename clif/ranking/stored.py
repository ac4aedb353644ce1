"""Ranked lists as a run keeps them: a table, and a JSON file beside it that says what it is."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from clif.checks import as_stored, check_keys
from clif.errors import InputError
from clif.manifest import file_sha256
from clif.objectives import BiasTest
from clif.ranking.files import read_table, write_ranking
from clif.ranking.lists import Ranking, warnings_of
from clif.run import Run
from clif.storage.files import read_json, write_json

AGAIN = "Remove it, and rank again."
_LATER = 1_000  # nanoseconds: what file systems tell apart
# Of what a ranking says of itself, that which is relied on.
KINDS: dict[str, type | tuple[type, ...]] = {
    "unit": str, "test": str, "method": str, "measure": str, "definition": dict, "value": (int, float),
    "bound": (int, float, type(None)),
}  # fmt: skip


def newest_ranking(run: Run, test: BiasTest | None = None) -> Ranking | None:
    """The stored ranking of documents (for `test`, if given) that was made or used last; None if there is none.

    Rankings of another model do not count, nor those for half of a test.
    """
    for path, about in _stored(run):
        if test is None or BiasTest.from_dict(about["definition"]) == test:
            return _open(path, about)
    return None


def stored_rankings(run: Run) -> list[tuple[Path, dict[str, Any]]]:
    """Where the stored rankings of documents are, and what they say of themselves, by name."""
    return sorted(_stored(run), key=lambda one: one[0].name)


def _stored(run: Run) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Whole rankings of documents by this model, the newest first."""
    paths = sorted(run.rankings.glob("*.json"), key=lambda path: (path.stat().st_mtime_ns, path.name))
    for path in reversed(paths):
        about, table = _read_about(path), path.with_suffix(".csv")
        whole = about.get("unit") == "document" and not about.get("half") and table.is_file()
        if whole and about.get("identity") == run.identity:
            yield table, about


def find_stored(path: Path, mark: str) -> Ranking | None:
    """The list stored at `path`, if it was made by the recipe `mark`; raises InputError if it was changed since."""
    side = path.with_suffix(".json")
    if not (side.is_file() and path.is_file()):
        return None
    about = _read_about(side)
    return _open(path, about) if about.get("recipe") == mark else None


def mark_newest(path: Path) -> None:
    """Make the ranking at `path` the one from which later steps take what they are not told.

    Also if the clock was put back. A run that is shared may not be ours to touch: then it stays as it is.
    """
    side = path.with_suffix(".json")
    with contextlib.suppress(OSError):
        others = [other.stat().st_mtime_ns for other in side.parent.glob("*.json") if other != side]
        now = max([time.time_ns(), *(moment + _LATER for moment in others)])
        os.utime(side, ns=(now, now))


def store(ranking: Ranking) -> None:
    """Write a list and what it is; it is stored when both files are, without the second it is nobody's."""
    path = ranking.path
    path.with_suffix(".json").unlink(missing_ok=True)
    write_ranking(ranking, path)
    ranking.about["sha256"] = file_sha256(path)
    write_json(path.with_suffix(".json"), ranking.about)
    mark_newest(path)


def _read_about(path: Path) -> dict[str, Any]:
    about = check_keys(read_json(path, AGAIN), KINDS, path, AGAIN)
    with as_stored(path, AGAIN):
        BiasTest.from_dict(about["definition"])
        warnings_of(about)
    return about


def _open(path: Path, about: dict[str, Any]) -> Ranking:
    if file_sha256(path) != about.get("sha256"):
        raise InputError("is not the list that was stored here", where=str(path), next=AGAIN)
    frame = read_table(path, "input" if about["unit"] == "pair" else "doc_id")
    columns = {name: frame[name].to_numpy() for name in frame.columns}
    ranking = Ranking(about, columns, path, reused=True, warnings=tuple(warnings_of(about)))
    with as_stored(path, AGAIN):
        numbers = [columns[name] for name in ("rank", "influence", "stderr")]
        if not all(column.dtype.kind in "iuf" for column in numbers):
            raise TypeError("a column of numbers holds something else")
        _ = ranking.models, ranking.sure
    return ranking
