"""Trainings on a run's corpus, side by side in processes of their own, each stored as soon as it is done."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clif.cluster import current_cluster
from clif.corpus.encoding import Corpus
from clif.errors import InputError, MismatchError
from clif.processes import alone, cores, follow_parent, stop
from clif.progress import Progress
from clif.run import LOCK, Run, open_run, read_about, read_matrices, write_matrices
from clif.settings import TrainingSettings
from clif.storage import holding
from clif.storage.leftovers import sweep
from clif.training.elsewhere import train_elsewhere


@dataclass(frozen=True, eq=False)
class Job:
    """One training on a run's corpus, with the run's settings but this seed; its model is kept at `path`."""

    seed: int
    path: Path

    def settings(self, run: Run) -> TrainingSettings:
        """How it is trained."""
        return replace(run.settings, seed=self.seed)

    def corpus(self, run: Run) -> Corpus:
        """What it is trained on."""
        return run.corpus

    def weights(self, run: Run) -> NDArray[np.float64] | None:
        """Weight of each document, (documents,): 0 removes it, 2 adds a copy; None: one each."""
        return None

    def about(self, run: Run) -> dict[str, Any]:
        """What its file says of itself: whose model it is, and how it was trained."""
        return {"settings": self.settings(run).to_dict(), "run": run.identity}

    def keep(self, run: Run, U: NDArray[np.float32], C: NDArray[np.float32]) -> None:
        """Store what is wanted of the trained model, in the process that trained it; `path` appears last."""
        write_matrices(self.path, U, C, self.about(run))

    def check(self, run: Run) -> None:
        """Raise MismatchError if the file that is kept at `path` is not this job's."""
        if read_about(self.path, _AGAIN) != self.about(run):
            raise MismatchError(
                "this model does not belong to the run's corpus, settings and model", where=str(self.path), next=_AGAIN
            )

    def read(self, run: Run) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """U and C of the model that is kept; raises MismatchError as `check` does."""
        self.check(run)
        U, C, _ = read_matrices(self.path, _AGAIN)
        if U.shape != run.model.U.shape:
            raise MismatchError("this model has vectors of other sizes", where=str(self.path), next=_AGAIN)
        return U, C


_AGAIN = "Remove it, and run the same command again: it is trained anew, the rest is kept."


@dataclass(frozen=True)
class Caller:
    """Who asks for trainings, as progress and errors name it: `fewer` is the option that needs less memory."""

    stage: str
    command: str
    noun: str
    fewer: str


def train_apart(
    run: Run, jobs: Sequence[Job], caller: Caller, progress: Progress, processes: int | None = None
) -> float:
    """Do those jobs that are not kept yet, in `processes` processes (default: one a core); CPU seconds of training.

    On a cluster, where one is asked for (`on_cluster`), its workers do them, as many at a time as they can.

    Raises
    ------
    InputError
        A process was killed, or memory ran out.

    """
    waiting = [job for job in {job.path: job for job in jobs}.values() if not job.path.exists()]
    done = len({job.path for job in jobs}) - len(waiting)
    total, spent, finished = done + len(waiting), 0.0, 0.0
    if not waiting:
        return 0.0
    sweep(*{job.path.parent for job in waiting})  # a run's further models lie outside of the folder that is held

    def show() -> None:
        kept = total - sum(not job.path.exists() for job in waiting)
        progress(caller.stage, min(done + finished, total), total, f"{kept} of {total} {caller.noun}")

    show()
    cluster = current_cluster()
    if cluster:
        return train_elsewhere(cluster, run, waiting, show)
    context = multiprocessing.get_context("spawn")
    epochs: Any = context.Queue()
    workers = min(processes or cores(), len(waiting))
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_start, initargs=(epochs,))
    try:
        with alone():
            pending = {pool.submit(_work, str(run.path), run.manifest, job) for job in waiting}
        while pending:
            ready, pending = wait(pending, timeout=0.5, return_when=FIRST_COMPLETED)
            spent += sum(future.result() for future in ready)
            while not epochs.empty():
                finished += epochs.get() / run.settings.rounds
            show()
    except BrokenProcessPool as error:
        stop(pool)
        raise InputError(
            "a training process ended before its time: it was killed, usually for want of memory",
            where=caller.command,
            next=f"Run it again: what is done is kept. {caller.fewer} needs less memory.",
        ) from error
    except MemoryError as error:
        stop(pool)
        raise InputError(
            "memory ran out while training",
            where=caller.command,
            next=f"Use {caller.fewer}, or train with a smaller --dim.",
        ) from error
    except BaseException:
        stop(pool)
        raise
    pool.shutdown()
    return spent


@contextmanager
def held(folder: Path, run: Run, doing: str) -> Iterator[None]:
    """Hold a folder of the run while trainings are made there, without what killed processes left.

    Raises
    ------
    InputError
        Another process holds it.

    """
    with holding.held(folder / LOCK, f"{doing} in this run", run.path, "work on a copy of the run."):
        sweep(folder, below=True)
        yield


_epochs: Any = None


def _start(epochs: Any) -> None:
    global _epochs
    _epochs = epochs
    follow_parent()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that it cleans up after itself


def _work(path: str, manifest: dict[str, Any], job: Job) -> float:
    """`train_job` in a worker, which ends when it is told to: its executor would swallow SystemExit and go on."""
    try:
        if open_run(path).manifest != manifest:
            raise MismatchError(
                "this run was replaced by another while trainings were made for it",
                where=path,
                next="Run the same command again: it begins anew, with the run that is there now.",
            )
        return train_job(path, job)
    except SystemExit:
        os._exit(1)


def train_job(path: str, job: Job) -> float:
    """Train in this process and keep the model; CPU seconds of training. Errors travel back as they are."""
    from clif.training.trainers import train_model

    run = open_run(path)
    trained = train_model(
        job.corpus(run),
        run.vocabulary,
        job.settings(run),
        weights=job.weights(run),
        after_epoch=lambda *_: _epochs.put(1),
    )
    job.keep(run, trained.U, trained.C)
    return trained.cpu_seconds
