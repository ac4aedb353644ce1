"""Gates: what a verification must reach, as in pearson=.9, random.pearson=.6, slope=.8:1.2, rms=.05, lds=.5."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from clif.errors import UsageError

GROUPS = ("targeted", "random")
FIGURES = ("pearson", "spearman", "slope", "rms", "coverage", "lds")
_AT_MOST, _BETWEEN, _UNGROUPED = ("rms",), ("slope",), ("lds",)
_FORM = f"Give KEY=VALUE with a key of {', '.join(FIGURES)}, such as pearson=.9, random.rms=.05 or slope=.8:1.2."


@dataclass(frozen=True)
class Gate:
    """`figure` of a `group` of sets (None for lds) must lie from `low` to `high`; `text` is what was asked."""

    text: str
    group: str | None
    figure: str
    low: float
    high: float

    def values(self, found: Mapping[str, Any]) -> list[float | None]:
        """What is judged, of the figures of one test and method; several for lds at several shares kept."""
        if self.figure == "lds":
            scores = found["lds"] if isinstance(found["lds"], list) else [found["lds"]]
            return [score["spearman"] if score else None for score in scores]
        if self.figure == "coverage":
            return [found["coverage"][self.group]]
        return [found[str(self.group)][self.figure]]

    def judge(self, test: str, found: Mapping[str, Any]) -> dict[str, Any]:
        """The gate held against one test; what could not be measured does not pass."""
        values = self.values(found)
        passed = all(value is not None and self.low <= value <= self.high for value in values)
        return {"gate": self.text, "test": test, "values": values, "passed": passed}


def parse_gate(text: str) -> Gate:
    """The gate that `text` describes: at least VALUE (rms: at most), or from LOW to HIGH as LOW:HIGH.

    Raises
    ------
    UsageError
        The key is unknown, the value is no number or range, or a slope is given without a range.

    """
    where = f"--gate {text}"
    key, equals, value = text.partition("=")
    group, dot, figure = key.strip().rpartition(".")
    group = group if dot else "targeted"
    if not equals or figure not in FIGURES or group not in GROUPS or (dot and figure in _UNGROUPED):
        raise UsageError(f"unknown gate {key.strip()!r}" if equals else "no value to reach", where=where, next=_FORM)
    low, colon, high = value.partition(":")
    if figure in _BETWEEN and not colon:
        raise UsageError(f"a {figure} is right from one number to another", where=where, next="Give slope=.8:1.2, say.")
    ends = [_number(low, where), _number(high, where)] if colon else [_number(value, where)]
    if not colon:
        ends = [-math.inf, ends[0]] if figure in _AT_MOST else [ends[0], math.inf]
    if not ends[0] <= ends[1]:
        raise UsageError("the range ends before it begins", where=where, next="Give LOW:HIGH, as in slope=.8:1.2.")
    return Gate(text, None if figure in _UNGROUPED else group, figure, *ends)


def _number(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UsageError(f"{text.strip()!r} is not a number", where=where, next=_FORM)
    return value
