"""How many documents, or sentences, must go for the bias to meet a goal: chosen chunk by chunk, tried by retraining.

They are chosen by what their removal does once the chunks before them are gone (see `clif.influence.adaptive`),
for the mean over the models of all seeds that are retrained, and the choice goes on for a while after the goal is
predicted to be met. Then the smallest number of them that meets it is searched for (see `searching`): each number that
is tried is left out of a training of every seed, and it is the mean over these that must meet the goal. Where none does
though it was predicted, the choice goes on further.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clif.errors import UsageError
from clif.influence.adaptive import CHUNK, choose_adaptively
from clif.influence.groups import mean_value
from clif.influence.joint import SolveSettings
from clif.influence.memory import check_memory
from clif.influence.methods import METHODS
from clif.influence.problem import Problem
from clif.objectives import p_values_of
from clif.progress import Progress
from clif.ranking import bias_of
from clif.retraining.editors import Editor
from clif.retraining.edits import UNEDITED, Edit
from clif.retraining.goals import Goal
from clif.retraining.limits import Limits
from clif.retraining.searching import Foreseen, Reached, search
from clif.retraining.statistics import Sample
from clif.retraining.trainings import Journal, train_all
from clif.run import Run
from clif.training.pool import Job

BEYOND = (1.5, 3.0, np.inf)  # times the change that is needed: for so much the choice goes on, at first and then
LITTLE = 0.05  # share of T that is to fall at least, where the goal is nearly met
STUCK = 3  # chunks without which T would have fallen as far end the choice
MOST = 0.5  # share of the documents, or sentences, that may go
CHUNKS = 200  # into which these are cut at the most


@dataclass(frozen=True, eq=False)
class Trial:
    """What came of training without the first `count` of the choice, `tokens` long, with every seed.

    `p_value` is the median over the seeds of the two-sided p-value of the test, if its kind has one; `size` is the |T|
    that meets the goal as far as these trainings know.
    """

    count: int
    tokens: int
    predicted: float
    realised: Sample
    p_value: float | None
    size: float
    meets: bool

    def to_dict(self, counted: str) -> dict[str, Any]:
        """Plain values; `counted` names what is counted, `realised` is the mean over the seeds."""
        sample = self.realised.to_dict()
        return {
            counted: self.count,
            "tokens": self.tokens,
            "predicted": self.predicted,
            "realised": sample["mean"],
            "realised_ci95": sample["ci95"],
            "p_value": self.p_value,
            "meets": self.meets,
        }


@dataclass(frozen=True, eq=False)
class Sought:
    """The units in the order of their choice, what was foreseen of them, and what was tried, by which trainings.

    `unit` says what they are: "document" or "sentence". `needed` is the smallest number that met the goal; if none did,
    `reached` is false and it is the one that came nearest. `problems` are those in which they were chosen, within
    `limits`.
    """

    goal: Goal
    unit: str
    problems: Sequence[Problem]
    order: NDArray[np.int64]
    foreseen: list[tuple[int, float]]
    trials: list[Trial]
    trainings: list[Job]
    limits: Limits

    @property
    def reached(self) -> bool:
        """Whether a number that was tried met the goal."""
        return any(trial.meets for trial in self.trials)

    @property
    def needed(self) -> int:
        """How many of them."""
        if self.reached:
            return min(trial.count for trial in self.trials if trial.meets)
        return min(self.trials, key=lambda trial: abs(trial.realised.mean or 0.0)).count

    @property
    def warnings(self) -> list[str]:
        """What is said of a goal that was not met."""
        if self.reached:
            return []
        most = max(trial.count for trial in self.trials)
        return [
            f"no number of {self.unit}s that was tried, up to {most:,}, meets the goal of {self.goal}; what follows is "
            f"of the {self.needed:,} that come nearest. A milder goal, or more text on the test's words, may be met"
        ]

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        counted = f"{self.unit}s"
        return {
            "goal": str(self.goal),
            "unit": self.unit,
            "reached": self.reached,
            counted: self.needed,
            "tokens": next(trial.tokens for trial in self.trials if trial.count == self.needed),
            "trials": [trial.to_dict(counted) for trial in sorted(self.trials, key=lambda trial: trial.count)],
            "predicted": [{counted: count, "predicted": value} for count, value in self.foreseen],
        }


@dataclass(frozen=True, eq=False)
class _Trials:
    """Trainings without the first units of a choice, each made once."""

    run: Run
    goal: Goal
    problem: Problem
    editor: Editor
    seeds: Sequence[int]
    sign: float
    journal: Journal
    limits: Limits
    processes: int | None
    progress: Progress
    done: dict[int, Trial] = field(default_factory=dict)
    trainings: list[Job] = field(default_factory=list)

    def reach(self, order: NDArray[np.int64], count: int, predicted: Callable[[int], float]) -> Reached:
        """Train without the first `count` of the order, or so many more as make whole units, with every seed.

        `predicted` is T by the number of units that go.
        """
        count = self.limits.whole(order, count)
        if count not in self.done:
            self.done[count] = self._train(self.editor.make(order[:count]) if count else UNEDITED, predicted(count))
        trial = self.done[count]
        return Reached(self.sign * float(trial.realised.mean or 0.0), trial.size, trial.meets)

    def _train(self, edit: Edit, predicted: float) -> Trial:
        bias, measure = bias_of(self.problem), self.problem.measure
        trainings = [self.journal.training(edit, seed) for seed in self.seeds]
        train_all(self.run, trainings, self.progress, self.processes)
        self.trainings.extend(trainings)
        found = [bias.associations(self.journal.vectors(each)[bias.rows].astype(np.float64)) for each in trainings]
        realised = Sample(tuple(bias.join(s, measure) for s in found))
        two_sided = [p.two_sided for s in found if (p := p_values_of(bias.coverage, s))]
        p_value = float(np.median(two_sided)) if two_sided else None
        return Trial(
            count=edit.size,
            tokens=edit.tokens(self.run.corpus),
            predicted=predicted,
            realised=realised,
            p_value=p_value,
            size=float(np.mean([self.goal.size(bias, s, measure) for s in found])),
            meets=self.goal.met(realised.mean or 0.0, p_value),
        )


def seek(
    run: Run,
    problems: Sequence[Problem],
    goal: Goal,
    method: str,
    seeds: Sequence[int],
    editor: Editor,
    limits: Limits,
    journal: Journal,
    processes: int | None,
    progress: Progress,
) -> Sought:
    """Choose units, and find how many of them must go; `problems` are the question put to the models.

    Raises
    ------
    UsageError
        The goal is met with all documents, or all are protected.
    InputError
        Memory would not do.

    """
    check_memory(problems[0], METHODS[method], SolveSettings(), 2 * len(problems))  # as they are, and without some
    value, test = mean_value(problems), bias_of(problems[0]).coverage.test
    sign = float(np.sign(value)) or 1.0
    trials = _Trials(run, goal, problems[0], editor, seeds, sign, journal, limits, processes, progress)
    before = trials.reach(np.empty(0, dtype=np.int64), 0, lambda _: value)
    if before.meets:
        raise UsageError(
            f"{test.name} is {sign * before.value:+.3g} with all documents, which meets the goal",
            where=f"--until {goal}",
            next="Nothing has to go; give a smaller size, or a larger p-value.",
        )
    if limits.protected.all():
        raise UsageError("all documents are protected", where="--protect", next="Protect fewer documents.")
    needed = max(abs(value) - before.size, LITTLE * abs(value))
    most = max(1, int(MOST * len(editor.units)))
    chunk = max(CHUNK, most // CHUNKS)
    for beyond in BEYOND:

        def enough(values: Sequence[float], beyond: float = beyond) -> bool:
            fallen = sign * (values[0] - np.array(values))
            return bool(fallen[-1] >= beyond * needed or (len(fallen) > STUCK and fallen[-1] <= fallen[-1 - STUCK]))

        choice = choose_adaptively(
            problems, most, chunk, method=method, units=editor.units, pick=limits.pick, enough=enough,
            progress=progress,
        )  # fmt: skip
        falling = sign * np.array(choice.values)
        falling = falling[: int(np.argmin(falling)) + 1]  # what follows does nothing
        numbers = np.array(choice.numbers[: len(falling)])
        holding = numbers <= len(limits.holding(choice.documents[: numbers[-1]]))
        falling, numbers = falling[holding], numbers[holding]
        foreseen = Foreseen(numbers, falling)
        if len(falling) > 1:
            search(foreseen, before, lambda n: trials.reach(choice.documents, n, lambda m: sign * foreseen.at(m)))  # noqa: B023
        tried = [trial for count, trial in trials.done.items() if count]
        if any(trial.meets for trial in tried) or falling[0] - falling[-1] < beyond * needed:
            break
    if not tried:
        raise UsageError(
            "no document that may go is predicted to lower the bias",
            where=f"--until {goal}",
            next="Protect fewer documents, allow more by --keep and --cap, or use another --method.",
        )
    points = list(zip(numbers.tolist(), (sign * falling).tolist(), strict=True))
    return Sought(goal, editor.units.name, problems, choice.documents, points, tried, trials.trainings, limits)
