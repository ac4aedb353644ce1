"""An encoded corpus in parts that other processes work on: consecutive documents, with their tokens or where they lie.

Corpora are cut into blocks of so many tokens, whole documents each, and parts are made of whole blocks. So a block is
the same whoever works on it, and sums over blocks have one order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from clif.errors import InputError

if TYPE_CHECKING:
    from clif.corpus.encoding import Corpus

BLOCK = 1 << 18  # tokens that are scored at a time: what a thread takes
MOST = 64  # blocks in a part: 17 million tokens
PASSED = 1 << 22  # tokens that are looked at before their pages are let go of
LONG = 1 << 24  # tokens: all of a shorter corpus may lie in memory
STRETCH = 1 << 16  # tokens that may be mapped with a document that lies apart
EACH = 4  # parts for each thread, if the corpus gives that many: so all end at about the same time


def cut(sizes: NDArray[np.integer], most: int) -> list[tuple[int, int]]:
    """Cut a row of documents into parts (first, last): the sizes of each add up to `most` at the most, or it is one."""
    ends = np.cumsum(sizes)
    cuts, first = [], 0
    while first < len(sizes):
        done = int(ends[first - 1]) if first else 0
        last = max(first + 1, int(np.searchsorted(ends, done + most, side="right")))
        cuts.append((first, last))
        first = last
    return cuts


def blocks_of(offsets: NDArray[np.int64], size: int) -> list[tuple[int, int]]:
    """Documents (first, last) of each block: at most `size` tokens, or one document."""
    return cut(np.diff(offsets), size)


def in_passes(corpus: Corpus, documents: NDArray[np.int64] | None = None) -> Iterator[NDArray[np.int64]]:
    """Yield documents, all if left out, some at a time, and let go of the pages of their tokens after each time.

    A document that lies apart from others brings pages of its neighbours along, as the system maps whole stretches of a
    file; so in a long corpus it counts for a stretch.
    """
    stretch = STRETCH if documents is not None and len(corpus.tokens) > LONG else 0
    chosen = np.arange(len(corpus)) if documents is None else documents
    for first, last in cut(corpus.lengths[chosen] + stretch, PASSED):
        yield chosen[first:last]
        corpus.release()


@dataclass(frozen=True, eq=False)
class Part:
    """Some consecutive documents: the tokens of document z, counted from the first, are offsets[z]:offsets[z + 1].

    `held` are the tokens; if None, they are tokens `start` and on of the file of this `sha256` in `folder`.
    """

    offsets: NDArray[np.int64]
    start: int
    folder: str
    sha256: str
    held: NDArray[np.uint32] | None = None

    def tokens(self) -> NDArray[np.uint32]:
        """The tokens, read-only; raises InputError if this machine has no such corpus."""
        if self.held is None:
            return _opened(self.folder, self.sha256)[self.start : self.start + int(self.offsets[-1])]
        self.held.setflags(write=False)  # as those of a file are, for which kernels are compiled
        return self.held


def parts_of(corpus: Corpus, threads: int, block: int = BLOCK, most: int = MOST, *, by_path: bool) -> Iterator[Part]:
    """Cut a corpus for so many `threads` into parts of up to `most` blocks.

    `by_path`: workers read the tokens themselves (see `folder_of`).
    """
    blocks = blocks_of(corpus.offsets, block)
    size = min(most, max(1, len(blocks) // (EACH * threads)))
    folder = folder_of(corpus) if by_path else None
    for number in range(0, len(blocks), size):
        own = blocks[number : number + size]
        offsets = corpus.offsets[own[0][0] : own[-1][1] + 1]
        start, end = int(offsets[0]), int(offsets[-1])
        held = None if folder else np.array(corpus.tokens[start:end])
        yield Part(offsets - start, start, str(folder or ""), corpus.tokens_sha256, held)


def folder_of(corpus: Corpus) -> Path | None:
    """Where the tokens lie as they are, by which others find them too; None for those in memory only."""
    name: Any = getattr(corpus.tokens, "filename", None)
    return Path(name).absolute().parent if name else None


def finds(folder: str, sha256: str) -> bool:
    """Whether this machine has these tokens in this folder."""
    try:
        _opened(folder, sha256)
    except InputError:
        return False
    return True


@lru_cache(maxsize=2)
def _opened(folder: str, sha256: str) -> NDArray[np.uint32]:
    # Named by the tokens: workers live long, and a text that is tokenised otherwise is the same corpus.
    from clif.corpus.encoding import DOCUMENTS, TOKENS

    try:
        import pyarrow.parquet as pq

        said = pq.read_schema(Path(folder) / DOCUMENTS).metadata[b"tokens"].decode()
        tokens: NDArray[np.uint32] = np.load(Path(folder) / TOKENS, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _unseen(folder, f"the run cannot be read on this worker: {error}") from error
    if said != sha256:
        raise _unseen(folder, "another run lies there on this worker")
    return tokens


def _unseen(folder: str, what: str) -> InputError:
    return InputError(
        what,
        where=folder,
        next="Let all workers reach the run folder at this path, or none: then the run is sent to them.",
    )
