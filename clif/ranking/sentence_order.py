"""Sentences of a run in the order of a list of sentences."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from clif.corpus.spans import Spans
from clif.errors import InputError, MismatchError
from clif.ranking.files import read_table
from clif.run import Run

Integers = NDArray[np.int64]
_LONGEST = 15  # digits of a number that is read: no corpus has so many sentences


def find_sentences(run: Run, doc_ids: Sequence[str], numbers: Sequence[int] | Integers, where: str) -> Integers:
    """Place of each sentence among all of the run's, by its document and its number there, from 1.

    Raises
    ------
    MismatchError
        There is no such sentence.

    """
    spans, corpus = Spans.of(run.corpus), run.corpus
    z = np.array([corpus.number.get(doc_id, -1) for doc_id in doc_ids], dtype=np.int64)
    wanted = np.asarray(numbers, dtype=np.int64)
    first = np.searchsorted(spans.document, z)
    there = (z >= 0) & (wanted >= 1) & (wanted <= np.searchsorted(spans.document, z, side="right") - first)
    if not there.all():
        n = int(np.argmin(there))
        raise MismatchError(
            f"the run's corpus has no sentence {wanted[n]} of a document {doc_ids[n]!r}",
            where=where,
            next="Give a ranking of this run, or name its run.",
        )
    return np.asarray(first + wanted - 1)


def read_sentence_order(path: Path, run: Run) -> Integers:
    """Sentences of the run in the order of a ranking's file.

    Raises
    ------
    InputError
        The file cannot be read, lists no sentences, or names one twice.
    MismatchError
        It names a sentence that the run's corpus does not hold.

    """
    frame = read_table(path, "doc_id", "sentence")
    numbers = [_number(each) for each in frame["sentence"]]
    if None in numbers:
        strange = str(frame["sentence"].iloc[numbers.index(None)])
        raise InputError(
            f"has {strange[:50]!r} where a sentence has its number",
            where=str(path),
            next="Make it again with `clif rank`.",
        )
    order = find_sentences(run, [str(each) for each in frame["doc_id"]], np.array(numbers, dtype=np.int64), str(path))
    if len(np.unique(order)) < len(order):
        raise InputError(
            "names a sentence more than once", where=str(path), next="Give a list made by `clif rank --unit sentence`."
        )
    return order


def _number(value: object) -> int | None:
    digits = str(value).removesuffix(".0")  # of a column in which some are missing
    return int(digits) if digits.isdecimal() and len(digits) <= _LONGEST else None
