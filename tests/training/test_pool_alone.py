"""Processes that train do not run the script again that started them; what killed ones left goes first."""

from __future__ import annotations

import subprocess
import sys
from multiprocessing.spawn import get_preparation_data

import pytest

from clif.storage import leftovers
from clif.training import pool
from clif.training.models import CALLER
from clif.training.pool import Job, alone, train_apart

MAIN = {"init_main_from_name", "init_main_from_path"}


def test_a_process_started_alone_is_told_nothing_of_the_script():
    main = sys.modules["__main__"]
    with alone():
        assert not MAIN & set(get_preparation_data("worker"))
    assert sys.modules["__main__"] is main


def test_the_script_is_back_after_a_failure():
    main = sys.modules["__main__"]

    def fail():
        with alone():
            raise ValueError

    with pytest.raises(ValueError):
        fail()
    assert sys.modules["__main__"] is main


def test_a_plain_script_retrains_and_runs_once(workplace):
    script = workplace / "script.py"
    script.write_text(
        "import clif\nprint('once')\n"
        "done = clif.retrain('clif-run', 'planted.toml', remove=5, seeds=1, controls=0, processes=1)\n"
        "print(done.values['edited'])\n",
        "utf-8",
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True, timeout=300)
    assert done.stdout.split() == ["once", "5"]


def test_what_a_killed_training_left_goes_before_the_folder_of_its_model_is_written_again(tmp_path, monkeypatch):
    ended = subprocess.Popen([sys.executable, "-S", "-c", ""])
    ended.wait()
    left = tmp_path / "models" / f".seed-2.safetensors.{leftovers._host()}-{ended.pid}.x1.tmp"
    left.parent.mkdir()
    left.write_text("half")
    monkeypatch.setattr(pool, "current_cluster", object)
    monkeypatch.setattr(pool, "train_elsewhere", lambda *_: 0.0)
    train_apart(None, [Job(2, left.parent / "seed-2.safetensors")], CALLER, lambda *_: None)
    assert not left.exists()
