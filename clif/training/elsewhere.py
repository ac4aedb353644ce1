"""Trainings on the workers of a cluster: models come back, and the process that asked keeps them."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from clif.cluster import Cluster
from clif.errors import ClifError, InputError
from clif.manifest import MANIFEST, file_sha256
from clif.run import Run, open_run
from clif.training.trained import Trained

if TYPE_CHECKING:
    from collections.abc import Callable

    from clif.training.pool import Job


@dataclass(frozen=True, eq=False)
class Place:
    """A run as workers find it: at `path`, with a manifest of this hash; or `whole`, where they do not reach it."""

    path: str
    manifest: str
    whole: Run | None = None

    def open(self) -> Run:
        """The run; raises InputError if it is not there."""
        return self.whole or _opened(self.path, self.manifest)


def train_elsewhere(cluster: Cluster, run: Run, jobs: Sequence[Job], kept: Callable[[], None] = lambda: None) -> float:
    """Do these jobs on the cluster and keep their models as they come, calling `kept` after each; CPU seconds.

    A model is the same, byte for byte, as one that is trained here, as far as processors round alike; what a lost
    worker was training is trained again by another one.
    """
    spent = 0.0
    for job, trained in cluster.each(_train, jobs, place_of(cluster, run)):
        job.keep(run, trained.U, trained.C)
        spent += trained.cpu_seconds
        kept()
    return spent


def place_of(cluster: Cluster, run: Run) -> Place:
    """Where the workers find a run: in its folder, if all of them see it, else it is sent."""
    file = run.path.absolute() / MANIFEST
    path, manifest = str(file.parent), file_sha256(file)
    return Place(path, manifest, None if cluster.all(_finds, path, manifest) else _sent(run))


def _sent(run: Run) -> Run:
    """The run with its corpus in memory."""
    corpus = replace(run.corpus, tokens=np.array(run.corpus.tokens))
    corpus.tokens.setflags(write=False)  # as those of a file are, for which kernels are compiled
    with contextlib.suppress(ClifError):  # only edits of sentences need them, and say what is wrong
        corpus.__dict__["sentences"] = run.corpus.sentences
    whole = Run(run.path, run.manifest)
    whole.__dict__["corpus"] = corpus
    return whole


def _train(job: Job, place: Place) -> Trained:
    from clif.training.trainers import train_model

    run = place.open()
    weights = job.weights(run)
    return train_model(job.corpus(run), run.vocabulary, job.settings(run), weights=weights)


def _finds(path: str, manifest: str) -> bool:
    file = Path(path) / MANIFEST
    return file.is_file() and file_sha256(file) == manifest


@lru_cache(maxsize=1)
def _opened(path: str, manifest: str) -> Run:
    if _finds(path, manifest):
        return open_run(path)
    raise InputError(
        "this worker does not find the run, which the others do",
        where=path,
        next="Let all workers reach the run folder at this path, or none: then the run is sent to them.",
    )
