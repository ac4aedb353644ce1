"""Caps: no value of a field, and no set of the test's words, loses more than a share of what there is of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from clif.errors import UsageError
from clif.influence.units import Units
from clif.objectives import SETS, Coverage
from clif.ranking import group_documents
from clif.room import PART
from clif.run import Run

WORDS = "words"
ROUNDING = 1e-9


@dataclass(frozen=True)
class Cap:
    """No value of the metadata field `name` loses more than `share` of its tokens; or, by the name "words", no set of
    the test's words more than that of its occurrences."""

    name: str
    share: float

    @classmethod
    def parse(cls, text: str) -> Cap:
        """From "FIELD=.2"; raises UsageError for anything else."""
        name, equals, number = str(text).rpartition("=")
        try:
            share = float(number)
        except ValueError:
            share = -1.0
        if not (equals and name and 0 <= share < 1):
            raise UsageError(
                f"{text!r} is no cap",
                where="--cap",
                next="Give a field of the documents, or 'words', and the share that may go: source=.2, words=.3.",
            )
        return cls(name, share)

    def __str__(self) -> str:
        return f"{self.name}={self.share:g}"


@dataclass(frozen=True, eq=False)
class Loads:
    """What the choice of each document, or sentence, takes of each thing that is capped, (things, units), and how much
    may go of each.

    `names` of the things are "FIELD VALUE" or "words X".
    """

    names: list[str]
    loads: csr_array
    budgets: NDArray[np.float64]


def load_caps(run: Run, caps: Sequence[Cap], coverage: Coverage, of: Units) -> Loads:
    """What the caps allow of units, in tokens; errors are those of `read_metadata`.

    A unit of which a share is taken costs that share of its tokens.
    """
    names: list[str] = []
    rows, columns, values, budgets = [], [], [], []
    for cap in caps:
        if cap.name == WORDS:
            things = [f"{WORDS} {key}" for key in SETS]
            group, unit = _occurrences(run, coverage, of)
            load = np.ones(len(group))
        else:
            found, group = group_documents(run, cap.name)
            things = [f"{cap.name} {value}" for value in found]
            group, unit, load = group[of.document], np.arange(len(of)), of.lengths.astype(np.float64)
        rows.append(len(names) + group)
        columns.append(unit)
        values.append(of.taken * load)
        budgets.append(cap.share * np.bincount(group, load, len(things)) + ROUNDING)
        names += things
    if not names:
        return Loads([], csr_array((0, len(of))), np.empty(0))
    where = (np.concatenate(rows), np.concatenate(columns))
    loads = csr_array((np.concatenate(values), where), shape=(len(names), len(of)))
    return Loads(names, loads, np.concatenate(budgets))


def _occurrences(run: Run, coverage: Coverage, of: Units) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Set and unit of each occurrence of a word of the test in the corpus."""
    corpus = run.corpus
    set_of = np.full(max(len(corpus.types), 1), -1)
    for number, key in enumerate(SETS):
        set_of[coverage.rows[key]] = number
    sets, places = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    for start in range(0, len(corpus.tokens), PART):
        found = set_of[corpus.tokens[start : start + PART]]
        own = np.flatnonzero(found >= 0)
        sets.append(found[own])
        places.append(start + own)
        corpus.release()
    return np.concatenate(sets), np.searchsorted(of.ends, np.concatenate(places), side="right") - 1
