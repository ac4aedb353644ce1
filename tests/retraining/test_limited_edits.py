"""Limits and goals beside weights and sentences: what is chosen, what it costs, and what makes no sense."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from helpers import corpus_of

from clif.errors import UsageError
from clif.influence.groups import predict_value
from clif.influence.units import Documents, Sentences
from clif.objectives import SETS, BiasTest, cover
from clif.ranking import make_problem, rank
from clif.retraining import Request, retrain
from clif.retraining.caps import Cap, load_caps
from clif.retraining.duplicates import near_duplicates
from clif.retraining.planning import make_plan

FEW = {"seeds": 1, "controls": 1, "measure": "mean_difference", "method": "block"}


@pytest.fixture
def planted(made):
    return BiasTest.from_toml(made.test)


def test_the_fewest_documents_whose_halving_reaches_a_goal(opened, planted, quick_retraining):
    before = make_problem(opened, planted, "mean_difference").value
    goal = f"{0.85 * before:.5f}"
    done = retrain(opened, planted, until=goal, weight=0.5, **FEW).to_dict()
    until = done["until"]
    assert until["reached"]
    assert (done["edit"], done["weight"], done["edited"]) == ("weight", 0.5, until["documents"])
    assert done["after"]["mean"] <= float(goal)
    (path,) = done["edited_corpus"]["weights"]
    with open(path, encoding="utf-8") as file:
        half = {row["doc_id"]: float(row["weight"]) for row in csv.DictReader(file)}
    assert set(half.values()) == {0.5}
    times = np.array([0.5 * (doc_id in half) for doc_id in opened.corpus.doc_ids])
    problem = make_problem(opened, planted, "mean_difference")
    assert done["predicted"] == pytest.approx(predict_value(problem, times) - problem.value, rel=1e-9)
    (trial,) = [each for each in until["trials"] if each["documents"] == until["documents"]]
    assert trial["predicted"] == pytest.approx(problem.value + done["predicted"], abs=2e-3)
    assert trial["realised"] == pytest.approx(done["after"]["mean"])
    gone = retrain(opened, planted, until=goal, **FEW).to_dict()
    assert gone["folder"] != done["folder"]
    assert 1.3 < until["documents"] / gone["until"]["documents"] < 3.5
    assert retrain(opened, planted, until=goal, weight=0.5, **FEW).reused


def test_of_halved_documents_twice_as_many_fit_a_cap(opened, planted):
    shares = {}
    for weight in (0, 0.5):
        request = Request(remove=150, weight=weight, cap="words=.1", **FEW)
        plan = make_plan(opened, planted, request)
        lost = [words["lost"] for words in plan.about["costs"]["words"].values()]
        assert max(lost) <= 0.1
        assert plan.about["edited"] < 150
        assert any(("given a weight of 0.5" if weight else "removed") in warning for warning in plan.about["warnings"])
        shares[weight] = plan.about["edited"]
    assert 1.6 < shares[0.5] / shares[0] < 2.6


def test_loads_of_sentences_are_those_of_their_documents(opened, planted):
    coverage, units = cover(planted, opened.model.index), Sentences(opened.corpus)
    whole = load_caps(opened, [Cap("words", 0.2), Cap("carrier", 0.3)], coverage, Documents(opened.corpus))
    parts = load_caps(opened, [Cap("words", 0.2), Cap("carrier", 0.3)], coverage, units)
    half = load_caps(opened, [Cap("words", 0.2)], coverage, Documents(opened.corpus, 0.5))
    assert parts.names == whole.names
    assert parts.budgets == pytest.approx(whole.budgets)
    summed = np.stack([np.bincount(units.document, row, len(opened.corpus)) for row in parts.loads.toarray()])
    assert summed == pytest.approx(whole.loads.toarray())
    assert half.loads.toarray() == pytest.approx(0.5 * whole.loads.toarray()[: len(SETS)])
    assert half.budgets == pytest.approx(whole.budgets[: len(SETS)])


def test_sentences_go_within_caps_and_stay_where_they_are_protected(opened, planted, workplace, quick_retraining):
    order = rank(opened, planted, measure="mean_difference", unit="sentence")
    (workplace / "stay.txt").write_text("\n".join(order.doc_ids[:3]), encoding="utf-8")
    options = {"remove": 300, "unit": "sentence", "cap": "words=.05", "protect": workplace / "stay.txt", **FEW}
    done = retrain(opened, planted, **options).to_dict()
    assert 0 < done["sentences"] < 300
    assert any("sentences are removed, not 300" in warning for warning in done["warnings"])
    words = done["costs"]["words"].values()
    assert max(each["lost"] for each in words) <= 0.05
    assert max(each["lost"] for each in words) > 0.03
    plan = make_plan(opened, planted, Request(**options))
    touched = {opened.corpus.doc_ids[z] for z in plan.choices[0].edit.documents}
    assert not touched & set(order.doc_ids[:3])
    # Without limits the order is that of the ranking; within them it is the same but for what does not fit.
    place = {(d, n): k for k, (d, n) in enumerate(zip(order.doc_ids, order.columns["sentence"], strict=True))}
    units = Sentences(opened.corpus)
    chosen = plan.choices[0].edit.chosen
    ids = [(opened.corpus.doc_ids[units.document[s]], int(units.spans.number[s])) for s in chosen]
    assert [place[each] for each in ids] == sorted(place[each] for each in ids)


def test_sentences_on_the_way_to_a_goal_keep_what_shall_stay(opened, planted, workplace, quick_retraining):
    before = make_problem(opened, planted, "mean_difference").value
    lines = [f"{key} = {json.dumps(list(words)[:: 2 if key in 'XY' else 1])}" for key, words in planted.sets.items()]
    (workplace / "other.toml").write_text("\n".join(['name = "other"', *lines]), "utf-8")
    options = {"until": f"{0.9 * before:.5f}", "unit": "sentence", "keep": "other.toml=.05", "cap": "words=.1"}
    done = retrain(opened, planted, **options, **FEW).to_dict()
    (kept,) = done["kept"]
    assert abs(kept["predicted"]) <= 0.05
    assert done["until"]["unit"] == "sentence"
    assert max(each["lost"] for each in done["costs"]["words"].values()) <= 0.1


def test_alike_sentences_go_together(opened, planted):
    corpus = corpus_of([[1, 2, 3, 1, 2, 3, 4, 5], [1, 2, 3, 9, 9]])
    ends = np.array([0, 3, 8, 11, 13])
    assert near_duplicates(corpus, 1.0, ends).tolist() == [0, 1, 0, 2]
    assert near_duplicates(corpus, 1.0).tolist() == [0, 1]
    plan = make_plan(opened, planted, Request(remove=30, unit="sentence", near_duplicates=0.9, **FEW))
    about = plan.about["near_duplicates"]
    assert about["units"] <= len(Sentences(opened.corpus))
    assert about["edited_units"] <= plan.about["sentences"] == 30


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"amplify": 3, "cap": "words=.1"}, "nothing goes"),
        ({"swap": 3, "keep": "weat1"}, "documents stay"),
        ({"swap": 3, "near_duplicates": 0.8}, "documents stay"),
        ({"remove": 3, "unit": "sentence", "weight": 0.5}, "stands in its document or not"),
        ({"amplify": 3, "weight": 0.5}, "given a weight instead"),
        ({"swap": 3, "unit": "sentence"}, "only be removed"),
        ({"until": ".1", "weight": 0.5, "method": "gradient"}, "anew after each chunk"),
    ],
)
def test_what_makes_no_sense_is_said_with_its_reason(options, why):
    with pytest.raises(UsageError, match=why):
        Request(**options)


def test_what_was_refused_is_a_request_now():
    for options in (
        {"until": ".1", "weight": 0.5, "keep": "weat1", "cap": "words=.1", "near_duplicates": 0.8},
        {"remove": 5, "weight": 0.5, "cap": "words=.1"},
        {"until": ".1", "unit": "sentence", "keep": "quality", "cap": "words=.1", "near_duplicates": 0.8},
        {"remove": "zero", "unit": "sentence", "cap": "words=.1"},
    ):
        assert Request(**options).limited
