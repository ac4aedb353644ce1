"""The audit: every bias test that a model covers, with its p-values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from clif.errors import InputError, UsageError
from clif.model import SkipGram
from clif.objectives.bias_tests import SETS, BiasTest, load_tests
from clif.objectives.coverage import Coverage, cover, uncovered_error
from clif.objectives.frequency import Frequency, frequency_of, frequency_warnings
from clif.objectives.kinds import kind_of
from clif.objectives.making import measurable_of, p_values_of
from clif.objectives.objective import Measurable
from clif.objectives.weat import WEAT
from clif.showing.views import Shown, View

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class AuditResult:
    """One test: its value by the first measure of its kind; for WEAT with permutation p-values.

    `value` is T by `measure`, `measures` T by each measure of the kind (None where one is not defined), `published` the
    number as the paper of the kind has it, which for some is 1 where there is no bias; T is always 0 there.
    What WEAT alone has is None for other kinds: `effect_size`, the difference of mean associations (`statistic`),
    `ddof`, the p-values and `frequency`, what word frequency alone predicts, where counts are known; `warnings` say
    where that is much. `p_value` is one-sided (>=). `words` are those used, in the vocabulary's form, and `missing`
    those it lacks, both by set X, Y, A, B. `positive` says what a positive value means, `ranked` whether documents can
    be ranked for it, `over_seeds` what models of other seeds have (see `clif.auditing`).
    """

    test: str
    kind: str
    measure: str
    value: float
    published: float
    measures: dict[str, float | None]
    effect_size: float | None
    statistic: float | None
    ddof: int | None
    p_value: float | None
    p_value_two_sided: float | None
    p_value_kind: str | None
    p_value_standard_error: float | None
    partitions: int | None
    positive: str
    missing: dict[str, tuple[str, ...]]
    words: dict[str, tuple[str, ...]]
    labels: dict[str, str]
    source: str
    ranked: bool = True
    over_seeds: dict[str, Any] | None = None
    frequency: Frequency | None = None
    warnings: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The result as plain values, for JSON; with `mean`, `sd`, `ci95`, `runs`, `seeds` where there are several."""
        values = asdict(self)
        seeds = values.pop("over_seeds") or {}
        return {**values, "missing": _lists(self.missing), "words": _lists(self.words), **seeds}


@dataclass(frozen=True)
class Skipped:
    """A test without a result: `reason` says why, `missing` which words the vocabulary lacks."""

    test: str
    reason: str
    missing: dict[str, tuple[str, ...]]

    def to_dict(self) -> dict[str, Any]:
        """The test as plain values, for JSON."""
        return {**asdict(self), "missing": _lists(self.missing)}


@dataclass(frozen=True, repr=False)
class Audit(Shown):
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

    def view(self) -> View:
        """A row a test, and what was skipped."""
        from clif.objectives.view import view_of

        return view_of(self)

    def to_frame(self) -> pd.DataFrame:
        """One row a test, skipped ones with their `reason` and without numbers; words joined by blanks."""
        import pandas as pd

        rows = [{**result.to_dict(), "reason": None} for result in self.results]
        rows += [test.to_dict() for test in self.skipped]
        for row in rows:
            for name in ("labels", "measures", "positive"):
                row.pop(name, None)
            row["warnings"] = " ".join(row.get("warnings", ()))
            row["frequency_share"] = (row.pop("frequency", None) or {}).get("share")
            for name in ("words", "missing"):
                sets = row.pop(name, {})
                row |= {f"{name}_{key}": " ".join(sets[key]) if sets else None for key in SETS}
        return pd.DataFrame(rows)


def audit(model: SkipGram, tests: str | Sequence[str | BiasTest], *, ddof: int = 0, seed: int = 0) -> Audit:
    """Measure every test that the model's vocabulary covers; formulas and signs are those of its kind.

    Tests are given as such, by name, or by the path of a TOML file. `ddof` is for the effect sizes of WEAT and sc-weat.
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
    kind, made = kind_of(coverage.test), measurable_of(coverage, ddof)
    E = model.U[made.rows].astype(np.float64)
    value = made.value(E, kind.measures[0])
    weat = made if isinstance(made, WEAT) else None
    s = made.associations(E) if kind.permutes and hasattr(made, "associations") else None
    p = None if s is None else p_values_of(coverage, s, seed=seed)
    frequency = frequency_of(weat, model.U, model.counts) if weat else None
    return AuditResult(
        test=coverage.test.name,
        kind=kind.name,
        measure=kind.measures[0],
        value=value,
        published=value if kind.published is None else kind.published(value),
        measures={measure: _by_measure(made, E, measure) for measure in kind.measures},
        effect_size=value if weat else None,
        statistic=weat.value(E, "mean_difference") if weat else None,
        ddof=getattr(made, "ddof", None),
        p_value=p.one_sided if p else None,
        p_value_two_sided=p.two_sided if p else None,
        p_value_kind=p.kind if p else None,
        p_value_standard_error=p.standard_error if p else None,
        partitions=p.partitions if p else None,
        positive=kind.in_words(kind.positive, coverage.test.labels),
        missing=coverage.missing,
        words=coverage.words,
        labels=coverage.test.labels,
        source=coverage.test.source,
        ranked=kind.ranked,
        frequency=frequency,
        warnings=tuple(frequency_warnings(coverage.test.name, frequency)),
    )


def _by_measure(made: Measurable, E: NDArray[np.float64], measure: str) -> float | None:
    try:
        return made.value(E, measure)
    except InputError:
        return None


def _lists(sets: dict[str, tuple[str, ...]]) -> dict[str, list[str]]:
    return {key: list(words) for key, words in sets.items()}
