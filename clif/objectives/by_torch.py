"""Objectives written in torch, which derives them: the short way to a kind of one's own."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from clif.objectives.words import ByParts, Vectors

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class TorchObjective(ByParts):
    """An objective of which two functions are given, and torch finds the gradients.

        class Spread(TorchObjective):
            def torch_parts(self, E):                  # (n, d), the words of X, Y, A, B one after the other
                targets, A, B = self.sets(E)
                return targets @ (A.mean(0) - B.mean(0))

            def torch_join(self, s, measure):          # T from the parts
                return s.mean()

        KIND = Kind("spread", "...", "a paper", ("spread",), Spread)

    `torch_parts` gives one number for each target word, X first; for more override `parts`. T should follow from the
    parts without E: sets of documents are predicted part by part. Zero must mean that there is no bias.
    """

    @abstractmethod
    def torch_parts(self, E: Tensor) -> Tensor:
        """The parts s (parts,) at the vectors E (n, d)."""

    @abstractmethod
    def torch_join(self, s: Tensor, measure: str) -> Tensor:
        """T, a scalar, from its parts."""

    def associations(self, E: Vectors) -> Vectors:
        """The parts s, (parts,)."""
        return np.asarray(self.torch_parts(_tensor(E)).detach().numpy())

    def pull_back(self, E: Vectors, weights: Vectors) -> Vectors:
        """Gradient with respect to E of sum_i weights_i s_i, (n, d)."""
        import torch

        vectors = _tensor(E).requires_grad_()
        torch.dot(self.torch_parts(vectors), _tensor(weights)).backward()  # type: ignore[no-untyped-call]
        return np.zeros_like(E) if vectors.grad is None else np.asarray(vectors.grad.numpy())

    def join(self, s: Vectors, measure: str | None = None) -> float:
        """T from its parts."""
        return float(self.torch_join(_tensor(s), self.kind.check_measure(measure)))

    def join_gradient(self, s: Vectors, measure: str | None = None) -> Vectors:
        """dT/ds, (parts,)."""
        parts = _tensor(s).requires_grad_()
        self.torch_join(parts, self.kind.check_measure(measure)).backward()  # type: ignore[no-untyped-call]
        return np.zeros_like(s) if parts.grad is None else np.asarray(parts.grad.numpy())


def _tensor(values: Vectors) -> Tensor:
    """A copy in double precision."""
    import torch

    return torch.tensor(np.asarray(values), dtype=torch.float64)
