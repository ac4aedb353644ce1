"""What shall be kept: parsing, estimates against re-solved problems, and choices on the planted corpus."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from helpers import random_problem

from clif.errors import CoverageError, UsageError
from clif.influence.adaptive import ADAPTIVE
from clif.influence.groups import predict_value, removal
from clif.influence.methods import METHODS
from clif.influence.scores import score_documents
from clif.influence.units import Documents
from clif.objectives import WEAT, BiasTest, Similarity, cover
from clif.ranking import rank
from clif.retraining import Request, retrain
from clif.retraining.keeping import Keep, find_kept
from clif.retraining.kept_words import KeptWords
from clif.retraining.planning import make_plan

FEW = {"seeds": 1, "controls": 1, "measure": "mean_difference", "method": "block"}


@pytest.mark.parametrize(
    ("text", "found"),
    [("weat1", Keep("weat1")), ("quality=.02", Keep("quality", 0.02)), ("a=b.tsv", Keep("a=b.tsv")),
     ("a=b.toml=0", Keep("a=b.toml", 0.0))],
)  # fmt: skip
def test_names_and_tolerances(text, found):
    assert Keep.parse(text) == found


@pytest.mark.parametrize("text", ["=.1", "quality=-1", "quality=inf"])
def test_no_tolerances(text):
    with pytest.raises(UsageError, match="tolerance"):
        Keep.parse(text)


def kept_test(problem, tolerance=0.1):
    return KeptWords("kept", problem.measure, tolerance, problem.objective)


@pytest.mark.parametrize("seed", range(2))
def test_estimates_are_those_of_block_before_anything_is_gone(seed):
    problem = random_problem(seed, documents=12, damping=20.0, precision=np.float64)
    change, influence = (
        kept_test(problem).put_to([problem, problem], Documents(problem.corpus)).beyond(np.empty(0, dtype=np.int64))
    )
    assert change == 0
    assert influence == pytest.approx(score_documents(problem, METHODS["block"]).influence, rel=1e-9, abs=1e-15)


@pytest.mark.parametrize("seed", range(2))
def test_beyond_what_is_gone_estimates_are_first_order(seed):
    problem = random_problem(seed, documents=12, damping=30.0, precision=np.float64)
    foreseen, gone = kept_test(problem).put_to([problem], Documents(problem.corpus)), np.array([2, 5])
    change, influence = foreseen.beyond(gone)
    times = removal(problem, gone)
    assert change == pytest.approx(predict_value(problem, times) - problem.value, rel=1e-9)
    assert change == pytest.approx(foreseen.change(gone), rel=1e-9)
    slopes = []
    for z in range(12):
        more = times.copy()
        more[z] += 1e-5
        slopes.append((predict_value(problem, more) - problem.value - change) / 1e-5)
    # The slopes of the logistic stay what they were, so this is no exact derivative.
    others = ~np.isin(np.arange(12), gone)
    assert np.corrcoef(np.array(slopes)[others], influence[others])[0, 1] > 0.99


def test_similarity_is_chosen_by_its_smooth_measure_and_reported_by_its_own():
    problem = random_problem(1, documents=12, damping=20.0, precision=np.float64)
    rng = np.random.default_rng(0)
    rows = rng.permutation(25)[:12]
    pairs = np.array([(a, b) for a in range(12) for b in range(a)])
    kept = KeptWords("quality", "spearman", 0.01, Similarity(np.sort(rows), pairs, rng.random(len(pairs))))
    foreseen = kept.put_to([problem], Documents(problem.corpus))
    _, influence = foreseen.beyond(np.empty(0, dtype=np.int64))
    smooth = problem.asking(kept.objective, "smooth")
    assert influence == pytest.approx(score_documents(smooth, METHODS["block"]).influence, rel=1e-9, abs=1e-15)
    assert foreseen.before == pytest.approx(kept.value(problem.U, problem.C))
    assert kept.holds(0.5)
    assert not kept.holds(-0.02)


@pytest.fixture
def planted(made):
    return BiasTest.from_toml(made.test)


@pytest.fixture
def other(planted, workplace):
    """A test that shares its carriers with the planted one: half of its words."""
    test = replace(planted, name="other", X=planted.X[::2], Y=planted.Y[::2])
    lines = [f"{key} = {json.dumps(list(words))}" for key, words in test.sets.items()]
    (workplace / "other.toml").write_text("\n".join(['name = "other"', *lines]), encoding="utf-8")
    return test


def test_what_shares_its_carriers_is_kept_at_a_price(opened, planted, other, quick_retraining):
    free = retrain(opened, planted, remove=20, keep=("other.toml=9",), **FEW).to_dict()
    (loose,) = free["kept"]
    assert loose["predicted"] < -0.05
    tolerance = round(-loose["predicted"] / 4, 4)
    held = retrain(opened, planted, remove=20, keep=(f"other.toml={tolerance}",), **FEW).to_dict()
    (tight,) = held["kept"]
    assert abs(tight["predicted"]) <= tolerance
    assert free["predicted"] < held["predicted"] < 0
    weat = WEAT(cover(other, opened.model.index))
    before = weat.value(opened.model.U[weat.rows].astype(float))
    assert tight["before"] == pytest.approx(before)
    assert tight["realised"] > loose["realised"]
    assert tight["holds"] == (abs(tight["realised"]) <= tolerance)
    assert tight["name"] == "other"
    assert {"measure", "tolerance", "controls", "realised_ci95"} <= tight.keys()
    again = retrain(opened, planted, remove=20, keep=(f"other.toml={tolerance}",), **FEW)
    assert again.reused
    assert again.to_dict()["kept"] == held["kept"]


def test_a_number_for_zero_and_a_goal_keep_too(opened, planted, other, quick_retraining):
    zero = make_plan(opened, planted, Request(remove="zero", keep=("other.toml=9",), **FEW))
    assert zero.choices[0].value > 0
    assert abs(zero.choices[0].value + zero.choices[0].predicted) < 0.3 * zero.choices[0].value
    goal = 0.9 * zero.choices[0].value
    values = retrain(opened, planted, until=f"{goal:.5f}", keep=("other.toml=.3",), cap=("words=.2",), **FEW).to_dict()
    assert values["kept"][0]["name"] == "other"
    assert abs(values["kept"][0]["predicted"]) <= 0.3
    assert all(words["lost"] <= 0.2 for words in values["costs"]["words"].values())


def test_what_cannot_be_kept_is_said(opened, planted, workplace):
    with pytest.raises(UsageError, match="what shall change"):
        find_kept(opened, [Keep("planted.toml")], planted)
    with pytest.raises(CoverageError):
        find_kept(opened, [Keep("weat6")], planted)
    with pytest.raises(CoverageError, match="pairs of judged words"):
        find_kept(opened, [Keep("quality")], planted)
    with pytest.raises(UsageError, match="unknown test"):
        find_kept(opened, [Keep("qualty")], planted)
    for options in ({"amplify": 3}, {"remove": 3, "goal": "increase"}, {"remove": 3, "holdout": "targets"},
                    {"remove": 3, "ranking": "list.csv"}, {"remove": 3, "method": "gradient"}):  # fmt: skip
        with pytest.raises(UsageError, match=r"--keep|chosen anew|nothing goes|each chunk"):
            Request(keep="weat1", **options)


def test_judgements_of_ones_own_are_kept(opened, planted, workplace, quick_retraining, clif):
    words = [*planted.X, *planted.A]
    rng = np.random.default_rng(0)
    lines = [f"{a}\t{b}\t{rng.integers(0, 10)}" for n, a in enumerate(words) for b in words[:n]]
    (workplace / "judged.tsv").write_text("one\tother\tscore\n" + "\n".join(lines), encoding="utf-8")
    rank(opened, planted, measure="mean_difference")
    said = clif("retrain", "--remove-top-k", 10, "--keep", "judged.tsv=.05", "--seeds", 1, "--controls", 1)
    assert said.code == 0, said.err
    assert "What was to be kept" in said.out
    assert "judged.tsv" in said.out
    assert "What it costs" not in said.err
    assert set(ADAPTIVE) == {"block", "source"}
