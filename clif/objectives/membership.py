"""Where a word sits: how near it is to another word, to the middle of some words, or to where it began.

A word's neighbourhood is not a bias test, but a differentiable function of word vectors all the same, so the documents
that put it there are found like those that put a bias there (Silva, Chopra, Gombolay 2022, "Cross-Loss Influence
Functions to Explain Deep Network Representations", arXiv 2012.01685, who explain the clusters of words so).
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clif.errors import InputError, UsageError

NEARNESS = ("cosine", "distance")
CLOSE = 5  # known words that are named beside an unknown one

Vectors = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Membership:
    """How near a word is to a point, written in the vectors E = U[rows] (n, d) of the word and of those of the point.

        u = E[0]        v = sum_i weights_i E[1 + i] + place        s = (u.u, u.v, v.v)        the parts
        cosine   = u.v / sqrt(u.u v.v)
        distance = |u - v| = sqrt(u.u - 2 u.v + v.v)

    `words` (n,) are those at `rows`; `weights` (n - 1,); `place` (d,) stays where it is, None for zero.
    Sign: the cosine grows with nearness, the distance falls with it.
    Made by `to_word`, `to_cluster` and `to_start`.

    Raises
    ------
    UsageError
        A measure is unknown.
    InputError
        The word or the point is zero or not finite, so there is no cosine; both are the same, so the distance has no
        gradient; or parts are joined that belong to no vectors, as predictions far beyond small changes may.

    """

    words: tuple[str, ...]
    rows: NDArray[np.int64]
    weights: Vectors
    place: Vectors | None = None

    @classmethod
    def to_word(cls, word: str, other: str, index: Mapping[str, int]) -> Membership:
        """Nearness of a word to another one; raises UsageError for words that `index` lacks, or twice the same."""
        return cls.to_cluster(word, [other], index)

    @classmethod
    def to_cluster(cls, word: str, members: Sequence[str], index: Mapping[str, int]) -> Membership:
        """Nearness of a word to the middle of a cluster, v the mean of the vectors of its `members`.

        Raises
        ------
        UsageError
            `index`, from words to rows, lacks one; there are no members; or the word is one of them.

        """
        found = known_words([word, *members], index)
        own, others = found[0], tuple(dict.fromkeys(found[1:]))
        if not others or own in others:
            raise UsageError(
                f"{own!r} cannot be held against itself" if others else f"no words to hold {own!r} against",
                where="membership",
                next="Give other words.",
            )
        rows = np.array([index[each] for each in (own, *others)], dtype=np.int64)
        return cls((own, *others), rows, np.full(len(others), 1 / len(others)))

    @classmethod
    def to_start(cls, word: str, start: NDArray[np.floating], index: Mapping[str, int]) -> Membership:
        """Nearness of a word to its own row of `start` (V, d), as by `PairedTraining.start`, which does not move."""
        (own,) = known_words([word], index)
        row = index[own]
        return cls((own,), np.array([row], dtype=np.int64), np.empty(0), start[row].astype(np.float64))

    @property
    def parts(self) -> int:
        """Number of parts: three inner products."""
        return 3

    def associations(self, E: Vectors) -> Vectors:
        """The parts s, (3,)."""
        u, v = self._both(E)
        return np.array([u @ u, u @ v, v @ v])

    def join(self, s: Vectors, measure: str = "cosine") -> float:
        """T from its parts."""
        return float(s[1] / self._scale(s)) if _known(measure) == "cosine" else self._length(s)

    def join_gradient(self, s: Vectors, measure: str = "cosine") -> Vectors:
        """dT/ds, (3,).

        (-c / (2 u.u), 1 / (|u| |v|), -c / (2 v.v)) for the cosine c, (1, -2, 1) / (2 t) for the distance t.
        """
        if _known(measure) == "cosine":
            scale = self._scale(s)
            cosine = s[1] / scale
            return np.array([-cosine / (2 * s[0]), 1 / scale, -cosine / (2 * s[2])])
        length = self._length(s)
        if length == 0:
            raise self._error(f"{self.words[0]!r} is where it is measured from, so the distance has no direction")
        return np.array([0.5, -1.0, 0.5]) / length

    def value(self, E: Vectors, measure: str = "cosine") -> float:
        """T at the vectors E."""
        return self.join(self.associations(E), measure)

    def gradient(self, E: Vectors, measure: str = "cosine") -> Vectors:
        """dT/dE in closed form, (n, d)."""
        return self.pull_back(E, self.join_gradient(self.associations(E), measure))

    def pull_back(self, E: Vectors, weights: Vectors) -> Vectors:
        """Gradient with respect to E of sum_i weights_i s_i, (n, d).

        2 weights_0 u + weights_1 v for the word; weights_1 u + 2 weights_2 v for v, of which each word of the point
        has its share.
        """
        u, v = self._both(E)
        own = 2 * weights[0] * u + weights[1] * v
        point = weights[1] * u + 2 * weights[2] * v
        gradient: Vectors = np.vstack([own, np.outer(self.weights, point)])
        return gradient

    def part_gradients(self, E: Vectors) -> Vectors:
        """ds/dE, (3, n, d)."""
        return np.stack([self.pull_back(E, row) for row in np.eye(3)])

    def _both(self, E: Vectors) -> tuple[Vectors, Vectors]:
        """u and v, (d,) each."""
        point = self.weights @ E[1:]
        return E[0], point if self.place is None else point + self.place

    def _scale(self, s: Vectors) -> float:
        """|u| |v|."""
        if not (np.isfinite(s).all() and s[0] > 0 and s[2] > 0):
            raise self._error(f"no direction: the vector of {self._named(s[0])} is zero or not finite")
        return float(np.sqrt(s[0] * s[2]))

    def _length(self, s: Vectors) -> float:
        """|u - v|."""
        square = float(s[0] - 2 * s[1] + s[2])
        # Of equal vectors rounding may leave less than nothing.
        if not square >= -1e-12 * float(abs(s[0]) + abs(s[2])):
            raise self._error("the parts belong to no vectors: the square of their distance is negative or not finite")
        return float(np.sqrt(max(square, 0.0)))

    def _named(self, square: float) -> str:
        others = ", ".join(map(repr, self.words[1:4])) or "its start"
        return repr(self.words[0]) if not square > 0 else others

    def _error(self, what: str) -> InputError:
        return InputError(what, where=f"nearness of {self.words[0]!r}", next="Choose other words, or train for longer.")


def known_words(words: Sequence[str], index: Mapping[str, int], where: str = "membership") -> list[str]:
    """The words as a vocabulary has them: as written, else in lower case.

    Raises
    ------
    UsageError
        One is missing; the message names the words of the vocabulary that are spelt most like it.

    """
    found = []
    for word in words:
        known = next((form for form in (word, word.lower()) if form in index), None)
        if known is None:
            close = difflib.get_close_matches(word.lower(), index, CLOSE)
            hint = f"Nearest known words: {', '.join(close)}." if close else "No known word is spelt like it."
            raise UsageError(
                f"the vocabulary lacks the word {word!r}", where=where, next=f"{hint} Rare words are left out of it."
            )
        found.append(known)
    return found


def _known(measure: str) -> str:
    if measure not in NEARNESS:
        raise UsageError(
            f"unknown measure {measure!r}", where="membership", next=f"Choose one of: {', '.join(NEARNESS)}."
        )
    return measure
