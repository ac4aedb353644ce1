"""The trainings of a trade-off: each is measured where it is trained, and only what was measured is kept."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from types import NoneType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clif.checks import check_keys
from clif.errors import InputError, MismatchError
from clif.manifest import file_sha256, fingerprint
from clif.objectives import BiasTest, cover, definition, objective_of
from clif.quality import solve_analogies, wordsim353
from clif.retraining.edits import UNEDITED, Edit
from clif.retraining.kept import Kept
from clif.retraining.trainings import Training
from clif.run import Run
from clif.storage.files import read_json, write_json
from clif.tradeoffs.debiasing import Pair, hard_debias
from clif.training.pool import Caller

CALLER = Caller("tradeoff", "clif tradeoff", "trainings", "--processes 1")
READINGS = ("bias", "quality", "analogies")
_AGAIN = "Remove it, and run the same command again: it is trained anew, the rest is kept."
_VALUE = (int, float, NoneType)
_KINDS: dict[str, type | tuple[type, ...]] = {**dict.fromkeys(READINGS, _VALUE), "kept": dict}


@dataclass(frozen=True, eq=False)
class Measured(Training):
    """One training, of which the bias and the usefulness are measured; without an edit also once it is debiased."""

    test: BiasTest
    measure: str
    pairs: tuple[Pair, ...]
    analogies: Path | None
    kept: tuple[Kept, ...] = ()

    def about(self, run: Run) -> dict[str, Any]:
        """What its file says of itself."""
        asked: dict[str, Any] = {"test": definition(self.test), "measure": self.measure, "pairs": self.pairs}
        asked |= {"kept": [each.recipe for each in self.kept]} if self.kept else {}
        questions = None if self.analogies is None else file_sha256(self.analogies)
        return {**super().about(run), "run": run.identity, "asked": fingerprint({**asked, "analogies": questions})}

    def keep(self, run: Run, U: NDArray[np.float32], C: NDArray[np.float32]) -> None:
        """Write what is measured."""
        values = {**self.about(run), "plain": self._read(run, U, C)}
        if self.pairs:
            values["debiased"] = self._read(run, self._debiased(run, U), C, debiased=True)
        write_json(self.path, values)

    def values(self, run: Run, kind: str = "plain") -> dict[str, Any]:
        """What was measured; raises MismatchError for the file of another training, InputError for what is none."""
        found = read_json(self.path, _AGAIN)
        about = self.about(run)
        if {name: found.get(name) for name in about} != about or kind not in found:
            raise MismatchError("this is not the training that it is named for", where=str(self.path), next=_AGAIN)
        values = check_keys({"kept": {}} | check_keys(found[kind], {}, self.path, _AGAIN), _KINDS, self.path, _AGAIN)
        check_keys(values["kept"], dict.fromkeys((each.name for each in self.kept), _VALUE), self.path, _AGAIN)
        return values

    def _read(
        self, run: Run, U: NDArray[np.floating], C: NDArray[np.float32], *, debiased: bool = False
    ) -> dict[str, Any]:
        """What is measured of vectors; debiased ones have lost their lengths, and with them what C was trained for."""
        objective = objective_of(cover(self.test, run.vocabulary.index))
        E = U[objective.rows].astype(np.float64)
        try:
            bias = objective.value(E, self.measure)
        except InputError:  # no associations are left, so none differs from the others
            bias = 0.0
        return {
            "bias": bias,
            "quality": wordsim353(U.astype(np.float32), run.vocabulary.index).spearman,
            "analogies": solve_analogies(U, run.vocabulary.words, self.analogies).right,
            "kept": {each.name: None if debiased and each.of_outputs else each.value(U, C) for each in self.kept},
        }

    def _debiased(self, run: Run, U: NDArray[np.float32]) -> NDArray[np.float64]:
        index, coverage = run.vocabulary.index, cover(self.test, run.vocabulary.index)
        rows = [(index[first], index[second]) for first, second in self.pairs]
        definitional = np.concatenate([coverage.rows["A"], coverage.rows["B"], np.ravel(rows)])
        return hard_debias(U, rows, np.unique(definitional).astype(np.int64))


def make_training(
    run: Run,
    edit: Edit,
    seed: int,
    test: BiasTest,
    measure: str,
    pairs: tuple[Pair, ...],
    analogies: Path | None,
    kept: tuple[Kept, ...] = (),
) -> Measured:
    """The training of an edit with a seed; only that without an edit is debiased as well."""
    own = pairs if edit is UNEDITED else ()
    training = Measured(seed, Path(), edit, test, measure, own, analogies, kept)
    name = fingerprint({**training.about(run), "seed": seed})
    path = run.tradeoffs / "trainings" / f"{name}.json"
    return replace(training, path=path)
