"""Train a skip-gram model with negative sampling, into a run folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clif.corpus.encoding import hash_documents
from clif.corpus.reading import ReadOptions, read_documents
from clif.corpus.remote import Remote, Source
from clif.corpus.tokenising import Tokeniser
from clif.errors import InputError, MismatchError
from clif.folder import Given, build, finish
from clif.progress import Progress, silent
from clif.run import CHECKPOINTS, DEFAULT_RUN, Run, open_run
from clif.settings import TrainingSettings
from clif.training.checkpoints import Checkpoints
from clif.training.loss import LossSample
from clif.training.resuming import Beginning, Stopwatch, trained_so_far
from clif.vocabulary import Vocabulary, vocabulary_size

REPRODUCIBLE = {
    True: "one worker: the same inputs, settings and versions give the same bytes on one machine",
    False: "several workers share the vectors without locks, so the order of their steps, and the bytes, are others "
    "each time",
}


@dataclass(frozen=True)
class TrainResult:
    """A run and how it came about: `reused` where a finished run with the same inputs was there already."""

    run: Run
    reused: bool

    @property
    def outputs(self) -> dict[str, Any] | None:
        """How the output vectors came about, where they were fitted to vectors that had none."""
        found: dict[str, Any] | None = self.run.manifest["training"].get("outputs")
        return found

    def to_dict(self) -> dict[str, Any]:
        """The result as plain values."""
        manifest = self.run.manifest
        return {
            "run": str(self.run.path),
            "reused": self.reused,
            "trainer": manifest["settings"]["trainer"],
            "documents": manifest["corpus"]["documents"],
            "tokens": manifest["corpus"]["tokens_total"],
            "split_documents": manifest["corpus"]["split_documents"],
            "vocabulary": manifest["vocabulary"],
            "settings": manifest["settings"],
            "losses": manifest["training"]["losses"],
            "cpu_seconds": manifest["training"]["cpu_seconds"],
            "gradient": manifest["training"].get("gradient"),
            "converged": manifest["training"].get("converged"),
            "outputs": self.outputs,
        }


def train(
    sources: str | Source | Sequence[Given] = (),
    out: Path | str = DEFAULT_RUN,
    settings: TrainingSettings | None = None,
    *,
    read: ReadOptions | None = None,
    tokeniser: Tokeniser | None = None,
    force: bool = False,
    progress: Progress = silent,
) -> TrainResult:
    """Read, encode and train; the run folder appears when all is done, or not at all.

    A training that was stopped goes on where it was: after its last epoch with the paired trainer and one worker, else
    once the corpus is encoded. It ends with the same bytes.

    Without `sources`, on the paragraphs of the State of the Union speeches. A finished run at `out` with the
    same corpus and settings is taken as it is.

    Raises
    ------
    InputError
        The corpus cannot be read, is too small, or `out` cannot be written to.
    MismatchError
        `out` holds another run, or something that is not a run; `force` replaces a run.

    """
    if isinstance(sources, str | Path | Remote):
        sources = [sources]
    settings, read, tokeniser = settings or TrainingSettings(), read or ReadOptions(), tokeniser or Tokeniser()
    taken: list[Run] = []

    def reusable(folder: Path, paths: list[Source]) -> Run | None:
        if force:
            return None
        taken.append(_same(open_run(folder), paths, settings, read, tokeniser))
        return taken[0]

    def fill(folder: Path, paths: list[Source]) -> None:
        _train_into(folder, paths, settings, read, tokeniser, progress)

    run = build(out, sources, fill, reusable, resumes=True)
    return TrainResult(run, reused=bool(taken))


def _same(
    run: Run, paths: Sequence[Source], settings: TrainingSettings, read: ReadOptions, tokeniser: Tokeniser
) -> Run:
    """The run, if it was made of this corpus with these settings; else raise MismatchError saying what differs."""
    corpus = run.manifest["corpus"]
    asked = {"settings": settings.to_dict(), "read": read.to_dict(), "tokens": tokeniser.to_dict()}
    made = {"settings": run.manifest["settings"], "read": corpus["read"], "tokens": corpus["tokens"]}
    differing = [
        f"{name} {made[part].get(name)!r}, now {value!r}"
        for part, values in asked.items()
        for name, value in values.items()
        if made[part].get(name) != value
    ]
    if not differing and hash_documents(read_documents(paths, read)) != corpus["hash"]:
        differing = ["another corpus"]
    if differing:
        raise MismatchError(
            f"holds a finished run made otherwise ({'; '.join(differing)})",
            where=str(run.path),
            next="Add --force to replace it, or give another folder by --out.",
        )
    return run


def _train_into(
    folder: Path,
    paths: Sequence[Source],
    settings: TrainingSettings,
    read: ReadOptions,
    tokeniser: Tokeniser,
    progress: Progress,
) -> None:
    from clif.training.trainers import HELD_FIXED, train_model

    begun = Beginning.of(folder, paths, settings, read, tokeniser, progress)
    corpus = begun.corpus
    size = vocabulary_size(corpus.counts, settings.min_count, "corpus")
    vocabulary = Vocabulary(list(corpus.types[:size]), corpus.counts[:size])
    progress("prepare", 0, None, "compiling, the first time only")
    sample = LossSample(corpus, vocabulary, settings)
    if not sample:
        raise InputError(
            "no document has two words of the vocabulary, so there is no context to train on",
            where="corpus",
            next="Give longer documents, or lower --min-count.",
        )
    losses: list[float] = []

    def seen(documents: int) -> None:
        done = len(losses) * len(corpus) + documents
        note = f"epoch {min(len(losses) + 1, settings.epochs)} of {settings.epochs}"
        if losses:
            note += f", loss {losses[-1]:.3f}"
        progress("train", done, settings.epochs * len(corpus), note)

    def step(number: int, gradient: float) -> None:
        progress("train", number, None, f"step {number}, gradient {gradient:.1e} of the first")

    checkpoints = Checkpoints(corpus, vocabulary, settings, folder / CHECKPOINTS)
    start = trained_so_far(checkpoints, lambda U, C: losses.append(sample.loss(U, C)))
    if start:
        progress("train", start[0] * len(corpus), settings.epochs * len(corpus), f"going on after epoch {start[0]}")
    begun.keep()
    watch = Stopwatch()

    def after_epoch(epoch: int, U: NDArray[np.float32], C: NDArray[np.float32]) -> None:
        watch.stop()
        losses.append(sample.loss(U, C))
        if checkpoints.repeatable and epoch < settings.epochs:
            checkpoints.keep(epoch, U, C)
            begun.keep(watch.seconds)
        watch.start()

    trained = train_model(corpus, vocabulary, settings, seen=seen, after_epoch=after_epoch, step=step, start=start)
    about = {
        "losses": losses,
        "loss": "expected loss of one pair with its negatives, on a fixed sample of contexts",
        "cpu_seconds": round(begun.cpu_seconds + trained.cpu_seconds, 3),
        "reproducible": settings.workers == 1,
        "reproducible_because": REPRODUCIBLE[settings.workers == 1],
        **trained.about,
        **HELD_FIXED[settings.trainer],
    }
    finish(folder, paths, corpus, read, tokeniser, settings, size, trained.U, trained.C, about)
