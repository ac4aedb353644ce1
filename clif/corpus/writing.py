"""Write an edited corpus: what stays and what goes, in the format it came in."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from clif.corpus.documents import ReadOptions
from clif.corpus.layouts import Plan, Revise
from clif.corpus.reading import layout_of, read_documents
from clif.corpus.remote import Source
from clif.corpus.sources import SourceFile, find_files
from clif.errors import InputError

KEPT, REMOVED = "kept", "removed"


@dataclass(frozen=True)
class EditedFiles:
    """Files of an edited corpus: what stays, and what was taken out."""

    kept: list[Path]
    removed: list[Path]


def write_edited(
    sources: Sequence[str | Source],
    options: ReadOptions,
    folder: Path,
    copies: Mapping[str, int],
    revise: Revise | None = None,
) -> EditedFiles:
    """Write a corpus again to `folder/kept` and `folder/removed`, with documents left out, repeated or revised.

    `copies` says how often a document shall stand in the edited corpus: 0 takes it out, 3 repeats it; others
    stay once. Each input file gives a file of its name, format and compression; folders keep their relative
    paths, and a file that would hold nothing is not written. Lines, rows and files that are not edited stay
    as they were. A further copy of a document with the id "a" gets the id "a~2", "a~3", ... (the next number
    that is free); the files of a folder that are documents as a whole get such names.

    `revise` gives another text for a document, and what was taken out of it: `kept` then holds the document with this
    text, unless it is white space alone, and `removed` each part, under the id "a#2" for part 2 of "a". Formats that
    number documents by their place have no ids to write.

    Read the result with the same options: from the files in `kept` if the sources were files, from the
    folder `folder/kept` if they were folders.

    Raises
    ------
    InputError
        `copies` names an unknown document or a negative number, the corpus cannot be read, or `folder`
        cannot be written to or holds files of another corpus.

    """
    files = find_files(sources)
    _check_folder(files, folder)
    # Nothing is written before everything was read: unknown ids and broken lines leave no half edits.
    taken = {document.doc_id for document in read_documents(sources, options)}
    _check_copies(copies, taken)
    plan = Plan(copies, taken | {file.name for file in files}, revise)
    kept: list[Path] = []
    removed: list[Path] = []
    for file in files:
        written = layout_of(file, options).edit(plan, folder / KEPT / file.name, folder / REMOVED / file.name)
        kept += written.kept
        removed += written.removed
    # Left by an earlier edit of the same corpus that took other documents out.
    for old in _present(folder) - {*kept, *removed}:
        old.unlink()
    return EditedFiles(kept, removed)


def _check_copies(copies: Mapping[str, int], known: set[str]) -> None:
    unknown = [doc_id for doc_id in copies if doc_id not in known]
    if unknown:
        raise InputError(
            f"the corpus has no document {unknown[0]!r}"
            + (f", nor {len(unknown) - 1} others that are asked for" if len(unknown) > 1 else ""),
            where="edit",
            next="Use ids of this corpus; those made from positions change when files are edited or renamed.",
        )
    negative = [doc_id for doc_id, count in copies.items() if count < 0]
    if negative:
        raise InputError(
            f"{copies[negative[0]]} copies of document {negative[0]!r}",
            where="edit",
            next="Ask for 0 copies (take it out) or more.",
        )


def _check_folder(files: list[SourceFile], folder: Path) -> None:
    """Refuse a folder whose contents the edit would spoil, or that would spoil the edit."""
    outputs = {(folder / part).resolve() for part in (KEPT, REMOVED)}
    for file in files:
        if not outputs.isdisjoint(file.path.resolve().parents):
            raise InputError(
                "the edited corpus would overwrite this file, which it is made from",
                where=file.shown,
                next="Choose another folder for the edited corpus.",
            )
    names = {file.name for file in files}
    for path in sorted(_present(folder)):
        name = path.relative_to(folder).as_posix().partition("/")[2]
        # Copies of whole files, and parts of them, carry a number.
        if name not in names and re.sub(r"[~#]\d+", "", name) not in names:
            raise InputError(
                "stands where the edited corpus belongs but is not part of it",
                where=str(path),
                next=f"Remove {folder / KEPT} and {folder / REMOVED}, or choose another folder.",
            )


def _present(folder: Path) -> set[Path]:
    """Files of an earlier edit, without hidden ones."""
    parts = [folder / KEPT, folder / REMOVED]
    return {
        path
        for part in parts
        for path in part.rglob("*")
        if path.is_file() and not any(name.startswith(".") for name in path.relative_to(part).parts)
    }
