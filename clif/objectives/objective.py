"""What an objective T must know of itself, for the influence of documents on it to be found."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

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
