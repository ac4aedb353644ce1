"""Documents are removed until a bias is where it shall be: the number is checked by trainings of its own."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from conftest import SETTINGS

from clif.errors import UsageError
from clif.objectives import WEAT, BiasTest, cover
from clif.retraining import Request, retrain
from clif.training import train
from clif.training.trainers import train_model

OPTIONS = {"measure": "mean_difference", "seeds": 2, "controls": 1}


def value_without(run, test, doc_ids) -> float:
    """Mean T of models trained here, without these documents."""
    weat = WEAT(cover(test, run.model.index))
    weights = np.array([doc_id not in doc_ids for doc_id in run.corpus.doc_ids], dtype=float)
    values = []
    for seed in (run.settings.seed, run.settings.seed + 1):
        settings = type(run.settings)(**{**run.settings.to_dict(), "seed": seed})
        U = train_model(run.corpus, run.vocabulary, settings, weights=weights).U
        values.append(weat.value(U[weat.rows].astype(float), "mean_difference"))
    return float(np.mean(values))


def ids_in(path: str) -> list[str]:
    with open(path, encoding="utf-8") as file:
        return [json.loads(line)["id"] for line in file]


@pytest.fixture
def asked(opened, made):
    """A run, its test, and T with all documents."""
    test = BiasTest.from_toml(made.test)
    return opened, test, value_without(opened, test, set())


def test_the_number_meets_the_goal_and_fewer_do_not(asked, quick_retraining):
    run, test, before = asked
    goal = 0.6 * before
    result = retrain(run, test, until=f"{goal:.6f}", **OPTIONS)
    values = result.to_dict()
    until = values["until"]
    assert until["reached"]
    assert values["removed"] == until["documents"] == min(t["documents"] for t in until["trials"] if t["meets"])
    removed = ids_in(values["edited_corpus"]["removed"][0])
    assert len(removed) == values["removed"]
    found = value_without(run, test, set(removed))
    assert found == pytest.approx(values["after"]["mean"], rel=1e-5)
    assert found <= goal + 1e-6
    fewer = max((t["documents"] for t in until["trials"] if not t["meets"]), default=0)
    assert values["removed"] - fewer <= max(1, 0.05 * values["removed"])
    assert values["before"]["mean"] == pytest.approx(before, rel=1e-5)
    # Each number was trained with each seed once, and nothing of it is left behind.
    edits = [(training.edit.name(), training.seed) for training in quick_retraining]
    assert len(edits) == len(set(edits))
    assert not list((run.retrains / "models").glob("*.safetensors"))


def test_the_curve_can_be_read_and_seen(asked, quick_retraining):
    run, test, before = asked
    result = retrain(run, test, until=f"{0.7 * before:.6f}", **OPTIONS)
    with (result.folder / "curve.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    counts = [int(row["documents"]) for row in rows]
    assert counts == sorted(set(counts))
    assert counts[0] == 0
    assert float(rows[0]["predicted"]) == pytest.approx(before, rel=1e-5)
    tried = {int(row["documents"]): float(row["realised"]) for row in rows if row["realised"]}
    assert tried == {t["documents"]: t["realised"] for t in result.to_dict()["until"]["trials"]}
    assert (result.folder / "curve.svg").read_text(encoding="utf-8").startswith("<?xml")
    quick_retraining.clear()
    again = retrain(run, test, until=f"{0.7 * before:.6f}", **OPTIONS)
    assert again.reused
    assert again.to_dict() == {**result.to_dict(), "reused": True}
    assert not quick_retraining


def test_a_goal_that_cannot_be_reached_is_said_to_be_so(asked, quick_retraining, monkeypatch):
    run, test, _ = asked
    monkeypatch.setattr("clif.retraining.seeking.MOST", 0.04)
    values = retrain(run, test, until="0", **OPTIONS).to_dict()
    assert not values["until"]["reached"]
    assert any("meets the goal of 0" in warning for warning in values["warnings"])
    assert values["removed"] == max(trial["documents"] for trial in values["until"]["trials"])


def test_a_p_value_can_be_the_goal(asked, quick_retraining):
    run, test, _ = asked
    values = retrain(run, test, until="p>0.2", **OPTIONS).to_dict()
    met = [trial["meets"] == (trial["p_value"] > 0.2) for trial in values["until"]["trials"]]
    assert values["until"]["reached"]
    assert all(met)


def test_protected_documents_stay(asked, quick_retraining, tmp_path):
    run, test, before = asked
    first = retrain(run, test, until=f"{0.8 * before:.6f}", **OPTIONS).to_dict()
    removed = ids_in(first["edited_corpus"]["removed"][0])
    keep = tmp_path / "keep.txt"
    keep.write_text("\n".join(removed), encoding="utf-8")
    second = retrain(run, test, until=f"{0.8 * before:.6f}", protect=keep, **OPTIONS).to_dict()
    others = ids_in(second["edited_corpus"]["removed"][0])
    assert others
    assert not set(removed) & set(others)


def test_a_goal_that_is_met_is_refused_before_anything_is_trained(asked, quick_retraining):
    run, test, before = asked
    with pytest.raises(UsageError, match="meets the goal") as caught:
        retrain(run, test, until=f"{2 * before:.6f}", measure="mean_difference", seeds=1)
    assert "smaller" in caught.value.next
    assert not quick_retraining


def test_where_all_documents_are_protected_there_is_nothing_to_choose(asked, quick_retraining, tmp_path):
    run, test, _ = asked
    keep = tmp_path / "keep.txt"
    keep.write_text("\n".join(run.corpus.doc_ids), encoding="utf-8")
    with pytest.raises(UsageError, match="protected"):
        retrain(run, test, until="0.01", protect=keep, **OPTIONS)


def test_the_choice_goes_on_where_predictions_were_too_bold(asked, quick_retraining, monkeypatch):
    run, test, before = asked
    monkeypatch.setattr("clif.retraining.seeking.BEYOND", (0.2, np.inf))
    values = retrain(run, test, until=f"{0.6 * before:.6f}", **OPTIONS).to_dict()
    assert values["until"]["reached"]


def test_a_run_that_cannot_be_repeated_is_ranked_by_block(asked, quick_retraining, made, tmp_path, monkeypatch):
    _, test, before = asked
    settings = replace(SETTINGS, workers=2)
    run = train([made.corpus], tmp_path / "threads", settings).run
    values = retrain(run, test, until=f"{0.7 * before:.6f}", measure="mean_difference", seeds=1, controls=0).to_dict()
    assert values["method"] == "block"
    assert values["until"]["trials"]


@pytest.mark.parametrize(
    "options",
    [{"remove": 3}, {"amplify": 3}, {"goal": "increase"}, {"holdout": "targets"}, {"method": "gradient"},
     {"ranking": "list.csv"}, {"until": "less"}],
)  # fmt: skip
def test_what_does_not_go_together_is_refused(opened, options, quick_retraining):
    with pytest.raises(UsageError):
        retrain(opened, **{"until": "0.2", **options})
    assert not quick_retraining


def test_the_screen_shows_what_was_tried(asked, clif, quick_retraining):
    _, _, before = asked
    said = clif(
        "retrain", "--test", "planted.toml", "--measure", "mean_difference", "--until", f"{0.7 * before:.6f}",
        "--seeds", 2, "--controls", 1,
    )  # fmt: skip
    assert said.code == 0, said.err
    assert "Tried, for the goal of" in said.out
    assert "yes" in said.out


@pytest.mark.parametrize("damping", [0, -1, float("nan")])
def test_the_damping_is_checked_where_nothing_is_ranked(damping):
    with pytest.raises(UsageError, match="damping must be positive"):
        Request(until="0.1", damping=damping)
