"""What is chosen: whole documents, of which all or a share is taken out, or sentences of them."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from clif.corpus.change import OUTSIDE, Change
from clif.corpus.encoding import Corpus
from clif.corpus.spans import Spans
from clif.influence.attribution import Pairs, PairTable
from clif.influence.listing import sentence_influence
from clif.influence.scores import document_influence

Integers = NDArray[np.int64]
Values = NDArray[np.float64]


class Units(Protocol):
    """Parts of a corpus that may be taken out, numbered from 0; together they are all of its tokens.

    `taken` is the share that goes of a part that is chosen: all, 1, unless documents only lose weight.
    """

    name: str
    taken: float

    def __len__(self) -> int: ...

    @property
    def document(self) -> Integers:
        """The document of each."""

    @property
    def lengths(self) -> Integers:
        """Tokens of each."""

    @property
    def ends(self) -> Integers:
        """Where each begins among the tokens of the corpus, and where the last one ends."""

    def without(self, chosen: Integers) -> Change:
        """The corpus without these."""

    def influence(self, pairs: PairTable, without: Change, threads: int | None = None) -> Values:
        """Influence of each by these pairs, in the corpus that a change left."""

    def influence_alone(self, pairs: Pairs, threads: int | None = None) -> Values:
        """Influence of each by any pairs, in the corpus as it is."""


class Documents:
    """Whole documents, of each of which a share is `taken`: .3 leaves it with a weight of .7."""

    name = "document"

    def __init__(self, corpus: Corpus, taken: float = 1.0) -> None:
        self.corpus = corpus
        self.taken = taken
        self.document = np.arange(len(corpus))
        self.lengths = corpus.lengths
        self.ends = corpus.offsets

    def __len__(self) -> int:
        return len(self.corpus)

    def without(self, chosen: Integers) -> Change:
        """The corpus without what is taken of these documents."""
        times = np.zeros(len(self.corpus))
        times[chosen] = self.taken
        return Change(times)

    def influence(self, pairs: PairTable, without: Change, threads: int | None = None) -> Values:
        """That of each document, which depends on no other's text."""
        return self.influence_alone(pairs, threads)

    def influence_alone(self, pairs: Pairs, threads: int | None = None) -> Values:
        """That of what is taken of each document."""
        return np.asarray(self.taken * document_influence(pairs, threads)[0])


class Sentences:
    """Sentences; what stays of a document closes up."""

    name = "sentence"
    taken = 1.0

    def __init__(self, corpus: Corpus) -> None:
        self.corpus = corpus
        self.spans = Spans.of(corpus)
        self.document = self.spans.document
        self.lengths = self.spans.lengths
        self.ends = np.append(self.spans.start, len(corpus.tokens))

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

    def influence_alone(self, pairs: Pairs, threads: int | None = None) -> Values:
        """That of each sentence in the text as it is."""
        return sentence_influence(pairs, self.spans, threads)
