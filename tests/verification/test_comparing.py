"""One method and one test: figures of made-up predictions whose answers are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from helpers import corpus_of

from clif.influence.methods import METHODS
from clif.verification import Request
from clif.verification.comparing import Realised, compare, gap
from clif.verification.noise import SEEDS, SETS
from clif.verification.predictions import Predicted
from clif.verification.sets import make_sets

CORPUS = corpus_of([[0] * 10 for _ in range(200)], 1)
ORDER = np.arange(200)
UNEDITED = np.array([1.0, 1.2])


def sets(**options):
    settings = {"sizes": (2, 4, 8), "random_sets": 2, "alpha": (0.5,), "subsets": 5, **options}
    return make_sets(CORPUS, Request(**settings), [ORDER], 1)


def truth(some):
    """A change in proportion to the documents: those chosen to reduce reduce, the others increase."""
    sign = {"reduce": -1.0, "increase": 1.0}
    rng = np.random.default_rng(0)
    return np.array([0.01 * each.size * sign.get(each.kind, 0.1 * rng.normal()) for each in some])


def realised(some, noise=0.0, seed=1, unedited=UNEDITED):
    rng = np.random.default_rng(seed)
    changes = truth(some)[:, None] + noise * rng.normal(size=(len(some), len(unedited)))
    return Realised.of(CORPUS, some, unedited + changes, unedited)


def predicted(some, method="block", times=1.0, noise=0.0, sums=1.0):
    rng = np.random.default_rng(2)
    changes = times * truth(some)[:, None] + noise * rng.normal(size=(len(some), 2))
    return Predicted(METHODS[method], changes, sums * changes, 1e-6)


def test_changes_are_after_minus_before_each_seed_by_itself():
    some = sets()
    found = realised(some)
    assert found.changes == pytest.approx(np.stack([truth(some)] * 2, axis=1))
    assert found.about()["value"] == {"mean": 1.1, "sd": pytest.approx(np.sqrt(0.02)), "runs": [1.0, 1.2]}


def test_predictions_that_come_true_in_every_figure():
    some = sets()
    found = compare(predicted(some), realised(some), {})
    for group in ("targeted", "random"):
        for figures in (found[group], found["same_run"][group]):
            assert (figures["pearson"], figures["slope"]) == (pytest.approx(1), pytest.approx(1))
            assert figures["rms"] == pytest.approx(0, abs=1e-12)
        assert found["coverage"][group] == 1
        assert found["signs"][group]["agreement"] == 1
    assert (found["targeted"]["points"], found["same_run"]["targeted"]["points"]) == (6, 12)
    assert found["random"]["points"] == 6
    assert found["lds"]["spearman"] == pytest.approx(1)
    assert (found["lds"]["alpha"], found["lds"]["subsets"]) == (0.5, 5)
    assert [row["kind"] for row in found["sets"]] == [each.kind for each in some]


def test_the_mean_over_the_seeds_is_compared_and_each_run_beside_it():
    some = sets()
    found = compare(predicted(some, noise=0.01), realised(some, noise=0.03), {})
    targeted = [n for n, each in enumerate(some) if each.targeted]
    x, y = predicted(some, noise=0.01).changes[targeted], realised(some, noise=0.03).changes[targeted]
    assert found["targeted"]["pearson"] == pytest.approx(np.corrcoef(x.mean(1), y.mean(1))[0, 1])
    assert found["same_run"]["targeted"]["pearson"] == pytest.approx(np.corrcoef(x.ravel(), y.ravel())[0, 1])
    row = found["sets"][targeted[0]]
    assert row["predicted"] == pytest.approx(x[0].mean())
    assert row["runs"] == {"predicted": x[0].tolist(), "realised": y[0].tolist()}
    assert row["stderr"] == pytest.approx(x[0].std(ddof=1) / np.sqrt(2))
    assert row["tokens"] == 10 * row["documents"]


def test_several_shares_kept_have_a_score_each_and_none_has_none():
    some = sets(alpha=(0.5, 0.9))
    assert [score["alpha"] for score in compare(predicted(some), realised(some), {})["lds"]] == [0.5, 0.9]
    some = sets(subsets=0)
    assert compare(predicted(some), realised(some), {})["lds"] is None


def test_scores_that_only_rank_have_ranks_and_no_bars():
    some = sets()
    found = compare(predicted(some, "length", times=1000.0), realised(some), {})
    assert found["targeted"]["spearman"] == pytest.approx(1)
    assert found["targeted"]["pearson"] is found["targeted"]["rms"] is found["bars"] is None
    assert found["coverage"] == {
        "level": 0.9, "all": None, "targeted": None, "random": None, "subset": None,
    }  # fmt: skip
    assert found["signs"] == {"targeted": None, "random": None}
    assert {row["half_width"] for row in found["sets"]} == {None}
    assert set(found["gap"].values()) == {None, found["gap"]["seeds"]}


def test_without_random_sets_there_is_nothing_to_say_of_them():
    some = sets(random_sets=0)
    about = realised(some, 0.01).about()
    assert about["winning"] == {"rate": None, "won": 0, "of": 0}
    assert about["detectable"]["source"] == SEEDS
    assert compare(predicted(some), realised(some), {})["random"]["points"] == 0


def test_one_run_knows_no_noise():
    some = sets()
    found = realised(some, unedited=UNEDITED[:1])
    about = found.about()
    assert (about["value"]["sd"], about["noise"], about["detectable"]["change"]) == (None, None, None)
    one = replace(predicted(some), changes=truth(some)[:, None], sums=truth(some)[:, None])
    figures = compare(one, found, {})
    assert figures["sets"][0]["stderr"] is None
    assert figures["gap"]["seeds"] is figures["lds"]["ceiling"] is None
    assert figures["signs"]["targeted"]["beyond_noise"] is None
    assert figures["same_run"]["targeted"] == figures["targeted"]


def test_random_sets_say_how_much_changes_vary():
    some = sets(random_sets=300, sizes=(4,), subsets=0)
    about = realised(some, noise=0.02).about()
    assert about["detectable"]["source"] == SETS
    assert about["noise"] == pytest.approx(1.97 * 0.02 / np.sqrt(2), rel=0.1)


@pytest.mark.parametrize("sign", [1, -1])
def test_chosen_sets_win_by_what_they_do_to_the_size_of_the_bias(sign):
    some = sets()
    changes = sign * truth(some)[:, None] * np.ones(2)
    found = Realised.of(CORPUS, some, sign * UNEDITED + changes, sign * UNEDITED)
    assert found.about()["winning"] == {"rate": 1.0, "won": 6, "of": 6}
    turned = Realised.of(CORPUS, some, sign * UNEDITED - changes, sign * UNEDITED)
    assert turned.about()["winning"]["won"] == 0


def test_where_errors_come_from():
    some, found = sets(), realised(sets(), noise=0.01)
    block, clif = predicted(some, sums=1.5), predicted(some, "clif", times=1.1)
    targeted = [n for n, each in enumerate(some) if each.targeted]
    size = np.sqrt(np.mean(truth(some)[targeted] ** 2))
    alone = gap(block, found, {"block": block})
    assert alone["linearisation"] == pytest.approx(0.5 * size)
    assert alone["solver"] is alone["unrolled_versus_limit"] is None
    spread = found.changes[targeted]
    assert alone["seeds"] == pytest.approx(np.sqrt(np.mean((spread - spread.mean(axis=1, keepdims=True)) ** 2)))
    assert gap(clif, found, {})["solver"] == 1e-6
    assert gap(predicted(some, "gradient"), found, {})["linearisation"] is None


def test_the_run_as_it_was_is_held_against_its_limit():
    if "unrolled" not in METHODS:
        pytest.skip("there is no such method")
    some, found = sets(), realised(sets())
    methods = {name: predicted(some, name, times) for name, times in {"clif": 1.1, "unrolled": 1.0}.items()}
    size = np.sqrt(np.mean([change**2 for each, change in zip(some, truth(some), strict=True) if each.targeted]))
    for name in methods:
        assert gap(methods[name], found, methods)["unrolled_versus_limit"] == pytest.approx(0.1 * size)
    assert gap(methods["unrolled"], found, {})["unrolled_versus_limit"] is None


def test_subsets_are_judged_but_teach_nothing():
    some = sets()
    found = compare(predicted(some, noise=0.01), realised(some, noise=0.03), {})
    less = sets(subsets=0)
    rest = [n for n, each in enumerate(some) if each.kind != "subset"]
    cut = predicted(some, noise=0.01)
    cut = replace(cut, changes=cut.changes[rest], sums=cut.sums[rest])
    after = realised(some, noise=0.03)
    other = compare(cut, Realised.of(CORPUS, less, after.unedited + after.changes[rest], after.unedited), {})
    assert found["bars"] == other["bars"]
    assert found["coverage"]["targeted"] == other["coverage"]["targeted"]
    assert found["coverage"]["subset"] is not None
    assert other["coverage"]["subset"] is None
