"""An explanation in a notebook or at a prompt."""

from __future__ import annotations

import math

from clif.explaining.explanation import Explanation
from clif.explaining.marks import level
from clif.explaining.passages import choose_passages
from clif.showing.views import Bar, Block, Line, Marked, Row, Table, View, Word, number, warnings

PAIRS = 5
PASSAGES, TOKENS = 3, 120


def view_of(explanation: Explanation) -> View:
    """Its strongest passages with marked words, the strongest pairs, and where the words of the test go."""
    about, digits = explanation.about, _digits(explanation)
    measure = about["measure"].replace("_", " ")
    influence = f"{about['influence']:+.{digits}f}"
    blocks: list[Block] = [
        *warnings(explanation.warnings),
        Line(
            f"Without this document the {measure} of {about['test']}, now {about['value']:+.3g}, is predicted to "
            f"change by {influence}."
        ),
    ]
    length = len(explanation.text.words)
    for start, end in choose_passages(explanation, most=PASSAGES, tokens=TOKENS):
        blocks.append(_passage(explanation, start, end, length))
    if explanation.text.note:
        blocks.append(Line(f"These are the tokens that were trained on: {explanation.text.note}.", note=True))
    if explanation.pairs:
        carrier, other = ("-", "+") if about["value"] > 0 else ("+", "-")
        legend = f"{carrier} carries the bias, {other} works against it, doubled: strongest; words of the test are "
        blocks += [Line(f"{legend}underlined (or starred).", note=True), _pairs(explanation, digits)]
    return View(f"{about['doc_id']}: rank {about['rank']:,} of {about['documents']:,}, influence {influence}", blocks)


def _passage(explanation: Explanation, start: int, end: int, length: int) -> Marked:
    text = explanation.text
    strongest = float(abs(explanation.influence).max(initial=0.0))
    words = [
        Word(
            "… " if place == start > 0 else text.gaps[place],
            text.words[place],
            level(float(explanation.influence[place]), strongest),
            explanation.sets[place] is not None,
        )
        for place in range(start, end)
    ]
    return Marked(words, text.gaps[end] if end == length else " …")


def _pairs(explanation: Explanation, digits: int) -> Table:
    pairs = explanation.pairs[:PAIRS]
    largest = abs(pairs[0].influence)
    rows: list[Row] = [
        [
            f"{pair.input} → {pair.output}",
            number(pair.influence, digits + 1, sign=True),
            Bar(pair.influence, largest),
            str(pair.times),
        ]
        for pair in pairs
    ]
    title = f"{len(pairs)} of {len(explanation.pairs):,} pairs of words ({explanation.share(PAIRS):.0%} of the "
    return Table(["pair", "influence", "", "times"], rows, title=f"{title}absolute influence)")


def _digits(explanation: Explanation) -> int:
    """Decimals at which the strongest pair, or the document, shows three figures; 4 to 10."""
    largest = max([abs(explanation.about["influence"]), *(abs(pair.influence) for pair in explanation.pairs[:1])])
    return min(10, max(4, 2 - math.floor(math.log10(largest)))) if largest > 0 else 4
