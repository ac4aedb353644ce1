"""What came out: agreement of each relaxation, by corpus, measure and kind of set; the claims; the picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clif.experiments.convergence.drawing import ACCEPTED, draw
from clif.experiments.convergence.relaxing import BAE, NONE
from clif.experiments.convergence.study import RANDOM
from clif.experiments.convergence.training import MEASURED
from clif.experiments.outcome import Claim, Outcome
from clif.verification.statistics import agreement, signs

Values = NDArray[np.float64]
Row = dict[str, Any]
DRAWS = 2000  # of the bootstrap
LEAST, NEAR = ACCEPTED, (0.95, 1.05)  # what theory has to reach where it holds
WHICH: Mapping[str, Callable[[str], bool]] = {
    "all": lambda _kind: True,
    "random": lambda kind: kind == RANDOM,
    "targeted": lambda kind: kind != RANDOM,
}


def report(found: Sequence[Mapping[str, Any]]) -> Outcome:
    """The outcome, from what `Study.compare` gave for all corpora and relaxations.

    Claims after the first and the picture speak of random sets and the difference of means: sets from the ends of a
    ranking lie so far apart that nearly any prediction correlates with what came of them.
    """
    rows = [row for each in found for row in _agreements(each)]
    main = [row for row in rows if row["which"] == RANDOM and row["measure"] == MEASURED[0]]
    return Outcome(
        claims=[_theory(rows), _gaps(main), _curvature(main), _practice(main)],
        figures={"agreement": rows},
        tables={"summary": _summary(main), "agreement": rows, "sets": [row for each in found for row in _sets(each)]},
        pictures={"agreement": draw(main)},
    )


def _agreements(found: Mapping[str, Any]) -> Iterator[Row]:
    kinds = np.array([each["kind"] for each in found["sets"]])
    for number, measure in enumerate(MEASURED):
        predicted, realised = (np.array(found[name])[:, number] for name in ("predicted", "realised"))
        for which, wanted in WHICH.items():
            chosen = np.array([wanted(kind) for kind in kinds])
            x, y = predicted[chosen], realised[chosen]
            said = agreement(x, y)
            (low, high), (slope_low, slope_high) = intervals(x, y)
            yield {
                "corpus": found["corpus"],
                "relaxation": found["relaxation"],
                "gap": found["gap"],
                "measure": measure,
                "which": which,
                "sets": len(x),
                "pearson": said["pearson"],
                "pearson_low": low,
                "pearson_high": high,
                "spearman": said["spearman"],
                "slope": said["slope"],
                "slope_low": slope_low,
                "slope_high": slope_high,
                "signs": signs(x, y, None)["agreement"],
                "rms": said["rms"],
                "rms_realised": float(np.sqrt(np.mean(y**2))),
            }


def intervals(predicted: Values, realised: Values, seed: int = 0) -> tuple[Any, Any]:
    """95% percentile intervals of Pearson's correlation and of the slope over sets drawn with replacement.

    (None, None) each, for fewer than three sets.
    """
    if len(predicted) < 3:
        return (None, None), (None, None)
    drawn = np.random.default_rng(seed).integers(0, len(predicted), (DRAWS, len(predicted)))
    x, y = predicted[drawn], realised[drawn]
    x, y = x - x.mean(1, keepdims=True), y - y.mean(1, keepdims=True)
    xx, xy, yy = (x * x).sum(1), (x * y).sum(1), (y * y).sum(1)
    varied = (xx > 0) & (yy > 0)
    both = [xy[varied] / np.sqrt(xx[varied] * yy[varied]), xy[varied] / xx[varied]]
    ends = [tuple(float(end) for end in np.quantile(values, [0.025, 0.975])) for values in both]
    return ends[0], ends[1]


def _sets(found: Mapping[str, Any]) -> Iterator[Row]:
    for each, predicted, realised in zip(found["sets"], found["predicted"], found["realised"], strict=True):
        yield {
            "corpus": found["corpus"],
            "relaxation": found["relaxation"],
            **each,
            **{f"predicted_{name}": value for name, value in zip(MEASURED, predicted, strict=True)},
            **{f"realised_{name}": value for name, value in zip(MEASURED, realised, strict=True)},
        }


def _summary(main: Sequence[Row]) -> list[Row]:
    """A line a relaxation: on every corpus Pearson's correlation and the slope."""
    lines: dict[tuple[str, str], Row] = {}
    for row in main:
        line = lines.setdefault((row["gap"], row["relaxation"]), {"gap": row["gap"], "random sets": row["relaxation"]})
        line |= {f"{row['corpus']} r": row["pearson"], f"{row['corpus']} slope": row["slope"]}
    return list(lines.values())


def _theory(rows: Sequence[Row]) -> Claim:
    base = [row for row in rows if row["gap"] == NONE and row["which"] != "targeted"]
    parts = [
        f"{row['corpus']}, {row['measure'].replace('_', ' ')}, {row['which']} sets (n = {row['sets']}): Pearson "
        f"{_figure(row['pearson'], 4)}, slope {_figure(row['slope'])}"
        for row in base
    ]
    return Claim(
        "Koh and Liang 2017, https://arxiv.org/abs/1703.04730",
        "At a minimum of a penalised loss, one Newton step by the exact Hessian of what remains predicts what comes of "
        "minimising again without a small set of documents.",
        f"{'; '.join(parts)}.",
        all(_reached(row) for row in base),
    )


def _reached(row: Row) -> bool:
    if row["pearson"] is None:
        return False
    return bool(row["pearson"] >= LEAST and NEAR[0] <= row["slope"] <= NEAR[1])


def _gaps(main: Sequence[Row]) -> Claim:
    parts = []
    for gap in BAE:
        mine = [row for row in main if row["gap"] == gap and row["pearson"] is not None]
        if mine:
            r, slope = (_furthest(mine, name) for name in ("pearson", "slope"))
            parts.append(
                f"{gap} {r['pearson']:.3f} ({r['relaxation']}, {r['corpus']}) and "
                f"{slope['slope']:.2f} ({slope['relaxation']}, {slope['corpus']})"
            )
    return Claim(
        "Bae et al. 2022, https://arxiv.org/abs/2209.05364",
        f"What separates influence estimates from retraining falls into five gaps: {', '.join(BAE)}.",
        f"Random sets, the Pearson and the slope of each gap that are furthest from 1: {'; '.join(parts)}.",
    )


def _furthest(rows: Sequence[Row], column: str) -> Row:
    """The row whose figure is furthest from 1."""
    return max(rows, key=lambda row: abs(row[column] - 1.0))


def _curvature(main: Sequence[Row]) -> Claim:
    return Claim(
        "clif, --curvature gn, --method block, --l2",
        "Gauss-Newton curvature, output vectors that are held fixed, and a weak penalty leave gaps of their own.",
        f"Random sets: {_listed(main, 'curvature', 'penalty')}.",
    )


def _practice(main: Sequence[Row]) -> Claim:
    return Claim(
        "Basu et al. 2021, https://arxiv.org/abs/2006.14651; Epifano et al. 2023, https://arxiv.org/abs/2303.12922",
        "Away from their assumptions influence estimates are often wrong (Basu); it is their validation that fails "
        "(Epifano).",
        f"Trained by sampling, every assumption given up, random sets: {_listed(main, 'stochastic')}.",
    )


def _listed(rows: Sequence[Row], *gaps: str) -> str:
    return "; ".join(
        f"{row['gap']}, {row['relaxation']}, {row['corpus']}: Pearson {_figure(row['pearson'], 3)}, "
        f"slope {_figure(row['slope'])}, signs {_figure(row['signs'])}"
        for row in rows
        if row["gap"] in gaps
    )


def _figure(value: float | None, digits: int = 2) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
