"""What a run holds, for its report and its pictures: the audit, the ranking, retrainings, verifications."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from clif.errors import InputError
from clif.objectives import PACKAGED, Audit, AuditResult, BiasTest, audit, cover, load_tests, measurable_of
from clif.progress import Progress, silent
from clif.ranking import DEFAULT_TEST, Ranking, by_field, newest_ranking, rank, read_reports, stored_rankings
from clif.ranking.aggregation import Groups
from clif.reporting.results import (
    Retraining,
    Tradeoff,
    Verification,
    read_retrainings,
    read_tradeoffs,
    read_verifications,
)
from clif.retraining.statistics import Sample
from clif.run import Run
from clif.training.models import further_model

MOST_GROUPS = 1_000  # a field with more values names documents, not sources


@dataclass(frozen=True, eq=False)
class Measured:
    """One test of the audit, and its value in each model of the run, the run's own first."""

    result: AuditResult
    over_seeds: Sample


@dataclass(frozen=True, eq=False)
class Audited:
    """The audit of the run's own model and of the further models that it keeps; `seeds` names them all."""

    tests: tuple[Measured, ...]
    audit: Audit
    seeds: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Findings:
    """All that a run holds. `tests` are those of the audit, `rankings` the stored ones as they say of themselves.

    `ranking` is the one to show. Retrainings and trade-offs of its test come first; `groups` sums it by each field of
    the documents. `solves` are what the stored solves say of themselves.
    """

    run: Run
    tests: tuple[BiasTest, ...]
    audited: Audited
    ranking: Ranking
    rankings: tuple[dict[str, Any], ...]
    groups: tuple[Groups, ...]
    retrainings: tuple[Retraining, ...]
    verifications: tuple[Verification, ...]
    tradeoffs: tuple[Tradeoff, ...]
    solves: tuple[dict[str, Any], ...]

    @property
    def name(self) -> str:
        """The run's folder, as commands name it beside it."""
        return self.run.path.resolve().name

    @property
    def sign(self) -> int:
        """The sign of the bias: influence times it is negative where a document carries the bias."""
        return -1 if self.ranking.about["value"] < 0 else 1

    @property
    def headline(self) -> Retraining | None:
        """The edit to begin with: of the ranking's test, without held-out words; the largest change of them all."""
        own = [one for one in self.retrainings if one.test == self.ranking.about["test"] and one.reduces]
        own = [one for one in own if one.values["measure"] == self.ranking.about["measure"]] or own
        return max(own, key=lambda one: abs(one.values["realised"]), default=None)


def gather(run: Run, test: str | BiasTest | None = None, progress: Progress = silent) -> Findings:
    """Read everything; documents are ranked if no stored ranking is one of `test` (or of any, if it is not given).

    Raises
    ------
    InputError, MismatchError
        A file of the run is damaged, or does not belong to it.
    UsageError, CoverageError
        As `rank` raises them.

    """
    ranking = find_ranking(run, test, progress)
    progress("report", 0, None, "audit")
    tests = _tests(run, ranking)
    name = ranking.about["test"]
    return Findings(
        run=run,
        tests=tuple(tests),
        audited=audit_models(run, tests),
        ranking=ranking,
        rankings=tuple(about for _, about in stored_rankings(run)),
        groups=tuple(group_all(run, ranking)),
        retrainings=tuple(sorted(read_retrainings(run), key=lambda one: one.test != name)),
        verifications=tuple(sorted(read_verifications(run), key=lambda one: name not in one.tests)),
        tradeoffs=tuple(sorted(read_tradeoffs(run), key=lambda one: one.test != name)),
        solves=tuple(read_reports(run)),
    )


def find_ranking(run: Run, test: str | BiasTest | None, progress: Progress = silent) -> Ranking:
    """The newest stored ranking (of `test`, if given); made where there is none."""
    question = load_tests([test])[0] if isinstance(test, str) else test
    return newest_ranking(run, question) or rank(run, question or DEFAULT_TEST, progress=progress)


def _tests(run: Run, ranking: Ranking) -> list[BiasTest]:
    """The packaged ones, and all that were ranked or retrained for, kept or compared, with that of the ranking."""
    found = load_tests(PACKAGED)
    own = [about["definition"] for _, about in stored_rankings(run)]
    for one in read_retrainings(run):
        own += [one.definition] if one.definition else []
        own += one.kept
    own += [one.values["definition"] for one in read_tradeoffs(run)]
    for definition in [ranking.about["definition"], *own]:
        test = BiasTest.from_dict(definition)
        if test not in found:
            found.append(test)
    return found


def audit_models(run: Run, tests: Sequence[BiasTest]) -> Audited:
    """Values of the run's own model, with p-values where the kind of the test has them, and of the further models."""
    audited = audit(run.model, tests)
    by_name = {test.name: test for test in reversed(tests)}
    made = [measurable_of(cover(by_name[result.test], run.model.index), result.ddof or 0) for result in audited.results]
    seeds = [run.settings.seed, *_further(run)]
    models = [run.model.U, *(further_model(run, seed).read(run)[0] for seed in seeds[1:])]
    return Audited(
        tests=tuple(
            Measured(result, Sample(tuple(one.value(U[one.rows].astype(np.float64), result.measure) for U in models)))
            for result, one in zip(audited.results, made, strict=True)
        ),
        audit=audited,
        seeds=tuple(seeds),
    )


def _further(run: Run) -> list[int]:
    """Seeds of the further models that the run keeps."""
    names = [path.stem.removeprefix("seed-") for path in run.models.glob("seed-*.safetensors")]
    return sorted(int(name) for name in names if name.isdecimal())


def group_all(run: Run, ranking: Ranking) -> list[Groups]:
    """The ranking summed by each field that tells groups apart; none in a run without metadata."""
    from clif.corpus.metadata_file import field_names, read_metadata

    content_hash = run.manifest["corpus"]["hash"]
    try:
        names = field_names(run.path, content_hash)
    except InputError:
        return []
    found = []
    for name in names:
        distinct = len(set(read_metadata(run.path, [name], content_hash)[name]))
        if 1 < distinct <= min(MOST_GROUPS, len(ranking) // 2):
            found.append(by_field(ranking, run, name))
    return found


def shown_path(run: Run, path: Path) -> str:
    """A file as it is named from the run's folder."""
    folder = run.path.resolve()
    path = path.resolve()
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.name
