"""Objectives: bias tests of several kinds as differentiable functions of word vectors; p-values, audits, plug-ins.

Also where a word sits, and how well vectors agree with human judgements of similarity.
"""

from __future__ import annotations

from clif.objectives.auditing import Audit, AuditResult, Skipped, audit
from clif.objectives.bias_tests import GROUPS, OTHERS, PACKAGED, SETS, BiasTest, load_tests
from clif.objectives.by_torch import TorchObjective
from clif.objectives.coverage import Coverage, cover, lacking, uncovered_error
from clif.objectives.kinds import KINDS, Kind, find_kind, kind_of
from clif.objectives.making import check_ranked, measurable_of, objective_of, p_values_of
from clif.objectives.membership import NEARNESS, Membership, known_words
from clif.objectives.objective import BiasObjective, Measurable, Objective
from clif.objectives.permutation import PValues, permutation_p_values
from clif.objectives.plugins import PlugIn, definition, installed
from clif.objectives.similarity import Similarity
from clif.objectives.weat import MEASURES, WEAT

__all__ = [
    "GROUPS",
    "KINDS",
    "MEASURES",
    "NEARNESS",
    "OTHERS",
    "PACKAGED",
    "SETS",
    "WEAT",
    "Audit",
    "AuditResult",
    "BiasObjective",
    "BiasTest",
    "Coverage",
    "Kind",
    "Measurable",
    "Membership",
    "Objective",
    "PValues",
    "PlugIn",
    "Similarity",
    "Skipped",
    "TorchObjective",
    "audit",
    "check_ranked",
    "cover",
    "definition",
    "find_kind",
    "installed",
    "kind_of",
    "known_words",
    "lacking",
    "load_tests",
    "measurable_of",
    "objective_of",
    "p_values_of",
    "permutation_p_values",
    "uncovered_error",
]
