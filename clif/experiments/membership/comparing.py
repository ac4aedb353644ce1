"""What came of leaving documents out, beside what was predicted and what random sets do.

A change is that of T with one seed, after minus before. A set's change is the mean over the seeds; those of random
sets, each of them trained with one seed, have a mean m and a sample deviation sd, and a set of a question is

    apart = (change - m) / sd        deviations of random sets from them, negative where T falls further
    p     = (1 + random sets that fall as far as the seed with which the set falls least) / (1 + random sets)

Under the hypothesis that the set is one more random set, a single seed would put it anywhere among them with equal
chance; that all seeds put it before as many of them is no likelier, so p is at least the chance of that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clif.experiments.membership.asking import Question
from clif.experiments.membership.ranking import occurrences
from clif.experiments.membership.removing import RANDOM, TOP, Removal, read_values
from clif.run import Run
from clif.training.pool import Job

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Compared:
    """One kind of sets of one question: `after` and `changes` (seeds,), and what random sets changed, (random sets,).

    `documents`, `tokens`, `own` (the share of the word's occurrences) and `predicted` are means over the seeds.
    """

    question: int
    kind: str
    number: int
    documents: float
    tokens: float
    own: float
    predicted: float
    after: Values
    changes: Values
    chance: Values

    @property
    def label(self) -> str:
        """The kind of sets, in words."""
        return f"{TOP} {self.number}" if self.kind == TOP else self.kind

    @property
    def realised(self) -> float:
        """Mean change."""
        return float(self.changes.mean())

    @property
    def apart(self) -> float | None:
        """Deviations of random sets between this change and theirs; None if these do not differ."""
        sd = float(self.chance.std(ddof=1))
        return (self.realised - float(self.chance.mean())) / sd if sd > 0 else None

    @property
    def p_value(self) -> float:
        """One-sided p-value by ranks."""
        return (1 + int((self.chance <= self.changes.max()).sum())) / (1 + len(self.chance))


@dataclass(frozen=True, eq=False)
class Results:
    """T before, (seeds, questions), all that was compared, and the neighbourhoods, one a question, of the first seed.

    `random` (documents, tokens, own share for each question) says what random sets took away on the average.
    """

    before: Values
    compared: list[Compared]
    neighbourhoods: list[dict[str, Any]]
    words: Sequence[str]
    total: tuple[int, int]
    random: tuple[float, float, list[float]]

    def of(self, question: int) -> list[Compared]:
        """Those of one question."""
        return [each for each in self.compared if each.question == question]

    def largest(self, question: int) -> Compared:
        """The largest of the top sets of a question."""
        return max((each for each in self.of(question) if each.kind == TOP), key=lambda each: each.number)

    def same(self, question: int) -> Compared:
        """The sets that hold the same words as the largest of the top sets."""
        return next(each for each in self.of(question) if each.kind != TOP)


def compare(
    run: Run,
    questions: Sequence[Question],
    unedited: Sequence[Job],
    removals: Sequence[Removal],
    predictions: Sequence[Sequence[float]],
    kept: Sequence[dict[str, Any]],
) -> Results:
    """Put together what was predicted, for the removals of each question, and what was `kept` of each training."""
    seeds = [job.seed for job in unedited]
    before = np.array([read_values(run, questions, job.seed, job.read(run)[0]) for job in unedited])
    after = np.array([each["values"] for each in kept])
    change = after - before[[seeds.index(removal.seed) for removal in removals]]
    holds = [occurrences(run, question.word) for question in questions]
    drawn = [n for n, removal in enumerate(removals) if removal.kind == RANDOM]

    def shares(numbers: Sequence[int], question: int) -> tuple[float, float, float]:
        """Mean documents, tokens and share of the word's occurrences of these removals."""
        edits = [removals[n].edit for n in numbers]
        own = holds[question]
        return (
            float(np.mean([len(edit.documents) for edit in edits])),
            float(np.mean([edit.tokens(run.corpus) for edit in edits])),
            float(np.mean([own[edit.documents].sum() / own.sum() for edit in edits])),
        )

    compared = []
    groups: dict[tuple[int, str, int], list[int]] = {}
    for n, removal in enumerate(removals):
        if removal.question is not None:
            groups.setdefault((removal.question, removal.kind, removal.number), []).append(n)
    of_question = [[n for n, removal in enumerate(removals) if removal.question == q] for q in range(len(questions))]
    foreseen_of = {
        n: value
        for numbers, values in zip(of_question, predictions, strict=True)
        for n, value in zip(numbers, values, strict=True)
    }
    for (question, kind, number), members in groups.items():
        documents, tokens, own = shares(members, question)
        foreseen = float(np.mean([foreseen_of[n] for n in members]))
        compared.append(
            Compared(
                question, kind, number, documents, tokens, own, foreseen,
                after[members, question], change[members, question], change[drawn, question],
            )
        )  # fmt: skip
    found = {
        removal.question: each["neighbourhood"]
        for removal, each in zip(removals, kept, strict=True)
        if removal.seed == seeds[0] and "neighbourhood" in each
    }
    documents, tokens, _ = shares(drawn, 0)
    return Results(
        before=before,
        compared=sorted(compared, key=lambda each: (each.question, each.kind != TOP, each.number)),
        neighbourhoods=[found[q] for q in range(len(questions))],
        words=run.vocabulary.words,
        total=(len(run.corpus), int(run.corpus.lengths.sum())),
        random=(documents, tokens, [shares(drawn, q)[2] for q in range(len(questions))]),
    )
