"""What shall stay as it is while a test is lowered: other tests, word similarity, or the loss of held-out text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from clif.errors import UsageError
from clif.objectives import (
    GROUPS,
    BiasTest,
    Similarity,
    check_ranked,
    cover,
    load_tests,
    objective_of,
    uncovered_error,
)
from clif.objectives.similarity import SPEARMAN
from clif.quality import read_judgements, wordsim_pairs
from clif.retraining.kept import Foreseen, Integers, Kept
from clif.retraining.kept_loss import LOSS, find_loss
from clif.retraining.kept_words import KeptWords
from clif.run import Run

QUALITY = "quality"
TABLES = (".tsv", ".csv", ".txt")
TOLERANCES = {"effect_size": 0.1, LOSS: 0.002}  # on the speeches the loss rises by so much without 4% of them
TOLERANCE = 0.01  # of a rank correlation, and of other measures, whose sizes are those of cosines


@dataclass(frozen=True)
class Keep:
    """What to keep: `quality` (WordSim-353), a file of judged pairs of words, tests by name or TOML file, or loss:FILE,
    the loss of a text.
    """

    name: str
    tolerance: float | None = None

    @classmethod
    def parse(cls, text: str) -> Keep:
        """From "NAME" or "NAME=TOLERANCE"; raises UsageError for a tolerance that is none."""
        name, equals, number = str(text).rpartition("=")
        if not equals:
            return cls(number)
        try:
            tolerance = float(number)
        except ValueError:
            return cls(str(text))
        if not (name and 0 <= tolerance < float("inf")):
            raise UsageError(
                f"{text!r} names nothing to keep, or no tolerance of 0 or more",
                where="--keep",
                next="Give a test, 'quality' or a file, and how far it may go, as weat1=.1 or quality=.01.",
            )
        return cls(name, tolerance)


def find_kept(run: Run, keeps: Sequence[Keep], question: BiasTest) -> list[Kept]:
    """What is asked to be kept, each once; of a group of tests those that are covered, but the question itself.

    Raises
    ------
    UsageError
        A name is unknown, names the question, or is that of two things; or as `find_loss`.
    CoverageError
        The vocabulary lacks the words.
    InputError
        A file of judgements or documents cannot be read.

    """
    found: dict[str, Kept] = {}
    for keep in keeps:
        for kept in _find(run, keep, question):
            other = found.get(kept.name)
            if other and other.recipe[2:] != kept.recipe[2:]:  # but for the tolerance
                raise UsageError(
                    f"two different things to keep are named {kept.name}",
                    where="--keep",
                    next="Rename one: results tell them apart by their names.",
                )
            found[kept.name] = kept
    return list(found.values())


def _find(run: Run, keep: Keep, question: BiasTest) -> Iterator[Kept]:
    index = run.model.index
    if keep.name.partition(":")[0] == LOSS:
        yield find_loss(run, keep.name.partition(":")[2], _tolerance(keep, LOSS))
        return
    if keep.name == QUALITY or keep.name.lower().endswith(TABLES):
        judged = wordsim_pairs() if keep.name == QUALITY else read_judgements(Path(keep.name))
        name = QUALITY if keep.name == QUALITY else Path(keep.name).name
        yield KeptWords(name, SPEARMAN, _tolerance(keep, SPEARMAN), Similarity.of(judged, index))
        return
    coverages = [cover(test, index) for test in load_tests([keep.name])]
    others = [each for each in coverages if (each.test.kind, each.test.sets) != (question.kind, question.sets)]
    if not others:
        raise UsageError(
            f"{question.name} is what shall change, so it cannot be kept",
            where=f"--keep {keep.name}",
            next="Leave it out, or keep another test.",
        )
    covered = [each for each in others if each.reason is None]
    if not covered or (len(covered) < len(others) and keep.name.lower() not in GROUPS):
        raise uncovered_error(others, where=f"--keep {keep.name}")
    for each in covered:
        measure = check_ranked(each.test).measures[0]
        yield KeptWords(each.test.name, measure, _tolerance(keep, measure), objective_of(each))


def _tolerance(keep: Keep, measure: str) -> float:
    return TOLERANCES.get(measure, TOLERANCE) if keep.tolerance is None else keep.tolerance


def report(foreseen: Foreseen, chosen: Integers, before: Sequence[float], after: Sequence[float]) -> dict[str, Any]:
    """Predicted and realised change by the choice; `before` and `after` are T of the retrained models, one a seed."""
    kept, start = foreseen.kept, float(np.mean(before))
    realised = float(np.mean(after)) - start
    return {
        "name": kept.name,
        "measure": kept.measure,
        "tolerance": kept.tolerance,
        "definition": kept.definition,
        "before": start,
        "predicted": foreseen.change(chosen),
        "realised": realised,
        "holds": kept.holds(realised),
        **kept.about,
    }
