"""Contexts as one training drew them, each with its own influence, kept in a file.

Methods that ask what the training did, step by step, find no number for a pair of words that holds wherever it stands:
a context has its influence by when it was drawn, and beside which negatives. A row holds its key, how many times it was
drawn in all epochs, and its influence; with the position i of the input word in document z and j of the output word,

    key = (offsets[z] + i) x longest + j        longest: tokens of the longest document

so rows are in the order of the text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clif.corpus.encoding import Corpus
from clif.corpus.parts import cut
from clif.influence.attribution import Cells
from clif.influence.problem import Matrix, Problem
from clif.influence.sums import ROWS, Sums
from clif.pairs import BLOCK, Contexts

Integers = NDArray[np.int64]
Values = NDArray[np.float64]


def pack(corpus: Corpus, document: Integers, place: Integers, output_place: Integers) -> Integers:
    """Keys of contexts (n,) by document and positions."""
    keys: Integers = (corpus.offsets[document] + place) * _longest(corpus) + output_place
    return keys


def unpack(corpus: Corpus, key: Integers) -> tuple[Integers, Integers, Integers]:
    """Documents and positions (n,) by key: the other way round."""
    token, output_place = np.divmod(key, _longest(corpus))
    document = np.searchsorted(corpus.offsets, token, side="right") - 1
    return document, token - corpus.offsets[document], output_place


def _longest(corpus: Corpus) -> int:
    return max(1, int(corpus.lengths.max(initial=0)))


@dataclass(frozen=True, eq=False)
class DrawnContexts:
    """Influence of the contexts that the training of a problem's model drew.

    `rows` (contexts,) of `row_type`, in memory or mapped from a file; those of document z are
    rows[starts[z]:starts[z + 1]].
    """

    problem: Problem
    starts: Integers
    rows: NDArray[Any]

    def contexts(self, documents: Integers | None = None) -> Iterator[tuple[Contexts, Values]]:
        """Yield contexts of all or some documents, in blocks, with their influence.

        `weight` is how often a context was drawn over the number of epochs.
        """
        spans = [(0, len(self.rows))] if documents is None else self.starts[documents[:, None] + [0, 1]].tolist()
        corpus, epochs = self.problem.corpus, self.problem.settings.epochs
        for begin, end in spans:
            for first in range(begin, end, BLOCK):
                rows = self.rows[first : min(first + BLOCK, end)]
                document, position, output_position = unpack(corpus, rows["key"])
                base = corpus.offsets[document]
                contexts = Contexts(
                    document=document,
                    position=position,
                    output_position=output_position,
                    input=corpus.tokens[base + position].astype(np.int64),
                    output=corpus.tokens[base + output_position].astype(np.int64),
                    weight=rows["times"] / epochs,
                )
                yield contexts, rows["value"].astype(np.float64)

    def tokens(self, first: int, last: int) -> Matrix:
        """Influence (1, tokens) of the tokens of the documents first to last - 1: half of each of their contexts."""
        corpus = self.problem.corpus
        rows = self.rows[self.starts[first] : self.starts[last]]
        document, position, output_position = unpack(corpus, rows["key"])
        base, size = corpus.offsets[document] - corpus.offsets[first], int(corpus.offsets[last] - corpus.offsets[first])
        half = 0.5 * rows["value"].astype(np.float64)
        return np.asarray([np.bincount(base + position, half, size) + np.bincount(base + output_position, half, size)])

    @property
    def scorer(self) -> None:
        """None: the contexts are kept here."""

    def cells(self, most: int) -> Iterator[Cells]:
        """Yield the pairs of words that were drawn, each once, `most` at a time."""
        problem, size = self.problem, len(self.problem.vocabulary)
        expected = problem.vocabulary.counts * problem.keep
        shares = np.ceil(expected / expected.sum() * len(self.rows)).astype(np.int64)
        edges = np.array([last * size for _, last in cut(shares, ROWS)[:-1]], dtype=np.int64)
        with Sums(edges, problem.folder) as sums:
            for contexts, influence in self.contexts():
                drawn = np.rint(contexts.weight * problem.settings.epochs).astype(np.int64)
                sums.add(contexts.input * size + contexts.output, influence, drawn)
            for key, times, influence in sums.totals():
                for start in range(0, len(key), most):
                    part = slice(start, start + most)
                    inputs, outputs = np.divmod(key[part], size)
                    yield inputs, outputs, times[part] / problem.settings.epochs, influence[part]
