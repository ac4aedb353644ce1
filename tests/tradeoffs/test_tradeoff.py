"""Bias against usefulness on a small run."""

from __future__ import annotations

import json
import shutil
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest
from conftest import DATA

from clif.cli import tradeoff_command
from clif.cli.screen import Screen
from clif.errors import CoverageError, InputError, UsageError
from clif.objectives import WEAT, BiasTest, cover, kind_of, objective_of
from clif.ranking import rank
from clif.retraining.kept_loss import find_loss
from clif.run import open_run
from clif.storage.files import read_json, write_json
from clif.tradeoffs import Request, comparing, tradeoff
from clif.tradeoffs.policies import by_keywords
from clif.training import pool
from clif.training.paired import train_paired

OPTIONS = {
    "shares": (0.1, 0.2), "seeds": 2, "policies": ("clif", "random", "keyword", "debias"),
    "measure": "mean_difference", "method": "block",
}  # fmt: skip
FEW = {**OPTIONS, "shares": (0.1,), "seeds": 1, "policies": ("random",)}


@pytest.fixture
def quick(monkeypatch):
    """Train in this process; returns the trainings as they are done."""

    class Nobody:
        def put(self, _value):
            pass

    done = []

    def train_apart(run, jobs, *_):
        for job in {job.path: job for job in jobs}.values():
            if not job.path.exists():
                pool.train_job(str(run.path), job)
                done.append(job)
        return 0.0

    monkeypatch.setattr(pool, "_epochs", Nobody())
    monkeypatch.setattr(comparing, "train_apart", train_apart)
    monkeypatch.setattr("clif.training.models.train_apart", train_apart)
    return done


@pytest.fixture
def question(workplace):
    """Judgements of words of the planted corpus stand for WordSim-353."""
    return BiasTest.from_toml(DATA / "planted.toml")


@pytest.fixture(autouse=True)
def judged(monkeypatch):
    test = BiasTest.from_toml(DATA / "planted.toml")
    words = [*test.X, *test.A]
    rng = np.random.default_rng(0)
    pairs = [(a, b, float(rng.integers(0, 10))) for n, a in enumerate(words) for b in words[:n]]
    for module in ("clif.quality", "clif.retraining.keeping"):
        monkeypatch.setattr(f"{module}.wordsim_pairs", lambda: pairs)


def test_points_are_what_training_without_the_documents_gives(opened, question, quick):
    result = tradeoff(opened, question, **OPTIONS)
    values = result.to_dict()
    found = [(point["policy"], point["share"]) for point in values["points"]]
    policies = ("clif", "random", "keyword")
    assert found == [("before", None), ("debias", None), *((p, share) for p in policies for share in (0.1, 0.2))]
    assert values["trainings"] == 2 * 7
    weat = WEAT(cover(question, opened.model.index))
    own = weat.value(opened.model.U[weat.rows].astype(float), "mean_difference")
    before, debias, some, many = values["points"][:4]
    assert before["bias"]["runs"][0] == pytest.approx(own)
    assert abs(debias["bias"]["mean"]) < 1e-9
    assert before["bias"]["mean"] > some["bias"]["mean"] > many["bias"]["mean"]
    keyword = values["points"][-2]
    order = by_keywords(opened, cover(question, opened.model.index))
    weights = np.ones(len(opened.corpus))
    weights[order[: round(keyword["documents"])]] = 0
    U = train_paired(opened.corpus, opened.vocabulary, replace(opened.settings, seed=2), weights=weights).U
    assert keyword["bias"]["runs"][1] == pytest.approx(weat.value(U[weat.rows].astype(float), "mean_difference"))
    for point in values["points"][2:]:
        assert point["token_share"] == pytest.approx(point["share"], abs=0.01)
        assert point["quality"]["mean"] is not None
    fronts = [point for point in values["points"] if point["front"]]
    assert fronts
    for point in fronts:
        assert not any(
            abs(o["bias"]["mean"]) < abs(point["bias"]["mean"]) and o["quality"]["mean"] > point["quality"]["mean"]
            for o in values["points"]
        )
    # What was measured is kept, and the models are not.
    assert len(list((opened.tradeoffs / "trainings").iterdir())) == 14
    frame = result.to_frame()
    assert frame["bias_mean"].tolist() == pytest.approx([point["bias"]["mean"] for point in values["points"]])
    text = (result.folder / "tradeoff.svg").read_text("utf-8")
    ET.fromstring(text)
    assert all(policy in text for policy in (*policies, "debias", "before"))
    quick.clear()
    again = tradeoff(opened, question, **OPTIONS)
    assert again.reused
    shutil.rmtree(result.folder)
    anew = tradeoff(opened, question, **OPTIONS)
    assert not quick
    assert anew.to_dict() == {**again.to_dict(), "reused": False}


def test_what_is_not_known_of_usefulness_is_said_and_not_offered_as_a_picture(
    opened, question, quick, monkeypatch, capsys
):
    monkeypatch.setattr("clif.quality.wordsim_pairs", list)
    result = tradeoff(opened, question, **FEW)
    tradeoff_command.show(Screen(json=False, quiet=False), result, opened.path)
    said = capsys.readouterr()
    assert "Usefulness is not known" in said.out
    assert "Usefulness is not known" in str(result)
    assert "clif report" in said.err
    assert "clif plot" not in said.err


def test_usefulness_can_be_kept(opened, question, quick):
    options = {**OPTIONS, "shares": (0.2,), "seeds": 1, "policies": ("clif", "keep"), "keep": ("quality=.02",)}
    values = tradeoff(opened, question, **options).to_dict()
    assert [point["policy"] for point in values["points"]] == ["before", "clif", "keep"]
    before, free, kept = values["points"]
    assert kept["bias"]["mean"] < before["bias"]["mean"]
    assert free["tokens"] >= kept["tokens"]
    assert values["keep"] == ["quality=.02"]


def test_the_plan_is_said_before_it_begins(workplace, clif, quick, judged):
    said = clif("tradeoff", "--test", "planted.toml", "--shares", ".1", "--seeds", 1, "--policies", "keyword,debias",
                "--measure", "mean_difference")  # fmt: skip
    assert said.code == 0, said.err
    assert "2 trainings at the most" in said.err
    assert "keyword" in said.out
    assert "Gonen" in said.out
    found = clif("tradeoff", "--test", "planted.toml", "--shares", ".1", "--seeds", 1, "--policies", "keyword,debias",
                 "--measure", "mean_difference", "--json").json()  # fmt: skip
    assert found["reused"]
    assert json.loads((open_run().tradeoffs / found["folder"].split("/")[-1] / "result.json").read_text())["points"]


@pytest.mark.parametrize(
    "options",
    [{"policies": ("clif", "magic")}, {"shares": ()}, {"shares": (1.5,)}, {"seeds": 0}, {"method": "gradient"},
     {"keep": "quality=-1"}, {"policies": ()}],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(options):
    with pytest.raises(UsageError):
        Request(**options)


def test_a_test_that_is_not_covered_is_refused(opened, quick):
    with pytest.raises(CoverageError):
        tradeoff(opened, "weat6", **OPTIONS)
    assert not quick


def test_a_measure_is_one_of_the_kind(opened, question, quick):
    with pytest.raises(UsageError, match="unknown measure 'size'"):
        tradeoff(opened, question, **{**OPTIONS, "measure": "size"})


def test_tests_of_other_kinds_are_read_by_their_own_measure(opened, question, quick):
    test = BiasTest(name="alone", kind="sc-weat", X=question.X, A=question.A, B=question.B)
    options = {"shares": (0.1,), "seeds": 1, "policies": ("clif", "debias"), "method": "block"}
    values = tradeoff(opened, test, **options).to_dict()
    assert values["measure"] == kind_of(test).measures[0]
    objective = objective_of(cover(test, opened.model.index))
    own = objective.value(opened.model.U[objective.rows].astype(float), values["measure"])
    before, debias, without = values["points"]
    assert before["bias"]["mean"] == pytest.approx(own)
    assert abs(debias["bias"]["mean"]) < abs(own)
    assert without["bias"]["mean"] != pytest.approx(own)


def test_files_count_by_what_they_hold(opened, question, quick, tmp_path):
    pairs, questions = tmp_path / "pairs.toml", tmp_path / "questions.txt"
    options = {**OPTIONS, "seeds": 1, "policies": ("debias",), "pairs": pairs, "analogies": questions}
    rows = [list(pair) for pair in zip(question.A, question.B, strict=True)]
    x, y, a, b = question.X[0], question.Y[0], question.A[0], question.B[0]
    pairs.write_text(f"pairs = {json.dumps(rows)}", encoding="utf-8")
    questions.write_text(f"{a} {b} {x} {y}", encoding="utf-8")
    first = tradeoff(opened, question, **options)
    assert tradeoff(opened, question, **options).reused
    pairs.write_text(f"pairs = {json.dumps(rows[:2])}", encoding="utf-8")
    second = tradeoff(opened, question, **options)
    assert not second.reused
    assert len(second.to_dict()["pairs"]) == 2 < len(first.to_dict()["pairs"])
    questions.write_text(f"{a} {b} {x} {x}", encoding="utf-8")
    assert not tradeoff(opened, question, **options).reused
    questions.unlink()
    with pytest.raises(InputError, match="cannot be read"):
        tradeoff(opened, question, **options)


def test_the_method_is_said_and_does_not_depend_on_what_was_ranked_last(opened, question, quick, clif, workplace):
    few = {"shares": (0.1,), "seeds": 1, "policies": ("clif",), "measure": "mean_difference"}
    rank(opened, question, measure="mean_difference", method="block", damping=3.0)
    first = tradeoff(opened, question, **few)
    rank(opened, question, measure="mean_difference", method="source")
    again = tradeoff(opened, question, **few)
    assert again.reused
    assert first.to_dict()["method"] == "source"
    assert "once more" in first.to_dict()["method_because"]
    said = clif("tradeoff", "--test", "planted.toml", "--shares", ".1", "--seeds", 1, "--policies", "clif",
                "--measure", "mean_difference", "--method", "block")  # fmt: skip
    assert said.code == 0, said.err
    assert "clif by block: it was asked for by --method" in said.err
    assert "chosen by block" in said.out
    several = replace(opened, manifest={**opened.manifest, "settings": {**opened.manifest["settings"], "workers": 2}})
    asked = comparing.settle(several, question, Request(**few))
    assert asked.method == "block"
    assert "cannot be gone through" in comparing.why(several, Request(**few))
    plain = {**few, "policies": ("random",)}
    assert tradeoff(opened, question, **plain).to_dict()["method"] is None


def test_what_is_kept_is_measured_for_all_policies(opened, question, quick, workplace, clif):
    lines = (DATA / "planted.jsonl").read_text("utf-8").splitlines(keepends=True)
    (workplace / "held.jsonl").write_text("".join(lines[500:560]), "utf-8")
    options = {**OPTIONS, "shares": (0.2,), "seeds": 1, "policies": ("keep", "random", "debias"),
               "keep": ("loss:held.jsonl=.001", "quality=.5")}  # fmt: skip
    result = tradeoff(opened, question, **options)
    before, debias, keep, random = result.to_dict()["points"]
    loss = find_loss(opened, "held.jsonl", 0.001)
    assert before["kept"]["loss:held.jsonl"]["mean"] == pytest.approx(loss.value(opened.model.U, opened.model.C))
    assert debias["kept"]["loss:held.jsonl"]["mean"] is None
    assert set(keep["kept"]) == {"loss:held.jsonl"}
    assert random["kept"]["loss:held.jsonl"]["mean"] > before["kept"]["loss:held.jsonl"]["mean"]
    frame = result.to_frame()
    assert frame["loss:held.jsonl_mean"][0] == pytest.approx(before["kept"]["loss:held.jsonl"]["mean"])
    said = clif("tradeoff", "--test", "planted.toml", "--shares", ".2", "--seeds", 1, "--policies",
                "keep,random,debias", "--measure", "mean_difference", "--method", "block", "--keep",
                "loss:held.jsonl=.001", "--keep", "quality=.5")  # fmt: skip
    assert "loss:held.jsonl" in said.out
    assert "loss:held.jsonl (sd)" in repr(result)  # a notebook shows what the terminal does
    (workplace / "held.jsonl").write_text("".join(lines[500:550]), "utf-8")  # another text, so it is measured anew
    assert not tradeoff(opened, question, **options).reused


@pytest.mark.parametrize("values", [[], {}, {"bias": "x", "quality": 1, "analogies": 1}, {"bias": 1, "kept": 3}])
def test_a_training_that_holds_something_else_is_named(opened, question, quick, values):
    tradeoff(opened, question, **FEW)
    done = next(job for job in quick if hasattr(job, "values"))
    write_json(done.path, {**read_json(done.path, ""), "plain": values})
    with pytest.raises(InputError, match="does not hold what clif stores there") as caught:
        done.values(opened)
    assert caught.value.where == str(done.path)


def test_a_result_that_cannot_be_shown_is_named(opened, question, quick):
    done = tradeoff(opened, question, **FEW)
    write_json(done.folder / "result.json", {**done.values, "points": 7})
    with pytest.raises(InputError, match="does not hold what clif stores there") as caught:
        tradeoff(opened, question, **FEW)
    assert caught.value.where == str(done.folder / "result.json")
