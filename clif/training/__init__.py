"""Train a skip-gram model with negative sampling, into a run folder."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from clif.corpus.encoding import Corpus, encode, hash_documents
from clif.corpus.reading import ReadOptions, read_documents, spool_stdin
from clif.corpus.tokenising import Tokeniser
from clif.errors import InputError, MismatchError
from clif.manifest import cannot_write, versions, write_json
from clif.pairs import LONGEST
from clif.progress import Progress, silent
from clif.run import DEFAULT_RUN, FORMAT, MANIFEST, MODEL, Run, is_run, open_run, write_matrices
from clif.settings import TrainingSettings
from clif.training.loss import LossSample
from clif.vocabulary import Vocabulary, vocabulary_size

STDIN = "-"


@dataclass(frozen=True)
class TrainResult:
    """A run and how it came about: `reused` where a finished run with the same inputs was there already."""

    run: Run
    reused: bool

    def to_dict(self) -> dict[str, Any]:
        """The result as plain values."""
        manifest = self.run.manifest
        return {
            "run": str(self.run.path),
            "reused": self.reused,
            "documents": manifest["corpus"]["documents"],
            "tokens": manifest["corpus"]["tokens_total"],
            "split_documents": manifest["corpus"]["split_documents"],
            "vocabulary": manifest["vocabulary"],
            "settings": manifest["settings"],
            "losses": manifest["training"]["losses"],
            "cpu_seconds": manifest["training"]["cpu_seconds"],
        }


def train(
    sources: Sequence[Path | str] = (),
    out: Path | str = DEFAULT_RUN,
    settings: TrainingSettings | None = None,
    *,
    read: ReadOptions | None = None,
    tokeniser: Tokeniser | None = None,
    force: bool = False,
    progress: Progress = silent,
) -> TrainResult:
    """Read, encode and train; the run folder appears when all is done, or not at all.

    Without `sources`, on the paragraphs of the State of the Union speeches. A finished run at `out` with the
    same corpus and settings is taken as it is.

    Raises
    ------
    InputError
        The corpus cannot be read, is too small, or `out` cannot be written to.
    MismatchError
        `out` holds another run, or something that is not a run; `force` replaces a run.

    """
    settings = settings or TrainingSettings()
    read = read or ReadOptions()
    tokeniser = tokeniser or Tokeniser()
    folder = Path(out)
    partial = folder.with_name(folder.name + ".partial")
    try:
        if partial.exists():
            shutil.rmtree(partial)
        partial.mkdir(parents=True)
    except OSError as error:
        raise cannot_write(folder, error) from error
    try:
        # Standard input can be read only once; everything later reads this copy.
        paths = [spool_stdin(sys.stdin.buffer, partial) if str(s) == STDIN else Path(s) for s in sources]
        if folder.exists():
            reusable = _reusable(folder, paths, settings, read, tokeniser, force)
            if reusable:
                return TrainResult(reusable, reused=True)
        _train_into(partial, paths, settings, read, tokeniser, progress)
        _swap(partial, folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return TrainResult(open_run(folder), reused=False)


def _reusable(
    folder: Path,
    sources: Sequence[Path],
    settings: TrainingSettings,
    read: ReadOptions,
    tokeniser: Tokeniser,
    force: bool,
) -> Run | None:
    """The run at `folder` if it is the one asked for; None if it may be replaced."""
    if not is_run(folder):
        if folder.is_dir() and not any(folder.iterdir()):
            return None
        raise MismatchError(
            "exists and is not a run, so it is left alone",
            where=str(folder),
            next="Give another folder by --out.",
        )
    if force:
        return None
    run = open_run(folder)
    corpus = run.manifest["corpus"]
    asked = {"settings": settings.to_dict(), "read": read.to_dict(), "tokens": tokeniser.to_dict()}
    made = {"settings": run.manifest["settings"], "read": corpus["read"], "tokens": corpus["tokens"]}
    differing = [
        f"{name} {made[part].get(name)!r}, now {value!r}"
        for part, values in asked.items()
        for name, value in values.items()
        if made[part].get(name) != value
    ]
    if not differing and hash_documents(read_documents(sources, read)) != corpus["hash"]:
        differing = ["another corpus"]
    if differing:
        raise MismatchError(
            f"holds a finished run made otherwise ({'; '.join(differing)})",
            where=str(folder),
            next="Add --force to replace it, or give another folder by --out.",
        )
    return run


def _train_into(
    folder: Path,
    sources: Sequence[Path],
    settings: TrainingSettings,
    read: ReadOptions,
    tokeniser: Tokeniser,
    progress: Progress,
) -> None:
    from clif.training.gensim import train_gensim

    corpus = encode(
        read_documents(sources, read),
        tokeniser,
        folder,
        progress=lambda documents, tokens: progress(
            "read", documents, None, f"{documents:,} documents, {tokens:,} tokens"
        ),
    )
    size = vocabulary_size(corpus.counts, settings.min_count, "corpus")
    vocabulary = Vocabulary(corpus.types[:size], corpus.counts[:size])
    sample = LossSample(corpus, vocabulary, settings)
    if not sample:
        raise InputError(
            "no document has two words of the vocabulary near each other, so there is nothing to train on",
            where="corpus",
            next="Give longer documents (one word a document has no context), or lower --min-count.",
        )
    losses: list[float] = []

    def seen(documents: int) -> None:
        done = len(losses) * len(corpus) + documents
        note = f"epoch {min(len(losses) + 1, settings.epochs)} of {settings.epochs}"
        progress("train", done, settings.epochs * len(corpus), note + _loss_note(losses))

    def after_epoch(_epoch: int, U: np.ndarray, C: np.ndarray) -> None:
        losses.append(sample.loss(U, C))

    trained = train_gensim(corpus, vocabulary, settings, seen=seen, after_epoch=after_epoch)
    write_model(folder, corpus, settings, trained.U, trained.C)
    write_json(
        folder / MANIFEST,
        manifest(
            corpus,
            # Relative where it lies in the run: the folder is renamed when all is done.
            [s.relative_to(folder) if s.is_relative_to(folder) else s.absolute() for s in sources],
            read,
            tokeniser,
            settings,
            size,
            training={
                "losses": losses,
                "loss": "expected loss of one pair with its negatives, on a fixed sample of contexts",
                "cpu_seconds": round(trained.cpu_seconds, 3),
                "reproducible": settings.workers == 1,
            },
        ),
    )


def _loss_note(losses: list[float]) -> str:
    return f", loss {losses[-1]:.4f}" if losses else ""


def write_model(folder: Path, corpus: Corpus, settings: TrainingSettings, U: np.ndarray, C: np.ndarray) -> None:
    """Write the model of a run, named after its corpus and settings."""
    about = {"corpus": corpus.content_hash, "settings": settings.to_dict()}
    write_matrices(folder / MODEL, U, C, about)


def manifest(
    corpus: Corpus,
    sources: Sequence[Path],
    read: ReadOptions,
    tokeniser: Tokeniser,
    settings: TrainingSettings,
    size: int,
    training: dict[str, Any],
) -> dict[str, Any]:
    """What a run folder says of itself."""
    return {
        "format": FORMAT,
        "versions": versions(),
        "settings": settings.to_dict(),
        "corpus": {
            "sources": [str(source) for source in sources],
            "read": read.to_dict(),
            "tokens": tokeniser.to_dict(),
            "hash": corpus.content_hash,
            "documents": len(corpus),
            "tokens_total": len(corpus.tokens),
            "split_documents": int((corpus.lengths > LONGEST).sum()),
        },
        "vocabulary": {"words": size, "types": len(corpus.types), "tokens": int(corpus.counts[:size].sum())},
        "training": training,
        "files": {"model": MODEL},
    }


def _swap(partial: Path, folder: Path) -> None:
    """Put `partial` in the place of `folder`; what was there goes only after the new run stands."""
    old = folder.with_name(folder.name + ".old")
    try:
        shutil.rmtree(old, ignore_errors=True)
        if folder.exists():
            folder.rename(old)
        partial.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise cannot_write(folder, error) from error
