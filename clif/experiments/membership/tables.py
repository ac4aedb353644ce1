"""The tables and figures of what came out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from clif.experiments.membership.asking import Question
from clif.experiments.membership.comparing import Compared, Results
from clif.experiments.membership.removing import RANDOM
from clif.run import Run

Row = dict[str, Any]


def removed_rows(questions: Sequence[Question], results: Results) -> list[Row]:
    """What was left out: documents, tokens and the word's occurrences, with their shares of all."""
    documents, tokens = results.total
    rows = []
    for q, question in enumerate(questions):
        sets = [(each.label, each.documents, each.tokens, each.own) for each in results.of(q)]
        sets.append((RANDOM, results.random[0], results.random[1], results.random[2][q]))
        rows += [
            {
                "question": question.name,
                "without": label,
                "documents": round(count),
                "tokens": round(length),
                "documents_%": 100 * count / documents,
                "tokens_%": 100 * length / tokens,
                "word_%": 100 * own,
            }
            for label, count, length, own in sets
        ]
    return rows


def change_rows(questions: Sequence[Question], results: Results) -> list[Row]:
    """T before and after, and its change beside the prediction."""
    return [
        {
            "question": questions[each.question].name,
            "without": each.label,
            "before": float(results.before[:, each.question].mean()),
            "after": float(each.after.mean()),
            "predicted": each.predicted,
            "realised": each.realised,
        }
        for each in results.compared
    ]


def chance_rows(questions: Sequence[Question], results: Results) -> list[Row]:
    """The changes of T beside those that random sets make."""
    return [
        {
            "question": questions[each.question].name,
            "without": each.label,
            "realised": each.realised,
            "random": float(each.chance.mean()),
            "sd": float(each.chance.std(ddof=1)),
            "apart": each.apart,
            "p": each.p_value,
        }
        for each in results.compared
    ]


def neighbour_rows(questions: Sequence[Question], results: Results) -> list[Row]:
    """The nearest of the frequent words, before and without the largest of the top sets, with the first seed."""
    rows = []
    for question, found in zip(questions, results.neighbourhoods, strict=True):
        before, after = (" ".join(results.words[row] for row in near) for near in found["nearest"])
        rows.append({"question": question.name, "before": before, "after": after})
    return rows


def figures_of(run: Run, questions: Sequence[Question], rankings: Sequence[Mapping[str, Any]], results: Results) -> Row:
    """What result.json holds, beside the claims: by question, every change, and the ids of what was left out."""
    documents, tokens = results.total
    return {
        "corpus": {"documents": documents, "tokens": tokens, "hash": run.manifest["corpus"]["hash"]},
        "random": {"documents": results.random[0], "tokens": results.random[1]},
        "questions": [
            {
                "question": question.name,
                "family": question.family,
                "word": question.word,
                "others": list(question.others),
                "measure": question.measure,
                "ranked": ranking["values"],
                "before": results.before[:, q].tolist(),
                "sets": [_set(each) for each in results.of(q)],
                "chance": results.of(q)[0].chance.tolist(),
                "documents": [run.corpus.doc_ids[z] for z in ranking["order"]],
                "influence": ranking["influence"],
            }
            for q, (question, ranking) in enumerate(zip(questions, rankings, strict=True))
        ],
    }


def _set(each: Compared) -> Row:
    return {
        "removed": each.label,
        "documents": each.documents,
        "tokens": each.tokens,
        "share_of_the_word": each.own,
        "predicted": each.predicted,
        "realised": each.realised,
        "changes": each.changes.tolist(),
        "apart": each.apart,
        "p_value": each.p_value,
    }
