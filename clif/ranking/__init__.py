"""Rank documents and their parts by their influence on a test, and keep the list in the run."""

from clif.ranking.aggregation import GROUP_COLUMNS, Groups, by_field, check_field, group_documents
from clif.ranking.costs import Costs, costs_of
from clif.ranking.ensemble import check_ensemble, ensemble_seeds, further_problems
from clif.ranking.files import WRITERS, check_ending, read_order, read_table, write_groups, write_ranking
from clif.ranking.lists import (
    CONTEXT_COLUMNS,
    DOCUMENT_COLUMNS,
    ENSEMBLE_COLUMNS,
    PAIR_COLUMNS,
    SENTENCE_COLUMNS,
    Ranking,
)
from clif.ranking.making import TOP, UNITS, rank, rank_many
from clif.ranking.questions import DEFAULT_TEST, HALF_LEAST, bias_of, choose_test, make_problem, make_problems
from clif.ranking.sentence_order import find_sentences, read_sentence_order
from clif.ranking.solves import read_reports, solve_store
from clif.ranking.stored import newest_ranking, stored_rankings

__all__ = [
    "CONTEXT_COLUMNS",
    "DEFAULT_TEST",
    "DOCUMENT_COLUMNS",
    "ENSEMBLE_COLUMNS",
    "GROUP_COLUMNS",
    "HALF_LEAST",
    "PAIR_COLUMNS",
    "SENTENCE_COLUMNS",
    "TOP",
    "UNITS",
    "WRITERS",
    "Costs",
    "Groups",
    "Ranking",
    "bias_of",
    "by_field",
    "check_ending",
    "check_ensemble",
    "check_field",
    "choose_test",
    "costs_of",
    "ensemble_seeds",
    "find_sentences",
    "further_problems",
    "group_documents",
    "make_problem",
    "make_problems",
    "newest_ranking",
    "rank",
    "rank_many",
    "read_order",
    "read_reports",
    "read_sentence_order",
    "read_table",
    "solve_store",
    "stored_rankings",
    "write_groups",
    "write_ranking",
]
