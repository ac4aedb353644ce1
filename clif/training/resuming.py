"""Trainings that go on where they were stopped: what is in a folder that was begun, and whether it still holds."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from clif.checks import check_keys
from clif.corpus.encoding import Corpus, hash_documents, open_corpus
from clif.corpus.reading import ReadOptions, read_documents
from clif.corpus.remote import Source
from clif.corpus.tokenising import Tokeniser
from clif.errors import ClifError
from clif.folder import ENCODED, STARTED, afresh, encode_into
from clif.manifest import check_file, checksums, versions
from clif.progress import Progress
from clif.storage.files import read_json, write_json
from clif.storage.seals import CHECKSUMS

if TYPE_CHECKING:
    from clif.settings import TrainingSettings
    from clif.training.checkpoints import Checkpoints

Matrix = NDArray[np.float32]


@dataclass
class Beginning:
    """A training in `folder`: what was asked, its encoded corpus, and the CPU seconds that were spent before now."""

    folder: Path
    asked: dict[str, Any]
    corpus: Corpus
    cpu_seconds: float = 0.0

    @classmethod
    def of(
        cls,
        folder: Path,
        paths: Sequence[Source],
        settings: TrainingSettings,
        read: ReadOptions,
        tokeniser: Tokeniser,
        progress: Progress,
    ) -> Beginning:
        """What an earlier process began, if inputs, settings and versions are the same; else begin, and encode.

        Errors are those of `encode`. A corpus that cannot be read now costs nothing of what was begun.
        """
        asked = {
            "settings": settings.to_dict(),
            "read": read.to_dict(),
            "tokens": tokeniser.to_dict(),
            "versions": versions(),
        }
        begun = _earlier(folder, asked)
        if begun and hash_documents(read_documents(paths, read)) == begun.corpus.content_hash:
            return begun
        afresh(folder)
        return cls(folder, asked, encode_into(folder, paths, read, tokeniser, progress))

    def keep(self, cpu_seconds: float = 0.0) -> None:
        """Write down what was asked, and the CPU seconds so far: from now on the folder is worth going on with."""
        values = {"asked": self.asked, "cpu_seconds": self.cpu_seconds + cpu_seconds}
        write_json(self.folder / STARTED, {**values, CHECKSUMS: checksums(self.folder, ENCODED)})


def _earlier(folder: Path, asked: dict[str, Any]) -> Beginning | None:
    """What an earlier process began, if it was asked the same; None also if that is damaged."""
    again = "Begin anew."
    try:
        kinds: dict[str, type | tuple[type, ...]] = {"asked": dict, "cpu_seconds": (int, float)}
        found = check_keys(read_json(folder / STARTED, again), kinds, folder / STARTED, again)
        for name in ENCODED:
            check_file(folder, name, found, again)
        return Beginning(folder, asked, open_corpus(folder), found["cpu_seconds"]) if found["asked"] == asked else None
    except ClifError:
        return None


def trained_so_far(
    checkpoints: Checkpoints, seen: Callable[[Matrix, Matrix], None]
) -> tuple[int, Matrix, Matrix] | None:
    """How many epochs were trained before now, with U and C (V, d) at the end of them; None if there were none.

    `seen` is called with the vectors after each of these epochs. A file that is damaged counts as one that is missing.
    """
    last = None
    for epoch in range(1, checkpoints.settings.epochs if checkpoints.repeatable else 0):
        try:
            found = checkpoints.kept(epoch)
        except ClifError:
            found = None
        if found is None:
            break
        seen(*found)
        last = (epoch, *found)
    return last


class Stopwatch:
    """CPU seconds of training, without those of what is done between epochs."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._began = time.process_time()

    def stop(self) -> None:
        """Count until now."""
        self.seconds += time.process_time() - self._began

    def start(self) -> None:
        """Count from now on."""
        self._began = time.process_time()
