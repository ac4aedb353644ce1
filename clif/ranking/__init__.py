"""Rank documents and their parts by their influence on a test, and keep the list in the run."""

from clif.ranking.aggregation import GROUP_COLUMNS, Groups, by_field, check_field
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
from clif.ranking.questions import DEFAULT_TEST, HALF_LEAST, choose_test, make_problem, make_problems, weat_of
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
    "Groups",
    "Ranking",
    "by_field",
    "check_ending",
    "check_ensemble",
    "check_field",
    "choose_test",
    "ensemble_seeds",
    "further_problems",
    "make_problem",
    "make_problems",
    "newest_ranking",
    "rank",
    "rank_many",
    "read_order",
    "read_reports",
    "read_table",
    "solve_store",
    "stored_rankings",
    "weat_of",
    "write_groups",
    "write_ranking",
]
