"""Which sets are drawn: from both ends of a ranking, as large by chance, and as shares of the corpus."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import corpus_of

from clif.errors import UsageError
from clif.verification import Request
from clif.verification.sets import SUBSET, check_sizes, make_sets, sizes_for

RNG = np.random.default_rng(0)
LENGTHS = RNG.integers(5, 60, 400)
CORPUS = corpus_of([[0] * length for length in LENGTHS], 1)
ORDERS = [RNG.permutation(400), np.argsort(-LENGTHS, kind="stable")]


def made(orders=ORDERS, seed=1, **options):
    return make_sets(CORPUS, Request(**options), orders, seed)


def names(sets, kind):
    return [each.name for each in sets if each.kind == kind]


@pytest.mark.parametrize(
    ("documents", "sizes"),
    [(1_000_000, (10, 30, 100, 300, 1000)), (25_110, (10, 30, 100, 300, 1000)), (2_706, (10, 30, 100)),
     (600, (10, 30)), (200, (10,)), (199, (9,)), (20, (1,)), (3, (1,))],
)  # fmt: skip
def test_sizes_by_default_go_up_to_a_twentieth_of_the_documents(documents, sizes):
    assert sizes_for(documents) == sizes


def test_something_must_stay_to_train_on():
    check_sizes((10, 399), 400)
    check_sizes((), 400)
    with pytest.raises(UsageError, match="cannot remove 400 of 400") as caught:
        made(sizes=(10, 400))
    assert (caught.value.where, caught.value.next) == ("--sizes", "Give numbers up to 399.")


def test_chosen_sets_are_the_ends_of_each_ranking():
    sets = [each for each in made(sizes=(4, 7), random_sets=0, subsets=0) if each.targeted]
    assert [(each.kind, each.size, each.test) for each in sets] == [
        (kind, size, test) for size in (4, 7) for test in (0, 1) for kind in ("reduce", "increase")
    ]
    for each in sets:
        order = ORDERS[each.test] if each.kind == "reduce" else ORDERS[each.test][::-1]
        assert each.edit.documents.tolist() == order[: each.size].tolist()
        assert each.edit.copies == 0
        assert not each.random


def test_random_sets_have_as_many_tokens_as_the_chosen_ones_on_the_average():
    sets = made(sizes=(4, 30), random_sets=5, subsets=0)
    for size in (4, 30):
        wanted = np.mean([each.edit.tokens(CORPUS) for each in sets if each.targeted and each.size == size])
        random = [each for each in sets if each.random and each.size == size]
        assert len(random) == len(set(names(random, "random"))) == 5
        for each in random:
            assert abs(each.edit.tokens(CORPUS) - wanted) <= LENGTHS.max() / 2
            assert not each.targeted


def test_shares_are_of_the_documents_removed_and_subsets_of_those_kept():
    sets = made(sizes=(), random_shares=(0.01, 0.1), random_sets=2, alpha=(0.5, 0.98), subsets=3)
    counted = [(each.kind, each.asked, len(each.edit.documents)) for each in sets]
    assert counted == [
        *[("share", 0.01, 4)] * 2, *[("share", 0.1, 40)] * 2, *[("subset", 0.5, 200)] * 3, *[("subset", 0.98, 8)] * 3,
    ]  # fmt: skip
    assert [each.random for each in sets] == [True] * 4 + [False] * 6
    assert all(len(set(each.edit.documents.tolist())) == len(each.edit.documents) for each in sets)
    assert len({each.name for each in sets}) == len(sets)


def test_asking_for_more_or_for_other_sets_leaves_those_that_were_there():
    few = made(sizes=(4,), random_sets=2, subsets=3)
    more = made(sizes=(4, 20), random_sets=4, subsets=9, random_shares=(0.05,))
    assert set(names(few, "random")) <= set(names(more, "random"))
    assert names(few, SUBSET) == names(more, SUBSET)[:3]
    other = made(orders=ORDERS[::-1], sizes=(4,), random_sets=2, subsets=3)
    assert names(other, SUBSET) == names(few, SUBSET)
    assert names(other, "random") == names(few, "random")  # by the same two tests
    assert sorted(names(other, "reduce")) == sorted(names(few, "reduce"))


def test_another_seed_draws_others():
    assert not set(names(made(), SUBSET)) & set(names(made(seed=2), SUBSET))
    assert not set(names(made(), "random")) & set(names(made(seed=2), "random"))


def test_every_document_is_drawn_alike():
    sets = made(sizes=(), alpha=0.5, subsets=400)
    share = np.bincount(np.concatenate([each.edit.documents for each in sets]), minlength=400) / 400
    assert np.abs(share - 0.5).max() < 4.5 * np.sqrt(0.25 / 400)
