"""How well predictions agree with what came of them: correlation, slope, error, signs, rank over random subsets.

`predicted` and `realised` are changes of T, one a set of documents, unless a shape says otherwise. What cannot be said
of so few sets, or of values that are all alike, is None.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

LEAST = 3  # points that a correlation needs: two always lie on a line
ALIKE = 1e-12  # a spread below this share of the values is rounding
DRAWS = 2000  # resamples of a bootstrap interval


def pearson(predicted: Values, realised: Values) -> float | None:
    """Linear correlation."""
    x, y = _centred(predicted), _centred(realised)
    if x is None or y is None:
        return None
    return float(np.clip(x @ y / np.sqrt((x @ x) * (y @ y)), -1.0, 1.0))


def spearman(predicted: Values, realised: Values) -> float | None:
    """Correlation of the ranks; ties have the mean of their ranks."""
    from scipy.stats import rankdata

    if _centred(predicted) is None or _centred(realised) is None:
        return None
    return pearson(rankdata(predicted), rankdata(realised))


def slope(predicted: Values, realised: Values) -> float | None:
    """Slope of realised on predicted, by least squares with an intercept: below 1 where predictions are too large."""
    x, y = _centred(predicted), _centred(realised)
    if x is None:
        return None
    return 0.0 if y is None else float(x @ y / (x @ x))


def slope_origin(predicted: Values, realised: Values) -> float | None:
    """Slope of the line of least squares that goes through the origin: nothing removed, nothing changed."""
    size = float(predicted @ predicted)
    return float(predicted @ realised / size) if size > 0 else None


def rms(predicted: Values, realised: Values) -> float | None:
    """Root of the mean squared error of the predictions."""
    return float(np.sqrt(np.mean((realised - predicted) ** 2))) if len(predicted) else None


def agreement(predicted: Values, realised: Values, *, scaled: bool = True) -> dict[str, Any]:
    """All of the above by name. Without `scaled` the numbers are scores that only rank, so only ranks are compared."""
    return {
        "pearson": pearson(predicted, realised) if scaled else None,
        "spearman": spearman(predicted, realised),
        "slope": slope(predicted, realised) if scaled else None,
        "slope_origin": slope_origin(predicted, realised) if scaled else None,
        "rms": rms(predicted, realised) if scaled else None,
        "points": len(predicted),
    }


def signs(predicted: Values, realised: Values, noise: float | None) -> dict[str, float | None]:
    """Share of the sets whose sign was predicted: of all, and of those that changed T by more than `noise`.

    `beyond_noise` is the share of these among all.
    """
    right = np.sign(predicted) == np.sign(realised)
    clear = np.zeros(len(right), dtype=bool) if noise is None else np.abs(realised) > noise
    return {
        "agreement": _share(right),
        "beyond_noise": None if noise is None else _share(clear),
        "agreement_beyond_noise": _share(right[clear]),
    }


def reliability(runs: Values) -> float | None:
    """Reliability of the mean over the R columns of `runs` (sets, R): R r / (1 + (R - 1) r), Spearman and Brown 1910.

    r is the mean rank correlation of two columns. None for one column; 0 where columns agree no better than by chance.
    """
    pairs = [spearman(runs[:, i], runs[:, j]) for i, j in combinations(range(runs.shape[1]), 2)]
    known = [r for r in pairs if r is not None]
    if not known or len(known) < len(pairs):
        return None
    r, R = float(np.mean(known)), runs.shape[1]
    return max(0.0, R * r / (1 + (R - 1) * r)) if r > 0 else 0.0


def ceiling(runs: Values) -> float | None:
    """The best that predictions of the mean over all seeds can correlate with the mean over R: sqrt(reliability)."""
    found = reliability(runs)
    return None if found is None else float(np.sqrt(found))


@dataclass(frozen=True)
class Score:
    """The linear datamodeling score of one share of documents kept; see `to_dict` for the keys."""

    alpha: float
    subsets: int
    spearman: float | None
    ci95: tuple[float, float] | None
    ceiling: float | None

    def to_dict(self) -> dict[str, Any]:
        """The score as plain values."""
        return {
            "alpha": self.alpha,
            "spearman": self.spearman,
            "ci95": None if self.ci95 is None else list(self.ci95),
            "ceiling": self.ceiling,
            "subsets": self.subsets,
        }


def datamodeling_score(alpha: float, predicted: Values, realised: Values, seed: int = 0) -> Score:
    """Rank correlation, over random subsets of the corpus, of predictions (S,) with the mean of the runs (S, R).

    The interval is the percentile bootstrap over subsets. Ilyas et al. 2022 (datamodels), Park et al. 2023 (TRAK).
    """
    mean = realised.mean(axis=1)
    found = spearman(predicted, mean)
    interval = None if found is None else bootstrap(predicted, mean, seed)
    return Score(alpha, len(predicted), found, interval, ceiling(realised))


def bootstrap(predicted: Values, realised: Values, seed: int = 0, draws: int = DRAWS) -> tuple[float, float] | None:
    """95% percentile interval of `spearman` over sets that are drawn with replacement; the same for the same seed."""
    from scipy.stats import rankdata

    drawn = np.random.default_rng(seed).integers(0, len(predicted), (draws, len(predicted)))
    x, y = (rankdata(values[drawn], axis=1) for values in (predicted, realised))
    x, y = (ranks - ranks.mean(axis=1, keepdims=True) for ranks in (x, y))
    size = np.sqrt((x * x).sum(axis=1) * (y * y).sum(axis=1))
    varied = size > 0
    if not varied.any():
        return None
    low, high = np.quantile((x * y).sum(axis=1)[varied] / size[varied], [0.025, 0.975])
    return float(low), float(high)


@dataclass(frozen=True, eq=False)
class Contest:
    """A chosen set against the random ones of its size: changes of T, and the sign that was wanted."""

    wanted: float
    chosen: float
    random: Values

    @property
    def won(self) -> bool:
        """Whether the chosen set changed T further in the wanted direction than every random one."""
        return bool((self.wanted * self.chosen > self.wanted * self.random).all())


def winning_rate(contests: Sequence[Contest]) -> dict[str, Any]:
    """Share of the contests (a size and a direction each) that the chosen set won; None without random sets."""
    fought = [contest.won for contest in contests if len(contest.random)]
    return {"rate": float(np.mean(fought)) if fought else None, "won": sum(fought), "of": len(fought)}


def _centred(values: Values) -> Values | None:
    """Values less their mean; None for too few, or for values that are alike but for rounding."""
    if len(values) < LEAST:
        return None
    centred = values - values.mean()
    return centred if np.abs(centred).max() > ALIKE * np.abs(values).max() else None


def _share(true: NDArray[np.bool_]) -> float | None:
    return float(true.mean()) if len(true) else None
