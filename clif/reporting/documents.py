"""The ranking as data of the page: compact columns of all documents, and the text of those at both ends."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clif.corpus.metadata import as_text
from clif.errors import ClifError, UsageError
from clif.explaining import Explanation, choose_passages, explain_many, read_texts
from clif.progress import Progress, silent
from clif.ranking import Ranking
from clif.reporting.gathering import Findings
from clif.run import Run

EXPLAINED = 25  # documents of each end, with their text
OPENINGS = 250  # documents of each end, with the beginning of their text
ROWS = 40_000  # documents in the table; of more, as many of each end
FIELD_BYTES = 1_500_000  # of metadata in the table
OPENING = 110  # characters
LONGEST = 200  # characters of a value
# Of the strongest word of a document: the degrees of a mark, as `clif explain` has them, and a faint one.
LEVELS = ((0.5, 3), (0.1, 2), (0.03, 1))
PAIRS, WORDS, MOVED = 10, 5, 5


def table_data(findings: Findings, openings: int = OPENINGS) -> dict[str, Any]:
    """Columns of the ranking, rank by rank: all, or ROWS of them from both ends.

    Metadata come as `fields`: distinct `values` and, for each row, the number of its value or -1. `openings` holds the
    first words of documents at both ends, by row.
    """
    ranking, run = findings.ranking, findings.run
    shown = both_ends(len(ranking), ROWS // 2)
    columns = {name: np.asarray(column)[shown] for name, column in ranking.columns.items()}
    documents = [run.corpus.number[doc_id] for doc_id in columns["doc_id"]]
    data: dict[str, Any] = {
        "rank": None if len(shown) == len(ranking) else columns["rank"].tolist(),
        "id": list(columns["doc_id"]),
        "influence": [short(value) for value in columns["influence"].tolist()],
        "tokens": columns["tokens"].tolist(),
    }
    for name in ("stderr", "agreement"):
        if name in columns:
            values = [_number(value) for value in columns[name].tolist()]
            data |= {name: values} if any(value is not None for value in values) else {}
    data["fields"] = _fields(run, documents)
    rows = both_ends(len(shown), openings).tolist()
    texts = read_texts(run, [documents[row] for row in rows])
    data["openings"] = {str(row): opening(text.plain) for row, text in zip(rows, texts, strict=True)}
    return data


def explained(findings: Findings, each: int = EXPLAINED, progress: Progress = silent) -> dict[str, Any]:
    """Documents of both ends with their marked text, by id, and the method that explains them; `note` says of limits.

    They are explained by the method of the ranking; where it scores documents as a whole, by `block`.
    """
    ranking, run = findings.ranking, findings.run
    ids = [ranking.doc_ids[row] for row in both_ends(len(ranking), each)]
    options: dict[str, Any] = {"measure": ranking.about["measure"], "progress": progress}
    # What the newest ranking says is taken over only if it is this one.
    method, note = ranking.about["method"], None
    solving = ranking.about.get("solving") or {}
    settings = {name: solving[name] for name in ("curvature", "tolerance") if name in solving}
    try:
        found = explain_many(
            run, ids, ranking.test, method=method, damping=ranking.about["asked_damping"], **settings, **options
        )
    except UsageError:
        note = f"The method {method} scores documents as a whole, so their words are marked by the method block."
        try:
            found = explain_many(run, ids, ranking.test, method="block", **options)
        except ClifError as error:
            return {"documents": {}, "note": f"No document could be explained: {error.what}."}
    if ranking.models > 1:
        note = (
            f"The ranking is the mean over {ranking.models} models; the marks are those of the run's own model, in "
            "which a document has an influence of its own."
        )
    return {"documents": {one.about["doc_id"]: _plain(one) for one in found}, "note": note}


def both_ends(length: int, each: int) -> NDArray[np.int64]:
    """The first and last `each` of `length` numbers; all, if there are no more."""
    return np.arange(length) if length <= 2 * each else np.r_[:each, length - each : length]


def short(value: float) -> float:
    """Four significant figures: more would double the page and say nothing."""
    return float(f"{value:.4g}")


def _number(value: float | str) -> float | None:
    """A number of a table's cell; None where it is empty, as it is for documents that were chosen in chunks."""
    number = float(value or "nan")
    return short(number) if math.isfinite(number) else None


def opening(text: str) -> str:
    """The first characters of a text, in one line."""
    line = re.sub(r"\s+", " ", text[: 4 * OPENING]).strip()
    return line if len(line) <= OPENING else line[:OPENING].rsplit(" ", 1)[0] + " …"


def _fields(run: Run, documents: list[int]) -> list[dict[str, Any]]:
    """Metadata of the documents, field by field as long as they fit; a field with one value says nothing."""
    from clif.corpus.metadata import METADATA
    from clif.corpus.metadata_file import field_names, read_metadata

    content_hash = run.manifest["corpus"]["hash"]
    if not (run.path / METADATA).is_file():
        return []
    found, spent = [], 0
    for name in field_names(run.path, content_hash):
        column = read_metadata(run.path, [name], content_hash)[name]
        values: dict[str, int] = {}
        codes = []
        for document in documents:
            value = column[document]
            text = None if value is None or value != value else as_text(value)[:LONGEST]
            codes.append(-1 if text is None else values.setdefault(text, len(values)))
        spent += sum(len(value.encode()) + 3 for value in values) + sum(len(str(code)) + 1 for code in codes)
        if spent > FIELD_BYTES:
            break
        if len(values) > 1:
            numeric = all(type(value) in (int, float) for value in column if value is not None)
            found.append({"name": name, "numeric": numeric, "values": list(values), "codes": codes})
    return found


def _plain(explanation: Explanation) -> dict[str, Any]:
    """What the page shows of a document."""
    about, text = explanation.about, explanation.text
    strongest = float(np.abs(explanation.influence).max(initial=0.0))
    passages = []
    for start, end in choose_passages(explanation):
        sets = "".join(key or "-" for key in explanation.sets[start:end])
        passages.append(
            {
                "start": start,
                "end": end,
                "words": list(text.words[start:end]),
                "gaps": [_gap(gap) for gap in text.gaps[start : end + 1]],
                "levels": [level(value, strongest) for value in explanation.influence[start:end].tolist()],
                "sets": sets if sets.strip("-") else None,
            }
        )
    return {
        "influence": short(about["influence"]),
        "rank": about["rank"],
        "words": len(text.words),
        "contexts": about["contexts"],
        "note": text.note,
        "passages": passages,
        "share": short(explanation.share(PAIRS)),
        "pairs": [
            [pair.input, pair.output, pair.times, pair.nearest, pair.farthest, short(pair.influence)]
            for pair in explanation.pairs[:PAIRS]
        ],
        "moves": [[word.word, word.set, short(word.influence)] for word in explanation.words[:WORDS]],
        "associations": [
            [each.word, each.set, short(each.before), short(each.after), short(each.after - each.before)]
            for each in explanation.associations[:MOVED]
        ],
    }


def level(influence: float, strongest: float) -> int:
    """-3 to 3: the sign of an influence, by its size beside the strongest of the document."""
    steps = next((steps for share, steps in LEVELS if abs(influence) >= share * strongest > 0), 0)
    return steps if influence > 0 else -steps


def _gap(gap: str) -> str:
    """What stands between two words, with lines kept and other white space as blanks."""
    gap = re.sub(r"[^\S\n]+", " ", gap)
    return re.sub(r"\n\s*\n\s*", "\n\n", gap)


def concentration(ranking: Ranking, sign: int) -> dict[str, Any]:
    """How few documents carry the bias: shares of the influence that reduces |T|, by the first of the ranking.

    `half` is the smallest number of documents that hold half of it, `carriers` how many have any of it, `first` the
    share that the first hundredth of all documents holds.
    """
    carried = np.sort(np.maximum(-sign * ranking.influence, 0.0))[::-1]
    total = float(carried.sum())
    if not total:
        return {"half": None, "carriers": 0, "first": None}
    running = np.cumsum(carried) / total
    hundredth = max(1, round(len(ranking) / 100))
    return {
        "half": int(np.searchsorted(running, 0.5)) + 1,
        "carriers": int((carried > 0).sum()),
        "hundredth": hundredth,
        "first": float(running[hundredth - 1]),
    }
