"""The audit: every bias test that a model covers, with its p-values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from clif.errors import InputError, UsageError
from clif.model import SkipGram
from clif.objectives.bias_tests import SETS, BiasTest, load_tests
from clif.objectives.coverage import Coverage, cover, uncovered_error
from clif.objectives.frequency import Frequency, frequency_of, frequency_warnings
from clif.objectives.permutation import permutation_p_values
from clif.objectives.weat import WEAT

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class AuditResult:
    """One test: effect size, difference of mean associations (`statistic`) and permutation p-values.

    `p_value` is one-sided (>=). `words` are those used, in the vocabulary's form, and `missing` those
    it lacks, both by set X, Y, A, B. `frequency` is what word frequency alone predicts, where counts are known, and
    `warnings` say where that is much.
    """

    test: str
    effect_size: float
    statistic: float
    ddof: int
    p_value: float
    p_value_two_sided: float
    p_value_kind: str
    p_value_standard_error: float | None
    partitions: int
    missing: dict[str, tuple[str, ...]]
    words: dict[str, tuple[str, ...]]
    labels: dict[str, str]
    source: str
    frequency: Frequency | None = None
    warnings: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The result as plain values, for JSON."""
        return {**asdict(self), "missing": _lists(self.missing), "words": _lists(self.words)}


@dataclass(frozen=True)
class Skipped:
    """A test without a result: `reason` says why, `missing` which words the vocabulary lacks."""

    test: str
    reason: str
    missing: dict[str, tuple[str, ...]]

    def to_dict(self) -> dict[str, Any]:
        """The test as plain values, for JSON."""
        return {**asdict(self), "missing": _lists(self.missing)}


@dataclass(frozen=True)
class Audit:
    """Results in the order the tests were asked for, the tests left out, and the source of the model."""

    results: tuple[AuditResult, ...]
    skipped: tuple[Skipped, ...]
    source: str

    def to_dict(self) -> dict[str, Any]:
        """The audit as plain values, for JSON."""
        return {
            "model": self.source,
            "results": [result.to_dict() for result in self.results],
            "skipped": [test.to_dict() for test in self.skipped],
        }

    def to_frame(self) -> pd.DataFrame:
        """One row a test, skipped ones with their `reason` and without numbers; words joined by blanks."""
        import pandas as pd

        rows = [{**result.to_dict(), "reason": None} for result in self.results]
        rows += [test.to_dict() for test in self.skipped]
        for row in rows:
            row.pop("labels", None)
            row["warnings"] = " ".join(row.get("warnings", ()))
            row["frequency_share"] = (row.pop("frequency", None) or {}).get("share")
            for name in ("words", "missing"):
                sets = row.pop(name, {})
                row |= {f"{name}_{key}": " ".join(sets[key]) if sets else None for key in SETS}
        return pd.DataFrame(rows)


def audit(model: SkipGram, tests: str | Sequence[str | BiasTest], *, ddof: int = 0, seed: int = 0) -> Audit:
    """Measure every test that the model's vocabulary covers; formulas and signs are those of `WEAT`.

    Tests are given as such, by name, or by the path of a TOML file.
    A test whose vectors cannot be used is skipped with the reason, like one that is not covered.

    Raises
    ------
    UsageError
        No test is given, or `ddof` does not fit.
    CoverageError
        No test is covered.
    InputError
        Tests are covered, but the vectors of each are zero or do not differ.

    """
    if not tests:
        raise UsageError("no test to audit", where="--test", next="Name one, as in --test weat.")
    if seed < 0:
        raise UsageError(f"the seed must be at least 0, got {seed}", where="--seed", next="Give 0 or more.")
    if isinstance(tests, str):
        tests = [tests]
    asked = [test for item in tests for test in ([item] if isinstance(item, BiasTest) else load_tests([item]))]
    results: list[AuditResult] = []
    skipped: list[Skipped] = []
    unusable: list[InputError] = []
    coverages = [cover(test, model.index) for test in asked]
    for coverage in coverages:
        reason = coverage.reason
        if reason is None:
            try:
                results.append(_measure(model, coverage, ddof, seed))
                continue
            except InputError as error:
                unusable.append(error)
                reason = error.what
        skipped.append(Skipped(coverage.test.name, reason, coverage.missing))
    if not results:
        raise unusable[0] if unusable else uncovered_error(coverages, where=model.source)
    return Audit(tuple(results), tuple(skipped), model.source)


def _measure(model: SkipGram, coverage: Coverage, ddof: int, seed: int) -> AuditResult:
    weat = WEAT(coverage, ddof)
    s = weat.associations(model.U[weat.rows].astype(np.float64))
    p = permutation_p_values(s, weat.n_X, seed=seed)
    frequency = frequency_of(weat, model.U, model.counts)
    return AuditResult(
        test=coverage.test.name,
        effect_size=weat.effect_size(s),
        statistic=weat.statistic(s),
        ddof=ddof,
        p_value=p.one_sided,
        p_value_two_sided=p.two_sided,
        p_value_kind=p.kind,
        p_value_standard_error=p.standard_error,
        partitions=p.partitions,
        missing=coverage.missing,
        words=coverage.words,
        labels=coverage.test.labels,
        source=coverage.test.source,
        frequency=frequency,
        warnings=tuple(frequency_warnings(coverage.test.name, frequency)),
    )


def _lists(sets: dict[str, tuple[str, ...]]) -> dict[str, list[str]]:
    return {key: list(words) for key, words in sets.items()}
