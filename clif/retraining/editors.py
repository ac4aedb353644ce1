"""How a request edits the corpus: what it chooses from, and what it makes of what was chosen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clif.corpus.encoding import Corpus
from clif.errors import UsageError
from clif.influence.units import Documents, Sentences, Units
from clif.objectives.word_pairs import WordPairs
from clif.retraining.edits import REMOVE, SENTENCES, SWAP, Cut, Edit, draw, take
from clif.retraining.request import Request
from clif.retraining.swapping import Partners
from clif.run import Run

Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Editor:
    """One kind of edit of a corpus.

    `make` takes numbers of the `units`; random sets are made of units whose `sizes` (units,) add up to what the chosen
    ones come to: their tokens, or the words that are swapped. `option` asked for the edit. `whole`: the edit leaves
    something of each. `pairs` says which words are swapped, and `warnings` what a reader of the result should know.
    """

    corpus: Corpus
    units: Units
    make: Callable[[Integers], Edit]
    sizes: Integers
    option: str
    whole: bool
    pairs: dict[str, Any] | None = None
    warnings: tuple[str, ...] = ()

    @property
    def about(self) -> dict[str, Any]:
        """What a result says of it."""
        return {"units": len(self.units), "swapped_pairs": self.pairs}

    def choose(self, order: Integers, k: int, *, head: bool, protected: NDArray[np.bool_]) -> Edit:
        """Edit `k` units from the `head` of an order, or else from its tail, but none of `protected` (documents,).

        Raises
        ------
        UsageError
            There are not that many, or nothing would be left, or nothing in them can be edited.

        """
        of = protected[self.units.document]
        noun = f"{self.units.name}s"
        edit = self.make(take(order, k, head=head, protected=of, option=self.option, noun=noun, whole=self.whole))
        if not edit.tokens(self.corpus):
            raise UsageError(
                f"there is nothing to edit in these {k} {noun}", where=self.option, next="Give a larger number."
            )
        return edit

    def random(self, like: Edit, protected: NDArray[np.bool_], seed: int, number: int) -> Edit:
        """Random units of the same size, to the nearest, edited alike; something stays to train on."""
        free = ~protected[self.units.document] & ((self.sizes > 0) | (like.kind != SWAP))
        drawn = draw(self.sizes, free, like.tokens(self.corpus), seed, number)
        return self.make(drawn if self.whole else drawn[: len(self.units) - 1])


def editor_of(run: Run, request: Request) -> Editor:
    """How a request edits the corpus of a run.

    Raises
    ------
    UsageError
        No document has more than one sentence, or the vocabulary has none of the words to be swapped.
    InputError
        The run does not know where sentences begin, or the list of pairs cannot be read.

    """
    if request.edit == SENTENCES:
        return _sentences(run.corpus, request.option)
    if request.edit == SWAP:
        return _swaps(run, request)
    corpus, copies = run.corpus, request.stand
    return Editor(
        corpus,
        units=Documents(corpus, taken=1.0 - copies if copies < 1 else 1.0),
        make=lambda chosen: Edit(chosen, copies),
        sizes=corpus.lengths,
        option=request.option,
        whole=request.edit != REMOVE,
    )


def _sentences(corpus: Corpus, option: str) -> Editor:
    units = Sentences(corpus)
    if len(units) == len(np.unique(units.document)):
        raise UsageError(
            "no document of this corpus has more than one sentence",
            where="--unit sentence",
            next="Leave it out: here documents are sentences. (Sentences end with a mark such as . ! or ?)",
        )
    return Editor(
        corpus,
        units=units,
        make=lambda chosen: Cut.of(units.spans, chosen),
        sizes=units.lengths,
        option=option,
        whole=False,
    )


def _swaps(run: Run, request: Request) -> Editor:
    pairs = WordPairs.read(request.pairs)
    partners = Partners.find(pairs, run.corpus, len(run.vocabulary))
    return Editor(
        run.corpus,
        units=Documents(run.corpus),
        make=partners.swap,
        sizes=partners.counts(run.corpus),
        option=request.option,
        whole=True,
        pairs={
            "name": pairs.name,
            "source": pairs.source,
            "file": str(request.pairs) if request.pairs else None,
            "dropped": list(partners.dropped),
        },
        warnings=_dropped(partners.dropped),
    )


def _dropped(words: tuple[str, ...], shown: int = 8) -> tuple[str, ...]:
    if not words:
        return ()
    some = ", ".join(words[:shown]) + (f" and {len(words) - shown} more" if len(words) > shown else "")
    return (f"the partners of {some} are not in the vocabulary: there the word is dropped, not replaced",)
