"""The audit of a run over several seeds: how much of a bias is the text's, and how much the draw of one training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from clif.errors import UsageError
from clif.objectives import Audit, AuditResult, BiasTest, audit, cover, load_tests, measurable_of
from clif.progress import Progress, silent
from clif.retraining.statistics import Sample
from clif.run import Run
from clif.training.models import train_further


def audit_run(
    run: Run,
    tests: str | Sequence[str | BiasTest],
    *,
    seeds: int = 1,
    ddof: int = 0,
    seed: int = 0,
    processes: int | None = None,
    progress: Progress = silent,
) -> Audit:
    """As `audit` of the run's model; with several `seeds` each result also has its mean over as many models.

    The models are the run's own and those of the seeds that follow, trained on the same text. They stay in the run, and
    are those that `clif rank --ensemble` averages. `mean`, `sd` (over n - 1), `ci95` (Student's, of the mean) and
    `runs` are of `value`, by the first measure of the kind.

    Raises
    ------
    UsageError
        `seeds` is below 1, or the run was imported, so that it cannot be trained again.
    InputError
        A value is not defined in one of the models.
    CoverageError, MismatchError
        As `audit` and `train_further`.

    """
    if seeds < 1:
        raise UsageError(f"must be at least 1, got {seeds}", where="--seeds", next="Give 1 or more.")
    asked = [tests] if isinstance(tests, str) else tests
    chosen = [test for item in asked for test in ([item] if isinstance(item, BiasTest) else load_tests([item]))]
    own = audit(run.model, chosen, ddof=ddof, seed=seed)  # first: what is not covered should not cost a training
    if seeds == 1:
        return own
    numbers = [run.settings.seed + n for n in range(seeds)]
    jobs, _ = train_further(run, numbers[1:], progress, processes)
    matrices = [job.read(run)[0] for job in jobs]
    made = {test.name: measurable_of(cover(test, run.model.index), ddof) for test in chosen if test.name in _names(own)}

    def over_seeds(result: AuditResult) -> AuditResult:
        objective = made[result.test]
        others = [objective.value(U[objective.rows].astype(np.float64), result.measure) for U in matrices]
        sample = Sample((result.value, *others))
        return replace(result, over_seeds={**sample.to_dict(), "seeds": numbers})

    return replace(own, results=tuple(over_seeds(result) for result in own.results))


def _names(found: Audit) -> set[str]:
    return {result.test for result in found.results}
