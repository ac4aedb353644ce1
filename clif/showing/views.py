"""How a result shows itself: as HTML in a notebook, as a few lines at a prompt; both from the same blocks.

All text is escaped here, so that no document's id or text can do anything. The HTML takes its colours from the page
around it, light or dark, and loads nothing.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Protocol

STYLE = """\
<style>
.clif-view{max-width:56rem;line-height:1.45;font-size:.92rem}
.clif-view p{margin:.25rem 0;max-width:72ch}
.clif-view p.clif-title{font-weight:600;font-size:1rem}
.clif-view p.clif-note{opacity:.75}
.clif-view p.clif-text{white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.75;
 border-left:3px solid color-mix(in srgb,currentColor 25%,transparent);padding-left:.8rem;max-width:80ch}
.clif-view table{border-collapse:collapse;table-layout:auto;font-size:inherit;color:inherit;
 margin:.4rem 0 .6rem;border:0}
.clif-view table caption{caption-side:top;text-align:left;padding:.2rem 0;color:inherit;font-weight:600}
.clif-view table th,.clif-view table td{padding:.16rem .7rem;border:0;background:none;color:inherit;text-align:right;
 font-variant-numeric:tabular-nums;vertical-align:top;max-width:26rem;overflow-wrap:anywhere;white-space:normal}
.clif-view table .clif-l{text-align:left}
.clif-view table thead th{font-weight:600;border-bottom:1px solid color-mix(in srgb,currentColor 45%,transparent)}
.clif-view table tbody tr{background:none;border-bottom:1px solid color-mix(in srgb,currentColor 12%,transparent)}
.clif-view svg{vertical-align:middle;overflow:visible}
.clif-view mark{border-radius:3px;padding:0 .2em;display:inline-block;max-width:100%;line-height:1.4}
.clif-view .clif-m2{background:#0b5394;color:#fff}.clif-view .clif-m1{background:#9fc5e8;color:#000}
.clif-view .clif-p1{background:#fdc086;color:#000}.clif-view .clif-p2{background:#f08020;color:#000}
.clif-view mark u,.clif-view u{text-decoration:underline;text-underline-offset:.15em}
</style>"""
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
BLUE, ORANGE = "#3d85c6", "#e08020"
WIDE = 200  # characters of a cell


def clean(text: str, keep: str = "") -> str:
    """`text` with control characters escaped, so that no document can steer the terminal."""
    return "".join(
        c if c in keep or c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode() for c in text
    )


def number(value: float | None, digits: int = 2, sign: bool = False) -> str:
    """A number for a table; a dash where there is none."""
    return "-" if value is None else f"{value:{'+' if sign else ''}.{digits}f}"


class Block(Protocol):
    """A part of a view."""

    def html(self) -> str:
        """For a notebook, escaped."""

    def text(self) -> str:
        """For a prompt."""


@dataclass(frozen=True)
class Line:
    """A sentence or two; a `note` is less important."""

    words: str
    note: bool = False

    def html(self) -> str:
        """A paragraph."""
        return f'<p class="clif-note">{_html(self.words)}</p>' if self.note else f"<p>{_html(self.words)}</p>"

    def text(self) -> str:
        """A line."""
        return clean(self.words)


@dataclass(frozen=True)
class Bar:
    """A number as a bar to the left or right of zero, at most as long as that of `limit`; nothing at a prompt."""

    value: float
    limit: float

    def html(self) -> str:
        """A picture of 80 by 10 pixels, which says no more than the number beside it."""
        share = min(1.0, abs(self.value) / self.limit) if self.limit else 0.0
        width = 38 * share
        place, colour = (40 - width, BLUE) if self.value < 0 else (40, ORANGE)
        return (
            '<svg width="80" height="10" aria-hidden="true"><path d="M40 0V10" stroke="currentColor" '
            f'stroke-opacity=".5"/><rect x="{place:.1f}" y="2" width="{width:.1f}" height="6" fill="{colour}"/></svg>'
        )


Row = list[str | Bar]


@dataclass(frozen=True)
class Table:
    """Rows of text, of which a cell may be a bar; the columns in `texts` are text, the others numbers."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str | Bar]]
    texts: tuple[int, ...] = (0,)
    title: str = ""

    def html(self) -> str:
        """A table."""
        caption = f"<caption>{_html(self.title)}</caption>" if self.title else ""
        head = "".join(self._cell("th", n, column, ' scope="col"') for n, column in enumerate(self.columns))
        body = "".join(
            f"<tr>{''.join(self._cell('td', n, cell) for n, cell in enumerate(row))}</tr>" for row in self.rows
        )
        return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def text(self) -> str:
        """Columns with two spaces between them, without bars."""
        barred = {n for row in self.rows for n, cell in enumerate(row) if isinstance(cell, Bar)}
        kept = [n for n in range(len(self.columns)) if n not in barred]
        cells = [[clean(_short(str(row[n]))) for n in kept] for row in [self.columns, *self.rows]]
        widths = [max(len(row[n]) for row in cells) for n in range(len(kept))]
        left = [n in self.texts for n in kept]
        lines = [
            "  ".join(
                cell.ljust(width) if text else cell.rjust(width)
                for cell, width, text in zip(row, widths, left, strict=True)
            )
            for row in cells
        ]
        title = [clean(self.title)] if self.title else []
        return "\n".join([*title, *(line.rstrip() for line in lines)])

    def _cell(self, tag: str, place: int, cell: str | Bar, more: str = "") -> str:
        kind = ' class="clif-l"' if place in self.texts else ""
        return f"<{tag}{kind}{more}>{cell.html() if isinstance(cell, Bar) else _html(_short(cell))}</{tag}>"


@dataclass(frozen=True)
class Word:
    """A word as written, with what stands before it; `degree` from -2 to 2, `tested` if it is of the test."""

    before: str
    word: str
    degree: int = 0
    tested: bool = False


@dataclass(frozen=True)
class Marked:
    """A passage with its words marked by colour and by sign; `after` stands at its end."""

    words: Sequence[Word]
    after: str = ""

    def html(self) -> str:
        """A paragraph with marked words."""
        return f'<p class="clif-text">{"".join(map(self._html, self.words))}{_html(self.after)}</p>'

    def text(self) -> str:
        """The words with their signs in brackets, and a star at words of the test."""
        found = ""
        for each in self.words:
            word = each.word + "*" * each.tested
            found += each.before + (f"[{_sign(each.degree)}{word}]" if each.degree else word)
        return clean(" ".join((found + self.after).split()))

    def _html(self, each: Word) -> str:
        word = f"<u>{_html(each.word)}</u>" if each.tested else _html(each.word)
        if each.degree:
            kind = f"clif-{'p' if each.degree > 0 else 'm'}{abs(each.degree)}"
            word = f'<mark class="{kind}">{_sign(each.degree).replace("-", "−")}{word}</mark>'
        return _html(each.before) + word


@dataclass(frozen=True)
class Only:
    """Something for notebooks alone, such as a picture: HTML that was made here."""

    made: str

    def html(self) -> str:
        """As it is."""
        return self.made

    def text(self) -> str:
        """Nothing."""
        return ""


@dataclass(frozen=True)
class View:
    """A title and what stands below it."""

    title: str
    blocks: Sequence[Block] = ()

    def html(self) -> str:
        """For a notebook: one element with its own style."""
        parts = "".join(block.html() for block in self.blocks)
        return f'<div class="clif-view">{STYLE}<p class="clif-title">{_html(self.title)}</p>{parts}</div>'

    def text(self) -> str:
        """For a prompt."""
        return "\n".join(filter(None, [clean(self.title), *(block.text() for block in self.blocks)]))


class Shown(ABC):
    """A result that shows itself by its `view`."""

    @abstractmethod
    def view(self) -> View:
        """What is shown, short."""

    def __repr__(self) -> str:
        return self.view().text()

    def _repr_html_(self) -> str:
        return self.view().html()


def warnings(said: Sequence[str]) -> list[Line]:
    """A line for each warning."""
    return [Line(f"Warning: {each}") for each in said]


def _sign(degree: int) -> str:
    return ("+" if degree > 0 else "-") * abs(degree)


def _html(text: str) -> str:
    # Control characters, halves of pairs, and what turns the direction of writing show as what they are.
    return escape(_CONTROL.sub(lambda c: c[0].encode("unicode_escape").decode(), text), quote=True)


def _short(text: str) -> str:
    return text if len(text) <= WIDE else text[: WIDE - 1] + "…"
