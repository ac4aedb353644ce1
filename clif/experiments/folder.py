"""The folder of an experiment: pieces of work that are done, and the outcome."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from clif import __version__
from clif.errors import MismatchError
from clif.experiments.outcome import Outcome, Rows
from clif.manifest import store_result
from clif.storage.cells import inert
from clif.storage.files import read_json, whole_file, write_json, write_marked
from clif.storage.holding import held
from clif.storage.leftovers import sweep

RECIPE = "settings.json"
_VALUE = "value"
_AGAIN = "Remove it, and run the same command again: that piece is computed anew."


@dataclass(frozen=True)
class Pieces:
    """Pieces of an experiment: each is computed once and kept in a file of its own, whole or not at all."""

    folder: Path

    @classmethod
    @contextmanager
    def open(cls, folder: Path, name: str, settings: Any, *, force: bool = False) -> Iterator[Pieces]:
        """Hold the folder of an experiment with these settings.

        Raises
        ------
        MismatchError
            It holds another experiment, or one with other settings, and `force` is not set.
        InputError
            Another process works there, or it cannot be written to.

        """
        recipe = {"experiment": name, "clif": __version__, "settings": asdict(settings)}
        home = folder / "pieces"
        with held(home / ".lock", "doing an experiment in this folder", folder, "name another folder by --out."):
            sweep(folder, below=True)
            _agree(home, recipe, force)
            yield cls(home)

    def get(self, name: str, compute: Callable[[], Any]) -> Any:
        """The piece of this name, computed if it is not there yet; what JSON can hold, as JSON gives it back."""
        path = self.folder / f"{name}.json"
        if not path.exists():
            found = compute()
            write_json(path, found if isinstance(found, Mapping) else {_VALUE: found})  # an object, to be sealed
        value = read_json(path, _AGAIN)
        return value[_VALUE] if set(value) == {_VALUE} else value

    def has(self, name: str) -> bool:
        """Whether a piece is there already."""
        return (self.folder / f"{name}.json").exists()


def _agree(home: Path, recipe: dict[str, Any], force: bool) -> None:
    path = home / RECIPE
    if path.exists():
        kept = read_json(path, "Remove the folder, and run the experiment again.")
        write_json(home / ".asked.json", recipe)  # numbers and lists as JSON has them
        asked = read_json(home / ".asked.json", _AGAIN)
        (home / ".asked.json").unlink()
        if kept == asked:
            return
        if not force:
            raise MismatchError(
                f"this folder holds the experiment {kept.get('experiment')!r} with other settings",
                where=str(home.parent),
                next="Name another folder by --out, or begin anew with --force.",
            )
        for other in home.glob("*.json"):
            other.unlink()
        for folder in (each for each in home.iterdir() if each.is_dir()):
            shutil.rmtree(folder)
    write_json(path, recipe)


def write_outcome(folder: Path, name: str, settings: Any, outcome: Outcome) -> None:
    """Write tables and pictures, then the result: it is there when all is."""
    for table, rows in outcome.tables.items():
        _write_table(folder / f"{table}.csv", rows)
    for picture, svg in outcome.pictures.items():
        write_marked(folder / f"{picture}.svg", svg)
    store_result(folder, result_of(name, settings, outcome), [f"{table}.csv" for table in outcome.tables])


def result_of(name: str, settings: Any, outcome: Outcome) -> dict[str, Any]:
    """What result.json and --json hold."""
    return {
        "experiment": name,
        "clif": __version__,
        "settings": asdict(settings),
        "claims": [claim.to_dict() for claim in outcome.claims],
        "figures": outcome.figures,
    }


def _write_table(path: Path, rows: Rows) -> None:
    with whole_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]) if rows else [], lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: inert(value) for name, value in row.items()} for row in rows)
