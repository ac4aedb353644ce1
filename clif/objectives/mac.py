"""Mean average cosine distance, counted from where there is no bias."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clif.objectives.words import MeanOfParts, Vectors, through_units


@dataclass(frozen=True, eq=False)
class MAC(MeanOfParts):
    """1 - MAC: the mean over all targets and over both sets of attributes of the mean cosine.

        S(t, A_j) = mean_{a in A_j} (1 - cos(t, a))          MAC = mean_{t in X and Y} mean_j S(t, A_j), A_j one of A, B
        s(t) = (mean_A cos(t, a) + mean_B cos(t, b)) / 2     the parts, one a target word
        one_minus_mac = mean s = 1 - MAC

    The paper's number is a distance, 1 where targets are near no attribute. Here zero stands for that, so documents are
    ranked by what brings MAC to 1; the audit gives MAC itself beside it, as `published`.
    Sign: positive where the targets are near the attributes. It does not tell A from B.
    Source: Manzini, Lim, Tsvetkov and Black 2019, NAACL, N19-1062.

    Raises
    ------
    InputError
        A vector is zero or not finite.

    """

    def associations(self, E: Vectors) -> Vectors:
        """s of each target word, (n_X + n_Y,)."""
        targets, A, B = self.sets(self._units(E)[0])
        s: Vectors = targets @ ((A.mean(0) + B.mean(0)) / 2)
        return s

    def pull_back(self, E: Vectors, weights: Vectors) -> Vectors:
        """Gradient of sum_i weights_i s_i, (n, d)."""
        units, lengths = self._units(E)
        targets, A, B = self.sets(units)
        shares = np.repeat([0.5 / len(A), 0.5 / len(B)], [len(A), len(B)])
        raw = np.vstack([np.outer(weights, shares @ np.vstack([A, B])), np.outer(shares, weights @ targets)])
        return through_units(raw, units, lengths)
