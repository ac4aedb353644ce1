"""Temporary files of processes that are gone go; those of others stay."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from clif.storage import leftovers
from clif.storage.files import whole_file
from clif.storage.holding import held
from clif.storage.leftovers import sweep, temporary_prefix


def dead_process() -> int:
    process = subprocess.Popen([sys.executable, "-S", "-c", ""])
    process.wait()
    return process.pid


def test_what_dead_processes_left_goes_and_the_rest_stays(tmp_path, monkeypatch):
    own = f".a.json.{leftovers._host()}"
    gone = [tmp_path / f"{own}-{dead_process()}.x1.tmp", tmp_path / "b" / f"{own}-{os.getpid()}.x2.tmp"]
    folder = tmp_path / f".sums.{leftovers._host()}-{dead_process()}.x3.tmp"
    stays = [
        tmp_path / f"{own}-{os.getppid()}.x4.tmp",
        tmp_path / f".a.json.00000000-{dead_process()}.x5.tmp",  # of another machine
        tmp_path / "a.json",
        tmp_path / ".other.tmp",
    ]
    folder.mkdir(parents=True)
    (tmp_path / "b").mkdir()
    for path in [*gone, *stays, folder / "1.rows"]:
        path.write_text("x")
    sweep(tmp_path)
    assert not gone[0].exists()
    assert gone[1].exists()  # deeper down
    sweep(tmp_path, tmp_path / "nowhere", below=True)
    assert not any(path.exists() for path in [*gone, folder])
    assert all(path.exists() for path in stays)


@pytest.mark.parametrize("name", ["a.json", "ü" * 127, "x" * 255])
def test_files_of_long_names_are_written_too(tmp_path, name):
    with whole_file(tmp_path / name) as temporary:
        assert temporary.name.startswith(temporary_prefix(name))
        temporary.write_text("x")
    assert os.listdir(tmp_path) == [name]


def test_whoever_takes_a_lock_removes_what_the_one_before_left_there(tmp_path):
    (tmp_path / f".lock.holder.{leftovers._host()}-{dead_process()}.x1.tmp").write_text("half")
    with held(tmp_path / "lock", "working", tmp_path, ""):
        pass
    assert os.listdir(tmp_path) == []
