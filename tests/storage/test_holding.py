"""One process at a time, and the others are told who it is."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys

import pytest

from clif.errors import InputError
from clif.storage.holding import held

HOLD = """
import sys, time
from pathlib import Path
from clif.storage.holding import held
sys.argv = ["/bin/clif", "retrain", "a run"]
with held(Path("lock"), "retraining in this run", Path("run"), "do so."):
    print("held", flush=True)
    time.sleep(60)
"""


def test_the_second_is_told_who_holds_it_and_gets_it_when_that_one_is_killed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lock = tmp_path / "lock"
    process = subprocess.Popen([sys.executable, "-c", HOLD], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"held\n"
    with pytest.raises(InputError) as caught, held(lock, "retraining in this run", tmp_path, "do so."):
        raise AssertionError
    assert re.fullmatch(
        rf"another process is retraining in this run \(process {process.pid}, `clif retrain 'a run'`, "
        r"since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\S+\)",
        caught.value.what,
    )
    assert caught.value.next == "Wait until it is done, or do so."
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert sorted(os.listdir()) == ["lock", "lock.holder"]
    with held(lock, "retraining in this run", tmp_path, "do so."):
        assert f'"pid": {os.getpid()}' in (tmp_path / "lock.holder").read_text()
    assert os.listdir() == []


def test_it_is_let_go_after_an_error(tmp_path):
    for _ in range(2):
        with pytest.raises(ValueError, match="no"), held(tmp_path / "new" / "lock", "working", tmp_path, "wait."):
            raise ValueError("no")
    assert os.listdir(tmp_path / "new") == []


def test_where_no_lock_can_be_made_the_folder_is_named(tmp_path):
    (tmp_path / "file").write_text("x")
    with (
        pytest.raises(InputError, match="cannot write"),
        held(tmp_path / "file" / "lock", "working", tmp_path, "wait."),
    ):
        raise AssertionError
