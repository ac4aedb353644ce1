"""Finding out by its content what a file of word vectors is, and reading it."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from clif.errors import InputError
from clif.formats.pickles import is_pickle, read_pickle
from clif.formats.rows import longest_line, numbers_at_end, read_binary, read_text
from clif.formats.streams import BLOCK, Stream
from clif.model import SkipGram

# A byte order mark, which some Windows programs put first, is passed over.
_HEADER = re.compile(rb"(?:\xef\xbb\xbf)?[ \t]*([+-]?\d{1,30})[ \t]+([+-]?\d{1,30})[ \t]*\r?(?:\n|\Z)")
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")
_LATE_CONTROL = re.compile("[\x80-\x84\x86-\x9f]")  # characters that no text has either
_MOST_NUMBERS = 1_000_000
_SAMPLE_LINES = 200
_FOREIGN = {
    b"PK\x03\x04": ("is a zip archive", "Unpack it and give the file inside."),
    b"\xba\x16\x4f\x2f": ("is a fastText model", "Give the .vec file that fastText wrote beside it."),
    b"\x93NUMPY": ("is a NumPy array without words", "Write words and vectors as word2vec text."),
    b"BZh": ("is compressed with bzip2", "Unpack it with bunzip2, or compress it with gzip."),
    b"\xfd7zXZ": ("is compressed with xz", "Unpack it with unxz, or compress it with gzip."),
}


def load_vectors(path: str | Path, *, allow_pickle: bool = False) -> SkipGram:
    """Read word vectors; the format is found from the content, never from the name.

    Read are word2vec text and binary and GloVe text, each plain or compressed with gzip or zstd, and the
    models and vectors that gensim saves. The latter are pickles, which can run code when they are read: they
    need `allow_pickle`. Only a gensim skip-gram model with negative sampling has the output vectors C and the
    settings; where another gensim model is given, `source` says what it is and why these are missing.

    A first line of two integers is a word2vec header. Rows are text if the first of them is a word and
    numbers, or if nothing unprintable stands in the file's beginning. Bytes in a word that are not UTF-8
    become backslash escapes. In GloVe text the dimension is the one that most of the first lines have.

    Raises
    ------
    InputError
        The file is missing, empty, cut off or damaged, its header promises more than it can hold, a row is
        wrong (with its line), a word stands twice, a value is not finite, the format is not known, or it is
        a pickle and `allow_pickle` is false.

    """
    with Stream(Path(path)) as stream:
        if not stream.need(1):
            raise InputError("the file is empty", where=stream.where, next="Export the vectors again.")
        ended = not stream.need(BLOCK)
        if is_pickle(stream.buffer):
            return read_pickle(stream, allow_pickle=allow_pickle)
        header = _HEADER.match(stream.buffer)
        if header:
            rows, dim = int(header[1]), int(header[2])
            stream.drop(header.end())
            return _with_header(stream, rows, dim, taken=header.end())
        dim = _usual_numbers(stream.buffer, ended=ended)
        if not dim:
            raise _unknown(stream)
        words, U = read_text(stream, dim, rows=None, line=1)
        return SkipGram(words, U, source=f"{stream.where} (GloVe text)")


def _with_header(stream: Stream, rows: int, dim: int, taken: int) -> SkipGram:
    if rows < 1 or dim < 1 or dim > _MOST_NUMBERS:
        raise InputError(
            f"the header says {rows} vectors of {dim} numbers",
            where=f"{stream.where}, line 1",
            next=f"word2vec files begin with two positive numbers, the second at most {_MOST_NUMBERS}.",
        )
    text = _rows_are_text(stream, dim)
    # The shortest row: text "a 1 1\n" (the last line feed may be missing), binary "a " and the float32s.
    least = rows * (2 * dim + 2) - 1 if text else rows * (4 * dim + 2)
    if stream.size is not None and least > stream.size - taken:
        raise InputError(
            f"the header promises {rows} vectors of {dim} numbers, which take {least} bytes or more, "
            f"but {stream.size - taken} bytes follow it",
            where=stream.where,
            next="The file is cut off or of another format; copy it or export the vectors again.",
        )
    words, U = read_text(stream, dim, rows, line=2) if text else read_binary(stream, dim, rows)
    return SkipGram(words, U, source=f"{stream.where} (word2vec {'text' if text else 'binary'})")


def _rows_are_text(stream: Stream, dim: int) -> bool:
    stream.need(longest_line(dim))
    first = stream.buffer.lstrip(b"\r\n").partition(b"\n")[0]
    if numbers_at_end(first) >= dim:
        return True
    # The first row may be a faulty line of text, to be reported as such. Float32s betray themselves by bytes
    # that no text has; four printable bytes in a row are rare and a whole vector of them does not happen.
    sample = stream.buffer[:BLOCK]
    if _CONTROL.search(sample):
        return False
    try:
        return not _LATE_CONTROL.search(sample.decode("utf-8"))
    except UnicodeDecodeError as error:
        # A character may be cut in two by the end of the sample, where the file goes on.
        return len(sample) == BLOCK and error.start > len(sample) - 4


def _usual_numbers(buffer: bytes, *, ended: bool) -> int:
    """How many numbers most of the first lines end with: the dimension of a file without a header."""
    lines = buffer.split(b"\n", _SAMPLE_LINES)
    if len(lines) > _SAMPLE_LINES or not ended:
        lines.pop()  # not a whole line
    counts = Counter(numbers_at_end(line) for line in lines if line.strip())
    return counts.most_common(1)[0][0] if counts else 0


def _unknown(stream: Stream) -> InputError:
    for magic, (what, next_) in _FOREIGN.items():
        if stream.buffer.startswith(magic):
            return InputError(what, where=stream.where, next=next_)
    return InputError(
        "is not in a format of word vectors that is known here",
        where=stream.where,
        next="Known are word2vec text and binary, GloVe text (a word, then numbers, with spaces between) "
        "and gensim's saved models; export the vectors as one of them.",
    )
