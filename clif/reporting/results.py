"""Stored retrainings and verifications, as a run holds them."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from clif.checks import as_stored
from clif.corpus.reading import read_documents
from clif.errors import DAMAGE, ClifError, InputError
from clif.manifest import RESULT, check_file
from clif.objectives import BiasTest
from clif.objectives.kinds import WEAT_KIND
from clif.retraining.edits import AMPLIFY, REMOVE, SENTENCES
from clif.retraining.words import MovedWords, read_words
from clif.run import Run
from clif.showing.telling import edited
from clif.storage.cells import exact
from clif.storage.files import read_json
from clif.storage.inside import moved
from clif.tradeoffs.picture import useful
from clif.tradeoffs.request import POLICIES

SETS = "sets.csv"
_AGAIN = "Remove its folder, and {} again."
# What results of earlier versions lack.
LATER: dict[str, Any] = {
    "until": None, "halves": [], "protected": 0, "predicted_sum": None, "neighbours": {}, "holdout_words": None,
    "ensemble": None, "kind": WEAT_KIND, "unit": "document", "sentences": 0, "weight": None, "swapped_pairs": None,
    "predicted_by": None, "asked": None, "kept": [], "caps": [], "by": [], "near_duplicates": None, "costs": None,
    "adaptive": None, "broad": None, "wider": None,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Retraining:
    """One stored retraining: `values` as in its result.json, its `folder`."""

    values: dict[str, Any]
    folder: Path

    @property
    def test(self) -> str:
        """Name of the test that it was made for; where words were held out, of the whole of it."""
        return str(self.values["test"])

    @property
    def definition(self) -> dict[str, Any] | None:
        """The test, unless half of its words were held out."""
        definitions = self.values.get("definitions") or {}
        return None if definitions.get("held_out") else definitions.get("used")

    @property
    def kept(self) -> list[dict[str, Any]]:
        """The tests that were to stay as they are, as far as the result says how they are defined."""
        return [found for each in self.values["kept"] if (found := each.get("definition"))]

    @property
    def reduces(self) -> bool:
        """Whether the corpus was edited so that the bias shrinks, by all of the words."""
        return self.values["goal"] == "reduce" and not self.values["holdout_words"]

    @property
    def edited(self) -> str:
        """How many documents, or sentences, and what was done to them."""
        return edited(self.values)

    @property
    def sets(self) -> int:
        """Random sets beside the edit."""
        return len(self.values["control_sets"])

    def removed_ids(self, run: Run) -> list[str]:
        """Ids of the removed documents, read from the files that hold them; empty where these are gone or are none.

        Of sentences they are those of their documents, # and the number of the sentence there.
        """
        said_by = self.folder / RESULT
        with as_stored(said_by, _AGAIN.format("retrain")):
            was = self.values["folder"]
            count, size = int(self.values["edited"]), int(self.values["edited_tokens"])
            files = [moved(self.folder, path, was, said_by) for path in self.values["edited_corpus"]["removed"]]
        if not files or not all(path.exists() for path in files):
            return []
        for path in files:
            name = path.relative_to(self.folder).as_posix()
            check_file(self.folder, name, self.values, "Remove its folder, and retrain.")
        number = run.corpus.number
        try:
            found = [document.doc_id for document in read_documents(files, run.read_options)]
        except ClifError:
            return []
        # Ids made of positions are others in a file of the removed documents alone.
        if len(found) != count or not all(document_of(doc_id, number) for doc_id in found):
            return []
        if self.values["edit"] == SENTENCES:
            return found
        tokens = run.corpus.lengths[[number[doc_id] for doc_id in found]].sum()
        return found if tokens == size else []

    def words(self) -> MovedWords | None:
        """Vectors of the test's words before and after, if they were kept."""
        return read_words(self.folder)


def document_of(doc_id: str, number: Mapping[str, int]) -> str | None:
    """The document of the corpus that has this id, or whose sentence has it; None if there is none."""
    if doc_id in number:
        return doc_id
    document, _, sentence = doc_id.rpartition("#")
    return document if document in number and sentence.isdecimal() else None


@dataclass(frozen=True, eq=False)
class Verification:
    """One stored verification: `values` as in its result.json (None if it was not finished), `sets` by test and method.

    A set is the mean over its seeds, with `kind`, `predicted`, `realised`, `documents`, `tokens`, `half_width`.
    """

    values: dict[str, Any] | None
    sets: dict[tuple[str, str], list[dict[str, Any]]]
    folder: Path

    @property
    def tests(self) -> list[str]:
        """Names of its tests, in the order asked for."""
        return list(dict.fromkeys(test for test, _ in self.sets))

    def figures(self) -> Iterator[tuple[str, str, dict[str, Any], dict[str, Any]]]:
        """Test, method, what was found of the test, and what was found of the method."""
        if self.values is None:
            return
        for test, of_test in ((self.values["test"], self.values), *self.values["tests"].items()):
            for method, found in ((self.values["method"], of_test), *of_test["methods"].items()):
                yield test, method, of_test, found


@dataclass(frozen=True, eq=False)
class Tradeoff:
    """One stored trade-off: `values` as in its result.json, its `folder`."""

    values: dict[str, Any]
    folder: Path

    @property
    def test(self) -> str:
        """Name of its test."""
        return str(self.values["test"])

    @property
    def measured(self) -> bool:
        """Whether anything is known of usefulness."""
        return useful(self.values)


def read_retrainings(run: Run) -> list[Retraining]:
    """Those that are finished, by name."""
    found = []
    for path in sorted(run.retrains.glob(f"*/{RESULT}")):
        values = read_json(path, _AGAIN.format("retrain"))
        with as_stored(path, _AGAIN.format("retrain")):
            one = Retraining(_completed(values), path.parent)
            _ = one.test, one.kept, one.reduces, one.edited, one.sets
            for definition in [*one.kept, *([one.definition] if one.definition is not None else [])]:
                BiasTest.from_dict(definition)
        found.append(one)
    return found


def _completed(values: dict[str, Any]) -> dict[str, Any]:
    """With what results of earlier versions lack, in which documents were removed or repeated."""
    found = {**LATER, "edit": REMOVE if values["removed"] else AMPLIFY, "units": values["documents"], **values}
    found.setdefault("edited", values["removed"] or values["amplified"])
    if found["until"]:
        found["until"] = {"unit": "document", **found["until"]}
    return found


def read_tradeoffs(run: Run) -> list[Tradeoff]:
    """Those that are finished, by name."""
    paths = sorted(run.tradeoffs.glob(f"*/{RESULT}"))
    found = []
    for path in paths:
        values = read_json(path, _AGAIN.format("compare"))
        with as_stored(path, _AGAIN.format("compare")):
            one = Tradeoff({"policies": _policies(values), "files": {}, **values}, path.parent)
            BiasTest.from_dict(values["definition"])
            _ = one.test, one.measured
        found.append(one)
    return found


def _policies(values: dict[str, Any]) -> list[str]:
    """Those of a result that does not list them, in the order in which they stand by default."""
    found = {point["policy"] for point in values["points"]}
    return [policy for policy in POLICIES if policy in found]


def read_verifications(run: Run) -> list[Verification]:
    """Those that left a table of their sets, by name."""
    found = []
    for path in sorted(run.verifications.glob(f"*/{SETS}")):
        result = path.with_name(RESULT)
        values = read_json(result, _AGAIN.format("verify")) if result.is_file() else None
        if values is not None:
            check_file(path.parent, SETS, values, _AGAIN.format("verify"))
        one = Verification(values, _sets(path), path.parent)
        with as_stored(result, _AGAIN.format("verify")):
            _ = list(one.figures())
        found.append(one)
    return found


def _sets(path: Path) -> dict[tuple[str, str], list[dict[str, Any]]]:
    rows: dict[tuple[str, str], dict[str, list[dict[str, str]]]] = {}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                rows.setdefault((exact(row["test"]), exact(row["method"])), {}).setdefault(row["set"], []).append(row)
        return {key: [_mean(runs) for runs in sets.values()] for key, sets in rows.items()}
    except (*DAMAGE, csv.Error) as error:
        raise InputError(
            f"cannot be read as a table of sets: {error}", where=str(path), next="Remove its folder, and verify again."
        ) from error


def _mean(runs: list[dict[str, str]]) -> dict[str, Any]:
    first = runs[0]
    return {
        "kind": first["kind"],
        "documents": int(first["documents"]),
        "tokens": int(first["tokens"]),
        "predicted": float(np.mean([float(row["predicted"]) for row in runs])),
        "realised": float(np.mean([float(row["realised"]) for row in runs])),
        "half_width": float(first["half_width"]) if first["half_width"] else None,
    }
