"""What a row of each kind of ranked list shows on the screen."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from clif.cli.screen import number

Row = dict[str, Any]


@dataclass(frozen=True)
class Layout:
    """Column heads, which of them (`texts`) head text, and the cells of a row of the list."""

    columns: list[str]
    texts: tuple[int, ...]
    row: Callable[[Row], list[str]]


def layout(
    unit: str, run: Any, groups: Any = None, models: int = 1, confidence: float | None = None, digits: int = 4
) -> Layout:
    """The layout for a list of documents, sentences, contexts, pairs, or groups of documents.

    Documents that were ranked by several `models` show how much these differ, and which are sure at a confidence.
    Their influences have so many `digits` after the point.
    """
    if unit == "group":
        return Layout(["rank", "influence", "per 1M tokens", "documents", "tokens", groups.field], (5,), _group)
    if unit == "sentence":
        return Layout(["rank", "influence", "tokens", "document", "sentence"], (3, 4), _sentence)
    if unit == "context":
        return Layout(["rank", "influence", "pair", "distance", "document"], (2, 4), _context)
    if unit == "pair":
        return Layout(["rank", "influence", "pair", "trained an epoch"], (2,), _pair)
    if models == 1:
        return Layout(
            ["rank", "influence", "tokens", "document", "begins"], (3, 4), _document(run.corpus, ["tokens"], digits)
        )
    told = ["±stderr", "agree"] if confidence is None else ["±stderr", "agree", "sure"]
    columns = ["rank", "influence", *told, "document", "begins"]
    return Layout(columns, (len(told) + 2, len(told) + 3), _document(run.corpus, told, digits))


def _document(corpus: Any, told: list[str], digits: int) -> Callable[[Row], list[str]]:
    """Rows of documents, with what is `told` of each between its influence and its name."""
    width = {1: 26, 2: 17, 3: 10}[len(told)]

    def beginning(doc_id: str) -> str:
        start, end = corpus.offsets[corpus.number[doc_id] : corpus.number[doc_id] + 2]
        return _short(" ".join(corpus.types[token] for token in corpus.tokens[start : min(end, start + 8)]), width)

    cells: dict[str, Callable[[Row], str]] = {
        "tokens": lambda get: str(get["tokens"]),
        "±stderr": lambda get: f"{get['stderr']:.2g}",
        "agree": lambda get: f"{get['agreement']:.0%}",
        "sure": lambda get: "yes" if get["sure"] else "",
    }

    def row(get: Row) -> list[str]:
        doc_id, influence = get["doc_id"], number(get["influence"], digits, sign=True)
        return [str(get["rank"]), influence, *(cells[name](get) for name in told), doc_id, beginning(doc_id)]

    return row


def _group(get: Row) -> list[str]:
    return [
        str(get["rank"]),
        number(get["influence"], 4, sign=True),
        number(get["per_million_tokens"] if get["tokens"] else None, 4, sign=True),
        f"{get['documents']:,}",
        f"{get['tokens']:,}",
        get["group"],
    ]


def _sentence(get: Row) -> list[str]:
    return [
        str(get["rank"]),
        number(get["influence"], 5, sign=True),
        str(get["tokens"]),
        f"{get['doc_id']} #{get['sentence']}",
        _short(get["text"], 32),
    ]


def _context(get: Row) -> list[str]:
    return [
        str(get["rank"]),
        number(get["influence"], 6, sign=True),
        f"{get['input']} → {get['output']}",
        f"{get['distance']:+d}",
        f"{get['doc_id']} @{get['position']}",
    ]


def _pair(get: Row) -> list[str]:
    return [
        str(get["rank"]),
        number(get["influence"], 5, sign=True),
        f"{get['input']} → {get['output']}",
        f"{get['weight']:.1f}",
    ]


def digits_of(largest: float, at_least: int = 4, at_most: int = 10) -> int:
    """Decimals at which the largest influence of a list shows three figures that mean something."""
    return min(at_most, max(at_least, 2 - math.floor(math.log10(largest)))) if largest > 0 else at_least


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
