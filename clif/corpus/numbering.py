"""Texts cut into words and these numbered as they come; by several processes where there is much text.

The numbers do not depend on who does it: each process numbers the words of its texts as they come there, and here its
lists of words are gone through in the order of the texts.
"""

from __future__ import annotations

import multiprocessing
from array import array
from collections import defaultdict, deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from clif.corpus.tokenising import Tokeniser
from clif.processes import alone, cores, follow_parent, stop

BATCH = 1 << 22  # characters that are numbered at a time
ALONE = 4  # batches before other processes are worth their start
AHEAD = 2  # batches that wait for each process
MOST = 4  # processes: more wait for the one that reads, numbers and writes


@dataclass(frozen=True, eq=False)
class Numbered:
    """Some texts: the numbers of their words, where among these sentences begin, and how many words each text has."""

    tokens: NDArray[np.uint32]
    sentences: NDArray[np.uint64]
    lengths: NDArray[np.int64]


def numbered(texts: Iterable[str], tokenise: Tokeniser, number: defaultdict[str, int]) -> Generator[Numbered]:
    """Number the words of texts, some texts at a time; `number` gives a word that is new the next number."""
    batches = _batches(texts)
    for batch in islice(batches, ALONE):
        yield number_words(batch, tokenise, number)
    # A daemon, such as a worker of Dask, may have no processes of its own.
    workers = 1 if multiprocessing.current_process().daemon else min(cores(), MOST)
    if workers > 1:
        yield from _by_several(batches, tokenise, number, workers)
    else:
        yield from (number_words(batch, tokenise, number) for batch in batches)


def number_words(texts: Iterable[str], tokenise: Tokeniser, number: defaultdict[str, int]) -> Numbered:
    """The same for texts that are there, in this process."""
    tokens, sentences, lengths = array("I"), array("Q"), array("q")
    for text in texts:
        before = len(tokens)
        for words in tokenise.sentences(text):
            if words:
                sentences.append(len(tokens))
                tokens.extend(map(number.__getitem__, words))
        lengths.append(len(tokens) - before)
    return Numbered(
        np.frombuffer(tokens, dtype=np.uint32),
        np.frombuffer(sentences, dtype=np.uint64),
        np.frombuffer(lengths, dtype=np.int64),
    )


def _batches(texts: Iterable[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for text in texts:
        batch.append(text)
        size += len(text)
        if size >= BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _by_several(
    batches: Iterator[list[str]], tokenise: Tokeniser, number: defaultdict[str, int], workers: int
) -> Iterator[Numbered]:
    waiting: deque[tuple[list[str], Future[tuple[list[str], Numbered]] | None]] = deque()
    pool: ProcessPoolExecutor | None = None

    def next_one() -> Numbered:
        texts, future = waiting.popleft()
        try:
            words, found = future.result() if future else ([], None)
        except (BrokenProcessPool, MemoryError):  # killed, usually for want of memory: one process needs less
            found = None
        if found is None:
            return number_words(texts, tokenise, number)
        # Of each word once, in the order in which they came there.
        here = np.fromiter(map(number.__getitem__, words), dtype=np.uint32, count=len(words))
        return replace(found, tokens=here[found.tokens])

    try:
        for batch in batches:
            if pool is None:
                pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), follow_parent)
            waiting.append((batch, _submit(pool, batch, tokenise)))
            if len(waiting) > AHEAD * workers:
                yield next_one()
        while waiting:
            yield next_one()
    except BaseException:
        if pool is not None:
            stop(pool)
        raise
    if pool is not None:
        pool.shutdown()


def _submit(
    pool: ProcessPoolExecutor, batch: list[str], tokenise: Tokeniser
) -> Future[tuple[list[str], Numbered]] | None:
    try:
        with alone():
            return pool.submit(_number_apart, batch, tokenise)
    except BrokenProcessPool:
        return None


def _number_apart(texts: list[str], tokenise: Tokeniser) -> tuple[list[str], Numbered]:
    """Numbers of words, and the words by these numbers."""
    number: defaultdict[str, int] = defaultdict()
    number.default_factory = number.__len__
    found = number_words(texts, tokenise, number)
    return list(number), found
