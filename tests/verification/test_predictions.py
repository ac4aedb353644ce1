"""Predictions for sets: those of the ranking's own functions, by every model."""

from __future__ import annotations

import numpy as np
import pytest

from clif.errors import InputError
from clif.influence.groups import predict_change
from clif.influence.joint import SolveSettings
from clif.influence.methods import METHODS
from clif.ranking import make_problems, rank
from clif.verification import Request
from clif.verification.predictions import Models, rank_order
from clif.verification.sets import make_sets

SEEDS = [1, 2]


@pytest.fixture(scope="module")
def models(verified):
    own = make_problems(verified.run, verified.tests, "effect_size")
    return Models.open(verified.run, own, SEEDS, None)


@pytest.fixture(scope="module")
def sets(verified, models):
    orders = [rank_order(problem, np.arange(len(verified.run.corpus))) for problem in models.problems[0]]
    return make_sets(verified.run.corpus, Request(sizes=(3, 20), subsets=2, random_sets=1), orders, 1)


@pytest.mark.parametrize("name", ["block", "clif", "gradient", "length"])
def test_predictions_are_those_of_each_model(verified, models, sets, name):
    method = METHODS[name]
    found = models.score(method)
    for test in (0, 1):
        predicted = models.predict(test, method, found, sets)
        assert predicted.changes.shape == predicted.sums.shape == (len(sets), 2)
        for row, each in enumerate(sets):
            times = each.edit.times(verified.run.corpus)
            for seed in (0, 1):
                one = found[seed][test]
                expected = predict_change(one.problem, method.sets, one.influence, times)
                assert predicted.changes[row, seed] == pytest.approx(expected, rel=1e-9, abs=1e-12)
                assert predicted.sums[row, seed] == pytest.approx(one.influence[each.edit.documents].sum())
        assert (predicted.residual is not None) == (name in ("block", "clif"))
    assert predicted.variance == pytest.approx(predicted.changes.var(axis=1, ddof=1) / 2)


def test_solves_take_no_more_products_than_asked(verified, models):
    few = Models(verified.run, SEEDS[:1], models.problems[:1], solving=SolveSettings(steps=2))
    scored = few.score(METHODS["lissa"])[0][0]
    assert scored.residual > 0.5  # two terms of the series are far from its sum


def test_values_are_those_of_the_models_as_they_are(verified, models):
    assert models.values.shape == (2, 2)
    assert models.values[0, 0] == models.problems[0][0].value != models.values[0, 1]
    assert models.problems[1][1].settings.seed == 2


def test_documents_come_in_the_order_of_the_ranking(verified, models, tmp_path):
    found = models.score(METHODS["block"])[0][0]
    order = rank_order(found.problem, found.influence)
    ranking = rank(verified.copy(tmp_path / "run"), verified.tests[0], measure="effect_size")
    assert [verified.run.corpus.doc_ids[z] for z in order] == ranking.doc_ids


def test_one_model_does_not_say_how_much_models_differ(verified, models, sets):
    alone = Models(verified.run, SEEDS[:1], models.problems[:1])
    predicted = alone.predict(0, METHODS["gradient"], alone.score(METHODS["gradient"]), sets)
    assert not predicted.variance.any()


def test_predictions_that_are_no_numbers_are_refused(models, sets, verified):
    found = models.score(METHODS["gradient"])
    found[0][0].influence[int(sets[0].edit.documents[0])] = np.nan
    with pytest.raises(InputError, match="no finite numbers") as caught:
        models.predict(0, METHODS["gradient"], found, sets)
    assert caught.value.where == "--method gradient"
