"""What a verification is asked to do."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from clif.errors import UsageError
from clif.influence.joint import SolveSettings
from clif.influence.methods import METHODS, RECOMMENDED, find_method
from clif.verification.gates import Gate, parse_gate

ALL = "all"
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True)
class Request:
    """Which predictions to verify, on which sets, by how many retrainings; checked before anything is computed.

    method         one or several; "all" for every one that the run supports. The first is what the result is about
    choose         method whose ranking chooses the targeted sets; the first `method` if left out
    measure, damping    those of the newest ranking for these tests if left out; all tests have the same measure
    steps          products of a joint solve at most; the method's own limit if left out
    sizes          documents in a targeted set; by default those of DEFAULT_SIZES up to 5% of the documents; () for none
    random_sets    random sets beside each size, and of each share
    random_shares  shares of the documents that random sets remove
    alpha          shares of the documents that random subsets keep
    subsets        how many of these; 0 for none
    seeds          paired retrainings of each set: the run's own seed and those that follow
    budget         of time for the trainings, as 90s, 20m or 2h; what does not fit is left out
    gate           what must be reached; see `clif.verification.gates`
    processes      trainings at a time; one a core if left out

    Raises
    ------
    UsageError
        A name is unknown, a number is out of its range, or nothing is left to verify.

    """

    method: tuple[str, ...] = ()
    choose: str | None = None
    measure: str | None = None
    damping: float | None = None
    steps: int | None = None
    sizes: tuple[int, ...] | None = None
    random_sets: int = 3
    random_shares: tuple[float, ...] = ()
    alpha: tuple[float, ...] = (0.5,)
    subsets: int = 50
    seeds: int = 2
    budget: str | None = None
    gate: tuple[str, ...] = ()
    processes: int | None = None
    gates: tuple[Gate, ...] = field(init=False, default=())

    def __post_init__(self) -> None:
        for name in ("method", "random_shares", "alpha", "gate"):
            object.__setattr__(self, name, _several(getattr(self, name)))
        if self.sizes is not None:
            object.__setattr__(self, "sizes", tuple(sorted(_several(self.sizes))))
        for name in self.methods if self.choose is None else (*self.methods, self.choose):
            find_method(name)
        self._check_numbers()
        _ = self.solving
        object.__setattr__(self, "gates", tuple(parse_gate(text) for text in self.gate))
        _ = self.seconds
        self._check_sets()

    @property
    def every_method(self) -> bool:
        """Whether all methods were asked for, of which those that the run does not support are left out."""
        return ALL in self.method

    @property
    def methods(self) -> tuple[str, ...]:
        """Names of the methods, the one first that the result is about."""
        asked = tuple(name for name in self.method if name != ALL)
        if self.every_method:
            return _several((*asked, RECOMMENDED, *METHODS))
        return asked or (RECOMMENDED,)

    @property
    def solving(self) -> SolveSettings:
        """How joint solves are done."""
        return SolveSettings(steps=self.steps)

    @property
    def seconds(self) -> float | None:
        """The budget in seconds; None if there is none."""
        if self.budget is None:
            return None
        parts = re.fullmatch(r"(\d+\.?\d*|\.\d+)([smh])", str(self.budget).strip().lower())
        seconds = float(parts[1]) * _UNITS[parts[2]] if parts else 0.0
        if not seconds:
            raise UsageError(
                f"{self.budget!r} is no length of time", where="--budget", next="Give seconds, minutes or hours: 20m."
            )
        return seconds

    def _check_numbers(self) -> None:
        least = {"seeds": 1, "random_sets": 0, "subsets": 0, "processes": 1}
        numbers = [(_option(name), getattr(self, name), bound) for name, bound in least.items()]
        numbers += [("--sizes", size, 1) for size in self.sizes or ()]
        for where, value, bound in numbers:
            if value is not None and value < bound:
                raise UsageError(f"must be at least {bound}, got {value}", where=where, next=f"Give {bound} or more.")
        for name in ("alpha", "random_shares"):
            for share in getattr(self, name):
                if not 0 < share < 1:
                    raise UsageError(
                        f"a share of the documents is a number between 0 and 1, got {share:g}",
                        where=_option(name),
                        next="Give .5, say.",
                    )
        if self.damping is not None and not 0 < self.damping < float("inf"):
            raise UsageError(
                f"the damping must be positive and finite, got {self.damping}",
                where="--damping",
                next="Leave it out for 1 / (sum of the learning rates).",
            )

    def _check_sets(self) -> None:
        by_chance = (self.random_shares and self.random_sets) or (self.alpha and self.subsets)
        if self.sizes == () and not by_chance:
            raise UsageError(
                "no set of documents is left to verify predictions on",
                where="clif verify",
                next="Give --sizes, --subsets, or --random-shares with --random-sets.",
            )
        for gate in self.gates:
            targeted = gate.group == "targeted" and self.sizes == ()
            random = gate.group == "random" and not self.random_sets
            if targeted or random or (gate.group is None and not (self.alpha and self.subsets)):
                raise UsageError(
                    "these sets are switched off, so nothing can pass the gate",
                    where=f"--gate {gate.text}",
                    next="Leave out the gate, or ask for the sets.",
                )


def _several(values: Any) -> tuple[Any, ...]:
    """One value or several as a tuple, each once, in order."""
    alone = isinstance(values, str) or not isinstance(values, Iterable)
    return tuple(dict.fromkeys([values] if alone else values))


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")
