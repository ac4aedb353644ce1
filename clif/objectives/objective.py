"""What an objective T must know of itself, for the influence of documents on it to be found."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from clif.objectives.coverage import Coverage

Vectors = NDArray[np.float64]


class Objective(Protocol):
    """A differentiable function T of the input vectors E = U[rows] (n, d) of some words.

    T is joined from a few parts s (parts,): sets of documents are predicted part by part, and T is taken of the parts.
    A measure is one of the ways to join them; which there are is the objective's own affair.
    """

    @property
    def rows(self) -> NDArray[np.int64]:
        """Rows of U that T reads, (n,), each once, in the order of E."""

    @property
    def parts(self) -> int:
        """How many parts there are."""

    def associations(self, E: Vectors) -> Vectors:
        """The parts s, (parts,)."""

    def part_gradients(self, E: Vectors) -> Vectors:
        """ds/dE, (parts, n, d)."""

    def join(self, s: Vectors, measure: str) -> float:
        """T from its parts."""

    def join_gradient(self, s: Vectors, measure: str) -> Vectors:
        """dT/ds, (parts,)."""

    def value(self, E: Vectors, measure: str) -> float:
        """T at the vectors E."""

    def gradient(self, E: Vectors, measure: str) -> Vectors:
        """dT/dE, (n, d)."""


class Measurable(Protocol):
    """What an audit needs of the objective of a bias test: the words that it was made of, and its value."""

    @property
    def coverage(self) -> Coverage:
        """The words of the test."""

    @property
    def rows(self) -> NDArray[np.int64]:
        """Rows of U that T reads, (n,), each once, in the order of E: X, Y, A, B."""

    def value(self, E: Vectors, measure: str) -> float:
        """T at the vectors E."""


class BiasObjective(Objective, Measurable, Protocol):
    """The objective of a bias test. Its first parts are those of the target words, one each, X first."""

    @property
    def bound(self) -> float | None:
        """Largest |effect size| that sets of these sizes allow; None where there is no effect size."""
