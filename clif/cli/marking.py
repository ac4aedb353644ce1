"""A document on the screen: its words marked by what removing them would do, never by colour alone."""

from __future__ import annotations

import re
from typing import Any

from rich.console import Console
from rich.text import Text

from clif.cli.screen import clean
from clif.explaining.marks import level

# Blue and orange, which people with any kind of colour blindness tell apart; dark enough, or light enough, for the
# letters on them, whatever the terminal's own colours are.
STYLES = {
    -2: "bold #ffffff on #0b5394",
    -1: "#000000 on #9fc5e8",
    1: "#000000 on #fdc086",
    2: "bold #000000 on #f08020",
}
LONGEST = 60  # characters of a word, or between two, in a passage


def has_colour(console: Console) -> bool:
    """Whether colours reach the reader: a terminal that has them, and nobody who does not want them."""
    return console.color_system is not None and not console.no_color


def marked(explanation: Any, start: int, end: int, *, colour: bool, whole: bool) -> Text:
    """The words from `start` to `end` (excluded) with what stands between them.

    Strong words stand in brackets with a sign, doubled for the strongest, and in colour where there is any. Words of
    the test are underlined, or carry a star where a terminal may not underline. Line breaks stay in the `whole`
    document; in a passage they are spaces, and what is very long is cut.
    """
    text, words, gaps = Text(), explanation.text.words, explanation.text.gaps
    strongest = float(abs(explanation.influence).max(initial=0.0))
    for place in range(start, end):
        if whole or place > start:
            text.append(_between(gaps[place], whole))
        word = clean(words[place] if whole else _short(words[place]))
        degree = level(explanation.influence[place], strongest)
        in_test = explanation.sets[place] is not None
        if in_test and not colour:
            word += "*"
        if degree:
            word = f"[{('+' if degree > 0 else '-') * abs(degree)}{word}]"
        style = STYLES.get(degree, "") if colour else ""
        text.append(word, f"{style} underline".strip() if in_test and colour else style)
    rest = gaps[end]
    if not whole:  # no more than the punctuation at the last word
        rest = rest.split()[0] if rest[:1].strip() else ""
    text.append(_between(rest, whole))
    return text


def legend(value: float, measure: str, *, colour: bool) -> Text:
    """What the marks mean where the measure has this value."""
    samples = [("[-word]", STYLES[-1] if colour else ""), ("[+word]", STYLES[1] if colour else "")]
    carrier, other = samples if value > 0 else samples[::-1]
    test = ("Underlined", "underline") if colour else "Star"
    return Text.assemble(
        carrier, f" carries the bias: without it the {measure} is predicted nearer zero.\n",
        other, " works against it. Doubled signs: strongest. ", test, ": word of the test.",
    )  # fmt: skip


def _between(gap: str, whole: bool) -> str:
    """What stands between two words, with white space in a form that the terminal can wrap."""
    if whole:
        gap = "\n".join(re.sub(r"\s+", " ", line) for line in gap.split("\n"))
        return clean(re.sub(r"\n{3,}", "\n\n", gap), keep="\n")
    return clean(_short(re.sub(r"\s+", " ", gap)))


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST // 2] + " … " + text[-LONGEST // 4 :]
