"""A picture of predicted against realised changes, as SVG that needs no other program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

SIDE, MARGIN = 460, 56
RADIUS = 4
# Colours that stay apart for readers who do not see red and green, and what is said of them.
KINDS = {
    "reduce": ("#0072b2", "chosen to reduce"),
    "increase": ("#d55e00", "chosen to increase"),
    "random": ("#777777", "random"),
    "share": ("#777777", "random"),
    "subset": ("#cccccc", "random subsets"),
}


def draw(found: Mapping[str, Any], title: str) -> str:
    """A scatter of the sets of one test and method, with error bars, and the line on which predictions come true."""
    sets = [one for kind in reversed(KINDS) for one in found["sets"] if one["kind"] == kind]
    ends = [end for one in sets for end in (one["realised"], *_bar(one))]
    low, high = min(0.0, *ends), max(0.0, *ends)
    room = 0.05 * (high - low) or 1.0
    low, high = low - room, high + room

    def x(value: float) -> str:
        return f"{MARGIN + SIDE * (value - low) / (high - low):.1f}"

    def y(value: float) -> str:
        return f"{MARGIN / 2 + SIDE * (high - value) / (high - low):.1f}"

    width, height = SIDE + MARGIN + 20, SIDE + MARGIN * 3 // 2 + 40
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        f'<text x="{MARGIN}" y="16" font-weight="bold">{escape(title)}</text>',
        _line(x(low), y(low), x(high), y(high), "#999999", dashed=True),
    ]
    for tick in _ticks(low, high):
        parts += [
            _line(x(tick), y(low), x(tick), y(high), "#eeeeee"),
            _line(x(low), y(tick), x(high), y(tick), "#eeeeee"),
            f'<text x="{x(tick)}" y="{float(y(low)) + 16:.1f}" text-anchor="middle">{tick:g}</text>',
            f'<text x="{float(x(low)) - 6:.1f}" y="{float(y(tick)) + 4:.1f}" text-anchor="end">{tick:g}</text>',
        ]
    parts += [_line(x(0), y(low), x(0), y(high), "#bbbbbb"), _line(x(low), y(0), x(high), y(0), "#bbbbbb")]
    for one in sets:
        colour, _ = KINDS[one["kind"]]
        left, right = _bar(one)
        if left < right and one["kind"] != "subset":
            parts.append(_line(x(left), y(one["realised"]), x(right), y(one["realised"]), colour, thin=True))
        place = f'cx="{x(one["predicted"])}" cy="{y(one["realised"])}" r="{RADIUS}"'
        about = f"{one['kind']}, {one['documents']} documents: {one['predicted']:+.3g}, {one['realised']:+.3g}"
        parts.append(f'<circle {place} fill="{colour}" fill-opacity="0.8"><title>{escape(about)}</title></circle>')
    middle, below = MARGIN + SIDE / 2, SIDE + MARGIN / 2
    parts.append(f'<text x="{middle}" y="{below + 36}" text-anchor="middle">predicted</text>')
    parts.append(f'<text transform="translate(14 {SIDE / 2}) rotate(-90)" text-anchor="middle">realised</text>')
    parts += _legend({one["kind"] for one in sets}, below + 60)
    return "\n".join([*parts, "</svg>", ""])


def _bar(one: Mapping[str, Any]) -> tuple[float, float]:
    half = one["half_width"] or 0.0
    return one["predicted"] - half, one["predicted"] + half


def _line(x1: str, y1: str, x2: str, y2: str, colour: str, *, dashed: bool = False, thin: bool = False) -> str:
    style = ' stroke-dasharray="5 4"' * dashed + ' stroke-opacity="0.4"' * thin
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{colour}"{style}/>'


def _ticks(low: float, high: float) -> Sequence[float]:
    """Some round numbers from low to high."""
    rough = (high - low) / 8
    power = 10.0 ** np.floor(np.log10(rough))
    step = next(power * times for times in (1, 2, 5, 10) if power * times >= rough)
    return [float(f"{n * step:.12g}") for n in range(int(np.ceil(low / step)), int(np.floor(high / step)) + 1)]


def _legend(kinds: set[str], height: float) -> list[str]:
    shown = dict(KINDS[kind][::-1] for kind in KINDS if kind in kinds)
    parts, place = [], float(MARGIN)
    for text, colour in shown.items():
        parts.append(f'<circle cx="{place}" cy="{height - 4}" r="{RADIUS}" fill="{colour}"/>')
        parts.append(f'<text x="{place + 9}" y="{height}">{text}</text>')
        place += 30 + 6.5 * len(text)
    return parts
