"""Retraining on a small run: what is trained, how it is measured, and what is done only once."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path

import numpy as np
import psutil
import pytest
from conftest import DOCUMENTS, SETTINGS, Made
from scipy import stats

from clif.errors import CoverageError, InputError, MismatchError, UsageError
from clif.influence.groups import predict_value
from clif.objectives import WEAT, BiasTest, cover
from clif.ranking import make_problem, rank
from clif.retraining import Request, retrain
from clif.retraining.edits import UNEDITED, Edit
from clif.retraining.holdout import split_words
from clif.retraining.neighbours import nearest
from clif.retraining.planning import make_plan
from clif.retraining.trainings import Journal, train_all
from clif.run import Run, open_run, read_matrices
from clif.settings import TrainingSettings
from clif.storage.files import read_json
from clif.training import train
from clif.training.exact import train_exact
from clif.training.gensim import train_gensim
from clif.training.paired import train_paired

FEW = {"seeds": 1, "controls": 1}


@pytest.fixture
def planted(made: Made) -> BiasTest:
    return BiasTest.from_toml(made.test)


def value(U, run: Run, test: BiasTest, measure: str) -> float:
    weat = WEAT(cover(test, run.model.index))
    return weat.value(U[weat.rows].astype(np.float64), measure)


@pytest.fixture
def run_of(workplace: Path):
    """The run of the workplace, or one like it by another trainer."""

    def opened(trainer: str) -> Run:
        if trainer == SETTINGS.trainer:
            return open_run("clif-run")
        epochs = TrainingSettings.epochs if trainer == "exact" else SETTINGS.epochs
        return train(["corpus.jsonl"], trainer, replace(SETTINGS, trainer=trainer, epochs=epochs)).run

    return opened


def trained_by(run: Run, seed: int, copies: dict[str, int]):
    """U of a training in which each document stands that often, once if it is not named."""
    counts = np.array([copies.get(doc_id, 1) for doc_id in run.corpus.doc_ids])
    settings = replace(run.settings, seed=seed)
    by = {"gensim": partial(train_gensim, weights=counts), "paired": partial(train_paired, weights=counts)}
    by["exact"] = partial(train_exact, weights=counts)
    return by[settings.trainer](run.corpus, run.vocabulary, settings).U


@pytest.mark.parametrize("trainer", ["paired", "gensim", "exact"])
@pytest.mark.parametrize(("options", "copies"), [({"remove": 6}, 0), ({"amplify": 6, "copies": 2}, 3)], ids=str)
def test_before_after_and_controls_are_what_training_gives(run_of, planted, quick_retraining, trainer, options, copies):
    run = run_of(trainer)
    order = rank(run, planted, measure="mean_difference").doc_ids
    done = retrain(run, seeds=2, controls=2, **options).to_dict()

    def value_of(seed: int, edited: list[str]) -> float:
        U = trained_by(run, seed, dict.fromkeys(edited, copies))
        return value(U, run, planted, "mean_difference")

    assert done["seeds"] == [1, 2]
    assert done["before"]["runs"] == [value_of(seed, []) for seed in (1, 2)]
    assert done["after"]["runs"] == [value_of(seed, order[:6]) for seed in (1, 2)]
    assert len(set(done["controls"]["runs"])) == 4
    drawn = [edit.documents for edit in make_plan(run, None, Request(controls=2, **options)).choices[0].controls]
    ids = [[run.corpus.doc_ids[z] for z in documents] for documents in drawn]
    assert done["controls"]["runs"] == [value_of(seed, edited) for edited in ids for seed in (1, 2)]
    for control in done["control_sets"]:
        assert abs(control["tokens"] - done["edited_tokens"]) < 100


@pytest.mark.parametrize("trainer", ["paired", "gensim", "exact"])
def test_a_result_says_who_trained_and_what_stayed(run_of, planted, quick_retraining, trainer, clif):
    run = run_of(trainer)
    rank(run, planted, measure="mean_difference")
    done = retrain(run, remove=2, seeds=1, controls=0)
    said = done.to_dict()
    assert said["trainer"] == trainer
    assert "full corpus" in said["held_fixed"].pop("constants")
    assert said["held_fixed"].items() <= run.manifest["training"].items()
    assert ("one stream" in said["held_fixed"]["random_numbers"]) == (trainer == "gensim")
    assert read_json(done.folder / "result.json", "")["trainer"] == trainer
    shown = clif("retrain", run.path, "--remove-top-k", 2, "--seeds", 1, "--controls", 0).out
    assert f"Trained by {trainer}:" in shown
    assert ("in these documents alone" in shown) == (trainer != "gensim")


def test_an_edit_moves_the_vectors_of_a_paired_training_by_what_it_takes_away_and_no_more(run_of):
    """gensim's stream of random numbers shifts with the first document, and everything moves by chance."""

    def moved(trainer: str, z: int) -> float:
        run = run_of(trainer)
        before, after = trained_by(run, 1, {}), trained_by(run, 1, {run.corpus.doc_ids[z]: 0})
        return float(np.linalg.norm(after - before) / np.linalg.norm(before))

    alone, stream = (np.mean([moved(trainer, z) for z in (3, 50)]) for trainer in ("paired", "gensim"))
    assert 0 < alone < 0.2 * stream


def test_nothing_is_changed_by_copies_that_are_none(opened, quick_retraining):
    """The run's own model is the training of the unedited corpus."""
    from clif import retraining

    training = Journal(opened).training(Edit(np.empty(0, dtype=np.int64), 0), SETTINGS.seed)
    retraining.train_all(opened, [training], lambda *_: None)
    assert read_matrices(training.path)[0].tobytes() == opened.model.U.tobytes()
    assert Journal(opened).training(UNEDITED, SETTINGS.seed).path == opened.path / "model.safetensors"
    assert Journal(opened).training(UNEDITED, 2).path != opened.path / "model.safetensors"


def test_changes_are_after_minus_before(opened, quick_retraining):
    done = retrain(opened, remove=6, seeds=3, controls=1).to_dict()
    changes = np.subtract(done["after"]["runs"], done["before"]["runs"])
    assert done["realised"] == pytest.approx(changes.mean())
    half = 4.302653 * changes.std(ddof=1) / np.sqrt(3)  # Student's t, two degrees of freedom
    assert done["realised_ci95"] == pytest.approx([changes.mean() - half, changes.mean() + half])
    for name in ("before", "after", "controls"):
        runs = done[name]["runs"]
        assert done[name]["mean"] == pytest.approx(np.mean(runs))
        assert done[name]["sd"] == pytest.approx(np.std(runs, ddof=1))
    assert done["tests"]["planted"]["before"]["runs"] != done["before"]["runs"]  # effect sizes there


def test_one_seed_and_no_control_have_no_spread_and_no_p_value(opened, quick_retraining):
    done = retrain(opened, remove=6, seeds=1, controls=0).to_dict()
    assert done["before"]["sd"] is done["after"]["ci95"] is done["realised_ci95"] is None
    assert done["controls"] == {"mean": None, "sd": None, "ci95": None, "runs": []}
    assert done["p_value"] is None
    json.dumps(done, allow_nan=False)


def test_the_question_is_that_of_the_newest_ranking(opened, planted, quick_retraining):
    rank(opened, planted, method="length", measure="mean_difference")
    done = retrain(opened, remove=2, seeds=1, controls=0).to_dict()
    assert (done["test"], done["method"], done["measure"]) == ("planted", "length", "mean_difference")
    removed = [doc_id for path in done["edited_corpus"]["removed"] for doc_id in ids_in(path)]
    longest = np.argsort(-opened.corpus.lengths, kind="stable")[:2]
    assert sorted(removed) == sorted(opened.corpus.doc_ids[z] for z in longest)
    # Asked for otherwise, it is otherwise.
    done = retrain(opened, planted, remove=2, method="block", measure="effect_size", seeds=1, controls=0).to_dict()
    assert (done["method"], done["measure"]) == ("block", "effect_size")
    # A question that the newest ranking does not answer takes nothing from it.
    other = replace(planted, name="other")
    done = retrain(opened, other, remove=2, seeds=1, controls=0).to_dict()
    assert (done["test"], done["method"], done["measure"]) == ("other", "block", "effect_size")


def ids_in(path: str) -> list[str]:
    return [json.loads(line)["id"] for line in Path(path).read_text("utf-8").splitlines()]


def test_the_same_retraining_is_done_once(opened, quick_retraining):
    first = retrain(opened, remove=3, **FEW)
    trained = len(quick_retraining)
    again = retrain(open_run(opened.path), remove=3, **FEW)
    assert (first.reused, again.reused, len(quick_retraining)) == (False, True, trained)
    assert again.folder == first.folder
    assert again.values == first.values
    folders = {retrain(opened, **more).folder for more in (
        {"remove": 4, **FEW}, {"remove": 3, "seeds": 2, "controls": 1}, {"remove": 3, "seeds": 1, "controls": 2},
        {"amplify": 3, **FEW}, {"remove": 3, "goal": "increase", **FEW}, {"remove": 3, "holdout": "both", **FEW},
        {"remove": 3, "measure": "effect_size", **FEW},
    )}  # fmt: skip
    assert len(folders | {first.folder}) == 8


def test_models_of_edits_are_kept_only_until_they_are_measured(opened, quick_retraining):
    retrain(opened, remove=3, seeds=2, controls=1)
    assert list(Journal(opened).folder.iterdir()) == []
    assert [path.name for path in opened.models.iterdir()] == ["seed-2.safetensors"]  # on the full corpus


def test_a_copied_run_has_its_own_retrainings(opened, quick_retraining):
    """Trainings are named by what they are, so those that are done count in a copy as well."""
    retrain(opened, remove=3, **FEW)
    quick_retraining.clear()
    shutil.copytree(opened.path, "copy")
    copied = retrain(open_run("copy"), remove=3, **FEW)
    assert (copied.reused, quick_retraining) == (True, [])
    files = [
        copied.values["folder"],
        *copied.values["edited_corpus"]["kept"],
        *copied.values["edited_corpus"]["removed"],
    ]
    assert all(Path(file).exists() and Path(file).is_relative_to("copy") for file in files)
    retrain(open_run("copy"), remove=4, **FEW)
    assert len(quick_retraining) == 2
    assert len(list(opened.retrains.glob("planted*"))) == 1


# Held-out words.


@pytest.mark.parametrize("size", [4, 5, 7])
def test_small_sets_are_halved_too(size, opened, planted, quick_retraining):
    sets = {key: words[:size] for key, words in planted.sets.items()}
    done = retrain(opened, replace(planted, name="small", **sets), remove=3, holdout="both", **FEW).to_dict()
    used, held = (done["definitions"][name] for name in ("used", "held_out"))
    assert {len(used[key]) for key in "XYAB"} == {(size + 1) // 2}
    assert {len(held[key]) for key in "XYAB"} == {size // 2}
    assert done["transfer"]["both"] is not None


def test_sets_too_small_to_halve_are_refused_before_anything_is_trained(opened, planted, quick_retraining):
    sets = {key: words[:3] for key, words in planted.sets.items()}
    with pytest.raises(CoverageError, match="at least 4 needed"):
        retrain(opened, replace(planted, name="small", **sets), remove=3, holdout="targets", **FEW)
    assert not quick_retraining


def test_documents_are_chosen_without_the_held_out_words(opened, planted, quick_retraining):
    done = retrain(opened, remove=4, holdout="targets", **FEW).to_dict()
    used = BiasTest.from_dict(done["definitions"]["used"])
    order = rank(opened, used, measure="mean_difference", half=True).doc_ids
    assert sorted(ids_in(done["edited_corpus"]["removed"][0])) == sorted(order[:4])
    weat = WEAT(cover(used, opened.model.index, 2))
    assert done["before"]["runs"] == [weat.value(opened.model.U[weat.rows].astype(np.float64), "mean_difference")]


# Several halves of the words.

HALVES = {"remove": 5, "holdout": "targets", "halves": 2, "seeds": 2, "controls": 2}


def test_halves_have_their_own_documents_and_controls_and_are_measured_on_all_words(opened, quick_retraining):
    done = retrain(opened, **HALVES).to_dict()
    trained = len(quick_retraining)
    first, second = done["halves"]
    assert first["words"] == {"used": second["words"]["held_out"], "held_out": second["words"]["used"]}
    plan = make_plan(opened, None, Request(**HALVES))
    seen: set[tuple[str, ...]] = set()
    for half, choice in zip(done["halves"], plan.choices, strict=True):
        used, held = (BiasTest("half", **half["words"][part]) for part in ("used", "held_out"))
        order = rank(opened, used, measure="mean_difference", half=True).doc_ids
        assert half["documents"] == order[:5]
        edited = [half["documents"], *([opened.corpus.doc_ids[z] for z in edit.documents] for edit in choice.controls)]
        seen |= {tuple(ids) for ids in edited}
        vectors = {
            (n, seed): trained_by(opened, seed, dict.fromkeys(ids, 0))
            for n, ids in enumerate([[], *edited])
            for seed in (1, 2)
        }
        for part, test in (("used", used), ("held_out", held)):
            weat = WEAT(cover(test, opened.model.index, 2))
            T = {key: weat.value(U[weat.rows].astype(np.float64), "mean_difference") for key, U in vectors.items()}
            assert half[part]["before"]["runs"] == [T[0, 1], T[0, 2]]
            assert half[part]["after"]["runs"] == [T[1, 1], T[1, 2]]
            assert half[part]["controls"]["runs"] == [T[2, 1], T[2, 2], T[3, 1], T[3, 2]]
            change = np.subtract(half[part]["after"]["runs"], half[part]["before"]["runs"])
            assert half[part]["realised"] == pytest.approx(change.mean())
            problem = make_problem(opened, test, "mean_difference", half=True)
            newton = predict_value(problem, choice.edit.times(opened.corpus)) - problem.value
            assert half[part]["predicted"] == pytest.approx(newton)
        assert (half["removed"], half["amplified"], half["turned"]) == (5, 0, False)
        assert half["tokens"] == opened.corpus.lengths[choice.edit.documents].sum()
        for edit in choice.controls:
            assert abs(edit.tokens(opened.corpus) - half["tokens"]) < 100
    assert len(seen) == 6
    assert trained == 13  # of the unedited ones only that of the second seed


def test_what_is_said_of_all_halves_is_pooled(opened, quick_retraining):
    done = retrain(opened, **HALVES).to_dict()
    halves = done["halves"]
    for part, pooled in (("used", done), ("held_out", done["held_out"])):
        for name in ("before", "after", "controls"):
            runs = [run for half in halves for run in half[part][name]["runs"]]
            assert pooled[name]["runs"] == runs
            assert pooled[name]["mean"] == pytest.approx(np.mean(runs))
        changes = [half[part]["realised"] for half in halves]
        assert pooled["realised"] == pytest.approx(np.mean(changes))
        assert pooled["predicted"] == pytest.approx(np.mean([half[part]["predicted"] for half in halves]))
        low, high = pooled["realised_ci95"]  # Student's t of two halves
        assert (high - low) / 2 == pytest.approx(12.706205 * np.std(changes, ddof=1) / np.sqrt(2))
    transfer = done["held_out"]["realised"] / done["realised"]
    assert done["transfer"] == {"targets": pytest.approx(transfer), "attributes": None, "both": None}
    assert done["predicted_transfer"] == pytest.approx(done["held_out"]["predicted"] / done["predicted"])
    low, high = done["transfer_ci95"]
    assert low <= transfer <= high
    assert "2 halves and 2 seeds" in done["transfer_ci95_over"]
    held = [half["held_out"] for half in halves]
    by_chance = np.array(
        [np.reshape(row["controls"]["runs"], (2, 2)) - row["before"]["runs"] for row in held]
    )  # halves, sets, seeds
    chance = done["transfer_controls"]
    assert chance["runs"] == pytest.approx(by_chance.ravel())
    assert chance["mean"] == pytest.approx(by_chance.mean())
    assert chance["sd"] == pytest.approx(by_chance.std(ddof=1))
    means = by_chance.mean(2)
    spread = np.sqrt(means.var(axis=1, ddof=1).mean() * (1 + 1 / 4))
    t = abs(done["held_out"]["realised"] - means.mean()) / spread
    assert chance["p_value"] == pytest.approx(2 * stats.t.sf(t, 2))
    assert (done["removed"], len(done["control_sets"])) == (5, 4)
    assert done["removed_tokens"] == round(np.mean([half["tokens"] for half in halves]))
    assert done["edited_corpus"] == {"kept": [], "removed": []}
    # The unedited trainings are those of all halves; other tests see them once.
    assert len(done["tests"]["planted"]["before"]["runs"]) == 2
    assert len(done["tests"]["planted"]["after"]["runs"]) == 4
    json.dumps(done, allow_nan=False)


def test_zero_is_found_for_each_half(opened, planted, quick_retraining):
    done = retrain(opened, planted, **{**HALVES, "remove": "zero", "seeds": 1, "controls": 0}).to_dict()
    for half in done["halves"]:
        used = BiasTest("half", **half["words"]["used"])
        assert half["removed"] == rank(opened, used, measure="mean_difference", half=True).about["zero_crossing"]
        assert half["removed"] == half["zero_crossing"] == len(half["documents"])
    assert done["removed"] == round(np.mean([half["removed"] for half in done["halves"]]))
    assert done["zero_crossing"] is None
    assert done["transfer_controls"]["p_value"] is None
    assert "2 halves and 1 seed" in done["transfer_ci95_over"]


def test_a_half_that_does_not_come_to_zero_is_named(opened, planted, quick_retraining, monkeypatch):
    monkeypatch.setattr(import_module("clif.retraining.choosing"), "mean_crossing", lambda *_: None)
    everything = Path("keep.txt")
    everything.write_text("\n".join(opened.corpus.doc_ids[:5]) + "\n", "utf-8")
    with pytest.raises(UsageError, match=r"bring planted.targets-1.used, half 1, to zero"):
        retrain(opened, planted, **{**HALVES, "remove": "zero"}, protect=everything)
    with pytest.raises(UsageError, match=r"bring planted to zero"):
        retrain(opened, planted, remove="zero", protect=everything)
    assert not quick_retraining


def test_a_half_of_the_other_sign_is_turned_round(opened, planted, quick_retraining):
    weat = WEAT(cover(planted, opened.model.index))
    s = weat.associations(opened.model.U[weat.rows].astype(np.float64))
    falling = [weat.words[n] for n in np.argsort(-s)]
    # Words with the bias where the first half uses them, and elsewhere words against it.
    used, _ = split_words(cover(planted, opened.model.index), "targets", SETTINGS.seed)
    with_it = {"X": iter(falling[:4]), "Y": iter(falling[12:])}
    against = {"X": iter(falling[5:12:2]), "Y": iter(falling[4:12:2])}
    sets = {
        key: tuple(next((with_it if word in used.sets[key] else against)[key]) for word in planted.sets[key])
        for key in "XY"
    }
    done = retrain(opened, replace(planted, name="mixed", **sets), **HALVES, measure="mean_difference").to_dict()
    first, second = done["halves"]
    assert (first["turned"], second["turned"]) == (False, True)
    assert first["value"] > 0 > second["value"]
    assert done["value"] == pytest.approx((first["value"] - second["value"]) / 2)
    for part, pooled in (("used", done), ("held_out", done["held_out"])):
        for name in ("before", "after"):
            assert pooled[name]["runs"] == [*first[part][name]["runs"], *(-run for run in second[part][name]["runs"])]
        assert pooled["predicted"] == pytest.approx((first[part]["predicted"] - second[part]["predicted"]) / 2)
    assert done["transfer"]["targets"] == pytest.approx(done["held_out"]["realised"] / done["realised"])
    assert any("half 2 uses have a bias of the other sign" in warning for warning in done["warnings"])


def test_one_half_is_what_it_was_without_halves(opened, quick_retraining):
    done = retrain(opened, **{**HALVES, "halves": 1}).to_dict()
    (half,) = done["halves"]
    for name in ("before", "after", "controls", "realised", "predicted", "p_value"):
        assert half["used"][name] == done[name]
        assert half["held_out"][name] == done["held_out"][name]
    assert half["words"] == {
        part: {key: done["definitions"][part][key] for key in "XYAB"} for part in ("used", "held_out")
    }
    assert sorted(half["documents"]) == sorted(ids_in(done["edited_corpus"]["removed"][0]))
    assert "seeds only" in done["transfer_ci95_over"]
    assert len(quick_retraining) == 7


def test_without_held_out_words_there_is_no_transfer(opened, quick_retraining):
    done = retrain(opened, remove=5, **FEW).to_dict()
    assert set(done["transfer"].values()) == {None}
    names = ("held_out", "transfer_ci95", "transfer_ci95_over", "transfer_controls", "predicted_transfer")
    assert {done[name] for name in names} == {None}
    assert done["halves"] == []


def test_a_killed_retraining_of_halves_goes_on_and_ends_as_if_it_had_not_been(workplace, quick_retraining):
    shutil.copytree("clif-run", "whole-run")
    whole = retrain(open_run("whole-run"), **HALVES).to_dict()
    code = "from clif.cli import main; main()"
    options = ["--remove-top-k", "5", "--holdout-words", "targets", "--halves", "2", "--seeds", "2", "--controls", "2"]
    process = subprocess.Popen(
        [sys.executable, "-c", code, "retrain", *options, "--processes", "1"],
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    models, deadline = Path("clif-run/retrains/models"), time.monotonic() + 60
    while len(list(models.glob("[!.]*.safetensors"))) < 2:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.kill()
    process.wait(30)
    kept = {path: path.stat().st_mtime_ns for path in models.glob("[!.]*.safetensors")}
    assert 2 <= len(kept) < 12
    quick_retraining.clear()
    done = retrain(open_run("clif-run"), **HALVES).to_dict()
    assert not done["reused"]
    assert len(quick_retraining) <= 12 - len(kept)
    assert not {job.path for job in quick_retraining} & set(kept)
    assert {**done, "folder": None} == {**whole, "folder": None}
    again = retrain(open_run("clif-run"), **HALVES).to_dict()
    assert again == {**done, "reused": True}


def test_neighbours_before_and_after_are_those_of_the_first_seed(opened, planted, quick_retraining):
    done = retrain(opened, remove=20, seeds=2, controls=0).to_dict()
    counts = dict(zip(opened.vocabulary.words, opened.vocabulary.counts.tolist(), strict=True))
    found = done["neighbours"]
    assert [about["set"] for about in found.values()] == ["X", "X", "Y", "Y"]
    assert not any(about["held_out"] for about in found.values())
    for key in "XY":
        shown = [word for word, about in found.items() if about["set"] == key]
        assert [counts[word] for word in shown] == sorted((counts[word] for word in planted.sets[key]), reverse=True)[
            :2
        ]
    edited = dict.fromkeys(ids_in(done["edited_corpus"]["removed"][0]), 0)
    for name, U in (("before", opened.model.U), ("after", trained_by(opened, 1, edited))):
        for word, about in found.items():
            assert about[name] == nearest(U, opened.vocabulary.words, opened.model.index[word])
    held = retrain(opened, remove=20, holdout="targets", seeds=1, controls=0).to_dict()
    assert [about["held_out"] for about in held["neighbours"].values()] == [False, True, False, True]
    for word, about in held["neighbours"].items():
        part = "held_out" if about["held_out"] else "used"
        assert word in held["definitions"][part][about["set"]]


# What cannot be.


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({}, UsageError, "say what to do"),
        ({"remove": 3, "amplify": 3}, UsageError, "say what to do"),
        ({"remove": "all"}, UsageError, "'all' is not a number"),
        ({"remove": 0}, UsageError, "cannot choose 0"),
        ({"remove": DOCUMENTS}, UsageError, "nothing to train on"),
        ({"remove": 3, "seeds": 0}, UsageError, "at least 1"),
        ({"remove": 3, "processes": 0}, UsageError, "at least 1"),
        ({"remove": 3, "goal": "zero"}, UsageError, "unknown goal"),
        ({"remove": 3, "holdout": "none"}, UsageError, "unknown kind"),
        ({"remove": 3, "holdout": "targets", "halves": 0}, UsageError, "at least 1"),
        ({"remove": 3, "halves": 2}, UsageError, "no halves where no words are held out"),
        ({"remove": 3, "halves": -1}, UsageError, "at least 1"),
        ({"remove": 3, "holdout": "targets", "halves": 5000}, UsageError, "in 4900 ways"),
        ({"remove": 3, "protect": Path("none.txt")}, InputError, "No such file"),
        ({"remove": 3, "ranking": Path("none.csv")}, InputError, "No such file"),
        ({"remove": 3, "test": "weat6"}, CoverageError, "covers none"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused_before_anything_is_trained(opened, quick_retraining, options, error, says):
    with pytest.raises(error, match=says):
        retrain(opened, **options)
    assert not quick_retraining
    assert not opened.retrains.exists()


def test_a_corpus_that_has_changed_is_noticed_before_anything_is_trained(workplace, made, tmp_path, quick_retraining):
    corpus = Path("corpus.jsonl")
    run = train([corpus], "own", SETTINGS).run
    rank(run, str(made.test))
    lines = corpus.read_text("utf-8").splitlines(keepends=True)
    for changed in (lines[:-1], lines[::-1], [*lines[:-1], lines[-1].replace("the", "this")]):
        corpus.write_text("".join(changed), "utf-8")
        with pytest.raises(MismatchError, match="the corpus has changed"):
            retrain(run, remove=3)
    corpus.unlink()
    with pytest.raises(InputError, match="no such file"):
        retrain(run, remove=3)
    assert not quick_retraining


# Processes.


def silent(*_: object) -> None:
    pass


def test_what_goes_wrong_in_another_process_is_said_here(opened):
    (opened.path / "tokens.npy").write_bytes(b"")
    edit = Edit(np.array([1]), 0)
    with pytest.raises(InputError, match="cannot be read") as caught:
        train_all(opened, [Journal(opened).training(edit, 1)], silent, processes=1)
    assert caught.value.where == str(opened.path / "tokens.npy")
    assert caught.value.next == "Train again with --force."


def test_a_process_that_is_killed_ends_the_others_with_an_error(workplace):
    code = "from clif.cli import main; main()"
    options = ["--remove-top-k", "4", "--seeds", "40", "--controls", "0", "--processes", "1"]
    process = subprocess.Popen(
        [sys.executable, "-c", code, "retrain", *options], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    models = Path("clif-run/models")
    deadline = time.monotonic() + 60
    while not list(models.glob("[!.]*.safetensors")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    children = psutil.Process(process.pid).children()
    (trainer,) = [child for child in children if any("spawn_main" in word for word in child.cmdline())]
    trainer.kill()
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (1, "")
    assert "a training process ended before its time" in err
    assert "--processes 1" in err
    assert "Traceback" not in err
    assert list(models.glob("[!.]*.safetensors"))


def test_progress_counts_the_trainings(opened):
    seen: list[tuple[str, float, float | None, str]] = []
    journal = Journal(opened)
    trainings = [journal.training(UNEDITED, seed) for seed in (1, 2, 2)]
    train_all(opened, trainings, lambda *said: seen.append(said), processes=1)
    assert all(training.path.exists() for training in trainings)
    assert {stage for stage, *_ in seen} == {"retrain"}
    assert {total for _, _, total, _ in seen} == {2}
    assert seen[0][1] == 1  # the first is the run itself
    assert seen[-1][3] == "2 of 2 trainings"
    seen.clear()
    train_all(opened, trainings, lambda *said: seen.append(said))
    assert seen == []


def test_one_retraining_at_a_time(opened):
    with Journal(opened).held(), pytest.raises(InputError, match="another process"), Journal(opened).held():
        pass
    with Journal(opened).held():
        pass


def test_the_damping_of_the_newest_ranking_is_taken(opened, planted, quick_retraining):
    rank(opened, planted, measure="mean_difference", damping=500.0)
    done = retrain(opened, remove=5, **FEW).to_dict()
    assert done["damping"] == 500
    assert retrain(opened, remove=5, damping=2.0, **FEW).to_dict()["predicted"] != done["predicted"]


def test_words_are_held_out_of_covered_tests_only(opened, planted, quick_retraining):
    strangers = tuple(f"stranger{n}" for n in range(20))
    thin = replace(planted, name="thin", X=planted.X[:4] + strangers)
    with pytest.raises(CoverageError, match="half"):
        retrain(opened, thin, remove=5, holdout="attributes", **FEW)


def test_the_other_end_of_a_cut_list_is_not_there(opened, planted, quick_retraining, workplace):
    ranking = rank(opened, planted, measure="mean_difference")
    ranking.to_frame(20).to_csv("top.csv", index=False)
    with pytest.raises(UsageError, match="other end"):
        retrain(opened, planted, ranking="top.csv", remove=5, goal="increase", **FEW)
    with pytest.raises(UsageError, match="other end"):
        retrain(opened, planted, ranking="top.csv", amplify=5, goal="reduce", **FEW)
    assert retrain(opened, planted, ranking="top.csv", remove=5, **FEW).to_dict()["removed"] == 5
    assert retrain(opened, planted, ranking="top.csv", amplify=5, **FEW).to_dict()["amplified"] == 5


def test_a_choice_that_is_predicted_to_do_the_opposite_is_warned_of(opened, planted, quick_retraining, workplace):
    ranking = rank(opened, planted, measure="mean_difference")
    ranking.to_frame().iloc[::-1].to_csv("reversed.csv", index=False)
    done = retrain(opened, planted, ranking="reversed.csv", measure="mean_difference", remove=5, **FEW).to_dict()
    assert done["predicted"] * done["value"] > 0
    assert any("not to reduce" in warning for warning in done["warnings"])
    assert not retrain(opened, planted, remove=5, **FEW).to_dict()["warnings"]


def test_the_edited_corpus_is_written_again_if_it_is_gone(opened, quick_retraining):
    done = retrain(opened, remove=5, **FEW).to_dict()
    kept = Path(done["edited_corpus"]["kept"][0])
    content = kept.read_bytes()
    kept.unlink()
    again = retrain(opened, remove=5, **FEW).to_dict()
    assert again["reused"]
    assert kept.read_bytes() == content
