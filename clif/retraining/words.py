"""The vectors of the test's words before and after, of the first seed: RUN/retrains/NAME/words.safetensors."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from clif.checks import DAMAGE, check_matrices
from clif.errors import InputError
from clif.files import whole_file
from clif.retraining.planning import Plan
from clif.retraining.trainings import Journal, Trainings

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
    from safetensors.numpy import save_file

    coverage = plan.question
    pairs = [(word, key) for key, words in coverage.words.items() for word in words]
    rows = np.concatenate([coverage.rows[key] for key in coverage.words])
    models = {"before": trainings.before[0], "after": trainings.edited[0][0][0]}
    # One key: the order of several is not kept by the format.
    about = {"clif": json.dumps({"words": [word for word, _ in pairs], "sets": [key for _, key in pairs]})}
    with whole_file(folder / WORDS) as temporary:
        save_file({when: journal.vectors(job)[rows] for when, job in models.items()}, temporary, metadata=about)


def read_words(folder: Path) -> MovedWords | None:
    """What `write_words` left in the folder of a retraining; None in one that an earlier version of clif made.

    Raises
    ------
    InputError
        The file is damaged.

    """
    from safetensors import SafetensorError, safe_open

    path = folder / WORDS
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="numpy") as file:
            about = json.loads((file.metadata() or {})["clif"])
            words, sets = list(map(str, about["words"])), list(map(str, about["sets"]))
            before, after = file.get_tensor("before"), file.get_tensor("after")
            check_matrices(before, after)
            if not len(words) == len(sets) == len(before):
                raise ValueError(f"{len(before)} vectors of {len(words)} words")
            return MovedWords(words, sets, before, after)
    except (*DAMAGE, SafetensorError) as error:
        raise InputError(
            f"cannot be read as vectors: {error}", where=str(path), next="Remove this folder, and retrain."
        ) from error
