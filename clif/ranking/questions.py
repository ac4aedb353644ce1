"""Which test a run is asked about, and the problem that this makes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from clif.errors import UsageError
from clif.influence.problem import Problem
from clif.objectives import (
    BiasObjective,
    BiasTest,
    check_ranked,
    cover,
    kind_of,
    load_tests,
    objective_of,
    uncovered_error,
)
from clif.progress import Progress, silent
from clif.ranking.stored import newest_ranking
from clif.run import Run

DEFAULT_TEST = "gender-career"
HALF_LEAST = 2  # words that each set of half a test needs; whole tests need more


def choose_test(run: Run, test: str | BiasTest | None) -> BiasTest:
    """The test asked for, else that of the newest stored ranking, else DEFAULT_TEST.

    Raises UsageError for one that documents cannot be ranked for.
    """
    if isinstance(test, BiasTest):
        check_ranked(test)
        return test
    if test is None:
        newest = newest_ranking(run)
        if newest:
            return newest.test
    tests = load_tests([test or DEFAULT_TEST])
    if len(tests) != 1:
        raise UsageError(
            f"{test!r} names {len(tests)} tests; documents are ranked for one",
            where="--test",
            next=f"Choose one of: {', '.join(t.name for t in tests)}.",
        )
    check_ranked(tests[0])
    return tests[0]


def bias_of(problem: Problem) -> BiasObjective:
    """The objective of a problem that was made here, of a bias test."""
    return cast(BiasObjective, problem.objective)


def make_problem(
    run: Run,
    test: BiasTest,
    measure: str | None,
    damping: float | None = None,
    *,
    half: bool = False,
    progress: Progress = silent,
) -> Problem:
    """The question of `test` put to a run's model; raises CoverageError if the vocabulary lacks its words."""
    return make_problems(run, [test], measure, damping, half=half, progress=progress)[0]


def make_problems(
    run: Run,
    tests: Sequence[BiasTest],
    measure: str | None,
    damping: float | None = None,
    *,
    half: bool = False,
    progress: Progress = silent,
) -> list[Problem]:
    """Several questions about one model, which share what does not depend on the question.

    Without a measure each test is measured by the first of its kind.
    """
    model = run.model
    assert model.C is not None
    coverages = [cover(test, model.index, HALF_LEAST) if half else cover(test, model.index) for test in tests]
    lacking = [coverage for coverage in coverages if coverage.reason]
    if lacking:
        raise uncovered_error(lacking, where=str(run.path))
    measures = [kind_of(test).check_measure(measure) for test in tests]
    objectives = [objective_of(coverage) for coverage in coverages]
    first = Problem(
        run.corpus, run.vocabulary, run.settings, model.U, model.C, objectives[0], measures[0], damping,
        folder=run.checkpoints, progress=progress,
    )  # fmt: skip
    return [first, *(first.asking(*asked) for asked in zip(objectives[1:], measures[1:], strict=True))]
