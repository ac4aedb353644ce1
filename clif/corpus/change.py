"""How an edited corpus differs from the one that a model was trained on.

Documents may stand there less or more often than once, and tokens may be other words, or none. A token that is taken
out becomes OUTSIDE, a word that no vocabulary holds: such words leave before anything else, so the gap closes, and all
other tokens keep their positions, which name their draws (see `clif.training.draws`). A document's length is what it
was, and with it the learning rates of all documents. So training on `Change.text` with the vocabulary of the full
corpus is training on the text without these tokens, with the draws of the text as it was.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from clif.room import PART, append, mapped, scratch

if TYPE_CHECKING:
    from clif.corpus.encoding import Corpus

OUTSIDE = np.uint32(2**32 - 1)
Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Change:
    """An edit of a corpus as counts and trainings see it.

    times   (documents,): how often each document is taken out: 1 removes it, .5 halves it, -2 adds two copies
    places  (m,), rising: tokens of the corpus that are other words in the edited one
    words   (m,): what stands there, by number; OUTSIDE for nothing
    """

    times: Values
    places: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    words: NDArray[np.uint32] = field(default_factory=lambda: np.empty(0, dtype=np.uint32))

    @classmethod
    def of(cls, edited: Change | Values) -> Change:
        """A change, or the `times` of one that leaves all tokens as they are."""
        return edited if isinstance(edited, Change) else cls(edited)

    @classmethod
    def of_tokens(cls, corpus: Corpus, places: NDArray[np.int64], words: NDArray[np.uint32]) -> Change:
        """Other words, or none, at these places; every document stands once."""
        return cls(np.zeros(len(corpus)), places, words)

    def text(self, corpus: Corpus) -> Corpus:
        """The corpus with the tokens of the edited one, on disk while they are used; documents stand once.

        Raises
        ------
        InputError
            The disk is full.

        """
        if not len(self.places):
            return corpus
        file = scratch()
        for start in range(0, len(corpus.tokens), PART):
            part = np.array(corpus.tokens[start : start + PART])
            own = slice(*np.searchsorted(self.places, [start, start + PART]))
            part[self.places[own] - start] = self.words[own]
            append(file, part)
            corpus.release()
        tokens = mapped(file, np.uint32)
        tokens.setflags(write=False)  # as those of a run are, for which kernels are compiled
        return replace(corpus, tokens=tokens)

    def touched(self, corpus: Corpus) -> NDArray[np.int64]:
        """Documents that have other tokens, rising."""
        return np.unique(np.searchsorted(corpus.offsets, self.places, side="right") - 1)

    def stays(self, corpus: Corpus) -> float:
        """Share of the tokens of the corpus that the edit leaves as they are, 0 at the least.

        A document that is halved counts by half of its tokens, one that stands twice as often by all.
        """
        touched = float(np.abs(self.times) @ corpus.lengths) + len(self.places)
        return max(0.0, 1.0 - touched / max(1, len(corpus.tokens)))

    @property
    def key(self) -> bytes:
        """The same for the same change."""
        return b"|".join(np.ascontiguousarray(part).tobytes() for part in (self.times, self.places, self.words))
