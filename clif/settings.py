"""Settings of a training run, as options give them and as the manifest keeps them."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import Any

from clif.errors import UsageError


@dataclass(frozen=True)
class TrainingSettings:
    """How a skip-gram model with negative sampling is trained; the defaults are word2vec's customary ones."""

    trainer: str = "paired"
    dim: int = 100
    window: int = 5
    negative: int = 5
    epochs: int = 5
    min_count: int = 5
    sample: float = 1e-3
    alpha: float = 0.025
    min_alpha: float = 0.0001
    ns_exponent: float = 0.75
    seed: int = 1
    workers: int = 1

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if isinstance(value, float) and not math.isfinite(value):
                raise UsageError(
                    f"{name} must be a finite number, got {value}", where=_option(name), next="Give a number."
                )
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if value < least:
                raise UsageError(
                    f"{name} must be at least {least}, got {value}",
                    where=_option(name),
                    next=f"Give a value of {least} or more.",
                )
        if self.trainer not in TRAINERS:
            raise UsageError(
                f"unknown trainer {self.trainer!r}",
                where="--trainer",
                next=f"Choose one of: {', '.join(TRAINERS)}.",
            )
        for name, most in _MOST.items():
            if getattr(self, name) > most:
                raise UsageError(
                    f"{name} must be at most {most}, got {getattr(self, name)}",
                    where=_option(name),
                    next=f"Give a value of {most} or less.",
                )
        if not self.sample < 1:
            raise UsageError(
                f"sample must be below 1, got {self.sample}",
                where="--sample",
                next="It is a share of the tokens, 0.001 by default; 0 switches subsampling off.",
            )
        if not 0 < self.min_alpha <= self.alpha:
            raise UsageError(
                f"learning rates must satisfy 0 < min_alpha <= alpha, got {self.min_alpha} and {self.alpha}",
                where="--alpha, --min-alpha",
                next="The defaults are 0.025 and 0.0001.",
            )

    @property
    def tau(self) -> float:
        """Sum of the learning rates over the epochs, epochs x mean rate: 1/tau is the default damping."""
        return self.epochs * (self.alpha + self.min_alpha) / 2

    def to_dict(self) -> dict[str, Any]:
        """The settings as plain values, for a manifest."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> TrainingSettings:
        """Settings from plain values; raises UsageError for a key that is not a setting."""
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise UsageError(
                f"unknown training setting {unknown[0]!r}",
                next=f"Known settings: {', '.join(sorted(known))}.",
            )
        return cls(**values)


TRAINERS = ("paired", "gensim")

_LEAST = {
    "dim": 1,
    "window": 1,
    "negative": 1,
    "epochs": 1,
    "min_count": 1,
    "sample": 0,
    "ns_exponent": -2,
    "seed": 0,
    "workers": 1,
}

# No more than 10,000 tokens of a document are trained on at a time, so no window reaches further.
_MOST = {"alpha": 1.0, "ns_exponent": 2.0, "seed": 2**32 - 1, "window": 10_000}


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")
