"""The trainings of a retraining: which there are, where each is kept, and how they are read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clif.checks import check_keys
from clif.corpus.encoding import Corpus
from clif.errors import InputError
from clif.manifest import RESULT, fingerprint
from clif.progress import Progress
from clif.retraining.edits import UNEDITED, Edit
from clif.run import MODEL, Run, read_matrices
from clif.settings import TrainingSettings
from clif.storage.files import read_json, write_json
from clif.storage.inside import inside
from clif.training.models import further_model
from clif.training.pool import Caller, Job, held, train_apart

_MEND = "Remove it."
CALLER = Caller("retrain", "retrain", "trainings", "--processes 1")


@dataclass(frozen=True, eq=False)
class Training(Job):
    """One training on an edited corpus."""

    edit: Edit

    def settings(self, run: Run) -> TrainingSettings:
        """Those of the run, with one worker: more would not reproduce."""
        return replace(run.settings, seed=self.seed, workers=1)

    def corpus(self, run: Run) -> Corpus:
        """The corpus with the tokens of the edited one."""
        return self.edit.change(run.corpus).text(run.corpus)

    def weights(self, run: Run) -> NDArray[np.float64]:
        """How often each document stands in the edited corpus."""
        return self.edit.counts(run.corpus)

    def about(self, run: Run) -> dict[str, Any]:
        """What its file says of itself."""
        return {
            "corpus": run.manifest["corpus"]["hash"],
            "settings": self.settings(run).to_dict(),
            "edit": self.edit.name(),
        }


class Journal:
    """The trainings of a run that are done: one file each, under a name that says edit, seed and model."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.folder = run.retrains / "models"

    def training(self, edit: Edit, seed: int) -> Job:
        """The training of `edit` with `seed`; the run's own model, or a further one of it, where it is the same."""
        settings = self.run.settings
        if edit is UNEDITED and settings.workers == 1 and not self.run.imported:
            own = seed == settings.seed
            return Training(seed, self.run.path / MODEL, edit) if own else further_model(self.run, seed)
        name = fingerprint({"edit": edit.name(), "seed": seed, **self.run.identity})
        return Training(seed, self.folder / f"{name}.seed-{seed}.safetensors", edit)

    def trainings(self, edits: Iterable[Iterable[Edit]], seeds: list[int]) -> Trainings:
        """Those of all `edits`, by half, with all seeds; the unedited ones are the same for all halves."""
        return Trainings(
            [self.training(UNEDITED, seed) for seed in seeds],
            [[[self.training(edit, seed) for seed in seeds] for edit in half] for half in edits],
        )

    def vectors(self, training: Job) -> NDArray[np.float32]:
        """Input vectors of a training that is done; errors are those of `matrices`."""
        return self.matrices(training)[0]

    def matrices(self, training: Job) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """U and C of a training that is done; raises MismatchError for those of another run's model."""
        if training.path.parent == self.run.models:
            return training.read(self.run)
        try:
            return read_matrices(training.path)[:2]
        except InputError as error:
            raise InputError(
                error.what, where=error.where, next="Remove this file, if it is there, and retrain: the rest is kept."
            ) from error

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder while trainings are made and read; raises InputError if another process holds it."""
        with held(self.run.retrains, self.run, "retraining"):
            self._forget()
            yield

    @contextmanager
    def forgetting(self, folder: Path, trainings: Iterable[Job]) -> Iterator[None]:
        """Remove the vectors of these trainings once the block has stored the result in `folder`.

        What shall go is noted first, so that a process that is killed in between leaves word of it.
        """
        names = sorted({training.path.name for training in trainings if training.path.parent == self.folder})
        if names:
            write_json(self._note, {"result": folder.name, "models": names})
        yield
        self._forget()

    def tidy(self) -> None:
        """Do what a process that was killed had noted; nothing while another one retrains."""
        if self._note.exists():
            with suppress(InputError), self.held():
                pass

    @property
    def _note(self) -> Path:
        return self.folder / "forget.json"

    def _forget(self) -> None:
        """Remove the vectors that a note names, if the result that was made of them is there; and the note."""
        if not self._note.exists():
            return
        said = check_keys(read_json(self._note, _MEND), {"result": str, "models": list}, self._note, _MEND)
        done = inside(self.run.retrains, said["result"], self._note) / RESULT
        models = [inside(self.folder, str(name), self._note) for name in said["models"]]
        if done.exists():
            for path in models:
                path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)


@dataclass(frozen=True, eq=False)
class Trainings:
    """Those of a plan: unedited by seed, edited by half, set (the chosen documents first) and seed."""

    before: list[Job]
    edited: list[list[list[Job]]]

    def of_edits(self) -> list[Job]:
        """The edited ones, in one list."""
        return [job for sets in self.edited for row in sets for job in row]


def train_all(run: Run, trainings: list[Job], progress: Progress, processes: int | None = None) -> None:
    """Do those trainings that are not stored yet, in `processes` processes (default: one a core).

    Raises
    ------
    MismatchError
        A further model that is kept belongs to another run.
    InputError
        A process was killed, or memory ran out.

    """
    for training in trainings:
        if training.path.parent == run.models and training.path.exists():
            training.check(run)
    train_apart(run, trainings, CALLER, progress, processes)
