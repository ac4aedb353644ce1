"""How much of a WEAT statistic goes with word frequency alone.

Frequent and rare words lie in different parts of an embedding, so an association with A rather than B can rise or fall
with a word's frequency, whatever it means; then a test whose X is more frequent than its Y measures frequency.
Valentini et al. 2022 (*The Undesirable Dependence on Frequency of Gender Bias Metrics Based on Word Embeddings*)
shuffle corpora and train again. Here associations of words outside the test are regressed on their frequency,

    s(w, A, B) ~ a + slope ln f_w      predicted = slope (mean_X ln f - mean_Y ln f)      share = predicted / statistic

with least squares over at most SAMPLE words of the vocabulary, drawn evenly from the frequencies that the targets span:
a vocabulary consists of rare words, and targets do not. Sign: a positive share adds to the statistic, a negative one
hides a part. A line does not know all that frequency can do, so a small share is no proof of independence.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clif.objectives.weat import WEAT

SAMPLE = 4000
FEWEST = 50  # words that a regression takes
BINS = 20
LARGE = 0.25  # share from which there is a warning
ERRORS = 2.0  # standard errors that the prediction must be away from zero for it


@dataclass(frozen=True)
class Frequency:
    """What frequency alone predicts of a test's statistic; gaps are differences of means of natural logarithms.

    `target_gap` X less Y, `attribute_gap` A less B; `slope` of the association, `correlation` of association and
    frequency over `words`; `predicted` statistic with its `standard_error`, and its `share`, None for a statistic of 0.
    """

    target_gap: float
    attribute_gap: float
    slope: float
    correlation: float
    words: int
    predicted: float
    standard_error: float
    share: float | None

    def to_dict(self) -> dict[str, Any]:
        """The figures as plain values."""
        return asdict(self)


def frequency_of(
    weat: WEAT, U: NDArray[np.floating], counts: NDArray[np.int64] | None, seed: int = 0
) -> Frequency | None:
    """Regress associations in `U` (V, d) on the `counts` (V,); None without counts, or with fewer than FEWEST words."""
    if counts is None or (counts[weat.rows] <= 0).any():
        return None
    logs = np.log(np.maximum(counts, 1).astype(np.float64))
    X, Y, A, B = (logs[weat.coverage.rows[key]] for key in "XYAB")
    others = _others(weat, logs, counts, seed)
    E = U[weat.rows].astype(np.float64)
    vectors = U[others].astype(np.float64)
    lengths = np.linalg.norm(vectors, axis=1)
    others, vectors = others[lengths > 0], vectors[lengths > 0] / lengths[lengths > 0, None]
    if len(others) < FEWEST or np.ptp(logs[others]) == 0:
        return None
    attributes = E[len(X) + len(Y) :] / np.linalg.norm(E[len(X) + len(Y) :], axis=1, keepdims=True)
    s = vectors @ (attributes[: len(A)].mean(0) - attributes[len(A) :].mean(0))
    f = logs[others] - logs[others].mean()
    spread = float(f @ f)
    slope = float(f @ s) / spread
    rest = s - s.mean() - slope * f
    error = float(np.sqrt(rest @ rest / (len(s) - 2) / spread))
    gap = float(X.mean() - Y.mean())
    statistic = weat.statistic(weat.associations(E))
    deviation = float(s.std())
    return Frequency(
        target_gap=gap,
        attribute_gap=float(A.mean() - B.mean()),
        slope=slope,
        correlation=slope * float(f.std()) / deviation if deviation > 0 else 0.0,
        words=len(s),
        predicted=slope * gap,
        standard_error=error * abs(gap),
        share=slope * gap / statistic if statistic else None,
    )


def frequency_warnings(test: str, found: Frequency | dict[str, Any] | None) -> Iterator[str]:
    """What to say of a test whose outcome frequency alone would change by LARGE of it or more."""
    values = found.to_dict() if isinstance(found, Frequency) else found
    if not values or values["share"] is None:
        return
    share, sure = values["share"], abs(values["predicted"]) > ERRORS * values["standard_error"]
    if not sure or abs(share) < LARGE:
        return
    more = "more" if values["target_gap"] > 0 else "less"
    times = np.exp(abs(values["target_gap"]))
    does = f"predicts {share:.0%} of its statistic" if share > 0 else f"hides as much as {-share:.0%} of its statistic"
    yield (
        f"{test} depends on word frequency: X is {times:.1f} times {more} frequent than Y, and what frequency does to "
        f"other words' associations {does} (Valentini et al. 2022)"
    )


def _others(weat: WEAT, logs: NDArray[np.float64], counts: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Words outside the test with a frequency that its targets span, as many from each of BINS steps of it."""
    targets = logs[weat.rows[: weat.n_X + weat.n_Y]]
    inside = (counts > 0) & (logs >= targets.min()) & (logs <= targets.max())
    inside[weat.rows] = False
    words = np.flatnonzero(inside)
    edges = np.linspace(targets.min(), targets.max(), BINS + 1)[1:-1]
    bins = np.searchsorted(edges, logs[words], side="right")
    rng = np.random.default_rng(seed)
    drawn = [rng.permutation(words[bins == b])[: SAMPLE // BINS] for b in range(BINS)]
    return np.sort(np.concatenate(drawn))
