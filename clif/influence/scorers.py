"""What scores tokens, without the problem that it came from: it can be sent to another process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from clif.influence.kernels import score_joint, score_table

Array = NDArray[Any]
Values = NDArray[np.float64]


class Scorer(Protocol):
    """Scores tokens of documents."""

    def __call__(self, tokens: Array, offsets: NDArray[np.int64], first: int, last: int) -> Values:
        """Influence (objectives, tokens) of the tokens of the documents first to last - 1."""


@dataclass(frozen=True, eq=False)
class TableScorer:
    """By a table (n, V) of the influence of pairs; slot (V,) is the row of an input word, -1 for none."""

    keep: Values
    window: int
    slot: NDArray[np.int64]
    table: Values

    def __call__(self, tokens: Array, offsets: NDArray[np.int64], first: int, last: int) -> Values:
        """Influence (1, tokens): half of each context of a token."""
        result = np.zeros((1, int(offsets[last] - offsets[first])))
        score_table(tokens, offsets, first, last, self.keep, self.window, self.slot, self.table, result[0])
        return result


@dataclass(frozen=True, eq=False)
class JointScorer:
    """By vectors of all words: `left`, `right` (V, (1 + objectives) d), `noise_part` (objectives, V), `kq` (V,)."""

    keep: Values
    window: int
    left: Array
    right: Array
    noise_part: Values
    kq: Values
    dim: int

    def __call__(self, tokens: Array, offsets: NDArray[np.int64], first: int, last: int) -> Values:
        """Influence (objectives, tokens): half of each context of a token."""
        result = np.zeros((len(self.noise_part), int(offsets[last] - offsets[first])))
        score_joint(
            tokens, offsets, first, last, self.keep, self.window, self.left, self.right, self.noise_part, self.kq,
            self.dim, result,
        )  # fmt: skip
        return result


def sum_between(values: Values, ends: NDArray[np.int64]) -> Values:
    """Sums (m, parts) of values (m, n) over ends[i]:ends[i + 1]; empty parts give 0."""
    sums = np.zeros((len(values), len(ends) - 1))
    filled = np.flatnonzero(np.diff(ends))
    if len(filled):
        sums[:, filled] = np.add.reduceat(values, ends[:-1][filled], axis=1)
    return sums
