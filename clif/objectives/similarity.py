"""Word similarity as an objective: do near words lie near each other, as people judge them?

Spearman's correlation with human judgements has steps where two pairs change places. So ranks are smoothed, and what
can be differentiated is the correlation of these with the ranks of the judgements.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from clif.errors import CoverageError, InputError, UsageError
from clif.quality import LEAST_PAIRS, Judgement, covered_pairs

SMOOTH, SPEARMAN = "smooth", "spearman"
MEASURES = (SMOOTH, SPEARMAN)
TEMPERATURE = 0.05  # in units of the cosine, whose deviation over the pairs of WordSim-353 is some .15

Vectors = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Similarity:
    """Agreement with judgements of P pairs of words, in the vectors E = U[rows] (n, d) of all words that are in them.

        s_i = cos(u, v) of pair i                                     the parts
        r_i = 1/2 + sum_j sigma((s_i - s_j) / t)                      smooth ranks, j = i included
        smooth   = Pearson correlation of r with the ranks of the judgements (ties share their mean rank)
        spearman = the same for t -> 0, where r are the ranks of s

    `pairs` (P, 2) are places in `rows`, `human` (P,) the judgements, `temperature` t > 0. A higher t is smoother: its
    gradient reaches further, and its value tells more of the sizes of the cosines. Sign: grows as the vectors get
    better. Only `smooth` has a gradient.

    Raises
    ------
    UsageError
        A measure is unknown, or the gradient of `spearman` is asked for.
    InputError
        A vector is zero or not finite, or all cosines are the same.

    """

    rows: NDArray[np.int64]
    pairs: NDArray[np.int64]
    human: Vectors
    temperature: float = TEMPERATURE

    @classmethod
    def of(
        cls, judgements: Iterable[Judgement], index: Mapping[str, int], temperature: float = TEMPERATURE
    ) -> Similarity:
        """Of those pairs that `index`, from words to rows, covers; raises CoverageError for fewer than LEAST_PAIRS.

        A word may be paired with itself, as in WordSim-353: its cosine is 1 and stays so.
        """
        found, human = covered_pairs(index, judgements)
        if len(found) < LEAST_PAIRS or np.ptp(human) == 0:
            raise CoverageError(
                f"{len(found)} pairs of judged words are in the vocabulary; {LEAST_PAIRS} are needed, not all alike",
                where="word similarity",
                next="Give judgements of words of this corpus, or train on more text.",
            )
        rows, places = np.unique(found, return_inverse=True)
        return cls(rows.astype(np.int64), places.reshape(-1, 2), human, temperature)

    @property
    def parts(self) -> int:
        """Number of parts: one a pair."""
        return len(self.pairs)

    def associations(self, E: Vectors) -> Vectors:
        """The cosines s, (P,)."""
        units, _ = self._units(E)
        left, right = self.pairs.T
        return np.asarray(np.einsum("pd,pd->p", units[left], units[right]))

    def join(self, s: Vectors, measure: str = SMOOTH) -> float:
        """T from the cosines."""
        from scipy.stats import rankdata

        smooth = _known(measure) == SMOOTH
        ranks = 0.5 + self._steps(s).sum(1) if smooth else rankdata(s)
        centred = self._centred(ranks)
        return float(centred @ self._judged / np.linalg.norm(centred))

    def join_gradient(self, s: Vectors, measure: str = SMOOTH) -> Vectors:
        """dT/ds, (P,).

        With a_i = dT/dr_i = (h_i - T r_i / |r|) / |r|, r centred, h the ranks of the judgements, centred and of length
        1, and g_ij = sigma'((s_i - s_j) / t) / t: dT/ds_i = sum_j g_ij (a_i - a_j).
        """
        if _known(measure) != SMOOTH:
            raise UsageError(f"{SPEARMAN} has no gradient", where="--measure", next=f"Use {SMOOTH}.")
        steps = self._steps(s)
        centred = self._centred(0.5 + steps.sum(1))
        length = np.linalg.norm(centred)
        pull = (self._judged - (centred @ self._judged) * centred / length**2) / length
        slopes = steps * (1.0 - steps) / self.temperature
        return np.asarray(slopes.sum(1) * pull - slopes @ pull)

    def value(self, E: Vectors, measure: str = SMOOTH) -> float:
        """T at the vectors E."""
        return self.join(self.associations(E), measure)

    def gradient(self, E: Vectors, measure: str = SMOOTH) -> Vectors:
        """dT/dE, (n, d)."""
        return self.pull_back(E, self.join_gradient(self.associations(E), measure))

    def pull_back(self, E: Vectors, weights: Vectors) -> Vectors:
        """Gradient with respect to E of sum_i weights_i s_i, (n, d): d cos(u, v)/du = (v/|v| - s u/|u|) / |u|."""
        units, lengths = self._units(E)
        left, right = self.pairs.T
        raw = np.zeros_like(units)
        np.add.at(raw, left, weights[:, None] * units[right])
        np.add.at(raw, right, weights[:, None] * units[left])
        along = np.einsum("nd,nd->n", raw, units)
        return np.asarray((raw - along[:, None] * units) / lengths[:, None])

    def part_gradients(self, E: Vectors) -> Vectors:
        """ds/dE, (P, n, d), which is large: `gradient` does without."""
        return np.stack([self.pull_back(E, row) for row in np.eye(self.parts)])

    @cached_property
    def _judged(self) -> Vectors:
        """Ranks of the judgements, centred and of length 1."""
        from scipy.stats import rankdata

        ranks = rankdata(self.human)
        centred = ranks - ranks.mean()
        return np.asarray(centred / np.linalg.norm(centred))

    def _steps(self, s: Vectors) -> Vectors:
        """sigma((s_i - s_j) / t), (P, P)."""
        return np.asarray(0.5 * (1.0 + np.tanh((s[:, None] - s) / (2.0 * self.temperature))))

    def _centred(self, ranks: Vectors) -> Vectors:
        if np.ptp(ranks) <= 1e-9:
            raise InputError(
                "the cosines of all pairs are the same, so they have no order",
                where="word similarity",
                next="Check that the words have vectors of their own.",
            )
        return np.asarray(ranks - ranks.mean())

    def _units(self, E: Vectors) -> tuple[Vectors, Vectors]:
        """Unit vectors (n, d) and lengths (n,)."""
        lengths = np.linalg.norm(E, axis=1)
        if not (np.isfinite(lengths) & (lengths > 0)).all():
            raise InputError(
                "the vector of a word is zero or not finite, so it has no direction",
                where="word similarity",
                next="Use vectors trained for longer.",
            )
        return E / lengths[:, None], lengths


def _known(measure: str) -> str:
    if measure not in MEASURES:
        raise UsageError(
            f"unknown measure {measure!r}", where="--measure", next=f"Choose one of: {', '.join(MEASURES)}."
        )
    return measure
