"""Make a run folder, whole or not at all."""

from __future__ import annotations

import glob
import os
import shutil
import sys
from collections.abc import Callable, Container, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clif.corpus.encoding import Corpus, encode
from clif.corpus.reading import ReadOptions, read_documents, spool_stdin
from clif.corpus.remote import Source, located
from clif.corpus.tokenising import Tokeniser
from clif.errors import ClifError, MismatchError, UsageError
from clif.files import cannot_write, parents_of, write_json
from clif.manifest import versions
from clif.pairs import LONGEST
from clif.progress import Progress
from clif.run import DEFAULT_RUN, FORMAT, MANIFEST, MODEL, Run, is_run, open_run, write_matrices
from clif.settings import TrainingSettings

STDIN = "-"
STDIN_COPY = "stdin"


def build(
    out: Path | str,
    sources: Sequence[str | Source],
    fill: Callable[[Path, list[Source]], None],
    reusable: Callable[[Path, list[Source]], Run | None],
) -> Run:
    """Let `fill(folder, paths)` write a run beside `out`, then put it in its place.

    `reusable(folder, paths)` is asked first about what is at `out`: it returns a run to be taken as it is, None if
    what is there may be replaced, or raises. Killed at any moment, `out` is as it was or as it shall be.

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
        _build(folder, sources, fill, reusable)
    return open_run(folder)


def _build(
    folder: Path,
    sources: Sequence[str | Source],
    fill: Callable[[Path, list[Source]], None],
    reusable: Callable[[Path, list[Source]], Run | None],
) -> None:
    # A name of this process's own: another one may be building the same run, and the last to finish stays.
    partial = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    try:
        _sweep(folder)
        partial.mkdir()
    except OSError as error:
        raise cannot_write(folder, error) from error
    try:
        # Standard input can be read only once; everything later reads this copy.
        paths = [spool_stdin(sys.stdin.buffer, partial) if str(s) == STDIN else located(s) for s in sources]
        if folder.exists():
            if not is_run(folder) and not (folder.is_dir() and not any(folder.iterdir())):
                raise MismatchError(
                    "exists and is not a run, so it is left alone",
                    where=str(folder),
                    next="Give another folder by --out.",
                )
            if is_run(folder) and reusable(folder, paths):
                return
        fill(partial, paths)
        _swap(partial, folder)
    except ClifError as error:
        spooled = str(partial / STDIN_COPY)
        if error.where and spooled in error.where:
            error.where = error.where.replace(spooled, "standard input")
        raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)


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
    }
    write_json(folder / MANIFEST, manifest)


def _sweep(folder: Path) -> None:
    """Remove what processes that are gone left half built."""
    for left in folder.parent.glob(f".{glob.escape(folder.name)}.*.partial"):
        pid = left.name.removesuffix(".partial").rpartition(".")[2]
        if pid.isdecimal() and (int(pid) == os.getpid() or not _alive(int(pid))):
            shutil.rmtree(left, ignore_errors=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _swap(partial: Path, folder: Path) -> None:
    """Put `partial` in the place of `folder`; what was there goes only after the new run stands."""
    old = folder.with_name(f".{folder.name}.{os.getpid()}.partial.old")
    try:
        shutil.rmtree(old, ignore_errors=True)
        if folder.exists():
            folder.rename(old)
        partial.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise cannot_write(folder, error) from error
