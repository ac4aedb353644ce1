"""Where each sentence of an encoded corpus begins and ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from clif.corpus.encoding import Corpus

Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Spans:
    """Sentence s holds tokens[start[s]:end[s]], and is the one with `number` (from 1) in its document."""

    start: Integers
    end: Integers
    document: Integers
    number: Integers

    @classmethod
    def of(cls, corpus: Corpus) -> Spans:
        """Those of a corpus, in the order of the text; raises what `Corpus.sentences` does."""
        start = corpus.sentences.astype(np.int64)
        end = np.append(start[1:], len(corpus.tokens))[: len(start)]
        document = np.searchsorted(corpus.offsets, start, side="right") - 1
        number = np.arange(len(start)) - np.searchsorted(document, document) + 1
        return cls(start, end, document, number)

    def __len__(self) -> int:
        return len(self.start)

    @property
    def lengths(self) -> Integers:
        """Tokens of each."""
        return self.end - self.start

    def places(self, sentences: Integers) -> Integers:
        """Tokens of these sentences, rising."""
        chosen = np.sort(sentences)
        return ranges(self.start[chosen], self.lengths[chosen])


def ranges(starts: Integers, lengths: Integers) -> Integers:
    """starts[0], starts[0] + 1, ..., and so on for each, one after the other; so many numbers as `lengths` say."""
    first = np.repeat(starts - np.cumsum(lengths) + lengths, lengths)
    return np.asarray(first + np.arange(int(lengths.sum())))
