"""The retrainings of a verification: each is measured where it is trained, and only what was measured is kept.

RUN/verifications/trainings/EDIT.seed-K.json holds T of every test that the vocabulary covers, and the file beside it
the vectors of the words of all tests, by which a test that is asked for later is measured without training again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clif.checks import check_keys
from clif.errors import DAMAGE, InputError, MismatchError
from clif.manifest import fingerprint
from clif.objectives import PACKAGED, BiasObjective, BiasTest, cover, definition, kind_of, load_tests, objective_of
from clif.quality import wordsim353
from clif.retraining.edits import UNEDITED, Edit
from clif.retraining.trainings import Training
from clif.run import Run
from clif.storage.files import read_json, write_json
from clif.storage.tensors import read_tensors, write_tensors
from clif.training.pool import Caller

CALLER = Caller("verify", "clif verify", "trainings", "--processes 1")
_AGAIN = "Remove it, and verify again: it is trained anew, the rest is kept."

Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Measured(Training):
    """One training on an edited corpus, of which `tests` are measured and the vectors of `rows` are kept."""

    tests: tuple[BiasTest, ...]
    rows: Rows

    @property
    def vectors(self) -> Path:
        """Where the vectors of `rows` are kept."""
        return self.path.with_suffix(".safetensors")

    def about(self, run: Run) -> dict[str, Any]:
        """What its file says of itself: whose it is, and how it was trained."""
        return {**super().about(run), "run": run.identity}

    def keep(self, run: Run, U: NDArray[np.float32], C: NDArray[np.float32]) -> None:
        """Write the vectors, then the measurements: a training is done when these are there."""
        about = self.about(run)
        write_tensors(self.vectors, {"rows": self.rows, "U": U[self.rows]}, about)
        quality = wordsim353(U, run.vocabulary.index)
        measured = {test.name: _measure(test, U, run) for test in self.tests}
        values = {
            **about,
            "seed": self.seed,
            "removed": int((self.edit.counts(run.corpus) == 0).sum()),
            "tests": {name: values for name, values in measured.items() if values},
            "quality": {"spearman": quality.spearman, "pairs": quality.pairs},
        }
        write_json(self.path, values)


def _measure(test: BiasTest, U: NDArray[np.float32], run: Run) -> dict[str, Any] | None:
    """T by each measure (None where it is not defined), and which test it is; None for a test that is not covered."""
    coverage = cover(test, run.vocabulary.index)
    if coverage.reason is not None:
        return None
    objective = objective_of(coverage)
    found: dict[str, Any] = {"definition": fingerprint(definition(test))}
    for measure in kind_of(test).measures:
        try:
            found[measure] = objective.value(U[objective.rows].astype(np.float64), measure)
        except InputError:
            found[measure] = None
    return found


class Journal:
    """The retrainings of a run that are done, measured for tests that are asked for here."""

    def __init__(self, run: Run, tests: Sequence[BiasTest]) -> None:
        self.run = run
        self.folder = run.verifications / "trainings"
        self.asked = tuple(tests)
        named = {test.name: test for test in [*load_tests(PACKAGED), *tests]}  # one's own instead of a namesake
        self.tests = tuple(named.values())
        self.objectives = [objective_of(cover(test, run.vocabulary.index)) for test in tests]
        found = [cover(test, run.vocabulary.index).rows for test in self.tests]
        self.rows: Rows = np.unique(np.concatenate([rows for sets in found for rows in sets.values()]))

    def training(self, edit: Edit, seed: int) -> Measured:
        """The training of an edit with a seed; it keeps the rows that are kept of it already."""
        path = self.folder / f"{edit.name()}.seed-{seed}.json"
        vectors = path.with_suffix(".safetensors")
        training = Measured(seed, path, edit, self.tests, self.rows)
        if not path.exists() and vectors.exists():
            return replace(training, rows=np.union1d(self.rows, self._vectors(training)[0]))
        return training

    def done(self, training: Measured) -> bool:
        """Whether it needs no training: it was measured for all tests asked for, or its vectors suffice for that."""
        if not training.path.exists():
            return False
        values = self._read(training)
        return all(
            _known(values, objective) or np.isin(objective.rows, self._vectors(training)[0]).all()
            for objective in self.objectives
        )

    def reopen(self, trainings: Iterable[Measured]) -> list[Measured]:
        """The same trainings; of those that must be done, what was measured goes, as it does not suffice."""
        opened = []
        for training in trainings:
            if self.done(training):
                opened.append(training)
            else:
                training.path.unlink(missing_ok=True)
                opened.append(self.training(training.edit, training.seed))
        return opened

    def measure(self, training: Measured, measure: str) -> list[float]:
        """T of each test asked for; raises InputError if it is not defined for this training, or a file is damaged."""
        values = self._read(training)
        found = []
        for objective in self.objectives:
            known = _known(values, objective)
            value = known.get(measure) if known else None
            if value is None:
                rows, vectors = self._vectors(training)
                U = vectors[np.searchsorted(rows, objective.rows)]
                value = objective.value(U.astype(np.float64), measure)
            found.append(value)
        return found

    def quality(self, training: Measured) -> float | None:
        """Rank correlation with WordSim-353."""
        quality = self._read(training)["quality"].get("spearman")
        return float(quality) if isinstance(quality, int | float) else None

    def unedited(self, seed: int) -> Measured:
        """The training of the whole corpus."""
        return self.training(UNEDITED, seed)

    def _read(self, training: Measured) -> dict[str, Any]:
        values = read_json(training.path, _AGAIN)
        about = training.about(self.run)
        check_keys(values, {"tests": dict, "quality": dict}, training.path, _AGAIN)
        for one in values["tests"].values():
            measured = check_keys(one, {"definition": str}, training.path, _AGAIN)
            if not all(value is None or type(value) in (int, float, str) for value in measured.values()):
                check_keys(None, {}, training.path, _AGAIN)
        if {key: values.get(key) for key in about} != about:
            raise _foreign(training.path)
        return values

    def _vectors(self, training: Measured) -> tuple[Rows, NDArray[np.float32]]:
        """Rows of the vocabulary, rising, whose vectors are kept, and these."""
        rows, vectors, about = _read_rows(training.vectors)
        if about != training.about(self.run):
            raise _foreign(training.vectors)
        return rows, vectors


def _known(values: dict[str, Any], objective: BiasObjective) -> dict[str, Any] | None:
    """What was measured for a test, if it is this very one."""
    test = objective.coverage.test
    found: dict[str, Any] | None = values["tests"].get(test.name)
    return found if found and found["definition"] == fingerprint(definition(test)) else None


def _read_rows(path: Path) -> tuple[Rows, NDArray[np.float32], dict[str, Any]]:
    arrays, about = read_tensors(path, "vectors", _AGAIN)
    try:
        rows, U = arrays["rows"], arrays["U"]
        if rows.shape != U.shape[:1] or U.ndim != 2 or rows.dtype.kind != "i" or U.dtype.kind != "f":
            raise ValueError(f"rows {rows.dtype}{list(rows.shape)}, U {U.dtype}{list(U.shape)}")
    except DAMAGE as error:
        raise InputError(f"cannot be read as vectors: {error}", where=str(path), next=_AGAIN) from error
    return rows, U, about


def _foreign(path: Path) -> MismatchError:
    return MismatchError(
        "this training does not belong to the run's corpus, settings and model", where=str(path), next=_AGAIN
    )
