"""A training that was stopped goes on, and ends with the bytes of one that was not."""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import SETTINGS

from clif.errors import InputError
from clif.folder import STARTED
from clif.run import open_run, replaced
from clif.storage.files import read_json, write_json
from clif.training import paired, train
from clif.training.pool import held


class Stopped(BaseException):
    """As when a process is killed, but for what cleans up."""


def stop_in(monkeypatch, epoch):
    """Stop the next training in this epoch, from 0; returns the numbers of the epochs that are begun."""
    begun = []
    whole = paired.PairedTraining.epoch

    def counted(self, number):
        begun.append(number)
        if number == epoch:
            raise Stopped
        return whole(self, number)

    monkeypatch.setattr(paired.PairedTraining, "epoch", counted)
    return begun


def outputs(run):
    """All files, the manifest without its clock."""
    found = {p.relative_to(run).as_posix(): p.read_bytes() for p in sorted(run.rglob("*")) if p.is_file()}
    manifest = read_json(run / "manifest.json", "")
    assert manifest["training"].pop("cpu_seconds") > 0
    return {**found, "manifest.json": json.dumps(manifest)}


@pytest.fixture
def stopped(tmp_path, made, monkeypatch):
    """A folder in which a training was stopped in its fourth epoch."""
    with monkeypatch.context() as patch:
        stop_in(patch, 3)
        with pytest.raises(Stopped):
            train([made.corpus], tmp_path / "run", SETTINGS)
    assert os.listdir(tmp_path) == [".run.partial"]
    assert read_json(tmp_path / ".run.partial" / STARTED, "")["cpu_seconds"] > 0
    return tmp_path / "run"


def test_it_goes_on_after_its_last_epoch_and_ends_with_the_same_bytes(stopped, made, monkeypatch):
    begun, said = stop_in(monkeypatch, None), []
    result = train([made.corpus], stopped, SETTINGS, progress=lambda *about: said.append(about))
    assert not result.reused
    assert begun == [0, *range(3, SETTINGS.epochs)]  # 0: nothing of it, to compile
    assert any("going on after epoch 3" in about[3] for about in said if len(about) > 3)
    assert not any(about[0] == "read" for about in said)
    train([made.corpus], stopped.parent / "other", SETTINGS)
    assert outputs(stopped) == outputs(stopped.parent / "other")
    assert sorted(os.listdir(stopped.parent)) == ["other", "run"]


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-100] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("damaged", "first"),
    [("checkpoints/seed-1.epoch-2.safetensors", 1), ("tokens.npy", 0), ("documents.parquet", 0), (STARTED, 0)],
)
def test_what_was_damaged_is_made_again(stopped, made, monkeypatch, damaged, first):
    flip(stopped.parent / ".run.partial" / damaged)
    begun = stop_in(monkeypatch, None)
    train([made.corpus], stopped, SETTINGS)
    assert begun == [0, *range(first, SETTINGS.epochs)]
    assert open_run(stopped).identity == open_run(made.run).identity


@pytest.mark.parametrize("other", ["settings", "corpus"])
def test_nothing_of_another_training_is_taken(stopped, made, other):
    settings = replace(SETTINGS, epochs=2) if other == "settings" else SETTINGS
    corpus = made.other if other == "corpus" else made.corpus
    train([corpus], stopped, settings)
    train([corpus], stopped.parent / "other", settings)
    assert outputs(stopped) == outputs(stopped.parent / "other")


def test_standard_input_is_given_again(tmp_path, made, monkeypatch):
    def give():
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(made.corpus.read_bytes())))

    give()
    with monkeypatch.context() as patch:
        stop_in(patch, 2)
        with pytest.raises(Stopped):
            train(["-"], tmp_path / "run", SETTINGS)
    give()
    begun = stop_in(monkeypatch, None)
    train(["-"], tmp_path / "run", SETTINGS)
    assert begun == [0, *range(2, SETTINGS.epochs)]
    assert open_run(tmp_path / "run").sources == [tmp_path / "run" / "stdin"]


def test_a_run_that_was_being_replaced_is_there_again(tmp_path, made):
    run = tmp_path / "run"
    shutil.copytree(made.run, replaced(run))
    with pytest.raises(InputError, match="was being replaced when its command was stopped"):
        open_run(run)
    assert train([made.corpus], run, SETTINGS).reused  # the old one, as there was no new one yet
    assert os.listdir(tmp_path) == ["run"]
    run.rename(replaced(run))
    shutil.copytree(made.other_run, tmp_path / ".run.partial")
    assert train([made.other], run, SETTINGS).reused  # the new one, which was whole
    assert os.listdir(tmp_path) == ["run"]


def test_a_run_at_which_others_work_is_not_replaced(tmp_path, made):
    run = open_run(shutil.copytree(made.run, tmp_path / "run"))
    with held(run.retrains, run, "retraining"), pytest.raises(InputError, match="another process is at work"):
        train([made.other], run.path, SETTINGS, force=True)
    assert open_run(run.path).identity == open_run(made.run).identity
    assert os.listdir(tmp_path) == ["run"]
    train([made.other], run.path, SETTINGS, force=True)
    assert open_run(run.path).identity == open_run(made.other_run).identity


def test_the_manifest_says_whether_it_reproduces_and_why(made, tmp_path):
    training = open_run(made.run).manifest["training"]
    assert training["reproducible"] is True
    assert "one worker" in training["reproducible_because"]
    for trainer in ("paired", "gensim"):
        settings = replace(SETTINGS, trainer=trainer, workers=2, epochs=1)
        training = train([made.corpus], tmp_path / trainer, settings).run.manifest["training"]
        assert training["reproducible"] is False
        assert "without locks" in training["reproducible_because"]


def test_a_corpus_that_cannot_be_read_now_costs_nothing_of_what_was_begun(tmp_path, made, monkeypatch):
    corpus = Path(shutil.copy(made.corpus, tmp_path / "corpus.jsonl"))
    with monkeypatch.context() as patch:
        stop_in(patch, 3)
        with pytest.raises(Stopped):
            train([corpus], tmp_path / "run", SETTINGS)
    corpus.rename(tmp_path / "away")
    with pytest.raises(InputError, match="no such file"):
        train([corpus], tmp_path / "run", SETTINGS)
    (tmp_path / "away").rename(corpus)
    begun = stop_in(monkeypatch, None)
    train([corpus], tmp_path / "run", SETTINGS)
    assert begun == [0, *range(3, SETTINGS.epochs)]


@pytest.mark.parametrize("values", [{}, {"asked": [], "cpu_seconds": 1.0}, {"cpu_seconds": "1"}])
def test_a_note_that_says_nothing_is_no_beginning(stopped, made, values):
    write_json(stopped.parent / ".run.partial" / STARTED, values)
    train([made.corpus], stopped, SETTINGS)
    assert open_run(stopped).identity == open_run(made.run).identity
