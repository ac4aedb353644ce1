"""What a trade-off is asked to compare."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clif.errors import UsageError
from clif.influence.adaptive import ADAPTIVE
from clif.retraining.keeping import QUALITY, Keep

CLIF, KEEP, RANDOM, KEYWORD, DEBIAS = POLICIES = ("clif", "keep", "random", "keyword", "debias")


@dataclass(frozen=True)
class Request:
    """Policies, and at which `shares` of the tokens removed they are compared, each trained with `seeds` seeds.

    `keep` are the objectives of the policy of that name. `pairs` is a TOML file of the pairs whose direction is taken
    out, instead of the test's attribute words; `analogies` a file of questions instead of gensim's. The measure is the
    first of the test's kind if left out.

    Raises
    ------
    UsageError
        An option makes no sense.

    """

    shares: tuple[float, ...] = (0.01, 0.02, 0.05, 0.1, 0.2)
    seeds: int = 3
    policies: tuple[str, ...] = POLICIES
    keep: tuple[str, ...] = (QUALITY,)
    method: str | None = None
    measure: str | None = None
    pairs: Path | None = None
    analogies: Path | None = None
    processes: int | None = None

    def __post_init__(self) -> None:
        for name in ("policies", "keep"):
            object.__setattr__(self, name, _several(getattr(self, name)))
        object.__setattr__(self, "shares", tuple(sorted({float(share) for share in self.shares})))
        for name in ("pairs", "analogies"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, Path(getattr(self, name)))
        known = {"--policies": POLICIES, "--method": tuple(ADAPTIVE)}
        given = {"--policies": self.policies, "--method": (self.method,)}
        for where, values in given.items():
            for value in values:
                if value is not None and value not in known[where]:
                    choice = ", ".join(known[where])
                    raise UsageError(f"unknown name {value!r}", where=where, next=f"Choose from: {choice}.")
        if not self.policies or not self.shares or not all(0 < share <= 0.9 for share in self.shares):
            raise UsageError(
                "nothing to compare: policies, and shares of the tokens above 0 and up to .9, are needed",
                where="--policies, --shares",
                next="Give --shares .01,.05,.1, say.",
            )
        for name, count in {"--seeds": self.seeds, "--processes": self.processes}.items():
            if count is not None and count < 1:
                raise UsageError(f"must be at least 1, got {count}", where=name, next="Give 1 or more.")
        _ = self.keeps

    @property
    def keeps(self) -> list[Keep]:
        """What the policy `keep` keeps."""
        return [Keep.parse(text) for text in self.keep]


def _several(values: Any) -> tuple[Any, ...]:
    """One value or several as a tuple, each once, in order."""
    alone = isinstance(values, str) or not isinstance(values, Iterable)
    return tuple(dict.fromkeys([values] if alone else values))
