"""What is asked of an objective that shall stay as it is, whatever it is, and of what is foreseen of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from clif.influence.problem import Problem
from clif.influence.units import Units

Integers = NDArray[np.int64]
Values = NDArray[np.float64]
Matrix = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Kept(ABC):
    """An objective T that shall stay within `tolerance`, by a `measure`; `low` and `high` bound its change."""

    name: str
    measure: str
    tolerance: float
    of_outputs = False  # whether T reads the output vectors

    @property
    def low(self) -> float:
        """Least change that is allowed."""
        return -self.tolerance

    @property
    def high(self) -> float:
        """Largest change that is allowed."""
        return self.tolerance

    def holds(self, change: float) -> bool:
        """Whether a change is within the tolerance."""
        return self.low <= change <= self.high

    @property
    def definition(self) -> dict[str, Any] | None:
        """The test that is kept, as plain values; None for what is no test."""
        return None

    @property
    def about(self) -> dict[str, Any]:
        """What a result says of it beside what all are said of."""
        return {}

    @property
    @abstractmethod
    def recipe(self) -> list[Any]:
        """What a file name must tell apart: name, tolerance, and a mark of what is measured, whatever file named it."""

    @abstractmethod
    def value(self, U: Matrix, C: Matrix) -> float:
        """T of a model's vectors, each (V, d)."""

    @abstractmethod
    def put_to(self, problems: Sequence[Problem], units: Units) -> Foreseen:
        """What becomes of it in the models of these problems, where some of these units go."""


class Foreseen(Protocol):
    """What the choice of documents, or sentences, is predicted to do to a kept objective."""

    @property
    def kept(self) -> Kept:
        """The objective."""

    def change(self, chosen: Integers) -> float:
        """Predicted change of T when these go."""

    def beyond(self, gone: Integers) -> tuple[float, Values]:
        """Predicted change when those that are `gone` go, and then the influence of each, (units,)."""
