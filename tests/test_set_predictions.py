"""Methods that predict sets of documents in a way of their own: rankings and retrainings take it from them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from conftest import Made

from clif.errors import UsageError
from clif.influence.groups import nearest_zero, predict_value, removal
from clif.influence.methods import METHODS
from clif.influence.problem import Problem
from clif.influence.scores import score_documents
from clif.objectives import BiasTest
from clif.ranking import Ranking, make_problem, rank
from clif.ranking import ensemble as ensembles
from clif.retraining import retrain
from clif.run import Run, open_run
from clif.training import models, pool, train

OWN = [name for name, method in METHODS.items() if method.finds_sets]


@pytest.fixture
def planted(made: Made) -> BiasTest:
    return BiasTest.from_toml(made.test)


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch, quick_retraining: list[Any]) -> list[int]:
    """Train further models in this process; returns their seeds as they are done."""
    seeds: list[int] = []

    def train_apart(run: Run, jobs: list[pool.Job], *_: object) -> float:
        missing = [job for job in jobs if not job.path.exists()]
        seeds.extend(job.seed for job in missing)
        return sum(pool.train_job(str(run.path), job) for job in missing)

    monkeypatch.setattr(models, "train_apart", train_apart)
    return seeds


def knowing(problem: Problem, method: str) -> Problem:
    """The problem with what the method finds, from the library alone."""
    found = score_documents(problem, METHODS[method]).attribution
    return problem.knowing(found.predictor)


def order_of(ranking: Ranking, run: Run) -> np.ndarray:
    return np.array([run.corpus.number[doc_id] for doc_id in ranking.doc_ids])


def test_some_methods_have_a_way_of_their_own():
    assert "source" in OWN
    assert not METHODS["block"].finds_sets
    assert not METHODS["gradient"].finds_sets


@pytest.mark.parametrize("method", OWN)
def test_the_zero_crossing_and_the_prediction_of_a_retraining_are_the_methods_own(method, opened, planted, trained):
    ranking = rank(opened, planted, method=method)
    problem = make_problem(opened, planted, "effect_size")
    own, order = knowing(problem, method), order_of(ranking, opened)

    def predicted(k: int) -> float:
        return predict_value(own, removal(own, order[:k]))

    assert ranking.about["zero_crossing"] == nearest_zero(predicted, int((ranking.influence < 0).sum()))
    assert ranking.about["damping"] is None
    done = retrain(opened, remove=20, seeds=1, controls=0).to_dict()
    assert done["method"] == method
    assert done["zero_crossing"] == ranking.about["zero_crossing"]
    assert done["predicted"] == pytest.approx(predicted(20) - predicted(0))
    newton = predict_value(problem, removal(problem, order[:20])) - problem.value
    assert done["predicted"] != pytest.approx(newton, rel=1e-3)
    # What becomes of it, in the same run.
    assert done["realised"] == pytest.approx(done["predicted"], rel=0.5)


@pytest.mark.parametrize("method", OWN)
def test_an_ensemble_predicts_by_what_the_method_finds_in_each_model(method, opened, planted, trained):
    ranking = rank(opened, planted, method=method, ensemble=2)
    assert trained == [2]
    first = make_problem(opened, planted, "effect_size")
    (job,) = models.train_further(opened, [2])[0]
    problems = [first, first.of_model(*job.read(opened), job.settings(opened))]
    own, order = [knowing(problem, method) for problem in problems], order_of(ranking, opened)
    each = np.array([score_documents(problem, METHODS[method]).influence for problem in problems])
    np.testing.assert_allclose(ranking.influence, each.mean(0)[order], rtol=1e-9, atol=1e-15)

    def predicted(k: int) -> float:
        return float(np.mean([predict_value(each, removal(each, order[:k])) for each in own]))

    assert ranking.about["zero_crossing"] == nearest_zero(predicted, int((ranking.influence < 0).sum()))
    done = retrain(opened, remove=20, seeds=1, controls=0).to_dict()
    assert done["ensemble"] == [1, 2]
    assert done["predicted"] == pytest.approx(predicted(20) - predicted(0))
    # The vectors of each epoch are kept for both.
    assert {path.name.split(".")[0] for path in opened.checkpoints.iterdir()} == {"seed-1", "seed-2"}


def test_after_a_list_from_a_file_or_by_another_method_it_is_the_newton_step(opened, planted, trained, tmp_path):
    ranking = rank(opened, planted, method="source")
    problem, order = make_problem(opened, planted, "effect_size"), order_of(ranking, opened)
    newton = predict_value(problem, removal(problem, order[:20])) - problem.value
    done = retrain(opened, remove=20, ranking=ranking.path, seeds=1, controls=0).to_dict()
    assert done["predicted"] == pytest.approx(newton)


@pytest.mark.parametrize("method", OWN)
@pytest.mark.parametrize("chosen", [{"trainer": "gensim"}, {"workers": 2}], ids=str)
def test_a_run_that_cannot_be_repeated_is_refused_before_anything_is_trained(
    method, chosen, made, planted, trained, tmp_path
):
    from dataclasses import replace

    from conftest import SETTINGS

    run = train([made.corpus], tmp_path / "run", replace(SETTINGS, **chosen)).run
    with pytest.raises(UsageError, match="cannot be repeated") as caught:
        rank(run, planted, method=method, ensemble=2)
    assert caught.value.where == f"--method {method}"
    assert trained == []
    assert rank(open_run(run.path), planted).about["method"] == "block"


def test_a_method_without_one_is_not_asked_again(opened, planted, trained, monkeypatch):
    rank(opened, planted)
    asked: list[str] = []
    monkeypatch.setattr(ensembles, "solve_store", lambda *_args, **_options: asked.append("store"))
    retrain(opened, remove=5, seeds=1, controls=0)
    assert asked == []


def test_documents_chosen_in_chunks_are_those_that_are_removed(opened, planted, trained):
    plain = order_of(rank(opened, planted), opened)
    ranking = rank(opened, planted, adaptive=30)
    done = retrain(opened, remove=30, seeds=1, controls=0)
    removed = (done.folder / "removed").glob("*")
    text = "".join(path.read_text() for path in removed)
    assert all(f'"{doc_id}"' in text for doc_id in ranking.doc_ids[:30])
    problem = make_problem(opened, planted, "effect_size")
    change = predict_value(problem, removal(problem, order_of(ranking, opened)[:30])) - problem.value
    assert done.to_dict()["predicted"] == pytest.approx(change)
    assert abs(problem.value + change) <= abs(predict_value(problem, removal(problem, plain[:30]))) + 1e-9
