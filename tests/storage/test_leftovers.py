"""Temporary files of processes that are gone go; those of others stay."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import psutil
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


@pytest.mark.skipif(os.name != "posix", reason="processes that nobody asked after are of POSIX systems")
def test_a_killed_process_that_nobody_asked_after_is_gone_too(tmp_path):
    process = subprocess.Popen([sys.executable, "-S", "-c", "input()"], stdin=subprocess.PIPE)
    left = tmp_path / f".a.json.{leftovers._host()}-{process.pid}.x1.tmp"
    left.write_text("half")
    sweep(tmp_path)
    assert left.exists()
    process.kill()
    while psutil.Process(process.pid).status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)
    sweep(tmp_path)
    assert not left.exists()
    process.communicate()


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


KILLED = """
import os, signal, sys
from pathlib import Path
import numpy as np, safetensors.numpy
from clif.storage.tensors import write_tensors

def save_file(arrays, path, metadata):
    Path(path).with_name(".tmpAbCdEf").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)

safetensors.numpy.save_file = save_file
write_tensors(Path(sys.argv[1]), {"U": np.zeros(3)}, {})
"""


@pytest.mark.skipif(os.name != "posix", reason="a process kills itself by a signal of POSIX systems")
def test_what_the_library_of_tensors_left_goes_too(tmp_path):
    killed = subprocess.run([sys.executable, "-c", KILLED, tmp_path / "model.safetensors"])
    assert killed.returncode == -signal.SIGKILL
    assert os.listdir(tmp_path)
    sweep(tmp_path)
    assert os.listdir(tmp_path) == []
