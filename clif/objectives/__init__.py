"""Objectives: bias tests, WEAT as a differentiable function of word vectors, p-values, the audit."""

from __future__ import annotations

from clif.objectives.auditing import Audit, AuditResult, Skipped, audit
from clif.objectives.bias_tests import GROUPS, PACKAGED, SETS, BiasTest, load_tests
from clif.objectives.coverage import Coverage, cover, lacking, uncovered_error
from clif.objectives.permutation import PValues, permutation_p_values
from clif.objectives.weat import MEASURES, WEAT

__all__ = [
    "GROUPS",
    "MEASURES",
    "PACKAGED",
    "SETS",
    "WEAT",
    "Audit",
    "AuditResult",
    "BiasTest",
    "Coverage",
    "PValues",
    "Skipped",
    "audit",
    "cover",
    "lacking",
    "load_tests",
    "permutation_p_values",
    "uncovered_error",
]
