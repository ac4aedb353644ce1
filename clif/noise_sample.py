"""A few words that stand for all in sums over the vocabulary that are taken once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class NoiseSample:
    """Words that stand for all: sum_c p_c f(c) ~ sum over `words` of p_c f(c) `weights`, with the right expectation."""

    words: NDArray[np.int64]
    weights: Values

    @classmethod
    def draw(cls, p: Values, head: int, tail: int, seed: int = 0) -> NoiseSample:
        """The `head` words of largest p and about `tail` others by systematic sampling; all, if there are no more."""
        order = np.argsort(-p, kind="stable")
        rest = order[head:]
        if tail >= len(rest) or not p[rest].any():
            return cls(np.arange(len(p)), np.ones(len(p)))
        chance = np.minimum(1.0, tail * p[rest] / p[rest].sum())
        ends = np.cumsum(chance)
        marks = np.arange(np.random.default_rng(seed).random(), ends[-1], 1.0)
        picked = np.unique(np.searchsorted(ends, marks))
        words = np.concatenate([order[:head], rest[picked]])
        weights = np.concatenate([np.ones(head), 1.0 / chance[picked]])
        rising = np.argsort(words)
        return cls(words[rising], weights[rising])
