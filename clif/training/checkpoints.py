"""The vectors after each epoch of a paired training: kept in a folder, or trained again when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from clif.errors import UsageError
from clif.run import read_matrices, write_matrices
from clif.training.paired import PairedTraining

if TYPE_CHECKING:
    from clif.corpus.encoding import Corpus
    from clif.settings import TrainingSettings
    from clif.vocabulary import Vocabulary

Matrix = NDArray[Any]


class Checkpoints:
    """U and C (V, d) at the ends of the epochs of the training of a corpus with these settings.

    Those in `folder` are read, if they are of this training; a missing one is trained from the one before it, which
    gives the same bytes. Without a folder nothing is written, and each look backwards trains from the start.
    """

    def __init__(
        self, corpus: Corpus, vocabulary: Vocabulary, settings: TrainingSettings, folder: Path | None = None
    ) -> None:
        self.corpus, self.vocabulary, self.settings, self.folder = corpus, vocabulary, settings, folder

    @property
    def repeatable(self) -> bool:
        """Whether training again gives the same vectors."""
        return self.settings.trainer == "paired" and self.settings.workers == 1

    def check(self, method: str) -> None:
        """Raise UsageError if the training cannot be repeated, which `method` needs."""
        if not self.repeatable:
            trainer, workers = self.settings.trainer, self.settings.workers
            raise UsageError(
                f"this method repeats the training, but one by {trainer} with {workers} "
                f"worker{'s' * (workers > 1)} cannot be repeated",
                where=f"--method {method}",
                next="Train with --trainer paired and one worker, or use --method block.",
            )

    def path(self, epoch: int) -> Path | None:
        """Where the vectors after `epoch` epochs are kept."""
        name = f"seed-{self.settings.seed}.epoch-{epoch}.safetensors"
        return None if self.folder is None else self.folder / name

    def keep(self, epoch: int, U: Matrix, C: Matrix) -> None:
        """Keep the vectors after `epoch` epochs, if there is a folder."""
        path = self.path(epoch)
        if path is not None:
            path.parent.mkdir(exist_ok=True)
            write_matrices(path, U, C, self._about(epoch))

    def at(self, epoch: int) -> tuple[Matrix, Matrix]:
        """U and C after `epoch` epochs, 0 for the start; arrays that the caller may change."""
        training = PairedTraining(self.corpus, self.vocabulary, self.settings)
        first, (U, C) = 0, training.start()
        for number in range(epoch, 0, -1):
            found = self._read(number)
            if found is not None:
                first, (U, C) = number, found
                break
        for number in range(first, epoch):
            training.learn(training.epoch(number), U, C)
            if number + 1 < self.settings.epochs:
                self.keep(number + 1, U, C)
        return U, C

    def all(self) -> Iterator[tuple[int, Matrix, Matrix]]:
        """Epoch, U and C from the start (0) to the end of the training."""
        for epoch in range(self.settings.epochs + 1):
            yield epoch, *self.at(epoch)

    def _read(self, epoch: int) -> tuple[Matrix, Matrix] | None:
        path = self.path(epoch)
        if path is None or not path.is_file():
            return None
        U, C, about = read_matrices(path, "Remove it: it is made again when it is needed.")
        # Of another training, as after `clif train --force` over a run: it is replaced.
        return (np.array(U), np.array(C)) if about == self._about(epoch) else None

    def _about(self, epoch: int) -> dict[str, Any]:
        return {"corpus": self.corpus.content_hash, "settings": self.settings.to_dict(), "epoch": epoch}
