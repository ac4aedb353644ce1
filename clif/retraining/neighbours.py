"""The nearest neighbours of some target words, before and after.

A test can come to nothing while its words stay where they were among the others (Gonen and Goldberg 2019, "Lipstick on
a Pig": is a bias gone, or hidden?). Their neighbours show it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clif.objectives import Coverage

NEAREST = 5
SHOWN = 2  # of X, and of Y


@dataclass(frozen=True)
class Shown:
    """A target word of set `key` at `row` of the vocabulary; `held_out` if it did not choose the documents."""

    word: str
    row: int
    key: str
    held_out: bool


def words_to_show(whole: Coverage, held: Coverage | None, counts: NDArray[np.int64]) -> list[Shown]:
    """The most frequent words of X and of Y, SHOWN of each; of used and held-out ones the same number.

    `held` is the test of the held-out words, if any are held out; `counts` (V,) are those of the vocabulary.
    """
    shown = []
    for key in ("X", "Y"):
        words = list(zip(whole.words[key], whole.rows[key].tolist(), strict=True))
        words.sort(key=lambda word: -counts[word[1]])
        out = set(held.words[key]) if held and len(held.words[key]) < len(words) else set()
        parts = [[pair for pair in words if (pair[0] in out) == away] for away in (False, True)]
        parts = [part[: SHOWN // 2] for part in parts] if out else [words[:SHOWN]]
        shown += [Shown(word, row, key, word in out) for part in parts for word, row in part]
    return shown


def nearest(U: NDArray[np.floating], vocabulary: list[str], row: int) -> list[str]:
    """The NEAREST other words by the cosine of their vectors in U (V, d), nearest first; those without length last."""
    lengths = np.linalg.norm(U, axis=1)
    cosine = U @ U[row] / np.where(lengths > 0, lengths, 1.0)  # of one sign with the cosine, which is all that sorts
    cosine[lengths == 0] = -np.inf
    order = np.argsort(-cosine, kind="stable")
    return [vocabulary[other] for other in order[order != row][:NEAREST]]


def compare(shown: list[Shown], before: list[list[str]], after: list[list[str]]) -> dict[str, Any]:
    """Neighbours by word, as plain values."""
    return {
        word.word: {"set": word.key, "held_out": word.held_out, "before": old, "after": new}
        for word, old, new in zip(shown, before, after, strict=True)
    }
