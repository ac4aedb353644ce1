"""The vectors after each epoch of a paired training: kept in a folder, or trained again when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
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
    """U and C (V, d) at the ends of the epochs of a paired training with one worker.

    Those in `folder` are read, if they are of this training; a missing one is trained from the one before it, which
    gives the same bytes, and kept there. Without a folder nothing is written, and `at` trains from the start each time.
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
                f"this method repeats the training step by step, and one by {trainer} with {workers} "
                f"worker{'s' * (workers > 1)} cannot be repeated like that",
                where=f"--method {method}",
                next="Train with --trainer paired and one worker, or use --method block.",
            )

    def path(self, epoch: int) -> Path | None:
        """Where the vectors after `epoch` epochs are kept; None without a folder."""
        name = f"seed-{self.settings.seed}.epoch-{epoch}.safetensors"
        return None if self.folder is None else self.folder / name

    def keep(self, epoch: int, U: Matrix, C: Matrix) -> None:
        """Keep the vectors after `epoch` epochs, if there is a folder; raises InputError if it cannot be written to."""
        path = self.path(epoch)
        if path is not None:
            write_matrices(path, U, C, self._about(epoch))

    def kept(self, epoch: int) -> tuple[Matrix, Matrix] | None:
        """U and C after `epoch` epochs, if they are kept; raises InputError for a damaged file."""
        path = self.path(epoch)
        if path is None or not path.is_file():
            return None
        U, C, about = read_matrices(path, "Remove it: it is made again when it is needed.")
        # A file of another training, as in a folder that was put together by hand, is replaced.
        return (np.array(U), np.array(C)) if about == self._about(epoch) else None

    def at(self, epoch: int) -> tuple[Matrix, Matrix]:
        """U and C after `epoch` epochs, 0 to all; arrays that the caller may change.

        Raises
        ------
        InputError
            A file that is kept is damaged, or a missing one cannot be written.

        """
        return self._from(None, epoch)

    def all(self) -> Iterator[tuple[int, Matrix, Matrix]]:
        """Epoch, U and C from the start (0) to the end of the training; each epoch is trained once at the most."""
        last = None
        for epoch in range(self.settings.epochs + 1):
            U, C = self._from(last, epoch)
            last = (epoch, U.copy(), C.copy())
            yield epoch, U, C

    @cached_property
    def _training(self) -> PairedTraining:
        return PairedTraining(self.corpus, self.vocabulary, self.settings)

    def _from(self, last: tuple[int, Matrix, Matrix] | None, epoch: int) -> tuple[Matrix, Matrix]:
        """U and C after `epoch` epochs, trained from the newest that is kept, else from `last`, else from the start."""
        first = last[0] if last else 0
        for number in range(epoch, first, -1):
            found = self.kept(number)
            if found is not None:
                first, (U, C) = number, found
                break
        else:
            U, C = last[1:] if last else self._training.start()
        for number in range(first, epoch):
            self._training.learn_epoch(number, U, C)
            if number + 1 < self.settings.epochs:
                self.keep(number + 1, U, C)
        return U, C

    def _about(self, epoch: int) -> dict[str, Any]:
        return {"corpus": self.corpus.content_hash, "settings": self.settings.to_dict(), "epoch": epoch}
