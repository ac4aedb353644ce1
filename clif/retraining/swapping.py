"""Words that change places with their partners, such as he and she: what a document would say of the other group.

Both go by their number in the encoded corpus. A partner that the vocabulary lacks leaves, as other rare words do; one
that it holds comes in where the word itself was too rare. Counterfactual data substitution after Hall Maudslay, Gonen,
Cotterell, Teufel 2019, "It's All in the Name", here in the documents that a ranking chose.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clif.corpus.change import OUTSIDE, Change
from clif.corpus.encoding import Corpus
from clif.corpus.spans import ranges
from clif.errors import UsageError
from clif.manifest import fingerprint
from clif.objectives.word_pairs import WordPairs
from clif.retraining.edits import SWAP, Edit, Values
from clif.room import PART


def styled(partner: str, word: str) -> str:
    """A partner with the capitals of the word: all, the first, or none."""
    if word == word.lower():
        return partner
    return partner.upper() if len(word) > 1 and word == word.upper() else partner[:1].upper() + partner[1:]


@dataclass(frozen=True, eq=False)
class Swap(Edit):
    """In `documents` words become their partners: the number old[i], rising, becomes new[i], which is partners[i]."""

    old: NDArray[np.int64]
    new: NDArray[np.uint32]
    partners: tuple[str, ...]

    @property
    def kind(self) -> str:
        """SWAP."""
        return SWAP

    def change(self, corpus: Corpus) -> Change:
        """Their tokens are other words."""
        documents = np.sort(self.documents)
        places = ranges(corpus.offsets[documents], corpus.lengths[documents])
        tokens = np.asarray(corpus.tokens[places], dtype=np.int64)
        found = np.isin(tokens, self.old)
        return Change.of_tokens(corpus, places[found], self.new[np.searchsorted(self.old, tokens[found])])

    def tokens(self, corpus: Corpus) -> int:
        """Words that are swapped."""
        return len(self.change(corpus).places)

    def added_up(self, corpus: Corpus, influence: Values) -> float | None:
        """None: the influence of a removal says nothing of another word."""
        return None

    def name(self) -> str:
        """The same for the same documents and words."""
        words = {"old": self.old, "new": self.new, "partners": self.partners}  # of some the corpus has no number
        return fingerprint({"documents": np.sort(self.documents), **words})


@dataclass(frozen=True, eq=False)
class Partners:
    """Partners by number in a corpus, see `Swap`; `dropped` words have one that the vocabulary lacks."""

    old: NDArray[np.int64]
    new: NDArray[np.uint32]
    words: tuple[str, ...]
    dropped: tuple[str, ...]

    @classmethod
    def find(cls, pairs: WordPairs, corpus: Corpus, size: int, where: str = "--pairs") -> Partners:
        """Those of the words of a corpus; raises UsageError if none of them is of its vocabulary (the first `size`)."""
        types = corpus.types
        found = {word: n for n, word in enumerate(types) if word.lower() in pairs.partner}
        partners = {word: styled(pairs.partner[word.lower()], word) for word in found}
        wanted = set(partners.values())
        number = {word: n for n, word in enumerate(types) if word in wanted}
        if not any(n < size for n in found.values()):
            raise UsageError(
                f"no word of {pairs.name!r} is in the vocabulary",
                where=where,
                next="Give a list in the language of the corpus, as it is written there.",
            )
        old = np.array(sorted(found.values()), dtype=np.int64)
        others = tuple(partners[types[n]] for n in old.tolist())
        new = np.array([number.get(other, OUTSIDE) for other in others], dtype=np.uint32)
        dropped = tuple(types[n] for n, other in zip(old.tolist(), new.tolist(), strict=True) if n < size <= other)
        return cls(old, new, others, dropped)

    def counts(self, corpus: Corpus) -> NDArray[np.int64]:
        """Words of each document that have a partner, (documents,)."""
        found = np.zeros(len(corpus), dtype=np.int64)
        for start in range(0, len(corpus.tokens), PART):
            places = start + np.flatnonzero(np.isin(corpus.tokens[start : start + PART], self.old))
            found += np.bincount(np.searchsorted(corpus.offsets, places, side="right") - 1, minlength=len(corpus))
            corpus.release()
        return found

    def swap(self, documents: NDArray[np.int64]) -> Swap:
        """The edit that swaps them in these documents."""
        return Swap(documents, 1, self.old, self.new, self.words)
