"""Run folders appear whole, also when two processes build the same one."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from conftest import OPTIONS, SETTINGS

from clif.errors import MismatchError
from clif.run import open_run
from clif.training import train


def test_two_trainings_of_one_run_leave_it_whole(tmp_path, made):
    code = "from clif.cli import main; main()"
    command = [sys.executable, "-c", code, "train", str(made.corpus), "--out", "run", *OPTIONS]
    both = [subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL) for _ in range(2)]
    for process in both:
        process.wait(timeout=100)
    run = open_run(tmp_path / "run")
    assert run.model.U.tobytes() == open_run(made.run).model.U.tobytes()
    assert len(run.corpus) == len(open_run(made.run).corpus)
    assert os.listdir(tmp_path) == ["run"]


def test_a_link_keeps_pointing_at_its_run(tmp_path, made):
    real = tmp_path / "real"
    train([made.corpus], real, SETTINGS)
    (tmp_path / "link").symlink_to(real)
    with pytest.raises(MismatchError):
        train([made.other], tmp_path / "link", SETTINGS)
    train([made.other], tmp_path / "link", SETTINGS, force=True)
    assert (tmp_path / "link").is_symlink()
    assert open_run(real).corpus.doc_ids == open_run(made.other_run).corpus.doc_ids


def test_a_single_path_is_a_corpus_too(tmp_path, made):
    run = train(str(made.corpus), tmp_path / "run", SETTINGS).run
    assert run.identity == open_run(made.run).identity
