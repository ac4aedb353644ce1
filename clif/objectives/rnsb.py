"""Relative negative sentiment bias: for audits, as a trained classifier has no gradient here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clif.objectives.words import OfWords, Vectors


@dataclass(frozen=True, eq=False)
class RNSB(OfWords):
    """How unevenly a classifier of sentiment calls the targets negative.

    A holds positive words, B negative ones. A logistic regression with unit penalty, the intercept included, learns to
    tell them apart by their vectors as they are; f(t) is the probability that it gives a target t of being negative.

        P(t) = f(t) / sum of f over X and Y        rnsb = KL(P || uniform) = sum_t P(t) log(n P(t))

    Sign: never negative; 0 where all targets are called negative alike.
    Source: Sweeney and Najafian 2019, ACL, P19-1162; the classifier learns from all words, none is held back.
    """

    def value(self, E: Vectors, measure: str | None = None) -> float:
        """The divergence at the vectors E (n, d)."""
        from sklearn.linear_model import LogisticRegression

        self.kind.check_measure(measure)
        targets, A, B = self.sets(E)
        negative = np.repeat([0, 1], [len(A), len(B)])
        # A tolerance so small that the value is the minimum's, and does not depend on where a solver stops.
        model = LogisticRegression(solver="liblinear", tol=1e-12, max_iter=10_000, random_state=0)
        scores = model.fit(np.vstack([A, B]), negative).decision_function(targets)
        # In logarithms: of long vectors a probability can be smaller than any number.
        logs = -np.logaddexp(0.0, -scores)
        logs -= np.logaddexp.reduce(logs)
        return float(np.exp(logs) @ (logs + np.log(len(logs))))
