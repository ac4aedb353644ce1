"""Rows of word vectors, as text and as word2vec's binary, into words and a matrix; faults name their row."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
from numpy.typing import NDArray

from clif.errors import InputError
from clif.formats.streams import BLOCK, Stream

Vectors = tuple[list[str], NDArray[np.float32]]

LONGEST_WORD = 1 << 16
_NUMBER = re.compile(rb"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|nan|inf|infinity)", re.IGNORECASE)
_EXPORT_AGAIN = "The file is cut off or damaged; copy it or export the vectors again."


def numbers_at_end(line: bytes) -> int:
    """How many numbers end a line; its first field is a word even if it looks like a number."""
    fields = line.split()[1:]
    count = 0
    while count < len(fields) and _NUMBER.fullmatch(fields[-1 - count]):
        count += 1
    return count


def longest_line(dim: int) -> int:
    """Bytes that a row of `dim` numbers may take, generously."""
    return max(BLOCK, LONGEST_WORD + 64 * dim)


def read_text(stream: Stream, dim: int, rows: int | None, line: int) -> Vectors:
    """Rows of a word and `dim` numbers, the first of them in line `line`; `rows` is what a header promised.

    A word may hold spaces, as some in glove.840B do: the last `dim` fields are the numbers. Bytes that are
    not UTF-8 become backslash escapes, which keeps words apart that a replacement character would merge.

    Raises
    ------
    InputError
        A row has too few or too many numbers, a field is no number, or the rows are not as many as promised.

    """
    words: list[str] = []
    matrix = _Growing(dim, rows, known=stream.size is not None)
    for lines in stream.lines(longest_line(dim)):
        found, values = _parse_quickly(lines, dim) or _parse_slowly(lines, dim, line, stream.where)
        if len(set(found)) < len(found):
            raise _twice(stream, found)  # at once: one row over and over packs a thousandfold
        words += [word.decode("utf-8", "backslashreplace") for word in found]
        if rows is not None and len(words) > rows:
            raise InputError(
                f"the header promises {rows} vectors, but there are more",
                where=stream.where,
                next="Correct the first line, or export the vectors again.",
            )
        matrix.append(values)
        line += len(lines)
    if rows is not None and len(words) < rows:
        raise _too_few(stream, len(words), rows)
    return words, matrix.trimmed()


def read_binary(stream: Stream, dim: int, rows: int) -> Vectors:
    """`rows` times a word, a space and `dim` little-endian float32; words are decoded as in text.

    Raises
    ------
    InputError
        The file ends early or goes on after the last row, or a row has no word.

    """
    words: list[str] = []
    matrix = _Growing(dim, rows, known=stream.size is not None)
    width = 4 * dim
    while len(words) < rows:
        more = stream.need(max(BLOCK, LONGEST_WORD + width))
        buffer, position, pieces = stream.buffer, 0, []
        while len(words) < rows:
            space = buffer.find(b" ", position, position + LONGEST_WORD)
            end = space + 1 + width
            if space < 0 or end > len(buffer):
                break
            # The original word2vec ends each row with a line feed, gensim does not.
            word = buffer[position:space].lstrip(b"\n")
            if not word:
                raise _no_word(stream, len(words))
            words.append(word.decode("utf-8", "backslashreplace"))
            pieces.append(buffer[space + 1 : end])
            position = end
        if not pieces:
            raise _no_word(stream, len(words)) if more else _too_few(stream, len(words), rows)
        matrix.append(np.frombuffer(b"".join(pieces), "<f4").reshape(-1, dim))
        stream.drop(position)
    stream.need(BLOCK)
    if stream.buffer.strip():
        raise InputError(
            f"the file goes on after the {rows} vectors of {dim} numbers that its header promises",
            where=stream.where,
            next="The header is wrong or the file is damaged; export the vectors again.",
        )
    return words, matrix.trimmed()


class _Growing:
    """A matrix that takes rows as they come, allocated whole only if the file is known to be large enough."""

    def __init__(self, dim: int, rows: int | None, *, known: bool) -> None:
        start = max(1, BLOCK // (4 * dim))
        self._most = rows
        self._filled = 0
        self._values = np.empty((rows if rows is not None and known else start, dim), np.float32)

    def append(self, block: NDArray[np.float32]) -> None:
        end = self._filled + len(block)
        capacity, dim = self._values.shape
        if end > capacity:
            grown = max(end, 2 * capacity)
            self._values.resize((grown if self._most is None else min(grown, self._most), dim), refcheck=False)
        self._values[self._filled : end] = block
        self._filled = end

    def trimmed(self) -> NDArray[np.float32]:
        self._values.resize((self._filled, self._values.shape[1]), refcheck=False)
        return self._values


def _parse_quickly(lines: list[bytes], dim: int) -> tuple[list[bytes], NDArray[np.float32]] | None:
    """Words and values if each line is a word and numbers with single spaces between; None: look closer."""
    import pyarrow as pa
    from pyarrow import csv

    kept = [row for row in map(bytes.rstrip, lines) if row]
    if not kept:
        return [], np.empty((0, dim), np.float32)
    if any(row.count(b" ") != dim or row.startswith(b" ") for row in kept):
        return None
    words, numbers = zip(*(row.split(b" ", 1) for row in kept), strict=True)
    # One number a line makes a CSV of one column, which Arrow parses three times as fast as NumPy can.
    text = b"\n".join(numbers).replace(b" ", b"\n")
    if b"\r" in text or b"\n\n" in text:
        return None
    try:
        table = csv.read_csv(
            pa.BufferReader(text),
            read_options=csv.ReadOptions(column_names=["x"], use_threads=False, block_size=len(text) + 1),
            parse_options=csv.ParseOptions(delimiter=",", quote_char=False),
            convert_options=csv.ConvertOptions(column_types={"x": pa.float32()}, null_values=[]),
        )
    except pa.ArrowInvalid:
        return None
    values = table.column(0).to_numpy()
    if len(values) != len(kept) * dim or table.column(0).null_count:
        return None
    return list(words), values.reshape(-1, dim)


def _parse_slowly(lines: list[bytes], dim: int, first: int, where: str) -> tuple[list[bytes], NDArray[np.float32]]:
    """The same line by line, with any white space between fields; the first fault is named."""
    words: list[bytes] = []
    values: list[list[float]] = []
    for number, row in enumerate(lines, first):
        if not row.strip():
            continue
        word, *fields = [b"", *row.split()] if row[:1].isspace() else row.rstrip().rsplit(None, dim)
        wrong = next((field for field in fields if not _NUMBER.fullmatch(field)), None)
        extra = numbers_at_end(word)
        if not word:
            what = f"line {number} begins with white space: it has no word"
        elif len(fields) != dim or (wrong is None and extra):
            found = len(fields) + extra
            what = f"line {number} has {found} fields after its word where {dim} numbers are expected"
        elif wrong is not None:
            what = f"line {number}: {_shown(wrong)} is not a number"
        else:
            words.append(word)
            values.append([float(field) for field in fields])
            continue
        raise InputError(what, where=where, next="Correct or remove the line, or export the vectors again.")
    with np.errstate(over="ignore"):  # beyond float32 is infinite, which the model reports by word
        return words, np.array(values, np.float32).reshape(-1, dim)


def _shown(field: bytes) -> str:
    text = field.decode("utf-8", "backslashreplace")
    return repr(text if len(text) <= 40 else text[:37] + "...")


def _twice(stream: Stream, found: list[bytes]) -> InputError:
    double = Counter(found).most_common(1)[0][0]
    what = f"the word {_shown(double)} has two vectors"
    return InputError(what, where=stream.where, next="Remove one of its rows.")


def _too_few(stream: Stream, found: int, promised: int) -> InputError:
    what = f"the file ends after {found} of the {promised} vectors that its header promises"
    return InputError(what, where=stream.where, next=_EXPORT_AGAIN)


def _no_word(stream: Stream, before: int) -> InputError:
    what = f"no word stands before vector {before + 1}"
    next_ = "The header's dimension is wrong or the file is damaged; export the vectors again."
    return InputError(what, where=stream.where, next=next_)
