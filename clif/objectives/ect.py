"""The embedding coherence test, counted from where there is no bias: for audits, as ranks have no gradient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clif.objectives.words import OfWords, Vectors


@dataclass(frozen=True, eq=False)
class ECT(OfWords):
    """1 - ECT: how differently the middles of A and of B order the words of X by cosine.

        ECT = Spearman correlation over w in X of cos(w, mean_A a) with cos(w, mean_B b)

    Middles are means of the vectors as they are. The paper's number is 1 where both order the words alike; here zero
    stands for that, and the audit gives ECT itself beside it, as `published`.
    Sign: never negative, at most 2.
    Source: Dev and Phillips 2019, AISTATS (arXiv:1901.07656).

    Raises
    ------
    InputError
        A vector is zero or not finite; or all words are equally similar to a middle.

    """

    def value(self, E: Vectors, measure: str | None = None) -> float:
        """1 - ECT at the vectors E (n, d)."""
        from scipy.stats import spearmanr

        self.kind.check_measure(measure)
        words = self.sets(self._units(E)[0])[0]
        _, A, B = self.sets(E)
        by_A, by_B = (words @ _unit(side.mean(0)) for side in (A, B))
        if not np.ptp(by_A) > 0 or not np.ptp(by_B) > 0:
            raise self._undefined(
                "all words are equally similar to the middle of a set, so they have no order",
                "Give more words, or other attributes.",
            )
        return 1 - float(spearmanr(by_A, by_B).statistic)


def _unit(middle: Vectors) -> Vectors:
    """Scaled to unit length; a middle of zero stays, and all words are equally similar to it."""
    length = float(np.linalg.norm(middle))
    return middle / length if length else middle
