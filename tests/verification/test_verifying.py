"""A verification as a whole: figures that can be computed again, and what is trained only once."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import DOCUMENTS, SETTINGS, VERIFY

import clif
from clif.errors import GateError, InputError, MismatchError, UsageError
from clif.influence.methods import METHODS
from clif.objectives import WEAT, BiasTest, cover
from clif.retraining.edits import Edit
from clif.run import open_run
from clif.storage.files import read_json
from clif.training import train
from clif.training.pool import held
from clif.training.trainers import train_model
from clif.verification import Request, verify
from clif.verification.planning import PLAN, STREAM, WORKERS
from clif.verification.sets import make_sets

FIGURES = {"targeted", "random", "lds", "same_run", "signs", "coverage", "bars", "gap", "sets"}
FEW = {"sizes": (4,), "random_sets": 1, "subsets": 0}


def value(U, run, test, measure="mean_difference"):
    weat = WEAT(cover(test, run.vocabulary.index))
    return weat.value(U[weat.rows].astype(np.float64), measure)


def trained(run, edit, seed):
    settings = replace(SETTINGS, seed=seed)
    return train_model(run.corpus, run.vocabulary, settings, weights=edit.counts(run.corpus).astype(float)).U


# What comes out.


def test_the_result_has_the_keys_that_are_promised(verified):
    values = verified.result.to_dict()
    assert (values["test"], values["method"], values["measure"]) == ("planted", "block", "mean_difference")
    assert (values["runs"], values["seeds"], list(values["tests"])) == (2, [1, 2], ["half"])
    for by_test in (values, values["tests"]["half"]):
        assert by_test.keys() >= FIGURES | {"value", "winning", "noise", "detectable"}
        assert list(by_test["methods"]) == ["gradient", "length"]
        for found in (by_test, *by_test["methods"].values()):
            assert found.keys() >= FIGURES
            assert found["targeted"].keys() >= {"pearson", "spearman", "slope", "rms"}
            assert [score.keys() >= {"alpha", "spearman", "ci95", "ceiling"} for score in found["lds"]] == [True] * 2
            assert set(found["gap"]) == {"linearisation", "solver", "unrolled_versus_limit", "seeds"}
            assert len(found["sets"]) == 4 + 4 + 2 + 6
            assert found["targeted"]["points"] == 4
            assert found["random"]["points"] == 6
    assert read_json(verified.result.folder / "result.json", "") == verified.result.values


def test_changes_are_those_of_trainings_of_the_same_seed(verified):
    run, planted = verified.run, verified.tests[0]
    order = clif.rank(run, planted, measure="mean_difference").doc_ids
    edit = Edit(np.array([run.corpus.number[doc_id] for doc_id in order[:20]]), 0)
    (row,) = [one for one in verified.result.values["sets"] if (one["kind"], one["size"]) == ("reduce", 20)]
    assert row["set"] == edit.name()
    nothing = Edit(edit.documents[:0], 0)
    expected = [
        value(trained(run, edit, seed), run, planted) - value(trained(run, nothing, seed), run, planted)
        for seed in (1, 2)
    ]
    assert row["runs"]["realised"] == pytest.approx(expected, abs=1e-12)
    assert row["realised"] == pytest.approx(np.mean(expected))
    assert verified.result.values["value"]["runs"][0] == value(run.model.U, run, planted)


def test_the_planted_bias_is_predicted_and_random_numbers_are_not_taken_for_it(verified):
    found = verified.result.values
    assert found["targeted"]["pearson"] > 0.95
    assert found["winning"]["rate"] == 1
    assert found["signs"]["targeted"]["agreement"] == 1
    assert found["methods"]["length"]["targeted"]["pearson"] is None


def test_one_training_measures_all_tests(verified):
    """Chosen sets of each test, random ones for both; the second seed's own model comes once."""
    count = len(verified.trained)
    assert count == 2 * (2 * 2 * 2 + 2 * 2 + 2 + 6) + 1
    assert count == verified.result.values["trainings"]
    assert len({job.path for job in verified.trained}) == count
    assert not list((verified.run.path / "retrains").glob("*"))


def test_the_table_holds_every_prediction(verified):
    table = pd.read_csv(verified.result.folder / "sets.csv")
    assert list(table.columns[:3]) == ["test", "method", "kind"]
    assert len(table) == 2 * 3 * 16 * 2
    assert set(table["kind"]) == {"reduce", "increase", "random", "share", "subset"}
    part = table.query("test == 'planted' and method == 'block' and kind in ['reduce', 'increase']")
    mean = part.groupby("set")[["predicted", "realised"]].mean()
    assert mean["predicted"].corr(mean["realised"]) == pytest.approx(verified.result.values["targeted"]["pearson"])
    same_run = part["predicted"].corr(part["realised"])
    assert same_run == pytest.approx(verified.result.values["same_run"]["targeted"]["pearson"])
    frame = verified.result.to_frame()
    assert frame.equals(table.astype(frame.dtypes))


def test_pictures_are_drawn_for_each_test(verified):
    for name in ("scatter.svg", "scatter.half.svg"):
        drawn = (verified.result.folder / name).read_text("utf-8")
        assert drawn.startswith("<?xml")
        assert drawn.count("<use") >= 16
        assert "nan" not in drawn


# What is done once.


def test_the_same_verification_is_done_once(verified, quick_verification):
    again = verify(open_run(verified.run.path), list(verified.tests), **VERIFY)
    assert again.reused
    assert again.values == verified.result.values
    assert not quick_verification


def test_other_questions_about_the_same_sets_train_nothing(verified, tmp_path, quick_verification):
    run = verified.copy(tmp_path / "run")
    first = verify(run, list(verified.tests), **{**VERIFY, "method": "clif", "choose": "block"})
    assert not quick_verification
    assert first.values["chosen_by"] == "block"
    assert first.values["targeted"]["points"] == 4
    verify(run, list(verified.tests)[::-1], **VERIFY)
    verify(run, list(verified.tests), **{**VERIFY, "measure": "effect_size", "sizes": (), "random_shares": ()})
    assert not quick_verification
    verify(run, list(verified.tests), **{**VERIFY, "sizes": (), "subsets": 4, "random_shares": (), "alpha": 0.5})
    assert len(quick_verification) == 2


def test_a_test_of_ones_own_may_come_later(verified, tmp_path, quick_verification):
    run = verified.copy(tmp_path / "run")
    planted = verified.tests[0]
    own = replace(planted, name="own", X=planted.A[:5], A=planted.X[:5])
    result = verify(run, own, measure="mean_difference", sizes=(), random_sets=0, subsets=3)
    assert not quick_verification
    assert result.values["lds"]["subsets"] == 3


def test_what_is_made_anew_has_the_same_bytes(verified, tmp_path, quick_verification):
    run = verified.copy(tmp_path / "run")
    options = {"method": ["block", "clif"], "sizes": 3, "random_sets": 1, "subsets": 2}
    first = verify(run, list(verified.tests), **options).folder
    assert not quick_verification
    before = {path.name: path.read_bytes() for path in first.iterdir()}
    for folder in (run.verifications, run.models, run.checkpoints, run.solves):
        shutil.rmtree(folder, ignore_errors=True)
    again = verify(run, list(verified.tests), **options).folder
    assert len(quick_verification) == 2 * (4 + 1 + 2) + 1
    assert {path.name: path.read_bytes() for path in again.iterdir()} == before
    assert set(before) == {"result.json", "sets.csv", "scatter.svg", "scatter.half.svg"}


def test_a_budget_leaves_out_what_does_not_fit_and_sticks_to_it(verified, tmp_path, quick_verification):
    run = verified.copy(tmp_path / "run")
    shutil.rmtree(run.verifications)
    run.manifest["training"]["cpu_seconds"] = 9.5
    options = {"sizes": (4, 8), "random_sets": 1, "subsets": 2, "budget": "2m", "processes": 1}
    said = []

    def progress(stage, _done, _total, note=""):
        said.append(note) if stage == "plan" else None
        if stage == "predict":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        verify(run, verified.tests[0], progress=progress, **options)
    assert "12 trainings" not in said[0]
    assert "Left out to fit into the budget: 1 random, 2 random subsets" in said[0]
    (plan,) = run.verifications.glob(f"*/{PLAN}")
    # What was done meanwhile would let more fit, but the call is the same.
    verify(run, verified.tests[0], **{**options, "budget": None})
    done = len(quick_verification)
    result = verify(run, verified.tests[0], **options)
    assert len(quick_verification) == done
    assert result.folder == plan.parent
    assert result.values["left_out"] == {"random": 1, "subset": 2}
    plan.write_text("{}")
    (result.folder / "result.json").unlink()
    with pytest.raises(InputError, match="not the plan"):
        verify(run, verified.tests[0], **options)


def test_a_budget_for_nothing_says_what_would_do(verified, tmp_path, quick_verification):
    run = verified.copy(tmp_path / "run")
    run.manifest["training"]["cpu_seconds"] = 100.0
    with pytest.raises(UsageError, match="the least that can be verified") as caught:
        verify(run, verified.tests[0], sizes=(5, 6), budget="10s", processes=2)
    assert "Give --budget 4m" in caught.value.next
    assert not quick_verification


# Before it starts.


def test_the_plan_and_the_smallest_change_are_told_before_the_trainings(opened, quick_verification):
    said = []

    def progress(stage, _done, _total, note=""):
        if stage == "plan":
            said.append((note, len(quick_verification)))

    verify(opened, progress=progress, **FEW)
    assert [trainings for _, trainings in said] == [0, 1]  # the model of the second seed
    assert "7 trainings, 0 of them done" in said[0][0]
    assert "planted: the smallest change that 2 retrainings can detect" in said[1][0]
    assert "seeds of the unedited training" in said[1][0]
    said.clear()
    verify(opened, progress=progress, **{**FEW, "subsets": 3})
    assert "13 trainings, 7 of them done" in said[0][0]
    assert "changes by random sets" in said[1][0]
    said.clear()
    verify(opened, progress=progress, **FEW, seeds=1)
    assert "--seeds 2" in said[1][0]


def test_gates_are_judged_for_every_test_and_raise_when_asked(verified):
    result = verify(verified.run, list(verified.tests), **VERIFY, gate=("pearson=.5", "lds=1:2", "rms=0"))
    assert result.reused
    assert [(gate["gate"], gate["test"], gate["passed"]) for gate in result.gates][:3] == [
        ("pearson=.5", "planted", True), ("lds=1:2", "planted", False), ("rms=0", "planted", False),
    ]  # fmt: skip
    assert len(result.gates) == 6
    with pytest.raises(GateError, match="lds=1:2, planted: "):
        result.check()
    verified.result.check()
    assert result.to_dict()["gates"] == list(result.gates)


def test_the_newest_ranking_says_what_is_asked(opened, made, quick_verification):
    ranked = clif.rank(opened, BiasTest.from_toml(made.test), measure="effect_size", damping=50.0)
    result = verify(opened, **FEW)
    assert (result.values["test"], result.values["measure"]) == ("planted", "effect_size")
    assert result.values["damping"] == ranked.about["damping"] == 50


# Other trainers.


def test_several_workers_say_that_they_share_little(workplace, made, quick_verification):
    run = train(["corpus.jsonl"], "other", replace(SETTINGS, workers=2)).run
    result = verify(run, str(made.test), **FEW)
    assert result.values["warnings"] == [WORKERS]
    assert result.values["targeted"]["points"] == 2
    # Unedited trainings by one worker, beside the model of the second seed on which predictions are made.
    assert result.values["trainings"] == len(quick_verification) == 2 * 3 + 2 + 1


def test_gensim_says_that_it_shares_little_and_not_all_methods_know_it(
    workplace, made, quick_verification, monkeypatch
):
    from clif.verification import request

    few = {name: METHODS[name] for name in ("block", "random", "unrolled") if name in METHODS}
    monkeypatch.setattr(request, "METHODS", few)
    run = train(["corpus.jsonl"], "other", replace(SETTINGS, trainer="gensim")).run
    result = verify(run, str(made.test), method="all", **FEW)
    assert result.values["warnings"] == [STREAM]
    assert result.values["trainings"] == len(quick_verification) == 2 * 3 + 1
    assert sorted([*result.values["methods"], *(each["method"] for each in result.values["skipped"])]) == list(few)[1:]
    if "unrolled" in few:
        assert "cannot be repeated" in result.values["skipped"][0]["reason"]
        with pytest.raises(UsageError, match="cannot be repeated"):
            verify(run, str(made.test), method="unrolled", **FEW, seeds=3)
        assert len(quick_verification) == 7


# What cannot be.


def test_one_verification_at_a_time(opened, quick_verification):
    with held(opened.verifications, opened, "verifying"), pytest.raises(InputError, match="verifying in this run"):
        verify(opened, **FEW)


def test_tests_and_sizes_that_do_not_fit_the_run(opened, made, quick_verification):
    with pytest.raises(UsageError, match=f"cannot remove {DOCUMENTS}"):
        verify(opened, sizes=(DOCUMENTS,))
    planted = BiasTest.from_toml(made.test)
    with pytest.raises(UsageError, match="two different tests"):
        verify(opened, [planted, replace(planted, X=planted.Y, Y=planted.X)])
    assert not opened.verifications.exists()
    assert verify(opened, [planted, planted], **FEW).values["tests"] == {}


def test_an_imported_run_cannot_be_retrained(opened, quick_verification):
    opened.manifest["training"]["imported"] = "model.bin"
    with pytest.raises(UsageError, match="trained elsewhere"):
        verify(opened, **FEW)


def test_another_model_in_the_folder_is_noticed(opened, made, quick_verification):
    verify(opened, **FEW)
    shutil.copy(made.other_run / "model.safetensors", opened.path)
    with pytest.raises(MismatchError):
        verify(open_run(opened.path), str(made.test), **FEW)


def test_sets_that_a_call_shares_with_another_are_named_alike(opened):
    """By fingerprint of their documents, so no set is trained twice."""
    order = np.arange(DOCUMENTS)
    sets = make_sets(opened.corpus, Request(sizes=(4,)), [order, order], 1)
    assert sets[0].name == sets[2].name == Edit(order[[3, 1, 0, 2]], 0).name()


def test_the_result_says_nothing_of_places_or_times(verified):
    text = (verified.result.folder / "result.json").read_text("utf-8")
    assert str(verified.run.path.parent) not in text
    assert "seconds" not in text
    assert Path(verified.result.to_dict()["folder"]) == verified.result.folder
