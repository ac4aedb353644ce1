"""How many documents must go for the bias to meet a goal: chosen chunk by chunk, tried by retraining.

Documents are chosen by what their removal does once the chunks before them are gone (see `clif.influence.adaptive`),
for the mean over the models of all seeds that are retrained, and the choice goes on for a while after the goal is
predicted to be met. Then the smallest number of them that meets it is searched for (see `searching`): each number that
is tried is left out of a training of every seed, and it is the mean over these that must meet the goal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clif.errors import UsageError
from clif.influence.adaptive import CHUNK, choose_adaptively
from clif.influence.groups import mean_value
from clif.influence.problem import Problem
from clif.objectives.permutation import permutation_p_values
from clif.progress import Progress
from clif.ranking import weat_of
from clif.retraining.edits import Edit
from clif.retraining.goals import Goal
from clif.retraining.searching import Foreseen, Reached, search
from clif.retraining.statistics import Sample
from clif.retraining.trainings import Journal, train_all
from clif.run import Run
from clif.training.pool import Job

BEYOND = 1.5  # times the change that is needed: for so much the choice goes on
STUCK = 3  # chunks without which T would have fallen as far end the choice
MOST = 0.5  # share of the documents that may go
CHUNKS = 200  # into which these are cut at the most


@dataclass(frozen=True, eq=False)
class Trial:
    """What came of training without the first `documents` of the choice, `tokens` long, with every seed.

    `p_value` is the median over the seeds of the two-sided p-value of the test.
    """

    documents: int
    tokens: int
    predicted: float
    realised: Sample
    p_value: float
    meets: bool

    def to_dict(self) -> dict[str, Any]:
        """Plain values; `realised` is the mean over the seeds."""
        sample = self.realised.to_dict()
        return {
            "documents": self.documents,
            "tokens": self.tokens,
            "predicted": self.predicted,
            "realised": sample["mean"],
            "realised_ci95": sample["ci95"],
            "p_value": self.p_value,
            "meets": self.meets,
        }


@dataclass(frozen=True, eq=False)
class Sought:
    """The documents in the order of their choice, what was foreseen of them, and what was tried, by which trainings.

    `needed` is the smallest number that met the goal; if none did, `reached` is false and it is the one that came
    nearest.
    """

    goal: Goal
    order: NDArray[np.int64]
    foreseen: list[tuple[int, float]]
    trials: list[Trial]
    trainings: list[Job]

    @property
    def warnings(self) -> list[str]:
        """What is said of a goal that was not met."""
        if self.reached:
            return []
        most = max(trial.documents for trial in self.trials)
        return [
            f"no number of documents that was tried, up to {most:,}, meets the goal of {self.goal}; what follows is of "
            f"the {self.needed:,} that come nearest"
        ]

    @property
    def reached(self) -> bool:
        """Whether a number that was tried met the goal."""
        return any(trial.meets for trial in self.trials)

    @property
    def needed(self) -> int:
        """How many documents."""
        if self.reached:
            return min(trial.documents for trial in self.trials if trial.meets)
        return min(self.trials, key=lambda trial: abs(trial.realised.mean or 0.0)).documents

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "goal": str(self.goal),
            "reached": self.reached,
            "documents": self.needed,
            "trials": [trial.to_dict() for trial in sorted(self.trials, key=lambda trial: trial.documents)],
            "predicted": [{"documents": count, "predicted": value} for count, value in self.foreseen],
        }


def seek(
    run: Run,
    problems: Sequence[Problem],
    goal: Goal,
    method: str,
    protected: NDArray[np.bool_],
    journal: Journal,
    processes: int | None,
    progress: Progress,
) -> Sought:
    """Choose documents, and find how many of them must go; `problems` are the question put to the model of each seed.

    Raises
    ------
    UsageError
        The goal is met with all documents.

    """
    weat, seeds = weat_of(problems[0]), [problem.settings.seed for problem in problems]
    value = mean_value(problems)
    sign = float(np.sign(value))
    sizes = [goal.size(weat, weat.associations(problem.E), problem.measure) for problem in problems]
    needed = sign * value - float(np.mean(sizes))
    if needed <= 0:
        raise UsageError(
            f"{weat.coverage.test.name} is {value:+.3g} with all documents, which meets the goal",
            where=f"--until {goal}",
            next="Nothing has to go; give a smaller size, or a larger p-value.",
        )

    def enough(values: Sequence[float]) -> bool:
        fallen = sign * (values[0] - np.array(values))
        return bool(fallen[-1] >= BEYOND * needed or (len(fallen) > STUCK and fallen[-1] <= fallen[-1 - STUCK]))

    most = max(1, int(MOST * len(run.corpus)))
    chunk = max(CHUNK, most // CHUNKS)
    choice = choose_adaptively(
        problems, most, chunk, method=method, protected=protected, enough=enough, progress=progress
    )
    numbers = np.minimum(np.arange(len(choice.values)) * chunk, len(choice.documents))
    foreseen = Foreseen(numbers, sign * np.array(choice.values))
    lengths = np.concatenate([[0], np.cumsum(run.corpus.lengths[choice.documents])])
    trials: list[Trial] = []
    done: list[Job] = []

    def reach(count: int) -> Reached:
        trainings = [journal.training(Edit(choice.documents[:count], 0), seed) for seed in seeds]
        train_all(run, trainings, progress, processes)
        done.extend(trainings)
        found = [weat.associations(journal.vectors(each)[weat.rows].astype(np.float64)) for each in trainings]
        realised = np.array([weat.join(s, problems[0].measure) for s in found])
        p_value = float(np.median([permutation_p_values(s, weat.n_X).two_sided for s in found]))
        mean = float(sign * realised.mean())
        meets = p_value > goal.bound if goal.is_p else mean <= goal.bound
        predicted = sign * foreseen.at(count)
        sizes[:] = [goal.size(weat, s, problems[0].measure) for s in found]
        trials.append(Trial(count, int(lengths[count]), predicted, Sample(tuple(realised.tolist())), p_value, meets))
        return Reached(mean, meets)

    search(foreseen, sign * value, lambda: float(np.mean(sizes)), reach)
    return Sought(goal, choice.documents, list(zip(numbers.tolist(), choice.values, strict=True)), trials, done)
