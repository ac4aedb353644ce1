"""A skip-gram model: input vectors U, output vectors C and their vocabulary."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from clif.errors import InputError
from clif.settings import TrainingSettings


@dataclass(frozen=True, eq=False)
class SkipGram:
    """Vectors by word: `U` (V, d) input, `C` (V, d) output or None where a file holds only one matrix.

    Bias tests read U. Influence needs C as well, and `settings` and `counts` to know the training loss.

    Raises
    ------
    InputError
        The matrices do not fit the words or each other, a word stands twice, or a vector is not finite.

    """

    words: list[str]
    U: NDArray[np.float32]
    C: NDArray[np.float32] | None = None
    counts: NDArray[np.int64] | None = None
    settings: TrainingSettings | None = None
    source: str = "a model in memory"

    def __post_init__(self) -> None:
        if self.U.ndim != 2 or len(self.words) != len(self.U):
            raise InputError(
                f"{len(self.words)} words but input vectors of shape {self.U.shape}",
                where=self.source,
                next="The file is damaged or of another format; export it again.",
            )
        if self.C is not None and self.C.shape != self.U.shape:
            raise InputError(
                f"output vectors have shape {self.C.shape}, input vectors {self.U.shape}",
                where=self.source,
                next="Both matrices must come from one model.",
            )
        if len(self.index) != len(self.words):
            seen: set[str] = set()
            double = next(word for word in self.words if word in seen or seen.add(word))  # type: ignore[func-returns-value]
            raise InputError(
                f"the word {double!r} has two vectors",
                where=self.source,
                next="Remove one of its rows.",
            )
        for name, matrix in (("input", self.U), ("output", self.C)):
            if matrix is None:
                continue
            bad = np.flatnonzero(~np.isfinite(matrix).all(axis=1))
            if len(bad):
                raise InputError(
                    f"the {name} vector of {self.words[bad[0]]!r} is not finite "
                    f"({len(bad)} of {len(matrix)} vectors hold NaN or infinity)",
                    where=self.source,
                    next="Remove these words from the file, or train again with a smaller learning rate.",
                )

    @cached_property
    def index(self) -> dict[str, int]:
        """Row of each word."""
        return {word: row for row, word in enumerate(self.words)}

    @property
    def dim(self) -> int:
        """Length d of a vector."""
        return int(self.U.shape[1])
