"""What is chosen chunk by chunk: whole documents, or sentences of them."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from clif.corpus.change import OUTSIDE, Change
from clif.corpus.encoding import Corpus
from clif.corpus.spans import Spans
from clif.influence.attribution import PairTable
from clif.influence.listing import sentence_influence
from clif.influence.scores import document_influence

Integers = NDArray[np.int64]
Values = NDArray[np.float64]


class Units(Protocol):
    """Parts of a corpus that may be taken out, numbered from 0."""

    name: str

    def __len__(self) -> int: ...

    @property
    def document(self) -> Integers:
        """The document of each."""

    @property
    def lengths(self) -> Integers:
        """Tokens of each."""

    def without(self, chosen: Integers) -> Change:
        """The corpus without these."""

    def influence(self, pairs: PairTable, without: Change, threads: int | None = None) -> Values:
        """Influence of each by these pairs, in the corpus that a change left."""


class Documents:
    """Whole documents."""

    name = "document"

    def __init__(self, corpus: Corpus) -> None:
        self.corpus = corpus
        self.document = np.arange(len(corpus))
        self.lengths = corpus.lengths

    def __len__(self) -> int:
        return len(self.corpus)

    def without(self, chosen: Integers) -> Change:
        """The corpus without these documents."""
        times = np.zeros(len(self.corpus))
        times[chosen] = 1.0
        return Change(times)

    def influence(self, pairs: PairTable, without: Change, threads: int | None = None) -> Values:
        """That of each document, which depends on no other's text."""
        return np.asarray(document_influence(pairs, threads)[0])


class Sentences:
    """Sentences; what stays of a document closes up."""

    name = "sentence"

    def __init__(self, corpus: Corpus) -> None:
        self.corpus = corpus
        self.spans = Spans.of(corpus)
        self.document = self.spans.document
        self.lengths = self.spans.lengths

    def __len__(self) -> int:
        return len(self.spans)

    def without(self, chosen: Integers) -> Change:
        """The corpus without these sentences."""
        places = self.spans.places(chosen)
        return Change.of_tokens(self.corpus, places, np.full(len(places), OUTSIDE))

    def influence(self, pairs: PairTable, without: Change, threads: int | None = None) -> Values:
        """That of each sentence in the text that is left: half of each context of its words."""
        left = PairTable(pairs.problem.reading(without.text(self.corpus)), pairs.table)
        return sentence_influence(left, self.spans, threads)
