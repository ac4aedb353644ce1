"""The sets of documents that are predicted and retrained without: chosen by a ranking, random, random subsets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from clif.errors import UsageError
from clif.retraining.edits import GOALS, Edit, choose_edit, count_to_tokens

if TYPE_CHECKING:
    from clif.corpus.encoding import Corpus
    from clif.verification.request import Request

DEFAULT_SIZES = (10, 30, 100, 300, 1000)
MOST = 0.05  # share of the documents in the largest set by default: predictions end between 5 and 10%
REDUCE, INCREASE = GOALS
RANDOM, SHARE, SUBSET = "random", "share", "subset"
# Streams of the random generator, so that one kind of sets does not depend on how many there are of another.
_STREAM = {RANDOM: 1, SHARE: 2, SUBSET: 3}


@dataclass(frozen=True, eq=False)
class DocumentSet:
    """Documents that are removed together, why, and the number of the set among those drawn alike.

    kind     reduce or increase (chosen by the ranking for the test with number `test`), random (as many tokens as the
             chosen sets of its size), share (a share of the documents), subset (all but a share that is kept)
    size     documents that were asked for
    asked    the share that was asked for: removed for share, kept for subset
    """

    kind: str
    size: int
    number: int
    edit: Edit
    test: int | None = None
    asked: float | None = None

    @property
    def targeted(self) -> bool:
        """Whether a ranking chose it."""
        return self.test is not None

    @property
    def random(self) -> bool:
        """Whether it was drawn by chance; subsets, which are judged by ranks alone, are kept apart."""
        return self.kind in (RANDOM, SHARE)

    @cached_property
    def name(self) -> str:
        """The same for the same documents, so that no set is retrained twice."""
        return self.edit.name()


def check_sizes(sizes: Sequence[int], documents: int) -> None:
    """Raise UsageError for a set that would leave nothing to train on."""
    if sizes and max(sizes) >= documents:
        raise UsageError(
            f"cannot remove {max(sizes):,} of {documents:,} documents: nothing would be left to train on",
            where="--sizes",
            next=f"Give numbers up to {documents - 1:,}.",
        )


def sizes_for(documents: int) -> tuple[int, ...]:
    """Sizes by default: those of DEFAULT_SIZES up to MOST of the documents, or MOST of them if that is less."""
    limit = max(1, int(MOST * documents))
    return tuple(size for size in DEFAULT_SIZES if size <= limit) or (limit,)


def make_sets(corpus: Corpus, request: Request, orders: Sequence[NDArray[np.int64]], seed: int) -> list[DocumentSet]:
    """All sets of a verification; `orders` has the documents in rank order, one for each test.

    Random sets have as many tokens as the targeted sets of their size have on the average over tests and directions.
    """
    documents = len(corpus)
    sizes = sizes_for(documents) if request.sizes is None else request.sizes
    check_sizes(sizes, documents)
    free = np.zeros(documents, dtype=np.bool_)
    sets: list[DocumentSet] = []
    for size in sizes:
        chosen = [
            DocumentSet(goal, size, 0, choose_edit(order, size, copies=0, goal=goal, protected=free), test)
            for test, order in enumerate(orders)
            for goal in GOALS
        ]
        tokens = float(np.mean([each.edit.tokens(corpus) for each in chosen]))
        sets += chosen
        for number in range(request.random_sets):
            drawn = _shuffled(documents, seed, RANDOM, size, number)
            cut = min(count_to_tokens(corpus, drawn, tokens), documents - 1)
            sets.append(DocumentSet(RANDOM, size, number, Edit(drawn[:cut], 0)))
    for kind, shares, count in (
        (SHARE, request.random_shares, request.random_sets),
        (SUBSET, request.alpha, request.subsets),
    ):
        for share in shares:
            removed = share if kind == SHARE else 1 - share
            size = min(max(1, round(removed * documents)), documents - 1)
            for number in range(count):
                drawn = _shuffled(documents, seed, kind, size, number)
                sets.append(DocumentSet(kind, size, number, Edit(drawn[:size], 0), asked=share))
    return sets


def _shuffled(documents: int, seed: int, kind: str, size: int, number: int) -> NDArray[np.int64]:
    return np.random.default_rng([seed, _STREAM[kind], size, number]).permutation(documents)
