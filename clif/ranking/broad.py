"""Lists that prefer documents which act on many of a test's words.

A document whose influence comes through one word says much of that word and little of others. With P_zk the influence
of document z through part k of T, one a target word, so that the sum over k is its influence on T,

    b_z = sum_k sign(P_zk) sqrt|P_zk|

documents come by sign(T) x b_z, rising: of two with the same influence, the one on more words is first. Words that the
test does not name then follow more; it takes more documents to bring those that it names as far.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from clif.errors import UsageError
from clif.influence.groups import mean_crossing
from clif.influence.joint import SolveSettings
from clif.influence.methods import Method
from clif.influence.scores import score_many
from clif.objectives.part import Part
from clif.progress import Progress
from clif.ranking.ensemble import Answers

BROAD = ("block", "source", "clif", "gradient")

Columns = dict[str, NDArray[Any]]
Values = NDArray[np.float64]


def check_broad(broad: bool, method: str, unit: str, adaptive: int | None, confidence: float | None) -> None:
    """Raise UsageError where documents cannot be ranked by how many words they act on."""
    if not broad:
        return
    if method not in BROAD:
        raise UsageError(
            f"influences are not taken apart by words by {method}",
            where="--broad",
            next=f"Use --method {', '.join(BROAD[:-1])} or {BROAD[-1]}, or leave it out.",
        )
    if unit != "document" or adaptive is not None or confidence is not None:
        raise UsageError(
            "it is an order of its own, of documents",
            where="--broad",
            next="Leave out --unit, --adaptive and --confidence.",
        )


def lead_broadly(
    answers: Answers,
    columns: Columns,
    cut: dict[str, Any],
    method: Method,
    solving: SolveSettings,
    threads: int | None,
    progress: Progress,
) -> tuple[Columns, dict[str, Any]]:
    """The same columns in the order of b_z; errors are those of `score_many`."""
    corpus = answers.problems[0].corpus
    parts = np.mean(
        [
            [scores.influence for scores in score_many(
                [problem.asking(Part(problem.objective, k)) for k in range(problem.objective.parts)],
                method, solving, threads=threads, progress=progress,
            )]
            for problem in answers.problems
        ],
        axis=0,
    )  # fmt: skip
    broad = np.sign(answers.value) * breadth(parts)
    order = np.argsort(broad, kind="stable")
    place = np.empty(len(corpus), dtype=np.int64)  # where each document stands in the columns as they are
    place[[corpus.number[doc_id] for doc_id in columns["doc_id"]]] = np.arange(len(corpus))
    found = {name: column[place[order]] for name, column in columns.items() if name != "rank"}
    crossing = mean_crossing(answers.problems, order, int((broad < 0).sum()))
    return {"rank": columns["rank"], **found}, {**cut, "zero_crossing": crossing}


def breadth(parts: Values) -> Values:
    """b_z of each document, from influences through the parts (parts, documents)."""
    return np.asarray((np.sign(parts) * np.sqrt(np.abs(parts))).sum(axis=0))
