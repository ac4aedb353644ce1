"""Settings of a training run, as options give them and as the manifest keeps them."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import Any

from clif.errors import UsageError


@dataclass(frozen=True)
class TrainingSettings:
    """How a skip-gram model with negative sampling is trained; the defaults are word2vec's customary ones.

    `l2` and `tolerance` are the exact trainer's alone, which knows no epochs, learning rates or workers: a setting that
    the trainer does not know keeps its default, or is refused.
    """

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
    l2: float = 10.0
    tolerance: float = 1e-8

    def __post_init__(self) -> None:
        for option in fields(self):  # 0 is written as 0.0 is: the same model says the same of itself
            value = getattr(self, option.name)
            if isinstance(option.default, float) and type(value) is int:
                object.__setattr__(self, option.name, float(value))
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
        self._check_trainer()

    def _check_trainer(self) -> None:
        for name, trainers in _KNOWN_TO.items():
            if self.trainer not in trainers and getattr(self, name) != getattr(TrainingSettings, name):
                raise UsageError(
                    f"{name} has no meaning for the {self.trainer} trainer",
                    where=_option(name),
                    next=f"Leave it out, or train with --trainer {trainers[0]}.",
                )
        if not self.l2 > 0:
            raise UsageError(
                f"l2 must be above 0, got {self.l2}",
                where="--l2",
                next="Without a penalty the loss has no single minimum; a small one, as 0.1, comes near to none.",
            )
        if not 1e-12 <= self.tolerance < 1:
            raise UsageError(
                f"the tolerance must be at least 1e-12 and below 1, got {self.tolerance}",
                where="--tolerance",
                next="It is a share of the gradient at the start, 1e-08 by default.",
            )

    @property
    def tau(self) -> float:
        """1/tau is the default damping: tau is the sum of the learning rates over the epochs, epochs x mean rate.

        The exact trainer has a penalty where others stop early: 1/tau is l2, and H + l2 I its very Hessian.
        """
        return 1 / self.l2 if self.trainer == "exact" else self.epochs * (self.alpha + self.min_alpha) / 2

    @property
    def rounds(self) -> int:
        """How often a training says that an epoch is done: once for the exact trainer, which has none."""
        return 1 if self.trainer == "exact" else self.epochs

    def to_dict(self) -> dict[str, Any]:
        """The settings as plain values, for a manifest; what is the exact trainer's alone only for that one."""
        return {name: value for name, value in asdict(self).items() if self.trainer == "exact" or name not in EXACT}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> TrainingSettings:
        """Settings from plain values; raises UsageError for a key that is not a setting."""
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise UsageError(
                f"unknown setting {unknown[0]!r}", where="training", next=f"Known: {', '.join(sorted(known))}."
            )
        for name, value in values.items():
            kind = type(getattr(cls, name))
            if isinstance(value, bool) or not isinstance(value, (int, float) if kind is float else kind):
                raise UsageError(
                    f"{name} must be of type {kind.__name__}, got {value!r:.60}",
                    where="training",
                    next=f"Give a value like the default, {getattr(cls, name)!r}.",
                )
        return cls(**values)


TRAINERS = ("paired", "gensim", "exact")
EXACT = ("l2", "tolerance")  # settings of the exact trainer
# The trainers for which these settings have a meaning.
_KNOWN_TO = {
    **dict.fromkeys(("epochs", "alpha", "min_alpha", "workers"), ("paired", "gensim")),
    **dict.fromkeys(EXACT, ("exact",)),
}

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
