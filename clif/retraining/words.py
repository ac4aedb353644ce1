"""The vectors of the test's words before and after, of the first seed: RUN/retrains/NAME/words.safetensors."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from clif.checks import check_matrices
from clif.errors import DAMAGE, InputError
from clif.retraining.planning import Plan
from clif.retraining.trainings import Journal, Trainings
from clif.storage.tensors import read_tensors, write_tensors

WORDS = "words.safetensors"


@dataclass(frozen=True, eq=False)
class MovedWords:
    """Vectors `before` and `after` (n, d) of the words of a test, each of set X, Y, A or B, in the same order."""

    words: list[str]
    sets: list[str]
    before: NDArray[np.float32]
    after: NDArray[np.float32]


def write_words(folder: Path, plan: Plan, journal: Journal, trainings: Trainings) -> None:
    """Keep them while the trainings are there: of the whole test, without the documents that the first half chose."""
    coverage = plan.question
    pairs = [(word, key) for key, words in coverage.words.items() for word in words]
    rows = np.concatenate([coverage.rows[key] for key in coverage.words])
    models = {"before": trainings.before[0], "after": trainings.edited[0][0][0]}
    about = {"words": [word for word, _ in pairs], "sets": [key for _, key in pairs]}
    write_tensors(folder / WORDS, {when: journal.vectors(job)[rows] for when, job in models.items()}, about)


def read_words(folder: Path) -> MovedWords | None:
    """What `write_words` left in the folder of a retraining; None in one that an earlier version of clif made.

    Raises
    ------
    InputError
        The file is damaged.

    """
    path = folder / WORDS
    if not path.is_file():
        return None
    again = "Remove this folder, and retrain."
    arrays, about = read_tensors(path, "vectors", again)
    try:
        words, sets = list(map(str, about["words"])), list(map(str, about["sets"]))
        before, after = arrays["before"], arrays["after"]
        check_matrices(before, after)
        if not len(words) == len(sets) == len(before):
            raise ValueError(f"{len(before)} vectors of {len(words)} words")
        return MovedWords(words, sets, before, after)
    except DAMAGE as error:
        raise InputError(f"cannot be read as vectors: {error}", where=str(path), next=again) from error
