"""Two small pictures for notebooks, in the colours of the page around them: values on an axis, and predicted against
realised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from clif.showing.views import BLUE, ORANGE, Only

WIDTH, LEFT, ROW = 460, 110, 22
SIDE = 210
_TEXT = 'fill="currentColor" font-size="12"'


def strip(groups: Mapping[str, Sequence[float]], name: str) -> Only:
    """The values of each group as dots on one axis, with its mean as a line; zero is dashed."""
    values = [value for own in groups.values() for value in own]
    if not values:
        return Only("")
    low, high = min([0.0, *values]), max([0.0, *values])
    scale = (WIDTH - LEFT - 20) / ((high - low) or 1.0)

    def x(value: float) -> float:
        return LEFT + 10 + (value - low) * scale

    height = ROW * len(groups)
    parts = [f'<path d="M{x(0):.1f} 0V{height}" stroke="currentColor" stroke-opacity=".4" stroke-dasharray="3 3"/>']
    for place, (label, own) in enumerate(groups.items()):
        y = ROW * place + ROW / 2
        colour = (BLUE, ORANGE, "#888888")[place % 3]
        parts.append(f'<text x="{LEFT - 4}" y="{y + 4}" text-anchor="end" {_TEXT}>{escape(label)}</text>')
        parts += [f'<circle cx="{x(v):.1f}" cy="{y}" r="4" fill="{colour}" fill-opacity=".75"/>' for v in own]
        if own:
            mean = x(sum(own) / len(own))
            parts.append(f'<path d="M{mean:.1f} {y - 8}V{y + 8}" stroke="currentColor" stroke-width="2"/>')
    axis = "".join(
        f'<text x="{x(end):.1f}" y="{height + 13}" text-anchor="middle" {_TEXT}>{end:+.3g}</text>'
        for end in sorted({low, 0.0, high})
        if end in (0.0,) or abs(end) > 0.12 * (high - low)
    )
    return _svg(WIDTH, height + 18, f"{name}, by group: a dot a training, a line the mean", "".join(parts) + axis)


def scatter(chosen: Sequence[tuple[float, float]], random: Sequence[tuple[float, float]]) -> Only:
    """Predicted (across) against realised changes (up): chosen sets filled, random ones hollow, on a diagonal."""
    points = [*chosen, *random]
    if not points:
        return Only("")
    most = max(max(abs(value) for point in points for value in point), 1e-12) * 1.08

    def at(value: float, up: bool) -> float:
        return SIDE / 2 + (-value if up else value) / most * (SIDE / 2 - 6)

    parts = [
        f'<path d="M6 {SIDE / 2}H{SIDE - 6}M{SIDE / 2} 6V{SIDE - 6}" stroke="currentColor" stroke-opacity=".3"/>',
        f'<path d="M6 {SIDE - 6}L{SIDE - 6} 6" stroke="currentColor" stroke-opacity=".5" stroke-dasharray="4 3"/>',
    ]
    for own, style in ((random, f'fill="none" stroke="{ORANGE}"'), (chosen, f'fill="{BLUE}"')):
        parts += [f'<circle cx="{at(p, False):.1f}" cy="{at(r, True):.1f}" r="4" {style}/>' for p, r in own]
    parts.append(f'<text x="{SIDE + 8}" y="{SIDE / 2 + 4}" {_TEXT}>predicted →</text>')
    parts.append(f'<text x="{SIDE / 2 + 5}" y="12" {_TEXT}>realised ↑ (to {most:.3g})</text>')
    parts.append(f'<text x="{SIDE + 8}" y="{SIDE - 22}" {_TEXT}>● chosen sets</text>')
    parts.append(f'<text x="{SIDE + 8}" y="{SIDE - 6}" {_TEXT}>○ random sets</text>')
    return _svg(SIDE + 110, SIDE, "predicted against realised changes; on the dashed line they agree", "".join(parts))


def _svg(width: int, height: int, text: str, inside: str) -> Only:
    return Only(
        f'<svg width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{escape(text, quote=True)}">{inside}</svg>'
    )
