"""Lists that prefer documents which act on many words: parts add up to the whole, and the order is what it says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from conftest import Made

from clif.errors import UsageError
from clif.influence.methods import METHODS
from clif.influence.scores import score_many
from clif.objectives import BiasTest
from clif.objectives.linear import Linear
from clif.ranking import make_problem, rank
from clif.ranking.broad import BROAD, breadth, by_word
from clif.retraining.asking import Asked
from clif.retraining.request import Request

MEASURES = ("effect_size", "mean_difference")


@pytest.fixture
def planted(made: Made) -> BiasTest:
    return BiasTest.from_toml(made.test)


def through_words(problem, method="block", broad="targets"):
    return np.array([scores.influence for scores in score_many(by_word(problem, broad), METHODS[method])])


@pytest.mark.parametrize("broad", BROAD)
@pytest.mark.parametrize("measure", MEASURES)
def test_gradients_by_words_add_up_to_that_of_the_test(opened, planted, measure, broad):
    problem = make_problem(opened, planted, measure)
    parts = by_word(problem, broad)
    assert len(parts) == (16 if broad == "targets" else len(planted.A) + len(planted.B))
    assert sum(part.gradient for part in parts) == pytest.approx(problem.gradient, abs=1e-12)


@pytest.mark.parametrize("measure", MEASURES)
def test_the_share_of_an_attribute_is_that_of_its_cosines(opened, planted, measure):
    """By finite differences of sum_i w_i cos(i, a) / n_A, with the slopes w of T held where they are."""
    problem = make_problem(opened, planted, measure)
    weat, E = problem.objective, problem.E
    w = weat.join_gradient(weat.associations(E), measure)
    step = np.random.default_rng(0).normal(size=E.shape)
    for k in (0, len(planted.A)):
        place, sign = weat.n_X + weat.n_Y + k, 1 / len(planted.A) if k == 0 else -1 / len(planted.B)

        def share(F, place=place, sign=sign):
            units = F / np.linalg.norm(F, axis=1, keepdims=True)
            return sign * w @ (units[: len(w)] @ units[place])

        by_differences = (share(E + 1e-5 * step) - share(E - 1e-5 * step)) / 2e-5
        assert (weat.attribute_gradients(E, measure)[k] * step).sum() == pytest.approx(by_differences, rel=1e-5)


def test_a_linear_objective_is_linear():
    rng = np.random.default_rng(1)
    E, slope = rng.normal(size=(2, 5, 3))
    T = Linear(np.arange(5), slope)
    assert T.join(T.associations(E), "") == T.value(E, "") == pytest.approx(np.tensordot(slope, E, 2))
    assert T.gradient(E, "") == pytest.approx(
        np.einsum("m,mnd->nd", T.join_gradient(np.ones(1), ""), T.part_gradients(E))
    )


@pytest.mark.parametrize("broad", BROAD)
@pytest.mark.parametrize("method", ["block", "source", "clif"])
def test_influences_through_words_add_up(opened, planted, method, broad):
    problem = make_problem(opened, planted, "mean_difference")
    whole = score_many([problem], METHODS[method])[0].influence
    assert through_words(problem, method, broad).sum(axis=0) == pytest.approx(whole, abs=2e-3 * np.abs(whole).max())


@pytest.mark.parametrize("ensemble", [None, 2])
def test_the_list_is_in_the_order_of_breadth(opened, planted, ensemble):
    plain = rank(opened, planted, measure="mean_difference", ensemble=ensemble)
    broad = rank(opened, planted, measure="mean_difference", ensemble=ensemble, broad="targets")
    assert plain.path != broad.path
    assert (plain.about["broad"], broad.about["broad"]) == (None, "targets")
    influence = [dict(zip(each.doc_ids, each.influence, strict=True)) for each in (plain, broad)]
    assert influence[0] == influence[1]
    assert plain.doc_ids != broad.doc_ids
    assert broad.columns["rank"].tolist() == list(range(1, len(broad) + 1))
    if ensemble is None:
        problem = make_problem(opened, planted, "mean_difference")
        by_hand = sum(np.sign(part) * abs(part) ** 0.5 for part in through_words(problem))
        order = np.argsort(np.sign(problem.value) * by_hand, kind="stable")
        assert broad.doc_ids == [opened.corpus.doc_ids[z] for z in order]
    assert broad.about["zero_crossing"] > 0
    assert "by many of the targets" in repr(broad)
    assert "by many of the targets" not in repr(plain)
    assert rank(opened, planted, measure="mean_difference", ensemble=ensemble, broad="targets").reused


def test_of_two_documents_that_on_more_words_is_first():
    one, many = np.zeros(8), np.full(8, -1.0)
    one[0] = -8.0
    assert one.sum() == many.sum()
    narrow, wide = breadth(np.array([one, many]).T)
    assert wide < narrow < 0
    assert breadth(-np.array([one, many]).T).tolist() == [-narrow, -wide]


def test_retraining_takes_it_from_the_newest_ranking(opened, planted):
    rank(opened, planted, measure="mean_difference", broad="attributes")
    assert Asked.of(opened, planted, Request(remove=3)).broad == "attributes"
    assert not Asked.of(opened, planted, Request(remove=3, unit="sentence")).broad
    rank(opened, planted, measure="mean_difference")
    assert not Asked.of(opened, planted, Request(remove=3)).broad


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"method": "unrolled"}, "not taken apart by words by unrolled"),
        ({"method": "length"}, "not taken apart"),
        ({"unit": "sentence"}, "of documents"),
        ({"adaptive": 3}, "an order of its own"),
        ({"ensemble": 3, "confidence": 0.9}, "an order of its own"),
        ({"broad": "both"}, "unknown kind of words"),
    ],
)
def test_what_makes_no_sense_is_refused(opened, planted, options, says):
    with pytest.raises(UsageError, match=says):
        rank(opened, planted, **{"broad": "targets", **options})


def test_only_weat_is_taken_apart_by_attributes(opened, planted):
    other = replace(planted, name="pulled", kind="mac", Y=())
    rank(opened, other, broad="targets")
    with pytest.raises(UsageError, match="kind mac"):
        rank(opened, other, broad="attributes")


def test_the_command_says_what_comes_first(clif, workplace):
    said = clif("rank", "--test", "planted.toml", "--broad", "attributes")
    assert "by many of the attributes" in said.out
    assert clif("rank", "--test", "planted.toml", "--broad", "attributes", "--json").json()["broad"] == "attributes"
    refused = clif("rank", "--test", "planted.toml", "--broad", "words")
    assert refused.code == 2
    assert "Choose targets or attributes." in refused.err
