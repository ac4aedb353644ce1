"""Fully connected networks, many at once: one vector of parameters a network, all of them over the same data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

# The function, its layer, and the gain that keeps the size of what passes through (of the starting weights).
ACTIVATIONS: dict[str, tuple[Callable[[Tensor], Tensor], type[nn.Module], float]] = {
    "tanh": (torch.tanh, nn.Tanh, 5 / 3),
    "relu": (torch.relu, nn.ReLU, 2**0.5),
    "selu": (torch.selu, nn.SELU, 1.0),
    "softplus": (nn.functional.softplus, nn.Softplus, 2**0.5),
}
KINKED = ("relu", "selu")  # their derivative jumps: where a minimum lies on a jump no gradient vanishes


@dataclass(frozen=True)
class Network:
    """`depth` hidden layers of `width` units between `inputs` features and `classes` logits.

    A network's vector (p,) holds its weights (out, in) and biases layer by layer, as `nn.Sequential` lists them.
    """

    inputs: int
    width: int
    depth: int
    classes: int
    activation: str

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """Outputs and inputs of each layer."""
        sizes = [self.inputs, *[self.width] * self.depth, self.classes]
        return list(zip(sizes[1:], sizes, strict=False))

    @property
    def parameters(self) -> int:
        """How many they are, p."""
        return sum(out * (into + 1) for out, into in self.shapes)

    def start(self, generator: torch.Generator) -> Tensor:
        """Drawn parameters (p,): weights of N(0, gain^2 / inputs), gain 1 for the logits; biases of zero."""
        gain = ACTIVATIONS[self.activation][2]
        parts = []
        for layer, (out, into) in enumerate(self.shapes):
            scale = (gain if layer < self.depth else 1.0) / into**0.5
            parts.append(scale * torch.randn(out * into, generator=generator, dtype=torch.float64))
            parts.append(torch.zeros(out, dtype=torch.float64))
        return torch.cat(parts)

    def layers(self, vectors: Tensor, X: Tensor) -> list[tuple[Tensor, Tensor]]:
        """What goes into each layer (k, n, in) and what comes out before the activation (k, n, out).

        vectors (k, p); X (n, inputs), or (k, n, inputs) where each network has data of its own.
        """
        k, at, passed = len(vectors), 0, []
        into = X.expand(k, *X.shape[-2:])
        for layer, (rows, columns) in enumerate(self.shapes):
            weights = vectors[:, at : at + rows * columns].view(k, rows, columns)
            biases = vectors[:, at + rows * columns : at + rows * (columns + 1)]
            at += rows * (columns + 1)
            out = torch.baddbmm(biases[:, None], into, weights.transpose(1, 2))
            passed.append((into, out))
            if layer < self.depth:
                into = ACTIVATIONS[self.activation][0](out)
        return passed

    def losses(self, vectors: Tensor, X: Tensor, y: Tensor) -> Tensor:
        """Cross-entropy (k, n) of each network at each point; y (n,) or (k, n)."""
        logits = self.layers(vectors, X)[-1][1]
        right = y.expand(logits.shape[:2])
        return torch.logsumexp(logits, 2) - logits.gather(2, right[..., None])[..., 0]

    def module(self, vector: Tensor) -> nn.Sequential:
        """The same network as a torch module with these parameters."""
        parts: list[nn.Module] = []
        for layer, (out, into) in enumerate(self.shapes):
            parts.append(nn.Linear(into, out, dtype=torch.float64))
            if layer < self.depth:
                parts.append(ACTIVATIONS[self.activation][1]())
        made = nn.Sequential(*parts)
        nn.utils.vector_to_parameters(vector, made.parameters())
        return made
