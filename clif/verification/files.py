"""What a verification leaves in its folder: result.json, sets.csv for a table, scatter.svg for a look."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from clif.manifest import store_result
from clif.storage.cells import inert
from clif.storage.files import whole_file
from clif.verification.picture import draw

SETS = "sets.csv"
COLUMNS = (
    "test", "method", "kind", "asked", "size", "documents", "tokens", "set", "seed", "predicted", "realised", "stderr",
    "half_width",
)  # fmt: skip


def write_result(folder: Path, values: Mapping[str, Any]) -> None:
    """Write table and pictures, then the result: it is there when all is."""
    with whole_file(folder / SETS) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows([inert(row[name]) for name in COLUMNS] for row in rows_of(values))
    about = f"{values['method']}: change of the {values['measure'].replace('_', ' ')} without each set"
    for test, found in tests_of(values):
        name = "scatter.svg" if test == values["test"] else f"scatter.{test}.svg"
        with whole_file(folder / name) as temporary:
            temporary.write_text(draw(found, f"{test}, {about}"), encoding="utf-8")
    store_result(folder, values)


def tests_of(values: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each test with what was found for it, by the method that was asked for first."""
    yield values["test"], values
    yield from values["tests"].items()


def methods_of(found: Mapping[str, Any], first: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each method with its figures for one test; `first` is the one that was asked for first."""
    yield first, found
    yield from found["methods"].items()


def rows_of(values: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """One row a test, method, set and seed; `stderr` and `half_width` are those of the mean over the seeds."""
    for test, by_test in tests_of(values):
        for method, found in methods_of(by_test, values["method"]):
            for one in found["sets"]:
                runs = zip(values["seeds"], one["runs"]["predicted"], one["runs"]["realised"], strict=True)
                for seed, predicted, realised in runs:
                    changes = {"seed": seed, "predicted": predicted, "realised": realised}
                    yield {"test": test, "method": method, **one, **changes}
