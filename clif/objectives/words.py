"""What objectives made of the words of a bias test have in common: rows, sets, directions, the chain rule."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from clif.errors import InputError
from clif.objectives.bias_tests import SETS
from clif.objectives.coverage import Coverage, uncovered_error
from clif.objectives.kinds import Kind, kind_of

Vectors = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class OfWords:
    """The covered words of a test, in the order X, Y, A, B; a set that the test does not have is empty.

    Raises
    ------
    CoverageError
        The coverage names a reason why the test is not covered.

    """

    coverage: Coverage

    def __post_init__(self) -> None:
        if self.coverage.reason is not None:
            raise uncovered_error([self.coverage], where=f"kind {self.coverage.test.kind!r}")

    @property
    def kind(self) -> Kind:
        """The kind of the test."""
        return kind_of(self.coverage.test)

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        """Rows in U of all words, X then Y, A, B; no row comes twice."""
        return np.concatenate([self.coverage.rows[key] for key in SETS])

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The words at `rows`, in the vocabulary's form."""
        return tuple(word for key in SETS for word in self.coverage.words[key])

    @property
    def n_X(self) -> int:  # noqa: N802
        """Number of words of X."""
        return len(self.coverage.rows["X"])

    @property
    def n_Y(self) -> int:  # noqa: N802
        """Number of words of Y."""
        return len(self.coverage.rows["Y"])

    @property
    def bound(self) -> float | None:
        """Largest |effect size| that sets of these sizes allow; None where there is no effect size."""
        return None

    def option(self, name: str) -> float:
        """A number of the test's table [options], or the kind's own."""
        return float(self.coverage.test.options.get(name, self.kind.options[name]))

    def sets(self, E: Vectors) -> tuple[Vectors, Vectors, Vectors]:
        """Vectors of the targets (X, then Y), of A and of B."""
        a, b = self.n_X + self.n_Y, len(self.rows) - len(self.coverage.rows["B"])
        return E[:a], E[a:b], E[b:]

    def _units(self, E: Vectors) -> tuple[Vectors, Vectors]:
        """Unit vectors (n, d) and lengths (n,)."""
        lengths = np.linalg.norm(np.asarray(E, dtype=np.float64), axis=1)
        self._check_lengths(lengths)
        return E / lengths[:, None], lengths

    def _check_lengths(self, lengths: NDArray[np.floating]) -> None:
        bad = np.flatnonzero(~(np.isfinite(lengths) & (lengths > 0)))
        if len(bad):
            words = ", ".join(repr(self.words[row]) for row in bad)
            raise InputError(
                f"no direction: the vector of {words} is zero or not finite",
                where=f"test {self.coverage.test.name!r}",
                next="Leave these words out of the test, or use vectors trained for longer.",
            )

    def _undefined(self, what: str, next_: str) -> InputError:
        return InputError(what, where=f"test {self.coverage.test.name!r}", next=next_)


@dataclass(frozen=True, eq=False)
class ByParts(OfWords, ABC):
    """An objective whose parts begin with one for each target word; which they are, classes made of it say.

    They give `associations`, `pull_back`, `join` and `join_gradient`, and the rest follows by the chain rule.
    """

    @property
    def parts(self) -> int:
        """Number of parts: one a target word."""
        return self.n_X + self.n_Y

    @abstractmethod
    def associations(self, E: Vectors) -> Vectors:
        """The parts s, (parts,)."""

    @abstractmethod
    def pull_back(self, E: Vectors, weights: Vectors) -> Vectors:
        """Gradient with respect to E of sum_i weights_i s_i, (n, d), without the gradient of each part."""

    @abstractmethod
    def join(self, s: Vectors, measure: str | None = None) -> float:
        """T from its parts."""

    @abstractmethod
    def join_gradient(self, s: Vectors, measure: str | None = None) -> Vectors:
        """dT/ds, (parts,)."""

    def value(self, E: Vectors, measure: str | None = None) -> float:
        """T at the vectors E."""
        return self.join(self.associations(E), measure)

    def gradient(self, E: Vectors, measure: str | None = None) -> Vectors:
        """dT/dE in closed form, (n, d)."""
        return self.pull_back(E, self.join_gradient(self.associations(E), measure))

    def part_gradients(self, E: Vectors) -> NDArray[np.float64]:
        """ds_i/dE of every part, (parts, n, d)."""
        return np.stack([self.pull_back(E, row) for row in np.eye(self.parts)])


@dataclass(frozen=True, eq=False)
class MeanOfParts(ByParts):
    """An objective that is the mean of its parts, the only measure."""

    def join(self, s: Vectors, measure: str | None = None) -> float:
        """T from its parts: their mean."""
        self.kind.check_measure(measure)
        return float(s.mean())

    def join_gradient(self, s: Vectors, measure: str | None = None) -> Vectors:
        """dT/ds, (parts,): 1 / parts for each."""
        self.kind.check_measure(measure)
        return np.full(self.parts, 1 / self.parts)


def through_units(raw: Vectors, units: Vectors, lengths: Vectors) -> Vectors:
    """From the gradient (n, d) in unit vectors to that in the vectors: without what lies along, over the length."""
    along = np.einsum("nd,nd->n", raw, units)
    gradient: Vectors = (raw - along[:, None] * units) / lengths[:, None]
    return gradient
