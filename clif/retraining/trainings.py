"""Many trainings side by side, each stored as soon as it is done, so that an interruption costs little."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from clif.errors import InputError
from clif.files import cannot_write
from clif.manifest import fingerprint
from clif.progress import Progress
from clif.retraining.edits import UNEDITED, Edit
from clif.run import MODEL, Run, open_run, read_matrices, write_matrices


@dataclass(frozen=True, eq=False)
class Training:
    """One training to be done: an edit and a seed; it is stored at `path`."""

    edit: Edit
    seed: int
    path: Path


class Journal:
    """The trainings of a run that are done: one file each, under a name that says edit, seed and model."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.folder = run.retrains / "models"

    def training(self, edit: Edit, seed: int) -> Training:
        """The training of `edit` with `seed`; that of the run itself where it is the same."""
        settings = self.run.settings
        if edit is UNEDITED and seed == settings.seed and settings.workers == 1 and not self.run.imported:
            return Training(edit, seed, self.run.path / MODEL)
        name = fingerprint({"edit": edit.name(), "seed": seed, **self.run.identity})
        return Training(edit, seed, self.folder / f"{name}.seed-{seed}.safetensors")

    def vectors(self, training: Training) -> NDArray[np.float32]:
        """Input vectors of a training that is done."""
        try:
            return read_matrices(training.path)[0]
        except InputError as error:
            raise InputError(
                error.what, where=error.where, next="Remove this file, if it is there, and retrain: the rest is kept."
            ) from error

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder while trainings are made and read; raises InputError if another process holds it."""
        lock = FileLock(self.run.retrains / ".lock", timeout=0)
        try:
            self.run.retrains.mkdir(exist_ok=True)
            lock.acquire()
        except Timeout as error:
            raise InputError(
                "another process is retraining in this run",
                where=str(self.run.path),
                next="Wait until it is done, or work on a copy of the run.",
            ) from error
        except OSError as error:
            raise cannot_write(self.run.retrains, error) from error
        try:
            yield
        finally:
            lock.release()

    def forget(self, trainings: Iterable[Training]) -> None:
        """Remove the stored vectors of these trainings, once what was wanted of them is written down."""
        for training in trainings:
            if training.path.parent == self.folder:
                training.path.unlink(missing_ok=True)


def train_all(run: Run, trainings: list[Training], progress: Progress, processes: int | None = None) -> None:
    """Do those trainings that are not stored yet, in `processes` processes (default: one a core).

    Raises
    ------
    InputError
        A process was killed, usually for want of memory.

    """
    waiting = [training for training in {t.path: t for t in trainings}.values() if not training.path.exists()]
    done = len({t.path for t in trainings}) - len(waiting)
    total = done + len(waiting)
    if not waiting:
        return
    progress("retrain", done, total, _note(done, total))
    context = multiprocessing.get_context("spawn")
    epochs: Any = context.Queue()
    workers = min(processes or os.cpu_count() or 1, len(waiting))
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_start, initargs=(epochs,))
    finished = 0.0
    try:
        pending = {pool.submit(_train, str(run.path), training) for training in waiting}
        while pending:
            ready, pending = wait(pending, timeout=0.5, return_when=FIRST_COMPLETED)
            for future in ready:
                future.result()
            while not epochs.empty():
                finished += epochs.get() / run.settings.epochs
            left = sum(not training.path.exists() for training in waiting)
            progress("retrain", min(done + finished, total), total, _note(total - left, total))
    except BrokenProcessPool as error:
        _end(pool)
        raise InputError(
            "a training process ended before its time: it was killed, usually for want of memory, or a script calls "
            "retrain outside of `if __name__ == '__main__':`",
            where="retrain",
            next="Run it again: what is done is kept. --processes 1 needs less memory; scripts need that line.",
        ) from error
    except BaseException:
        _end(pool)
        raise
    pool.shutdown()


def _end(pool: ProcessPoolExecutor) -> None:
    """Stop the workers in the middle of their work."""
    pool.shutdown(wait=False, cancel_futures=True)
    for child in multiprocessing.active_children():
        child.terminate()


def _note(done: int, total: int) -> str:
    return f"{done} of {total} trainings"


_epochs: Any = None


def _start(epochs: Any) -> None:
    global _epochs
    _epochs = epochs
    # The parent decides: it ends its workers by SIGTERM, and they clean up after themselves.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    parent = multiprocessing.parent_process()

    def leave_with_parent() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=leave_with_parent, daemon=True).start()


def _train(path: str, training: Training) -> None:
    """Train in a process of its own and store the vectors; errors travel back as they are."""
    from clif.training.gensim import train_gensim

    run = open_run(path)
    settings = replace(run.settings, seed=training.seed, workers=1)
    try:
        trained = train_gensim(
            run.corpus,
            run.vocabulary,
            settings,
            copies=training.edit.counts(run.corpus),
            after_epoch=lambda *_: _epochs.put(1),
        )
    except MemoryError as error:
        raise InputError(
            "memory ran out while training", where="retrain", next="Use --processes 1, or a smaller --dim."
        ) from error
    about = {
        "corpus": run.manifest["corpus"]["hash"],
        "settings": settings.to_dict(),
        "edit": training.edit.name(),
    }
    write_matrices(training.path, trained.U, trained.C, about)
