"""Objectives: bias tests, WEAT as a differentiable function of word vectors, p-values, the audit.

Also where a word sits, and how well vectors agree with human judgements of similarity.
"""

from __future__ import annotations

from clif.objectives.auditing import Audit, AuditResult, Skipped, audit
from clif.objectives.bias_tests import GROUPS, PACKAGED, SETS, BiasTest, load_tests
from clif.objectives.coverage import Coverage, cover, lacking, uncovered_error
from clif.objectives.membership import NEARNESS, Membership, known_words
from clif.objectives.objective import Objective
from clif.objectives.permutation import PValues, permutation_p_values
from clif.objectives.similarity import Similarity
from clif.objectives.weat import MEASURES, WEAT

__all__ = [
    "GROUPS",
    "MEASURES",
    "NEARNESS",
    "PACKAGED",
    "SETS",
    "WEAT",
    "Audit",
    "AuditResult",
    "BiasTest",
    "Coverage",
    "Membership",
    "Objective",
    "PValues",
    "Similarity",
    "Skipped",
    "audit",
    "cover",
    "known_words",
    "lacking",
    "load_tests",
    "permutation_p_values",
    "uncovered_error",
]
