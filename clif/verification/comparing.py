"""One method and one test: predicted against realised, the error bars, and where the error comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clif.corpus.encoding import Corpus
from clif.verification.bars import LEVEL, Retrained, coverage, fit_bars, without_own_size
from clif.verification.noise import Spread, detectable, half_width, of_seeds, of_sets
from clif.verification.predictions import Predicted
from clif.verification.sets import INCREASE, RANDOM, REDUCE, SUBSET, DocumentSet
from clif.verification.statistics import Contest, agreement, datamodeling_score, rms, signs, winning_rate

Values = NDArray[np.float64]
Mask = NDArray[np.bool_]
LIMITS = ("block", "clif")  # methods that predict the limit of long training, beside the run as it was


@dataclass(frozen=True, eq=False)
class Realised:
    """What retraining without each set did to one test: `changes` (sets, R); `unedited` (R,) are the values before."""

    sets: Sequence[DocumentSet]
    changes: Values
    unedited: Values
    tokens: Values
    total_tokens: int

    @classmethod
    def of(cls, corpus: Corpus, sets: Sequence[DocumentSet], after: Values, unedited: Values) -> Realised:
        """Changes are after minus before, each seed by itself."""
        tokens = np.array([each.edit.tokens(corpus) for each in sets], dtype=np.float64)
        return cls(sets, after - unedited, unedited, tokens, len(corpus.tokens))

    @property
    def runs(self) -> int:
        """Paired seeds, R."""
        return len(self.unedited)

    @property
    def targeted(self) -> Mask:
        """Which sets a ranking chose, (sets,)."""
        return np.array([each.targeted for each in self.sets], dtype=np.bool_)

    @property
    def random(self) -> Mask:
        """Which sets were drawn by chance to be as large as these, or to hold a small share of the documents."""
        return np.array([each.random for each in self.sets], dtype=np.bool_)

    @property
    def spread(self) -> Spread | None:
        """How much one change varies about the mean of its set: of the random sets, else as the seeds say."""
        return of_sets(list(self.changes[self.random])) or of_seeds(self.unedited)

    def about(self) -> dict[str, Any]:
        """What is said of the test whatever the method."""
        sd = float(self.unedited.std(ddof=1)) if self.runs > 1 else None
        return {
            "value": {"mean": float(self.unedited.mean()), "sd": sd, "runs": self.unedited.tolist()},
            "winning": winning_rate(self._contests()),
            "noise": half_width(self.spread, self.runs) if self.runs > 1 else None,
            "detectable": detectable(self.spread, self.runs).to_dict(),
        }

    def _contests(self) -> list[Contest]:
        mean, sign = self.changes.mean(axis=1), float(np.sign(self.unedited.mean()))
        wanted = {REDUCE: -sign, INCREASE: sign}
        return [
            Contest(wanted[each.kind], float(mean[row]), mean[self._rows(RANDOM, each.size)])
            for row, each in enumerate(self.sets)
            if each.targeted
        ]

    def _rows(self, kind: str, size: int) -> list[int]:
        return [row for row, each in enumerate(self.sets) if each.kind == kind and each.size == size]


def compare(predicted: Predicted, realised: Realised, others: Mapping[str, Predicted]) -> dict[str, Any]:
    """All figures of one method. `targeted`, `random` and `lds` compare means over the R seeds, `same_run` each run.

    `others` are the predictions of all methods that were asked for, by name. Where a method gives scores that are no
    predictions, only ranks are compared, and there are no bars.
    """
    scaled = predicted.method.predicts
    mean, actual = predicted.changes.mean(axis=1), realised.changes.mean(axis=1)
    groups = {"targeted": realised.targeted, "random": realised.random}
    noise = half_width(realised.spread, realised.runs) if realised.runs > 1 else None
    bars = _bars(predicted, realised) if scaled else {"widths": np.full(len(mean), np.nan)}
    widths = bars.pop("widths")
    return {
        **{name: agreement(mean[which], actual[which], scaled=scaled) for name, which in groups.items()},
        "lds": _scores(mean, realised),
        "same_run": {
            name: agreement(predicted.changes[which].ravel(), realised.changes[which].ravel(), scaled=scaled)
            for name, which in groups.items()
        },
        "signs": {name: signs(mean[which], actual[which], noise) if scaled else None for name, which in groups.items()},
        "coverage": {"level": LEVEL, **dict.fromkeys(("all", "targeted", "random", "subset"))},
        "bars": None,
        **bars,
        "gap": gap(predicted, realised, others),
        "sets": _rows(predicted, realised, widths),
    }


def gap(predicted: Predicted, realised: Realised, others: Mapping[str, Predicted]) -> dict[str, float | None]:
    """Where the error on targeted sets comes from, as far as that can be told; None where it cannot.

    linearisation    rms difference between the sum of influences and the method's own prediction for the set
    solver           relative residual of the solve
    unrolled_versus_limit    rms difference between `unrolled` and block or clif, model by model
    seeds            rms deviation of realised changes from their mean over the seeds, which no prediction of the mean
                     can foresee
    """
    which = realised.targeted
    method, runs = predicted.method, realised.changes[which]
    partner = {**dict.fromkeys(LIMITS, "unrolled"), "unrolled": next((name for name in LIMITS if name in others), "")}
    other = others.get(partner.get(method.name, ""))
    sums = method.predicts and method.sets != "sum"
    return {
        "linearisation": _apart(predicted.sums[which], predicted.changes[which]) if sums else None,
        "solver": predicted.residual if method.solves else None,
        "unrolled_versus_limit": _apart(other.changes[which], predicted.changes[which]) if other else None,
        "seeds": _apart(runs, np.broadcast_to(runs.mean(axis=1, keepdims=True), runs.shape))
        if realised.runs > 1
        else None,
    }


def _apart(first: Values, second: Values) -> float | None:
    return rms(first.ravel(), second.ravel())


def _scores(mean: Values, realised: Realised) -> Any:
    """The linear datamodeling score: one for one share kept, a list for several, None for none."""
    kept = dict.fromkeys(each.asked for each in realised.sets if each.kind == SUBSET)
    scores = []
    for alpha in kept:
        which = np.array([each.kind == SUBSET and each.asked == alpha for each in realised.sets])
        scores.append(datamodeling_score(float(alpha or 0), mean[which], realised.changes[which]).to_dict())
    return scores[0] if len(scores) == 1 else scores or None


def _bars(predicted: Predicted, realised: Realised) -> dict[str, Any]:
    """Half widths of the error bars of all sets (NaN for none), how many hold, and the coefficients for other sets."""
    learnt = realised.targeted | realised.random
    everything = Retrained(
        size=np.array([each.size for each in realised.sets]),
        share=realised.tokens / realised.total_tokens,
        predicted=predicted.changes.mean(axis=1),
        realised=realised.changes.mean(axis=1),
        variance=predicted.variance,
    )
    judged, rest = everything.take(learnt), everything.take(~learnt)
    bars = fit_bars(judged)
    widths = np.full(len(learnt), np.nan)
    widths[learnt] = without_own_size(judged)
    if bars:
        widths[~learnt] = bars.half_width(rest.share, rest.predicted, rest.variance)
    groups = {"all": learnt, "targeted": realised.targeted, "random": realised.random, "subset": ~learnt}
    return {
        "widths": widths,
        "coverage": {
            "level": LEVEL,
            **{name: coverage(everything.take(which), widths[which]) for name, which in groups.items()},
        },
        "bars": bars.to_dict() if bars else None,
    }


def _rows(predicted: Predicted, realised: Realised, widths: Values) -> list[dict[str, Any]]:
    """What is said of each set."""
    error = np.sqrt(predicted.variance)
    return [
        {
            "set": each.name,
            "kind": each.kind,
            "asked": each.asked,
            "size": each.size,
            "documents": len(each.edit.documents),
            "tokens": int(realised.tokens[row]),
            "predicted": float(predicted.changes[row].mean()),
            "realised": float(realised.changes[row].mean()),
            "stderr": float(error[row]) if realised.runs > 1 else None,
            "half_width": float(widths[row]) if np.isfinite(widths[row]) else None,
            "runs": {"predicted": predicted.changes[row].tolist(), "realised": realised.changes[row].tolist()},
        }
        for row, each in enumerate(realised.sets)
    ]
