"""The loss of held-out text: which text, its influence against a dense solve, and what retraining makes of it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from conftest import DATA, DOCUMENTS
from helpers import cut, document_counts, document_gradients, gauss_newton, random_problem

from clif.errors import InputError, UsageError
from clif.influence.joint import SolveSettings
from clif.influence.units import Documents, Sentences
from clif.noise_sample import NoiseSample
from clif.objectives import BiasTest
from clif.ranking import make_problem
from clif.retraining import kept_loss, retrain
from clif.retraining.keeping import Keep, find_kept
from clif.retraining.kept_loss import KeptLoss, find_loss
from clif.training.outputs import count_outputs
from clif.training.pair_loss import PairLoss
from clif.training.trainers import train_model

FEW = {"seeds": 1, "controls": 1, "measure": "mean_difference", "method": "block"}


@pytest.fixture
def planted(made):
    return BiasTest.from_toml(made.test)


@pytest.fixture
def held(workplace):
    """150 documents of the planted corpus that were not trained on, and three that were."""
    lines = (DATA / "planted.jsonl").read_text("utf-8").splitlines(keepends=True)
    known = [line.replace("planted-", "known-") for line in lines[:3]]
    path = workplace / "held.jsonl"
    path.write_text("".join([*lines[2 * DOCUMENTS : 2 * DOCUMENTS + 150], *known]), "utf-8")
    return path


def kept_of(problem, seed=5):
    """The loss of another random text."""
    other = random_problem(seed, documents=5)
    counts = count_outputs(other.corpus, problem.vocabulary, problem.settings)
    sample = NoiseSample.draw(problem.noise, 8000, 8000)
    return KeptLoss("loss:x", "loss", 0.01, PairLoss(counts, problem.noise, problem.negative, sample), 5, 0, "x")


@pytest.mark.parametrize("seed", range(2))
def test_influence_is_that_of_a_dense_gauss_newton_solve(seed, monkeypatch):
    monkeypatch.setattr(kept_loss, "SOLVING", SolveSettings(tolerance=1e-10))
    problem = random_problem(seed, documents=10, damping=5.0, precision=np.float64)
    kept = kept_of(problem)
    foreseen = kept.put_to([problem], Documents(problem.corpus))
    counts = document_counts(problem)
    H = gauss_newton(problem, counts.sum(0))
    s = np.linalg.solve(H + 5.0 * np.eye(len(H)), kept.loss.gradient(problem.U, problem.C).ravel())
    dense = document_gradients(problem, counts).reshape(10, -1) @ s
    change, influence = foreseen.beyond(np.array([1, 4]))
    assert influence == pytest.approx(dense, rel=1e-5, abs=1e-9)
    assert change == foreseen.change(np.array([4, 1])) == pytest.approx(dense[[1, 4]].sum(), rel=1e-5)
    assert foreseen.change(np.empty(0, dtype=np.int64)) == 0


def test_sentences_and_weights_have_their_part_of_a_document():
    problem = cut(random_problem(3, documents=10, damping=5.0, precision=np.float64))
    kept, units = kept_of(problem), Sentences(problem.corpus)
    whole = kept.put_to([problem], Documents(problem.corpus)).influence
    parts = kept.put_to([problem], units).influence
    assert np.bincount(units.document, parts, len(problem.corpus)) == pytest.approx(whole, rel=1e-9, abs=1e-15)
    assert kept.put_to([problem], Documents(problem.corpus, 0.3)).influence == pytest.approx(0.3 * whole)


def test_it_may_fall_but_not_rise(opened, planted, held):
    (kept,) = find_kept(opened, [Keep.parse(f"loss:{held}=.01")], planted)
    assert (kept.name, kept.measure, kept.tolerance) == ("loss:held.jsonl", "loss", 0.01)
    assert kept.holds(-5.0)
    assert kept.holds(0.01)
    assert not kept.holds(0.011)
    (usual,) = find_kept(opened, [Keep.parse(f"loss:{held}")], planted)
    assert usual.tolerance == 0.002
    assert usual.recipe != kept.recipe


def test_what_was_trained_on_is_left_out(opened, held):
    kept = find_loss(opened, str(held), 0.01)
    assert kept.about["held_out"]["documents"] == 150
    assert kept.about["held_out"]["left_out"] == 3
    more = find_loss(opened, "held.jsonl", 0.01)
    assert more.mark == kept.mark
    lines = held.read_text("utf-8").splitlines(keepends=True)
    held.write_text("".join(lines[1:]), "utf-8")
    assert find_loss(opened, str(held), 0.01).mark != kept.mark


def test_no_text_no_loss(opened, planted, held, workplace):
    with pytest.raises(UsageError, match="which text"):
        find_kept(opened, [Keep.parse("loss=.01")], planted)
    with pytest.raises(InputError, match=r"nowhere\.jsonl"):
        find_kept(opened, [Keep.parse("loss:nowhere.jsonl")], planted)
    with pytest.raises(UsageError, match="word for word"):
        find_loss(opened, str(workplace / "corpus.jsonl"), 0.01)
    (workplace / "strange.jsonl").write_text('{"text": "qwxyz zyxwq"}', "utf-8")
    with pytest.raises(UsageError, match="no two words"):
        find_loss(opened, "strange.jsonl", 0.01)


def test_predictions_have_the_sign_and_about_the_size_of_what_retraining_does(opened, planted, held):
    """The 20 documents of 200 at either end: without them the loss falls, and rises."""
    problem = make_problem(opened, planted, "mean_difference")
    kept = find_loss(opened, str(held), 0.01)
    foreseen = kept.put_to([problem], Documents(opened.corpus))
    order = np.argsort(foreseen.influence)
    before = kept.value(opened.model.U, opened.model.C)
    changes = []
    for chosen in (order[:20], order[-20:]):
        weights = np.ones(len(order))
        weights[chosen] = 0
        model = train_model(opened.corpus, opened.vocabulary, opened.settings, weights=weights)
        changes.append((foreseen.change(chosen), kept.value(model.U, model.C) - before))
    (down, fallen), (up, risen) = changes
    assert down < 0
    assert up > 0
    assert fallen < risen
    assert 0.5 < (risen - fallen) / (up - down) < 2
    assert 0.5 < risen / up < 2.5


def test_a_choice_that_keeps_the_loss_costs_less_of_it(opened, planted, held, quick_retraining, clif):
    free = retrain(opened, planted, remove=25, keep=("loss:held.jsonl=9",), **FEW).to_dict()
    (loose,) = free["kept"]
    assert loose["predicted"] > 0
    limit = round(loose["predicted"] / 4, 5)
    tight = retrain(opened, planted, remove=25, keep=(f"loss:held.jsonl={limit}",), **FEW).to_dict()
    (kept,) = tight["kept"]
    assert kept["predicted"] <= limit
    assert kept["realised"] < loose["realised"]
    assert free["predicted"] < tight["predicted"] < 0
    loss = find_loss(opened, "held.jsonl", limit)
    assert kept["before"] == pytest.approx(loss.value(opened.model.U, opened.model.C))
    assert kept["held_out"] == {"documents": 150, "left_out": 3, "pairs": pytest.approx(loss.loss.pairs)}
    said = clif("retrain", "--test", "planted.toml", "--remove-top-k", 25, "--keep", f"loss:held.jsonl={limit}",
                "--seeds", 1, "--controls", 1, "--measure", "mean_difference", "--method", "block")  # fmt: skip
    assert said.code == 0, said.err
    assert f"+{limit:g}" in said.out
    assert "150 documents; 3 others stand in the corpus" in said.out
    assert "done already" in said.err
    assert json.loads((opened.path.parent / tight["folder"] / "result.json").read_text())["kept"] == tight["kept"]


def test_two_texts_of_one_name_are_not_taken_for_one(opened, planted, held):
    lines = held.read_text("utf-8").splitlines(keepends=True)
    other = held.parent / "deep" / held.name
    other.parent.mkdir()
    other.write_text("".join(lines[:50]), "utf-8")
    with pytest.raises(UsageError, match="two different things to keep are named loss:held"):
        find_kept(opened, [Keep.parse(f"loss:{held}"), Keep.parse(f"loss:{other}")], planted)
    (kept,) = find_kept(opened, [Keep.parse(f"loss:{held}"), Keep.parse(f"loss:{held}=.5")], planted)
    assert kept.tolerance == 0.5
