"""clif verify: what it prints and promises to scripts, what it refuses, and that nothing is lost when it is killed."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from conftest import train_here

from clif.run import open_run
from clif.storage.files import read_json, write_json
from clif.verification import results, verify

SMALL = ("--sizes", "3", "--random-sets", "1", "--subsets", "2")
FIGURES = {"pearson", "spearman", "slope", "rms"}


def test_json_holds_what_scripts_rely_on(workplace, clif, quick_verification):
    command = ("verify", "--test", "planted.toml", "--sizes", "3,9", "--subsets", "4", "--random-sets", "1", "--json")
    done = clif(*command)
    values = done.json()
    assert values["targeted"].keys() >= FIGURES
    assert values["random"].keys() >= FIGURES
    assert values["lds"].keys() >= {"alpha", "spearman", "ci95", "ceiling"}
    assert (values["runs"], values["seeds"], values["method"]) == (2, [1, 2], "block")
    assert [one["kind"] for one in values["sets"]] == ["reduce", "increase", "random"] * 2 + ["subset"] * 4
    assert all(one.keys() >= {"kind", "documents", "tokens", "predicted", "realised"} for one in values["sets"])
    assert (values["methods"], values["tests"], values["gates"], values["reused"]) == ({}, {}, [], False)
    folder = Path(values["folder"])
    stored = read_json(folder / "result.json", "")
    assert stored == {key: value for key, value in values.items() if key not in ("gates", "folder", "reused")}
    assert len(pd.read_csv(folder / "sets.csv")) == 2 * len(values["sets"])
    assert "<svg" in (folder / "scatter.svg").read_text("utf-8")
    assert "2 retrainings can detect" in done.err
    assert clif(*command).json() == {**values, "reused": True}
    assert clif(*command, "--quiet").err == ""


def test_the_screen_fits_and_says_it_in_words(workplace, clif, quick_verification, monkeypatch):
    options = ("--sizes", "3,9", "--subsets", "4", "--method", "block", "--method", "length", "--random-shares", ".02")
    monkeypatch.setenv("COLUMNS", "80")
    done = clif("verify", *options)
    assert done.code == 0
    assert max(map(len, done.out.splitlines())) <= 80
    for part in (
        "planted: predicted against realised (mean difference", "method", "slope", "rms error", "LDS", "length",
        "to reduce", "to increase", "random, 3 sets", "predicted", "±", "realised", "LDS on 4 subsets that keep 0.5",
        "moved the bias further than every random set", "Smallest change that 2 retrainings can detect",
        "Where errors come from",
    ):  # fmt: skip
        assert part in done.out.replace("\n", " "), part
    said = done.err.replace("\n", " ")
    assert re.search(r"Plan: 17 sets of documents \(4 chosen, .*\), seeds 1, 2: 35 trainings, 0 of them done", said)
    assert "clif verify --seeds 4" in said
    assert "clif retrain --remove-top-k 9" in said
    assert "done already" in clif("verify", *options).err


def test_several_tests_and_one_seed(workplace, clif, quick_verification):
    text = Path("planted.toml").read_text("utf-8").replace('name = "planted"', 'name = "twin"')
    Path("twin.toml").write_text(text, "utf-8")
    command = ("verify", "--test", "twin.toml", "--test", "planted.toml", *SMALL, "--seeds", "1")
    done = clif(*command)
    assert done.code == 0
    assert "twin: sets chosen by block" in done.out
    assert "planted: sets chosen by block" in done.out
    assert "--seeds 2 at the least" in done.out
    # The same documents are chosen for both: no set is trained twice.
    assert len(quick_verification) == 5
    values = clif(*command, "--json").json()
    assert values["tests"]["planted"]["targeted"] == values["targeted"]


def test_a_gate_that_is_not_passed_exits_with_6_after_all_is_written(workplace, clif, quick_verification):
    command = ("verify", "--test", "planted.toml", *SMALL, "--json")
    done = clif(*command, "--gate", "rms=1", "--gate", "slope=50:60")
    assert done.code == 6
    values = json.loads(done.out)
    assert [gate["passed"] for gate in values["gates"]] == [True, False]
    assert (Path(values["folder"]) / "result.json").exists()
    assert "1 of 2 gates not passed (slope=50:60, planted: " in done.err
    assert "next: " in done.err
    passed = clif(*command[:-1], "--gate", "rms=1")
    assert passed.code == 0
    assert "Gate rms=1, planted: " in passed.out
    assert len(quick_verification) == 11


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        ("--sizes none --subsets 0", 2, "no set of documents is left"),
        ("--sizes 0", 2, "must be at least 1"),
        ("--sizes 10,200", 2, "cannot remove 200 of 200 documents"),
        ("--sizes ten", 2, "'ten' is no list of numbers"),
        ("--random-shares .1,2", 2, "between 0 and 1, got 2"),
        ("--alpha 0", 2, "between 0 and 1, got 0"),
        ("--alpha 1.5", 2, "between 0 and 1, got 1.5"),
        ("--seeds -1", 2, "must be at least 1, got -1"),
        ("--seeds 0", 2, "must be at least 1"),
        ("--subsets -5", 2, "must be at least 0"),
        ("--processes 0", 2, "must be at least 1"),
        ("--method best", 2, "unknown method 'best'"),
        ("--choose best", 2, "unknown method 'best'"),
        ("--measure cosine", 2, "unknown measure 'cosine'"),
        ("--test planted", 2, "unknown test 'planted'"),
        ("--test weat", 2, "names 13 tests"),
        ("--test weat6", 3, "covers none"),
        ("--gate speed=.9", 2, "unknown gate 'speed'"),
        ("--gate slope=1", 2, "from one number to another"),
        ("--gate lds=.5 --subsets 0", 2, "switched off"),
        ("--budget soon", 2, "no length of time"),
        ("--budget 1s --test planted.toml", 2, "the least that can be verified"),
        ("nowhere", 1, "there is no run here"),
    ],
)
def test_what_is_refused_costs_no_training(workplace, clif, quick_verification, options, code, says):
    done = clif("verify", *options.split())
    assert done.code == code
    assert says in done.err
    assert done.err.count("Error: ") == 1
    assert "next: " in done.err
    assert "Traceback" not in done.err
    assert done.out == ""
    assert not quick_verification
    assert not list(Path("clif-run").glob("verifications/*.json"))


def test_an_imported_run_is_refused(workplace, clif, quick_verification):
    manifest = Path("clif-run/manifest.json")
    values = json.loads(manifest.read_text("utf-8"))
    values["training"]["imported"] = "model.bin"
    write_json(manifest, values)
    done = clif("verify", "--test", "planted.toml")
    assert (done.code, done.out) == (2, "")
    assert "trained elsewhere" in done.err


def test_what_was_done_before_an_interruption_is_kept(workplace, clif, quick_verification, monkeypatch):
    whole = results.train_apart

    def interrupted(run, jobs, *more):
        whole(run, jobs[:3], *more)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(results, "train_apart", interrupted)
        done = clif("verify", "--test", "planted.toml", *SMALL)
    assert done.code == 130
    assert "`clif verify`" in done.err
    assert len(quick_verification) == 4
    assert "Plan: 5 sets" in (again := clif("verify", "--test", "planted.toml", *SMALL)).err
    assert again.code == 0
    assert "11 trainings, 4 of them done" in again.err.replace("\n", " ")
    assert len(quick_verification) == 11


def test_killed_at_any_moment_it_ends_with_the_same_bytes(workplace, made, monkeypatch):
    """In processes of their own, as it is used; killed before the first training, and among them."""
    code = "from clif.cli import main; main()"
    command = [sys.executable, "-c", code, "verify", "--test", "planted.toml", *SMALL, "--quiet"]
    folder = Path("clif-run/verifications")
    for least in (0, 2):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        deadline = time.monotonic() + 60
        while not folder.exists() or len(list(folder.glob("trainings/*.json"))) < least:
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.005)
        time.sleep(random.Random(least).uniform(0, 0.3))
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        assert not list(folder.glob("*/result.json"))
    options = {"sizes": 3, "random_sets": 1, "subsets": 2}
    seen = []
    ended = verify(
        open_run("clif-run"), "planted.toml", **options, processes=2, progress=lambda *said: seen.append(said)
    ).folder
    counted = [said for said in seen if said[0] == "verify"]
    assert counted[0][1] >= 2  # those that were done
    assert counted[-1][1:] == (10, 10, "10 of 10 trainings")
    assert not list(folder.rglob(".*.tmp"))
    train_here(monkeypatch)
    undisturbed = verify(open_run(shutil.copytree(made.run, "undisturbed")), "planted.toml", **options).folder
    assert ended.name == undisturbed.name
    for path in undisturbed.iterdir():
        assert (ended / path.name).read_bytes() == path.read_bytes()
    for path in (undisturbed.parent / "trainings").iterdir():
        assert (ended.parent / "trainings" / path.name).read_bytes() == path.read_bytes()
