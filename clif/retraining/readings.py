"""A quantity as it was read off the models of a retraining, and what is reported of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clif.retraining.statistics import Sample, against_controls

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Readings:
    """Values `before` (halves, seeds) and `edited` (halves, 1 + random sets, seeds), the chosen documents first.

    Where words are not halved there is one half. What is the same for all halves has one row `before`.
    """

    before: Values
    edited: Values

    @classmethod
    def of_models(
        cls, before: Sequence[Sequence[float | None]], edited: Sequence[Sequence[Sequence[float | None]]]
    ) -> Readings:
        """From the values by half, set and seed; without any runs where a value is None."""
        found = cls(np.array(before, dtype=np.float64), np.array(edited, dtype=np.float64))
        if np.isnan(found.before).any() or np.isnan(found.edited).any():
            return cls(found.before[..., :0], found.edited[..., :0])
        return found

    @property
    def after(self) -> Values:
        """(halves, seeds)."""
        return self.edited[:, 0]

    @property
    def controls(self) -> Values:
        """(halves, random sets, seeds)."""
        return self.edited[:, 1:]

    @property
    def change(self) -> Values:
        """After minus before, (halves, seeds)."""
        return np.asarray(self.after - self.before)

    @property
    def change_by_chance(self) -> Values:
        """What the random sets did, (halves, random sets, seeds)."""
        return np.asarray(self.controls - self.before[:, None])

    def of(self, half: int) -> Readings:
        """Those of one half."""
        return Readings(self.before[half : half + 1], self.edited[half : half + 1])

    def turned(self, signs: Sequence[float]) -> Readings:
        """With the values of each half times its sign."""
        column = np.array(signs)[:, None]
        return Readings(self.before * column, self.edited * column[:, None])

    def p_value(self) -> float | None:
        """Of the change against those by chance."""
        return against_controls(self.change, self.change_by_chance)

    def to_dict(self) -> dict[str, Any]:
        """Runs, half by half, set by set and seed by seed, and their statistics."""
        change = sample_of(self.change)
        return {
            "before": sample_of(self.before).to_dict(),
            "after": sample_of(self.after).to_dict(),
            "controls": sample_of(self.controls).to_dict(),
            "realised": change.mean,
            "realised_ci95": change.ci95,
        }


def sample_of(values: Values) -> Sample:
    """A sample of (halves, seeds) or (halves, sets, seeds). Its unit is the half if there are several, else the set."""
    halves, *sets, _ = values.shape
    unit = halves if halves > 1 else next(iter(sets), None)
    return Sample(tuple(values.ravel().tolist()), unit if values.size else None)
