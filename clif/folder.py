"""Make a run folder, whole or not at all."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from clif.corpus.encoding import DOCUMENTS, TOKENS, WORDS, Corpus, encode
from clif.corpus.memory import COPY
from clif.corpus.metadata import METADATA
from clif.corpus.reading import ReadOptions, read_documents, spool_stdin
from clif.corpus.remote import Source, located
from clif.corpus.sentence_file import SENTENCES
from clif.corpus.tokenising import Tokeniser
from clif.errors import ClifError, MismatchError, UsageError
from clif.manifest import MANIFEST, checksums, versions
from clif.pairs import LONGEST
from clif.progress import Progress
from clif.run import DEFAULT_RUN, FORMAT, MODEL, Run, is_run, open_run, replaced, write_matrices
from clif.settings import TrainingSettings
from clif.storage.files import cannot_write, parents_of, sync_folder, write_json
from clif.storage.holding import held
from clif.storage.leftovers import sweep
from clif.storage.seals import CHECKSUMS

STDIN = "-"
STDIN_COPY = "stdin"
COPIES = (STDIN_COPY, COPY)  # of what can be read only once, or is no file
ENCODED = (TOKENS, SENTENCES, DOCUMENTS, METADATA, WORDS)
STARTED = "started.json"  # in a folder that is not finished, if it is worth going on with


class Stored(Protocol):
    """A corpus that is no file."""

    def store(self, folder: Path) -> Path:
        """Write a copy of it to `folder` and return its path."""


Given = str | Source | Stored  # what a caller names as a corpus


def build(
    out: Path | str,
    sources: Sequence[Given],
    fill: Callable[[Path, list[Source]], None],
    reusable: Callable[[Path, list[Source]], Run | None],
    *,
    resumes: bool = False,
) -> Run:
    """Let `fill(folder, paths)` write a run beside `out`, then put it in its place.

    `reusable(folder, paths)` is asked first about what is at `out`: it returns a run to be taken as it is, None if
    what is there may be replaced, or raises. Killed at any moment, `out` is as it was or as it shall be, once the same
    command was run again. A `fill` that `resumes` finds what an earlier one left, if that wrote STARTED.

    Raises
    ------
    UsageError
        `out` is the current folder, the one above it, or the root.
    InputError
        The folder cannot be written to.
    MismatchError
        `out` exists and is not a run.

    """
    folder = Path(out)
    if folder.is_symlink():
        folder = folder.resolve()
    if folder.name in ("", ".."):
        raise UsageError(
            "a run is a folder that clif makes and replaces as a whole, so it needs a name of its own",
            where=f"--out {out}",
            next=f"Name it, as in --out {folder / DEFAULT_RUN}.",
        )
    with parents_of(folder):
        _build(folder, sources, fill, reusable, resumes)
    return open_run(folder)


def _build(
    folder: Path,
    sources: Sequence[Given],
    fill: Callable[[Path, list[Source]], None],
    reusable: Callable[[Path, list[Source]], Run | None],
    resumes: bool,
) -> None:
    with held(folder.with_name(f".{folder.name}.lock"), "building this run", folder, "name another folder by --out."):
        partial = folder.with_name(f".{folder.name}.partial")
        try:
            _recover(folder, partial)
            partial.mkdir(exist_ok=True)
        except OSError as error:
            raise cannot_write(folder, error) from error
        try:
            _fill(folder, partial, sources, fill, reusable, resumes)
        except ClifError as error:
            spooled = str(partial / STDIN_COPY)
            if error.where and spooled in error.where:
                error.where = error.where.replace(spooled, "standard input")
            raise
        finally:
            if not (partial / STARTED).exists():
                shutil.rmtree(partial, ignore_errors=True)


def _fill(
    folder: Path,
    partial: Path,
    sources: Sequence[Given],
    fill: Callable[[Path, list[Source]], None],
    reusable: Callable[[Path, list[Source]], Run | None],
    resumes: bool,
) -> None:
    paths = [_path(source, partial) for source in sources]
    if folder.exists():
        if not is_run(folder) and not (folder.is_dir() and not any(folder.iterdir())):
            raise MismatchError(
                "exists and is not a run, so it is left alone",
                where=str(folder),
                next="Give another folder by --out.",
            )
        if is_run(folder) and reusable(folder, paths):
            return
    with _deserted(folder):
        if not resumes:
            afresh(partial)
    fill(partial, paths)
    with _deserted(folder):
        _swap(partial, folder)


@contextmanager
def _deserted(folder: Path) -> Iterator[None]:
    """Hold a run that is to be replaced; raises InputError if another process works on it."""
    with ExitStack() as stack:
        for lock in Run(folder, {}).locks:
            if lock.parent.is_dir():
                stack.enter_context(held(lock, "at work in this run", folder, "name another folder by --out."))
        yield


def afresh(folder: Path) -> None:
    """Empty a folder that is not finished, but for copies of what was read; raises InputError if that fails."""
    try:
        # What makes it worth going on with goes first: the rest is nothing without it.
        (folder / STARTED).unlink(missing_ok=True)
        for path in folder.iterdir():
            if path.name not in COPIES:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    except OSError as error:
        raise cannot_write(folder, error) from error


def _path(source: Given, folder: Path) -> Source:
    """Where a source is read from; of what can be read only once, or is no file, everything later reads a copy."""
    if not isinstance(source, str | Source):
        return source.store(folder)
    return spool_stdin(sys.stdin.buffer, folder) if str(source) == STDIN else located(source)


def encode_into(
    folder: Path,
    paths: Sequence[Source],
    read: ReadOptions,
    tokeniser: Tokeniser,
    progress: Progress,
    vocabulary: Sequence[str] | None = None,
    known: Container[str] | None = None,
) -> Corpus:
    """Read, tokenise and encode a corpus into a run folder; `vocabulary` and `known` are those of `encode`."""
    return encode(
        read_documents(paths, read),
        tokeniser,
        folder,
        vocabulary=vocabulary,
        known=known,
        progress=lambda documents, tokens: progress(
            "read", documents, None, f"{documents:,} documents, {tokens:,} tokens"
        ),
    )


def finish(
    folder: Path,
    paths: Sequence[Source],
    corpus: Corpus,
    read: ReadOptions,
    tokeniser: Tokeniser,
    settings: TrainingSettings,
    size: int,
    U: NDArray[np.float32],
    C: NDArray[np.float32],
    training: dict[str, Any],
) -> None:
    """Write the model and, last, the manifest: what the run says of itself."""
    about = {"corpus": corpus.content_hash, "settings": settings.to_dict()}
    write_matrices(folder / MODEL, U, C, about)
    # Relative where it lies in the run: the folder is renamed when all is done.
    sources = [
        path.relative_to(folder) if isinstance(path, Path) and path.is_relative_to(folder) else path.absolute()
        for path in paths
    ]
    manifest = {
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
        # Checkpoints may be removed and are made again, so they are sealed each by itself.
        CHECKSUMS: checksums(folder, [*ENCODED, MODEL, *COPIES]),
    }
    write_json(folder / MANIFEST, manifest)


def _recover(folder: Path, partial: Path) -> None:
    """Finish what a process that was killed in `_swap` began; raises OSError."""
    old = replaced(folder)
    if old.exists() and not folder.exists():
        (partial if is_run(partial) else old).rename(folder)
        sync_folder(folder.parent)
    if old.exists():
        shutil.rmtree(old)
    sweep(partial, below=True)


def _swap(partial: Path, folder: Path) -> None:
    """Put `partial` in the place of `folder`; what was there goes only after the new run stands."""
    old = replaced(folder)
    try:
        (partial / STARTED).unlink(missing_ok=True)
        if folder.exists():
            folder.rename(old)
        partial.rename(folder)
        sync_folder(folder.parent)
    except OSError as error:
        raise cannot_write(folder, error) from error
    shutil.rmtree(old, ignore_errors=True)
