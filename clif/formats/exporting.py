"""Word vectors out, in formats that other tools read."""

from __future__ import annotations

import gzip
import os
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, cast

import numpy as np
from numpy.typing import NDArray

from clif.errors import InputError, UsageError
from clif.formats.memory import keyed_vectors
from clif.formats.rows import numbers_at_end
from clif.model import SkipGram
from clif.storage.files import sync_folder

_ENDINGS = {
    ".txt": "word2vec",
    ".vec": "word2vec",
    ".bin": "word2vec-binary",
    ".kv": "keyedvectors",
    ".glove": "glove",
}
_ROWS = 1000


def export_vectors(model: SkipGram, path: Path, *, format: str | None = None, matrix: str = "input") -> Path:
    """Write the vectors of a model to a file of another tool's format and return its path.

    `format` is one of FORMATS; left out, it follows from the ending: .txt and .vec word2vec, .bin
    word2vec-binary, .kv keyedvectors (gensim's, one file), .glove glove. A further .gz compresses all but
    keyedvectors. `matrix` is "input" (U) or "output" (C). Words keep the model's order; text has the nine
    digits from which float32 is read back exactly. The file appears whole or not at all.

    Raises
    ------
    UsageError
        The format, the ending or the matrix is not known, or keyedvectors are to be compressed.
    InputError
        The model has no words or lacks the matrix, a word cannot be written in the format, or the file
        cannot be written.

    """
    path = Path(path)
    packed = path.suffix.lower() == ".gz"
    format = _format(path, format, packed=packed)
    vectors = np.ascontiguousarray(_matrix(model, matrix), "<f4")
    if format == "keyedvectors":
        with _appearing(path) as file:
            _write_keyedvectors(file, model, vectors)
        return path
    fault, write = _WRITERS[format]
    words = _encoded(model, format, fault)
    with _appearing(path) as file:
        if packed:
            # Without name and time the same vectors make the same file. Higher levels take six times as long
            # and make digits a twelfth smaller.
            with gzip.GzipFile(filename="", mode="wb", compresslevel=1, fileobj=file, mtime=0) as pack:
                write(cast("IO[bytes]", pack), words, vectors)
        else:
            write(file, words, vectors)
    return path


def _format(path: Path, format: str | None, *, packed: bool) -> str:
    if format is None:
        ending = Path(path.stem).suffix.lower() if packed else path.suffix.lower()
        format = _ENDINGS.get(ending)
        if format is None:
            choices = ", ".join(f"{end} ({name})" for end, name in _ENDINGS.items())
            raise UsageError(
                f"the ending {ending!r} does not tell a format",
                where=str(path),
                next=f"Use one of {choices}, or name the format.",
            )
    elif format not in FORMATS:
        raise UsageError(f"unknown format {format!r}", where="--format", next=f"Choose one of: {', '.join(FORMATS)}.")
    if packed and format == "keyedvectors":
        raise UsageError("keyedvectors are not compressed", where=str(path), next="Leave out the ending .gz.")
    return format


def _matrix(model: SkipGram, matrix: str) -> NDArray[np.float32]:
    if matrix not in ("input", "output"):
        raise UsageError(f"unknown matrix {matrix!r}", where="--matrix", next="Choose one of: input, output.")
    found = model.U if matrix == "input" else model.C
    if found is None:
        raise InputError(
            "holds no output vectors",
            where=model.source,
            next="Export the input vectors, or take a run folder or a gensim model that has both.",
        )
    if not found.size:
        raise InputError("holds no vectors to export", where=model.source, next="Train the model first.")
    return np.asarray(found, dtype=np.float32)  # a model may be in double precision; these formats are not


def _encoded(model: SkipGram, format: str, fault: Callable[[bytes], str]) -> list[bytes]:
    encoded = []
    for word in model.words:
        try:
            data = word.encode("utf-8")
        except UnicodeEncodeError:
            data, wrong = b"", "is not valid Unicode"
        else:
            wrong = fault(data)
        if wrong:
            raise InputError(
                f"the word {word!r} {wrong}, so {format} cannot hold it",
                where=model.source,
                next="Rename or remove the word, or choose the format keyedvectors.",
            )
        encoded.append(data)
    return encoded


def _fault_in_word2vec(word: bytes) -> str:
    if not word:
        return "is empty"
    return "contains white space" if re.search(rb"\s", word) else ""


def _fault_in_glove(word: bytes) -> str:
    # glove.840B has words with spaces. They can be told from the numbers unless they end in one.
    if not word:
        return "is empty"
    if b"\n" in word or word != word.strip():
        return "contains a line break or ends in white space"
    return "ends in a number after white space" if numbers_at_end(word) else ""


def _write_rows(file: IO[bytes], words: list[bytes], vectors: NDArray[np.float32]) -> None:
    # Nine significant digits tell any two float32 apart; "#" keeps the point of a whole number, so that no
    # row can be taken for a header.
    pattern = b" ".join([b"%s", *[b"%#.9g"] * vectors.shape[1]]) + b"\n"
    for start in range(0, len(words), _ROWS):
        block = zip(words[start : start + _ROWS], vectors[start : start + _ROWS].tolist(), strict=True)
        file.write(b"".join([pattern % (word, *row) for word, row in block]))


def _write_word2vec(file: IO[bytes], words: list[bytes], vectors: NDArray[np.float32]) -> None:
    file.write(b"%d %d\n" % vectors.shape)
    _write_rows(file, words, vectors)


def _write_binary(file: IO[bytes], words: list[bytes], vectors: NDArray[np.float32]) -> None:
    file.write(b"%d %d\n" % vectors.shape)
    for start in range(0, len(words), _ROWS):
        block = zip(words[start : start + _ROWS], vectors[start : start + _ROWS], strict=True)
        file.write(b"".join([b"%s %s\n" % (word, row.tobytes()) for word, row in block]))


def _write_keyedvectors(file: IO[bytes], model: SkipGram, vectors: NDArray[np.float32]) -> None:
    keyed = keyed_vectors(model.words, vectors, model.counts)
    keyed.save(file)  # to an open file, gensim writes everything into it


@contextmanager
def _appearing(path: Path) -> Iterator[IO[bytes]]:
    """A file that takes its name when all of it is on disk; a reader never sees half of it."""
    temporary = path.parent / f".clif-{secrets.token_hex(6)}.tmp"
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise InputError(
            f"cannot be written: {error.strerror or error}",
            where=str(path),
            next="Check that the folder exists, may be written to and has room.",
        ) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


_Writer = Callable[[IO[bytes], list[bytes], NDArray[np.float32]], None]
_WRITERS: dict[str, tuple[Callable[[bytes], str], _Writer]] = {
    "word2vec": (_fault_in_word2vec, _write_word2vec),
    "word2vec-binary": (_fault_in_word2vec, _write_binary),
    "glove": (_fault_in_glove, _write_rows),
}
FORMATS = (*_WRITERS, "keyedvectors")
