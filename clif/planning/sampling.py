"""A sample of a corpus, spread over what is read of it, and how much of the corpus that is."""

from __future__ import annotations

import gzip
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import zstandard

from clif.corpus.limits import size_of
from clif.corpus.opening import GZIP, compression_of, faults, shown
from clif.corpus.reading import Document, ReadOptions, layout_of
from clif.corpus.remote import Remote, Source, located
from clif.corpus.sources import find_files
from clif.errors import InputError, UsageError

READ = 64_000_000  # bytes, unpacked, that are read
KEPT = 3_000_000  # characters of text that are kept of them, or up to twice as many
FILES = 16  # that are read, spread over the corpus
_CHUNK = 1 << 17


@dataclass(frozen=True)
class Sample:
    """Documents of a corpus, and what they say of all of it.

    `documents` and `characters` of text are estimates for the whole corpus, and `seconds` what reading it takes of a
    CPU; `bytes` are its files as they lie on disk.
    """

    taken: list[Document]
    documents: float
    characters: float
    bytes: int
    seconds: float

    @property
    def share(self) -> float:
        """Share of the corpus that the sample holds, by characters."""
        return sum(len(document.text) for document in self.taken) / self.characters


def take_sample(sources: Sequence[str | Source], options: ReadOptions) -> Sample:
    """Read up to READ bytes of a corpus and keep every n-th document of them, KEPT characters or some more.

    Raises
    ------
    InputError
        A file is missing, damaged or not what it should be, or what was read holds no text.
    UsageError
        The corpus lies elsewhere.

    """
    for source in map(located, sources):
        if isinstance(source, Remote):
            raise UsageError(
                "a plan reads parts of files again and again, so it is made from files of this machine",
                where=shown(source),
                next="Copy some of the corpus here, and plan for that.",
            )
    files = find_files(sources)
    spread = [files[n * len(files) // FILES] for n in range(FILES)] if len(files) > FILES else files
    taken: list[Document] = []
    every, kept, met = 1, 0, 0
    documents = characters = read = 0.0
    began = time.process_time()
    for file in spread:
        here, text, size, share = 0, 0, 0, 1.0
        for document in layout_of(file, options).documents():
            here += 1
            text += len(document.text)
            size += len(document.record if isinstance(document.record, str) else document.text)
            if met % every == 0:
                taken.append(document)
                kept += len(document.text)
            met += 1
            if kept > 2 * KEPT:
                taken, every = taken[::2], 2 * every
                kept = sum(len(each.text) for each in taken)
            if size > READ / len(spread):
                share = _share(Path(str(file.path)), here, size)
                break
        documents += here / share
        characters += text / share
        read += text
    if not kept:
        raise InputError(
            "no text in what was read of the corpus",
            where=", ".join(map(str, sources)) or "corpus",
            next="Name a file or folder that holds text, or use --text-field or --format.",
        )
    seconds = time.process_time() - began
    sizes = {file: 0 if file.is_speeches else size_of(file.path) for file in files}
    # Of many files some were read: the others are taken to be like them, byte for byte.
    rest = sum(sizes.values()) / max(1, sum(sizes[file] for file in spread)) if len(spread) < len(files) else 1.0
    return Sample(
        taken, documents * rest, characters * rest, sum(sizes.values()), seconds * characters * rest / max(read, 1.0)
    )


def _share(path: Path, documents: int, size: int) -> float:
    """Share of a file that was read, by its documents where it knows their number, else by its length."""
    if path.suffix.lower() in (".parquet", ".pq"):
        import pyarrow.parquet as pq

        rows = pq.ParquetFile(path).metadata.num_rows
        return float(min(1.0, documents / max(rows, 1)))
    return min(1.0, size / max(unpacked_size(path), 1.0))


def unpacked_size(path: Path) -> float:
    """Length of a file when it is unpacked, from what its beginning becomes; raises InputError if it is damaged."""
    size, kind = path.stat().st_size, compression_of(path)
    if kind is None:
        return size
    length = 0
    with faults(path), path.open("rb") as raw:
        stream = (
            gzip.GzipFile(fileobj=raw)
            if kind == GZIP
            else zstandard.ZstdDecompressor(max_window_size=1 << 31).stream_reader(
                raw, 1 << 14, read_across_frames=True
            )
        )
        while length < READ and (chunk := stream.read(_CHUNK)):
            length += len(chunk)
        unpacked: float = length * size / raw.tell() if chunk else length
        return unpacked
