"""What a choice of documents costs others: who else loses text, and how often the words of the test still occur."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clif.corpus.change import OUTSIDE, Change
from clif.corpus.parts import in_passes
from clif.objectives import SETS, Coverage
from clif.ranking.aggregation import group_documents
from clif.run import Run

FEW = 20  # different values of a field that is reported unasked

Integers = NDArray[np.int64]
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Cover:
    """How much there is of something, `before` and `after` an edit; repeated documents make it more."""

    before: int
    after: int

    @property
    def lost(self) -> float:
        """Share that goes; below zero where it grows, 0 of nothing."""
        return (self.before - self.after) / self.before if self.before else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {"before": self.before, "after": self.after, "lost": self.lost}


@dataclass(frozen=True)
class Costs:
    """Coverage before and after an edit.

    `fields` holds documents and tokens by each value of a field, what loses most first; `sets` the occurrences of the
    words of X, Y, A and B, and `words` those of each word, in the vocabulary's counts.
    """

    documents: Cover
    tokens: Cover
    fields: dict[str, list[tuple[str, Cover, Cover]]]
    sets: dict[str, Cover]
    words: dict[str, dict[str, Cover]]

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "documents": self.documents.to_dict(),
            "tokens": self.tokens.to_dict(),
            "fields": {
                name: [
                    {"value": value, "documents": documents.to_dict(), "tokens": tokens.to_dict()}
                    for value, documents, tokens in rows
                ]
                for name, rows in self.fields.items()
            },
            "words": {
                key: {
                    **cover.to_dict(),
                    "words": {word: [own.before, own.after] for word, own in self.words[key].items()},
                }
                for key, cover in self.sets.items()
            },
        }


def costs_of(run: Run, change: Change, coverage: Coverage, fields: Sequence[str] = ()) -> Costs:
    """Costs of a change of the corpus; where documents count for a part, that part of their text.

    Fields are those asked for, and all that have 2 to FEW values.

    Raises
    ------
    InputError, MismatchError
        There is no such field, and as `read_metadata` raises them.

    """
    from clif.corpus.metadata_file import few_valued

    corpus = run.corpus
    names = dict.fromkeys([*fields, *few_valued(run.path, FEW, corpus.content_hash)])
    stand = 1.0 - change.times
    gone = np.searchsorted(corpus.offsets, change.places[change.words == OUTSIDE], side="right") - 1
    tokens = (corpus.lengths - np.bincount(gone, minlength=len(corpus))) * stand
    more = _more_words(run, change)
    words = {
        key: {
            word: Cover(int(run.vocabulary.counts[row]), round(run.vocabulary.counts[row] + more[row]))
            for word, row in zip(coverage.words[key], coverage.rows[key], strict=True)
        }
        for key in SETS
    }
    sets = {}
    for key in SETS:  # not of the words, as the rounding of each would add up
        rows = coverage.rows[key]
        before = int(run.vocabulary.counts[rows].sum())
        sets[key] = Cover(before, round(before + more[rows].sum()))
    return Costs(
        documents=Cover(len(corpus), int((stand > 0).sum())),
        tokens=Cover(int(corpus.lengths.sum()), round(tokens.sum())),
        fields={name: _by_value(run, stand, tokens, name) for name in names},
        sets=sets,
        words=words,
    )


def words_in(run: Run, documents: Integers, times: Integers | Values) -> Values:
    """How often each word of the vocabulary stands in these documents, each taken `times`, (V,)."""
    corpus, size = run.corpus, len(run.vocabulary)
    found = np.zeros(size)
    for z, factor in zip(chain.from_iterable(in_passes(corpus, documents)), times, strict=True):
        tokens = corpus.tokens[corpus.offsets[z] : corpus.offsets[z + 1]]
        np.add.at(found, tokens[tokens < size], factor)
    return found


def _more_words(run: Run, change: Change) -> Values:
    """How much more often each word of the vocabulary stands in the edited corpus, (V,)."""
    size = len(run.vocabulary)
    documents = np.flatnonzero(change.times)
    more = words_in(run, documents, -change.times[documents])
    for words, sign in ((run.corpus.tokens[change.places], -1.0), (change.words, 1.0)):
        np.add.at(more, words[words < size], sign)
    return more


def _by_value(run: Run, stand: Values, tokens: Values, field: str) -> list[tuple[str, Cover, Cover]]:
    names, group = group_documents(run, field)

    def sums(values: Integers | Values) -> list[int]:
        return [round(each) for each in np.bincount(group, values, len(names))]

    of_documents = zip(sums(np.ones_like(stand)), sums((stand > 0).astype(np.float64)), strict=True)
    of_tokens = zip(sums(run.corpus.lengths), sums(tokens), strict=True)
    rows = [(name, Cover(*d), Cover(*t)) for name, d, t in zip(names, of_documents, of_tokens, strict=True)]
    return sorted(rows, key=lambda row: -row[2].lost)
