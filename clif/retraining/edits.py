"""Edits of a corpus: how often each document stands in it, and random edits to compare with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from clif.errors import InputError, MismatchError, UsageError
from clif.manifest import fingerprint

if TYPE_CHECKING:
    from clif.corpus.encoding import Corpus

GOALS = ("reduce", "increase")


@dataclass(frozen=True, eq=False)
class Edit:
    """`documents` (indices, in the order chosen) stand `copies` times in the edited corpus: 0 removes them."""

    documents: NDArray[np.int64]
    copies: int

    def counts(self, corpus: Corpus) -> NDArray[np.int64]:
        """How often each document of the corpus stands in the edited one."""
        counts = np.ones(len(corpus), dtype=np.int64)
        counts[self.documents] = self.copies
        return counts

    def times(self, corpus: Corpus) -> NDArray[np.float64]:
        """How often each document is taken out; negative where it is added."""
        return (1 - self.counts(corpus)).astype(np.float64)

    def tokens(self, corpus: Corpus) -> int:
        """Tokens of the documents concerned, each counted once."""
        return int(corpus.lengths[self.documents].sum())

    def name(self) -> str:
        """The same for the same edit, whatever the order of its documents."""
        return fingerprint({"documents": np.sort(self.documents), "copies": self.copies})


UNEDITED = Edit(np.empty(0, dtype=np.int64), 1)


def choose_edit(order: NDArray[np.int64], k: int, *, copies: int, goal: str, protected: NDArray[np.bool_]) -> Edit:
    """Take `k` documents of a ranking, from the end that serves the goal, leaving out the protected.

    `order` runs from the document whose removal reduces |T| most to the one whose removal increases it most.
    Removing (copies 0) to reduce, and repeating to increase, start at the head; the others at the tail.

    Raises
    ------
    UsageError
        There are not that many documents to choose from, or `k` is less than 1.

    """
    head = (copies == 0) == (goal == "reduce")
    free = order[~protected[order]]
    most = len(free) - (copies == 0 and len(free) == len(protected))
    if not 1 <= k <= len(free):
        rest = " that are not protected" if protected.any() else ""
        raise UsageError(
            f"cannot choose {k} of {len(free)} documents{rest}",
            where="--remove-top-k" if copies == 0 else "--amplify-top-k",
            next=f"Give a number from 1 to {most}." if most else "Protect fewer documents.",
        )
    if k > most:
        raise UsageError(
            f"removing all {k} documents would leave nothing to train on",
            where="--remove-top-k",
            next="Give a smaller number.",
        )
    return Edit(free[:k] if head else free[::-1][:k], copies)


def random_edit(corpus: Corpus, like: Edit, protected: NDArray[np.bool_], seed: int, number: int) -> Edit:
    """A random set of documents with as many tokens as `like` has, to the nearest document, edited as it is.

    Where they are removed, one document of the corpus stays at least.
    """
    rng = np.random.default_rng([seed, number])
    documents = rng.permutation(np.flatnonzero(~protected))
    cut = count_to_tokens(corpus, documents, like.tokens(corpus))
    if like.copies == 0:
        cut = min(cut, len(corpus) - 1)  # something must stay to train on
    return Edit(documents[:cut], like.copies)


def count_to_tokens(corpus: Corpus, documents: NDArray[np.int64], wanted: float) -> int:
    """How many of the first `documents` hold `wanted` tokens, to the nearest document; 1 at the least."""
    reached = np.cumsum(corpus.lengths[documents])
    return int(np.argmin(np.abs(reached - wanted))) + 1


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
