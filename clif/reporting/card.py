"""A data card of an edited corpus: what was taken out or reworded, after data statements (Bender and Friedman 2018)."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from clif.corpus.metadata import as_text
from clif.corpus.spans import Spans
from clif.ranking.aggregation import NONE
from clif.reporting.gathering import Findings, shown_path
from clif.reporting.results import Retraining, document_of
from clif.retraining.edits import REMOVE, SENTENCES, SWAP

TAKEN = (REMOVE, SENTENCES, SWAP)  # edits that have a card
GROUPS = 8  # of a field
LISTED = 300  # ids of removed documents, or sentences


def data_card(findings: Findings, one: Retraining) -> dict[str, Any] | None:
    """What is known of the corpus that a retraining wrote; None where it wrote none that is shorter or reworded.

    None is written of several halves, nor where documents have weights. `sources` says of each field how the removed
    documents, or sentences, are spread over its values, beside the whole corpus.
    """
    values, run = one.values, findings.run
    files = values["edited_corpus"]
    if values["edit"] not in TAKEN or not (files["kept"] or files["removed"]):
        return None
    removed = one.removed_ids(run)
    return {
        "folder": shown_path(run, one.folder),
        "files": {part: [_under(one, path) for path in paths] for part, paths in files.items()},
        "documents": values["documents"] - values["removed"],
        "tokens": values["tokens"] - values["removed_tokens"],
        "removed_tokens": values["removed_tokens"],
        "share": values["edited_tokens"] / values["tokens"],
        "protected": values["protected"],
        "ids": removed[:LISTED],
        "more_ids": max(0, len(removed) - LISTED),
        "sources": _sources(findings, removed, values["unit"]) if removed else [],
    }


def _under(one: Retraining, path: str) -> str:
    """The file as it is named from the retraining's folder."""
    folder = str(one.values["folder"])
    return path.removeprefix(folder).lstrip("/\\") if path.startswith(folder) else path.rpartition("/")[2]


def _sources(findings: Findings, removed: list[str], unit: str) -> list[dict[str, Any]]:
    """For each field, the values that most of what was removed has, in documents or sentences."""
    from clif.corpus.metadata_file import read_metadata

    run, found = findings.run, []
    corpus = run.corpus
    rows = [corpus.number[str(document_of(doc_id, corpus.number))] for doc_id in removed]
    per_document = (
        np.bincount(Spans.of(corpus).document, minlength=len(corpus)).tolist()
        if unit == "sentence"
        else [1] * len(corpus)
    )
    for groups in findings.groups:
        column = read_metadata(run.path, [groups.field], run.manifest["corpus"]["hash"])[groups.field]
        names = [NONE if value is None or value != value else as_text(value) for value in column]
        everywhere: Counter[str] = Counter()
        for name, units in zip(names, per_document, strict=True):
            everywhere[name] += units
        out = Counter(names[row] for row in rows)
        found.append(
            {
                "field": groups.field,
                "rows": [
                    {"value": value, "removed": count, "units": everywhere[value]}
                    for value, count in sorted(out.items(), key=lambda item: (-item[1], item[0]))[:GROUPS]
                ],
                "values": len(out),
            }
        )
    return found
