"""Disks that are full, folders that cannot be written to: said clearly, and nothing is lost."""

from __future__ import annotations

import os
import shutil
import subprocess
import time

import numpy as np
import pytest
from conftest import OPTIONS, SETTINGS
from safetensors import SafetensorError

from clif.errors import InputError
from clif.ranking import newest_ranking, rank, stored
from clif.run import open_run
from clif.storage.tensors import write_tensors
from clif.training import train


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 256 kB; only root can make one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ("mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk))
    if os.geteuid() or not shutil.which("mount") or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("no disk of one's own can be made here")
    yield disk
    subprocess.run(("umount", str(disk)), check=True)


def test_training_on_a_full_disk_says_so_and_goes_on_when_there_is_room(small_disk, made, clif):
    filler = small_disk / "filler"
    filler.write_bytes(b"x" * 100_000)
    done = clif("train", made.corpus, "--out", small_disk / "run", *OPTIONS)
    assert done.code == 1
    assert "cannot write" in done.err
    assert "space" in done.err
    assert "Traceback" not in done.err
    assert filler.exists()
    assert not (small_disk / "run").exists()
    filler.unlink()
    subprocess.run(("mount", "-o", "remount,size=4m", str(small_disk)), check=True)
    assert clif("train", made.corpus, "--out", small_disk / "run", *OPTIONS).code == 0
    assert open_run(small_disk / "run").identity == open_run(made.run).identity


def test_a_ranking_that_does_not_fit_leaves_the_old_ones(small_disk, made, clif):
    subprocess.run(("mount", "-o", "remount,size=4m", str(small_disk)), check=True)
    run = open_run(shutil.copytree(made.run, small_disk / "run"))
    before = {path.name: path.read_bytes() for path in run.rankings.iterdir()}
    free = shutil.disk_usage(small_disk).free
    (small_disk / "filler").write_bytes(b"x" * max(0, free - 4096))
    done = clif("rank", run.path, "--test", made.test, "--method", "gradient")
    assert done.code == 1
    assert "No space left" in done.err
    assert {path.name: path.read_bytes() for path in run.rankings.iterdir()} == before


def test_what_safetensors_says_of_a_full_disk_is_an_error_of_ours(tmp_path, monkeypatch):
    def full(*_args, **_more):
        raise SafetensorError("I/O error: No space left on device (os error 28)")

    monkeypatch.setattr("safetensors.numpy.save_file", full)
    with pytest.raises(InputError, match=r"cannot write(.|\n)*No space left"):
        write_tensors(tmp_path / "a.safetensors", {"a": np.ones(2)}, {})
    assert list(tmp_path.iterdir()) == []


def test_an_error_of_a_disk_that_nobody_expected_is_no_traceback(workplace, clif, monkeypatch):
    def gone(*_):
        raise OSError(5, "Input/output error", "clif-run/tokens.npy")

    monkeypatch.setattr("clif.run.open_corpus", gone)
    done = clif("rank", "--test", "planted.toml", "--method", "gradient")
    assert done.code == 1
    assert "clif-run/tokens.npy: Input/output error" in done.err
    assert "next:" in done.err


def test_the_newest_ranking_is_the_last_one_also_if_the_clock_was_put_back(opened, made, monkeypatch):
    first = rank(opened, str(made.test), measure="mean_difference", method="frequency")
    before = time.time_ns() - 10**15
    monkeypatch.setattr(stored.time, "time_ns", lambda: before)
    second = rank(opened, str(made.test), measure="mean_difference", method="length")
    assert newest_ranking(opened).path == second.path
    rank(opened, str(made.test), measure="mean_difference", method="frequency")  # taken again
    assert newest_ranking(opened).path == first.path


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path, made, monkeypatch):
    def refused(*_args, **_more):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("clif.storage.files.tempfile.mkstemp", refused)
    with pytest.raises(InputError, match="cannot write: Permission denied") as caught:
        train([made.corpus], tmp_path / "run", SETTINGS)
    assert str(tmp_path) in caught.value.where
    assert os.listdir(tmp_path) == []
