"""Lists that prefer documents which act on many of a test's words.

A document whose influence comes through one word says much of that word and little of others. With P_zk the influence
of document z through word k, one of the targets or one of the attributes, so that the sum over k is its influence on T,

    b_z = sum_k sign(P_zk) sqrt|P_zk|

documents come by sign(T) x b_z, rising: of two with the same influence, the one on more words is first. Words of that
kind that the test does not name then follow more; it takes more documents to bring those that it names as far. The sum
may run over words beside those of the test as well (see `wider`): then P is the influence on the test with these in it.

Of a target P comes from the gradient dT/ds_k x ds_k/dE of its part; of an attribute, from that of its cosines.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from clif.errors import UsageError
from clif.influence.groups import mean_crossing
from clif.influence.joint import SolveSettings
from clif.influence.methods import Method
from clif.influence.problem import Problem
from clif.influence.scores import score_documents
from clif.objectives import WEAT
from clif.objectives.linear import Linear
from clif.progress import Progress
from clif.ranking.ensemble import Answers
from clif.ranking.questions import bias_of
from clif.ranking.wider import Words, widened

BROAD = TARGETS, ATTRIBUTES = "targets", "attributes"
METHODS = ("block", "source", "clif", "gradient")

Columns = dict[str, NDArray[Any]]
Values = NDArray[np.float64]


def check_broad(broad: str | None, method: str, unit: str, adaptive: int | None, confidence: float | None) -> None:
    """Raise UsageError where documents cannot be ranked by how many words they act on."""
    if broad is None:
        return
    if broad not in BROAD:
        raise UsageError(f"unknown kind of words {broad!r}", where="--broad", next=f"Choose {' or '.join(BROAD)}.")
    if method not in METHODS:
        raise UsageError(
            f"influences are not taken apart by words by {method}",
            where="--broad",
            next=f"Use --method {', '.join(METHODS[:-1])} or {METHODS[-1]}, or leave it out.",
        )
    if unit != "document" or adaptive is not None or confidence is not None:
        raise UsageError(
            "it is an order of its own, of documents",
            where="--broad",
            next="Leave out --unit, --adaptive and --confidence.",
        )


def by_word(problem: Problem, broad: str) -> list[Problem]:
    """The question taken apart by its targets or attributes: gradients add up to that of T.

    Each is asked of the words that it depends on alone, which are fewer than those of the test.

    Raises
    ------
    UsageError
        The test is of a kind in which attributes have no share of their own.

    """
    if broad == TARGETS:
        s = problem.objective.associations(problem.E)
        slopes = problem.objective.join_gradient(s, problem.measure)
        gradients = slopes[:, None, None] * problem.objective.part_gradients(problem.E)
    else:
        weat = bias_of(problem)
        if not isinstance(weat, WEAT):
            raise UsageError(
                f"tests of kind {weat.coverage.test.kind} are not taken apart by attributes",
                where=f"--broad {broad}",
                next=f"Use --broad {TARGETS}, or leave it out.",
            )
        gradients = weat.attribute_gradients(problem.E, problem.measure)
    moved = [gradient.any(axis=1) for gradient in gradients]
    return [
        problem.asking(Linear(problem.rows[some], gradient[some]))
        for some, gradient in zip(moved, gradients, strict=True)
    ]


def lead_broadly(
    answers: Answers,
    columns: Columns,
    cut: dict[str, Any],
    broad: str,
    wider: Words | None,
    method: Method,
    solving: SolveSettings,
    threads: int | None,
    progress: Progress,
) -> tuple[Columns, dict[str, Any]]:
    """The same columns in the order of b_z; errors are those of `by_word`, `widened` and `score_documents`."""
    corpus = answers.problems[0].corpus
    influence = []
    for problem in answers.problems:
        asked = widened(problem, wider) if wider else problem
        parts = (  # one at a time: solves of all words may not fit into memory
            score_documents(part, method, solving, threads=threads, progress=progress) for part in by_word(asked, broad)
        )
        influence.append([scores.influence for scores in parts])
    b = np.sign(answers.value) * breadth(np.mean(influence, axis=0))
    order = np.argsort(b, kind="stable")
    place = np.empty(len(corpus), dtype=np.int64)  # where each document stands in the columns as they are
    place[[corpus.number[doc_id] for doc_id in columns["doc_id"]]] = np.arange(len(corpus))
    found = {name: column[place[order]] for name, column in columns.items() if name != "rank"}
    crossing = mean_crossing(answers.problems, order, int((b < 0).sum()))
    return {"rank": columns["rank"], **found}, {**cut, "zero_crossing": crossing}


def breadth(influence: Values) -> Values:
    """b_z of each document, from influences through words (words, documents)."""
    return np.asarray((np.sign(influence) * np.sqrt(np.abs(influence))).sum(axis=0))
