"""Edits of a corpus: what stands how often, which tokens are other words, and random edits to compare with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from clif.corpus.change import OUTSIDE, Change
from clif.corpus.spans import Spans
from clif.errors import InputError, MismatchError, UsageError
from clif.manifest import fingerprint

if TYPE_CHECKING:
    from clif.corpus.encoding import Corpus

GOALS = ("reduce", "increase")
REMOVE, WEIGHT, AMPLIFY, SENTENCES, SWAP = KINDS = ("remove", "weight", "amplify", "sentences", "swap")

Integers = NDArray[np.int64]
Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Edit:
    """`documents` (indices, in the order chosen) stand `copies` times in the edited corpus.

    0 removes them; .5 makes half of what they teach, see `train_model`; 3 adds two copies.
    """

    documents: Integers
    copies: float

    @property
    def kind(self) -> str:
        """One of KINDS."""
        return REMOVE if self.copies == 0 else WEIGHT if self.copies < 1 else AMPLIFY

    @property
    def chosen(self) -> Integers:
        """The documents, or sentences, that were chosen."""
        return self.documents

    @property
    def size(self) -> int:
        """How many."""
        return len(self.chosen)

    def counts(self, corpus: Corpus) -> Values:
        """How often each document of the corpus stands in the edited one."""
        counts = np.ones(len(corpus))
        counts[self.documents] = self.copies
        return counts

    def times(self, corpus: Corpus) -> Values:
        """How often each document is taken out; negative where it is added."""
        return 1.0 - self.counts(corpus)

    def change(self, corpus: Corpus) -> Change:
        """What the edit does to the encoded corpus."""
        return Change(self.times(corpus))

    def tokens(self, corpus: Corpus) -> int:
        """Tokens concerned, each counted once."""
        return int(corpus.lengths[self.documents].sum())

    def added_up(self, corpus: Corpus, influence: Values) -> float | None:
        """The influences of what was chosen, by document or sentence, times what is taken out of it; None: no sum."""
        return float(self.times(corpus) @ influence)

    def name(self) -> str:
        """The same for the same edit, whatever the order of its documents."""
        return fingerprint({"documents": np.sort(self.documents), "copies": self.copies})


UNEDITED = Edit(np.empty(0, dtype=np.int64), 1)


@dataclass(frozen=True, eq=False)
class Cut(Edit):
    """`sentences` (indices, in the order chosen) are taken out of `documents`, each of which stands once."""

    sentences: Integers

    @classmethod
    def of(cls, spans: Spans, sentences: Integers) -> Cut:
        """Take out these sentences of a corpus."""
        return cls(np.unique(spans.document[sentences]), 1, sentences)

    @property
    def kind(self) -> str:
        """SENTENCES."""
        return SENTENCES

    @property
    def chosen(self) -> Integers:
        """The sentences."""
        return self.sentences

    def change(self, corpus: Corpus) -> Change:
        """Their tokens are no words any more."""
        places = Spans.of(corpus).places(self.sentences)
        return Change.of_tokens(corpus, places, np.full(len(places), OUTSIDE))

    def tokens(self, corpus: Corpus) -> int:
        """Tokens of the sentences."""
        return int(Spans.of(corpus).lengths[self.sentences].sum())

    def added_up(self, corpus: Corpus, influence: Values) -> float | None:
        """The influences (sentences,) of these."""
        return float(influence[self.sentences].sum())

    def name(self) -> str:
        """The same for the same sentences, whatever their order."""
        return fingerprint({"sentences": np.sort(self.sentences)})


def choose_edit(order: Integers, k: int, *, copies: float, goal: str, protected: NDArray[np.bool_]) -> Edit:
    """Take `k` documents of a ranking, from the end that serves the goal, leaving out the protected.

    `order` runs from the document whose removal reduces |T| most to the one whose removal increases it most.
    Removing (copies 0) to reduce, and repeating to increase, start at the head; the others at the tail.

    Raises
    ------
    UsageError
        There are not that many documents to choose from, or `k` is less than 1.

    """
    option = "--remove-top-k" if copies < 1 else "--amplify-top-k"
    head = (copies < 1) == (goal == "reduce")
    return Edit(take(order, k, head=head, protected=protected, option=option, whole=copies != 0), copies)


def take(
    order: Integers,
    k: int,
    *,
    head: bool,
    protected: NDArray[np.bool_],
    option: str,
    noun: str = "documents",
    whole: bool = False,
) -> Integers:
    """The first `k` of an order, or the last ones if not `head`, that are not protected (all that may be ordered,).

    Not `whole`: one must stay, protected or not. Raises UsageError, which names the `option`, if there are not as many.
    """
    free = order[~protected[order]]
    most = len(free) - (not whole and len(free) == len(protected))
    if not 1 <= k <= len(free):
        rest = " that are not protected" if protected.any() else ""
        raise UsageError(
            f"cannot choose {k} of {len(free)} {noun}{rest}",
            where=option,
            next=f"Give a number from 1 to {most}." if most else "Protect fewer documents.",
        )
    if k > most:
        raise UsageError(
            f"removing all {k} {noun} would leave nothing to train on", where=option, next="Give a smaller number."
        )
    return free[:k] if head else free[::-1][:k]


def random_edit(corpus: Corpus, like: Edit, protected: NDArray[np.bool_], seed: int, number: int) -> Edit:
    """A random set of documents with as many tokens as `like` has, to the nearest document, edited as it is.

    Where they are removed, one document of the corpus stays at least.
    """
    documents = draw(corpus.lengths, ~protected, like.tokens(corpus), seed, number)
    if like.copies == 0:
        documents = documents[: len(corpus) - 1]  # something must stay to train on
    return Edit(documents, like.copies)


def draw(sizes: Integers, free: NDArray[np.bool_], wanted: float, seed: int, number: int) -> Integers:
    """Random ones of what is free, (units,), whose sizes (units,) add up to `wanted`, to the nearest of them."""
    units = np.random.default_rng([seed, number]).permutation(np.flatnonzero(free))
    return units[: _count_to(sizes[units], wanted)]


def count_to_tokens(corpus: Corpus, documents: Integers, wanted: float) -> int:
    """How many of the first `documents` hold `wanted` tokens, to the nearest document; 1 at the least."""
    return _count_to(corpus.lengths[documents], wanted)


def _count_to(sizes: Integers, wanted: float) -> int:
    return int(np.argmin(np.abs(np.cumsum(sizes) - wanted))) + 1


def read_protected(path: Path | None, corpus: Corpus) -> NDArray[np.bool_]:
    """Which documents must stay, from a file of ids, one a line.

    Raises
    ------
    InputError
        The file cannot be read.
    MismatchError
        It names a document that the corpus does not hold.

    """
    protected = np.zeros(len(corpus), dtype=bool)
    if path is None:
        return protected
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"cannot be read: {reason}", where=str(path), next="Give a text file with one document id a line."
        ) from error
    for line, doc_id in enumerate((text.rstrip("\r") for text in lines), 1):
        if not doc_id:
            continue
        if doc_id not in corpus.number:
            raise MismatchError(
                f"no document of the corpus has the id {doc_id!r}",
                where=f"{path}:{line}",
                next="Ids are those in the column doc_id of a ranking.",
            )
        protected[corpus.number[doc_id]] = True
    return protected
