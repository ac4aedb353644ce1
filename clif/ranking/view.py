"""A ranked list in a notebook or at a prompt: both of its ends."""

from __future__ import annotations

from typing import Any

from clif.ranking.aggregation import Groups
from clif.ranking.lists import Ranking
from clif.showing.views import Bar, Block, Line, Row, Table, View, number, warnings

ENDS = 5  # rows at either end
BEGINNING = 40  # characters
_FIGURES = {"document": 4, "sentence": 5, "pair": 5, "context": 6}


def view_of(ranking: Ranking) -> View:
    """The first and the last ranks, and how many removals are predicted to bring the bias to zero."""
    about = ranking.about
    unit, measure = about["unit"], about["measure"].replace("_", " ")
    models = f", mean of {ranking.models} models" if ranking.models > 1 else ""
    title = f"{about['test']}: {len(ranking):,} {unit}s by {about['method']}, {measure} {about['value']:+.3g}{models}"
    blocks: list[Block] = [*warnings(ranking.warnings), _table(ranking, unit)]
    crossing = about.get("zero_crossing")
    order = "Rank 1 reduces the bias most, the last increases it most."
    if about.get("broad"):
        beside = " and of words beside them" if about.get("wider") else ""
        order = f"First are those that reduce the bias much, and by many of the {about['broad']}{beside}."
    note = f"Influence: predicted change when removed. {order}"
    if crossing:
        blocks.append(Line(f"Without the first {crossing:,} the bias is predicted to be nearest zero."))
    return View(title, [*blocks, Line(note, note=True)])


def view_of_groups(groups: Groups) -> View:
    """The first and the last groups."""
    rows = _ends(groups.columns)
    largest = max((abs(row["influence"]) for row in rows), default=0.0)
    cells: list[Row] = [
        [
            str(row["rank"]),
            number(row["influence"], 4, sign=True),
            Bar(row["influence"], largest),
            f"{row['documents']:,}",
            f"{row['tokens']:,}",
            row["group"],
        ]
        for row in rows
    ]
    table = Table(["rank", "influence", "", "documents", "tokens", groups.field], _gap(cells, len(groups)), texts=(5,))
    note = "Sums over the documents; not a prediction for removing a group."
    return View(f"Influence by {groups.field}: {len(groups):,} groups", [table, Line(note, note=True)])


def _table(ranking: Ranking, unit: str) -> Table:
    rows = _ends(ranking.columns)
    largest = max((abs(row["influence"]) for row in rows), default=0.0)
    begins = ranking.corpus is not None and unit == "document"
    names = {
        "document": ["tokens", "document", *(["begins"] if begins else [])],
        "sentence": ["tokens", "document", "sentence"],
        "context": ["pair", "distance", "document"],
        "pair": ["pair", "trained an epoch"],
    }[unit]
    cells: list[Row] = [
        [
            str(row["rank"]),
            number(row["influence"], _FIGURES[unit], sign=True),
            Bar(row["influence"], largest),
            *_told(ranking, row, unit, begins=begins),
        ]
        for row in rows
    ]
    texts = tuple(3 + n for n, name in enumerate(names) if name in ("document", "begins", "sentence", "pair"))
    return Table(["rank", "influence", "", *names], _gap(cells, len(ranking)), texts)


def _told(ranking: Ranking, row: dict[str, Any], unit: str, *, begins: bool) -> list[str]:
    if unit == "document":
        return [str(row["tokens"]), row["doc_id"], *([_beginning(ranking, row["doc_id"])] if begins else [])]
    if unit == "sentence":
        return [str(row["tokens"]), f"{row['doc_id']} #{row['sentence']}", row["text"]]
    pair = f"{row['input']} → {row['output']}"
    if unit == "context":
        return [pair, f"{row['distance']:+d}", f"{row['doc_id']} @{row['position']}"]
    return [pair, f"{row['weight']:.1f}"]


def _beginning(ranking: Ranking, doc_id: str) -> str:
    corpus = ranking.corpus
    if corpus is None or doc_id not in corpus.number:
        return ""
    start, end = corpus.offsets[corpus.number[doc_id] :][:2]
    text = " ".join(corpus.types[token] for token in corpus.tokens[start : min(end, start + 12)])
    return text if len(text) <= BEGINNING else text[: BEGINNING - 1] + "…"


def _ends(columns: dict[str, Any]) -> list[dict[str, Any]]:
    """The first and the last rows, all of a short list."""
    count = len(columns["rank"])
    places = [*range(min(ENDS, count)), *range(max(ENDS, count - ENDS), count)]
    return [{name: column[place] for name, column in columns.items()} for place in places]


def _gap(rows: list[Row], count: int) -> list[Row]:
    """The rows with dots where some are left out."""
    if count <= 2 * ENDS:
        return rows
    return [*rows[:ENDS], ["…", *[""] * (len(rows[0]) - 1)], *rows[ENDS:]]
