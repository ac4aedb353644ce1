"""A data card of an edited corpus: what was taken out and why, after data statements (Bender and Friedman 2018)."""

from __future__ import annotations

from collections import Counter
from typing import Any

from clif.corpus.metadata import as_text
from clif.ranking.aggregation import NONE
from clif.reporting.gathering import Findings, shown_path
from clif.reporting.results import Retraining

GROUPS = 8  # of a field
LISTED = 300  # ids of removed documents


def data_card(findings: Findings, one: Retraining) -> dict[str, Any] | None:
    """What is known of the corpus that a retraining wrote; None where it wrote none, as of several halves.

    `sources` says of each field how the removed documents are spread over its values, beside the whole corpus.
    """
    files = one.values["edited_corpus"]
    if not (files["kept"] or files["removed"]) or not one.values["removed"]:
        return None
    run, removed = findings.run, one.removed_ids(findings.run)
    values = one.values
    return {
        "folder": shown_path(run, one.folder),
        "files": {part: [_under(one, path) for path in paths] for part, paths in files.items()},
        "removed": values["removed"],
        "documents": values["documents"] - values["removed"],
        "tokens": values["tokens"] - values["removed_tokens"],
        "removed_tokens": values["removed_tokens"],
        "share": values["removed_tokens"] / values["tokens"],
        "protected": values["protected"],
        "ids": removed[:LISTED],
        "more_ids": max(0, len(removed) - LISTED),
        "sources": _sources(findings, removed) if removed else [],
    }


def _under(one: Retraining, path: str) -> str:
    """The file as it is named from the retraining's folder."""
    folder = str(one.values["folder"])
    return path.removeprefix(folder).lstrip("/\\") if path.startswith(folder) else path.rpartition("/")[2]


def _sources(findings: Findings, removed: list[str]) -> list[dict[str, Any]]:
    """For each field, the values that most removed documents have."""
    from clif.corpus.metadata_file import read_metadata

    run, found = findings.run, []
    rows = [run.corpus.number[doc_id] for doc_id in removed]
    for groups in findings.groups:
        column = read_metadata(run.path, [groups.field], run.manifest["corpus"]["hash"])[groups.field]
        names = [NONE if value is None or value != value else as_text(value) for value in column]
        everywhere, out = Counter(names), Counter(names[row] for row in rows)
        found.append(
            {
                "field": groups.field,
                "rows": [
                    {"value": value, "removed": count, "documents": everywhere[value]}
                    for value, count in sorted(out.items(), key=lambda item: (-item[1], item[0]))[:GROUPS]
                ],
                "values": len(out),
            }
        )
    return found
