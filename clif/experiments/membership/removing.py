"""What is left out, and the trainings without it.

top      the first documents of a question, with every seed
same     as many tokens of documents that hold the word and one that it is held against, drawn by chance, and where
         these are not enough, of documents that hold one of them: does influence do more than deleting their text?
random   as many tokens of any documents as the largest of the top sets has, so that no question is compared with less

Sets that are drawn by chance are others for each seed. A training keeps what is asked of its model, and not the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from clif.experiments.membership.asking import Question
from clif.experiments.membership.models import CALLER
from clif.experiments.membership.neighbourhood import neighbourhood
from clif.experiments.membership.ranking import occurrences
from clif.progress import Progress
from clif.retraining.edits import Edit, count_to_tokens, random_edit
from clif.retraining.trainings import Training
from clif.run import Run
from clif.storage.files import read_json, write_json
from clif.training.pool import Job, train_apart

if TYPE_CHECKING:
    from clif.experiments.membership import Settings

TOP, SAME, RANDOM = "top", "same words", "random"
_DRAWN = {SAME: 1, RANDOM: 2}  # streams of random numbers
_AGAIN = "Remove it, and run the same command again: it is trained anew, the rest is kept."


@dataclass(frozen=True, eq=False)
class Removal:
    """Documents that are left out of the training with one seed, for the `question` with this number if for one."""

    kind: str
    seed: int
    edit: Edit
    question: int | None = None
    number: int = 0

    def name(self, questions: Sequence[Question]) -> str:
        """A name for its file: of top sets the number is that of their documents."""
        about = "" if self.question is None else f".{questions[self.question].slug}"
        return f"{self.kind.replace(' ', '-')}-{self.number}{about}.seed-{self.seed}"


@dataclass(frozen=True, eq=False)
class Placed(Training):
    """A training without some documents, of which T of every question is kept, and one word's neighbourhood.

    `shown` is the question whose word that is, with the `frequent` words among which neighbours are looked for, and
    `before` the training with the same seed of all documents.
    """

    questions: tuple[Question, ...]
    shown: Question | None
    frequent: int
    before: Job

    def keep(self, run: Run, U: NDArray[np.float32], C: NDArray[np.float32]) -> None:
        """Write what is asked of the model."""
        values: dict[str, Any] = {"values": read_values(run, self.questions, self.seed, U)}
        if self.shown:
            index = run.vocabulary.index
            rows = [index[word] for word in (self.shown.word, *self.shown.others)]
            values["neighbourhood"] = neighbourhood(self.before.read(run)[0], U, rows, self.frequent)
        write_json(self.path, values)


def read_values(run: Run, questions: Sequence[Question], seed: int, U: NDArray[np.floating]) -> list[float]:
    """T of each question for the model U (V, d) with this seed."""
    asked = [(question.objective(run, seed), question.measure) for question in questions]
    return [objective.value(U[objective.rows].astype(np.float64), measure) for objective, measure in asked]


def make_removals(
    run: Run,
    questions: Sequence[Question],
    rankings: Sequence[dict[str, Any]],
    settings: Settings,
    seeds: Sequence[int],
) -> list[Removal]:
    """All that is left out, by the trainings that are made without it."""
    corpus = run.corpus
    tops = {
        (q, count): Edit(np.array(ranking["order"][:count], dtype=np.int64), 0)
        for q, ranking in enumerate(rankings)
        for count in settings.documents
    }
    most = max(settings.documents)
    longest = max(tops.values(), key=lambda edit: edit.tokens(corpus))
    anything = np.zeros(len(corpus), dtype=np.bool_)
    removals = []
    for place, seed in enumerate(seeds):
        removals += [Removal(TOP, seed, edit, q, count) for (q, count), edit in tops.items()]
        for q, question in enumerate(questions):
            rng = np.random.default_rng([run.settings.seed, _DRAWN[SAME], q, place])
            removals.append(Removal(SAME, seed, _same_words(run, question, tops[q, most], rng), q))
        numbers = range(place * settings.controls, (place + 1) * settings.controls)
        removals += [
            Removal(RANDOM, seed, random_edit(corpus, longest, anything, run.settings.seed, number), number=number)
            for number in numbers
        ]
    return removals


def _same_words(run: Run, question: Question, like: Edit, rng: np.random.Generator) -> Edit:
    own = occurrences(run, question.word) > 0
    others = np.sum([occurrences(run, word) for word in question.others], axis=0) > 0 if question.others else own
    drawn = rng.permutation(len(own))
    holding = np.concatenate([drawn[(own & others)[drawn]], drawn[(own ^ others)[drawn]]])
    cut = min(count_to_tokens(run.corpus, holding, like.tokens(run.corpus)), len(run.corpus) - 1)
    return Edit(holding[:cut], 0)


def train_removals(
    run: Run,
    questions: Sequence[Question],
    removals: Sequence[Removal],
    unedited: Sequence[Job],
    settings: Settings,
    folder: Path,
    progress: Progress,
) -> list[dict[str, Any]]:
    """What was kept of the training without each removal; those that are there already are not made again."""
    before = {job.seed: job for job in unedited}
    most = max(settings.documents)
    jobs = [
        Placed(
            removal.seed,
            folder / "removals" / f"{removal.name(questions)}.json",
            removal.edit,
            tuple(questions),
            questions[removal.question]
            if removal.question is not None and (removal.kind, removal.number) == (TOP, most)
            else None,
            settings.frequent,
            before[removal.seed],
        )
        for removal in removals
    ]
    train_apart(run, jobs, CALLER, progress)
    return [read_json(job.path, _AGAIN) for job in jobs]
