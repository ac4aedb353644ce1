"""Numbers as a reader wants them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from clif.showing.telling import done_how, edited, may_change, plural

MINUS = "−"


def number(value: float | None, digits: int = 2) -> str:
    """With so many decimals; a dash where there is no number."""
    return "–" if value is None or not math.isfinite(value) else f"{value:,.{digits}f}".replace("-", MINUS)


def signed(value: float | None, digits: int = 2) -> str:
    """With its sign."""
    return "–" if value is None or not math.isfinite(value) else f"{value:+,.{digits}f}".replace("-", MINUS)


def figures(value: float | None, count: int = 3) -> str:
    """With its sign and so many significant figures."""
    return "–" if value is None or not math.isfinite(value) else f"{value:+.{count}g}".replace("-", MINUS)


def p_value(value: float | None) -> str:
    """To two figures, small ones as a bound; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return "–"
    return "< 0.0001" if value < 1e-4 else f"{value:.2g}" if value < 0.1 else f"{value:.2f}"


def percent(value: float | None, digits: int = 1) -> str:
    """A share."""
    return "–" if value is None else f"{100 * value:.{digits}f}%".replace("-", MINUS)


def whole(value: int) -> str:
    """With separators."""
    return f"{value:,}"


def interval(ends: Any, digits: int = 2) -> str:
    """Both ends; a dash where there are none."""
    return "–" if ends is None else f"{signed(ends[0], digits)} to {signed(ends[1], digits)}"


def measure(name: str) -> str:
    """The measure in words."""
    return {"effect_size": "effect size", "mean_difference": "difference of means"}.get(name, name.replace("_", " "))


def equals(value: float | None) -> str:
    """A p-value with what stands between it and its letter."""
    said = p_value(value)
    return said if said.startswith("<") else f"= {said}"


def sets(definition: Mapping[str, Any]) -> str:
    """The sets that a test has, by their labels: targets, with attributes."""
    labels = definition.get("labels") or {}
    sides = [[labels.get(key, key) for key in side if definition.get(key)] for side in ("XY", "AB")]
    return ", with ".join(" and ".join(side) for side in sides if side)


def lost_most(words: Mapping[str, Sequence[int]], most: int = 3) -> list[tuple[str, float]]:
    """The words of a set that lose the largest share of what they occurred, before and after, and these shares."""
    shares = [(word, (before - after) / before) for word, (before, after) in words.items() if before]
    return sorted(((word, share) for word, share in shares if share > 0), key=lambda one: (-one[1], one[0]))[:most]


def digits_of(name: str) -> int:
    """Decimals for values of a measure."""
    return 2 if name == "effect_size" else 4


def code(text: str) -> Markup:
    """Text in the type of a terminal."""
    return Markup("<code>{}</code>").format(text)


FILTERS = {
    "number": number,
    "signed": signed,
    "figures": figures,
    "p": p_value,
    "equals": equals,
    "percent": percent,
    "whole": whole,
    "interval": interval,
    "measure": measure,
    "digits": digits_of,
    "sets": sets,
    "lost_most": lost_most,
    "edited": edited,
    "done_how": done_how,
    "may_change": may_change,
    "plural": plural,
    "code": code,
}
