"""Lists that begin with documents chosen chunk by chunk (see `clif.influence.adaptive`)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from clif.errors import UsageError
from clif.influence.adaptive import ADAPTIVE, choose_adaptively
from clif.influence.groups import mean_crossing
from clif.progress import Progress
from clif.ranking.ensemble import Answers

Columns = dict[str, NDArray[Any]]


def check_adaptive(adaptive: int | None, method: str, unit: str, confidence: float | None) -> None:
    """Raise UsageError where documents cannot be chosen chunk by chunk."""
    if adaptive is None:
        return
    if adaptive < 1:
        raise UsageError(f"cannot choose {adaptive} documents", where="--adaptive", next="Give 1 or more.")
    if method not in ADAPTIVE:
        raise UsageError(
            f"influences are not estimated anew after each chunk by {method}",
            where="--adaptive",
            next=f"Use --method {' or '.join(ADAPTIVE)}, or leave it out.",
        )
    if unit != "document" or confidence is not None:
        raise UsageError(
            "chunks are made of documents, by their mean influence",
            where="--adaptive",
            next="Leave out --unit and --confidence.",
        )


def lead_adaptively(
    answers: Answers,
    columns: Columns,
    cut: dict[str, Any],
    limit: int,
    method: str,
    threads: int | None,
    progress: Progress,
) -> tuple[Columns, dict[str, Any]]:
    """Put `limit` documents first, each with its influence once earlier chunks are gone; the rest keep their order.

    The standard errors of those that lead are empty: they would be those of another question.
    """
    corpus = answers.problems[0].corpus
    choice = choose_adaptively(answers.problems, limit, method=method, threads=threads, progress=progress)
    before = np.array([corpus.number[doc_id] for doc_id in columns["doc_id"]])
    place = np.argsort(before)
    order = np.concatenate([place[choice.documents], np.flatnonzero(~np.isin(before, choice.documents))])
    found = {name: column[order] for name, column in columns.items() if name != "rank"}
    chosen = len(choice.documents)
    found["influence"][:chosen] = choice.influence
    for name in ("stderr", "agreement"):
        if name in found:
            found[name][:chosen] = np.nan
    crossing = mean_crossing(answers.problems, before[order], len(order))
    return {"rank": columns["rank"], **found}, {**cut, "zero_crossing": crossing}
