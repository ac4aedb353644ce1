"""From the words of a test to its objective, whatever its kind."""

from __future__ import annotations

from dataclasses import is_dataclass, replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from clif.errors import UsageError
from clif.objectives.bias_tests import BiasTest
from clif.objectives.coverage import Coverage
from clif.objectives.kinds import Kind, kind_of
from clif.objectives.objective import BiasObjective, Measurable
from clif.objectives.permutation import PValues, permutation_p_values


def objective_of(coverage: Coverage, ddof: int = 0) -> BiasObjective:
    """The objective of a test's words, by which documents can be ranked.

    `ddof` is taken from the deviation by the kinds that have one.

    Raises
    ------
    CoverageError
        The test is not covered.
    UsageError
        The kind has no gradient; `ddof` or an option of the test does not fit.
    InputError
        The kind is that of a plug-in that cannot be used.

    """
    check_ranked(coverage.test)
    return cast(BiasObjective, measurable_of(coverage, ddof))


def measurable_of(coverage: Coverage, ddof: int = 0) -> Measurable:
    """As `objective_of`, for audits, which need no gradient; plug-ins know nothing of `ddof`."""
    made: Any = kind_of(coverage.test).make(coverage)
    if ddof and is_dataclass(made) and hasattr(made, "ddof"):
        made = replace(cast(Any, made), ddof=ddof)
    return cast(Measurable, made)


def check_ranked(test: BiasTest) -> Kind:
    """The kind of a test; raises UsageError for one that only audits know."""
    kind = kind_of(test)
    if not kind.ranked:
        raise UsageError(
            f"a test of kind {kind.name!r} has no gradient, so documents cannot be ranked for it",
            where=f"test {test.name!r}",
            next="Measure it with clif audit; for ranks choose another kind, which clif audit --list shows.",
        )
    return kind


def p_values_of(coverage: Coverage, s: NDArray[np.float64], *, seed: int = 0) -> PValues | None:
    """P-values of T where the targets have the parts s; None for kinds whose targets cannot change places."""
    if not kind_of(coverage.test).permutes:
        return None
    return permutation_p_values(s, len(coverage.rows["X"]), seed=seed)
