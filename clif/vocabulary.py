"""The vocabulary: counts, the chance that a token survives subsampling, and the noise distribution."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from clif.errors import InputError


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Words by falling count, then by spelling, so that a corpus gives one vocabulary.

    `counts` (V,) are those of the full corpus. They stay as they are when documents are removed, and so do
    the keep probabilities and the noise (Brunet et al. 2019).
    """

    words: list[str]
    counts: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.words)

    @cached_property
    def index(self) -> dict[str, int]:
        """Row of each word."""
        return {word: row for row, word in enumerate(self.words)}

    def keep_probabilities(self, sample: float) -> NDArray[np.float64]:
        """Chance p(w) = min(1, sqrt(t/f) + t/f) that a token of w is kept, shape (V,).

        f is the word's share of the tokens inside the vocabulary and t = `sample`; t = 0 keeps everything.
        (word2vec's code, not the formula of its paper; gensim does the same.)
        """
        if sample == 0:
            return np.ones(len(self.words))
        # A word of an imported model may be missing from the corpus; it is never dropped.
        ratio = sample * float(self.counts.sum()) / np.maximum(self.counts, 1)
        return np.minimum(1.0, np.sqrt(ratio) + ratio)

    def noise(self, exponent: float = 0.75) -> NDArray[np.float64]:
        """Distribution q of the negatives, proportional to count^exponent, shape (V,)."""
        weights = self.counts.astype(np.float64) ** exponent
        return np.asarray(weights / weights.sum())


def vocabulary_size(counts: NDArray[np.int64], min_count: int, where: str) -> int:
    """Size V of the vocabulary: how many of the falling `counts` reach `min_count`.

    Raises
    ------
    InputError
        Fewer than two words reach it.

    """
    size = int(np.searchsorted(-counts, -min_count, side="right"))
    if size < 2:
        most = int(counts[0]) if len(counts) else 0
        raise InputError(
            f"only {size} of {len(counts)} words occur {min_count} times or more (the most frequent: {most})",
            where=where,
            next="Lower --min-count, or give a larger corpus.",
        )
    return size
