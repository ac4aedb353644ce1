"""A small trained run, made once a session, and the command line as a function."""

from __future__ import annotations

import io
import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from clif.cli import main
from clif.ranking import rank
from clif.run import Run
from clif.settings import TrainingSettings
from clif.training import train

DATA = Path(__file__).parents[1] / "data"
DOCUMENTS = 200
# As options of `clif train`; SETTINGS says the same to the library.
OPTIONS = ("--dim", "10", "--epochs", "3", "--min-count", "2", "--sample", "0")
SETTINGS = TrainingSettings(dim=10, epochs=3, min_count=2, sample=0.0)


@dataclass(frozen=True)
class Outcome:
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str

    def json(self) -> dict[str, Any]:
        """The one object on stdout."""
        assert self.code == 0, self.err
        found: dict[str, Any] = json.loads(self.out)
        return found


Clif = Callable[..., Outcome]


@dataclass(frozen=True)
class Made:
    """Files that tests may read and copy, but not change."""

    folder: Path

    @property
    def corpus(self) -> Path:
        """The first DOCUMENTS documents of the planted corpus."""
        return self.folder / "corpus.jsonl"

    @property
    def other(self) -> Path:
        """As many others of its documents."""
        return self.folder / "other.jsonl"

    @property
    def test(self) -> Path:
        """The bias test that belongs to them."""
        return self.folder / "planted.toml"

    @property
    def run(self) -> Path:
        """A run on `corpus`, with a ranking for `test` by mean difference."""
        return self.folder / "clif-run"

    @property
    def other_run(self) -> Path:
        """A run on `other`."""
        return self.folder / "other-run"


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Two corpora, a test and two runs."""
    made = Made(tmp_path_factory.mktemp("made"))
    lines = (DATA / "planted.jsonl").read_text("utf-8").splitlines(keepends=True)
    made.corpus.write_text("".join(lines[:DOCUMENTS]), "utf-8")
    made.other.write_text("".join(lines[DOCUMENTS : 2 * DOCUMENTS]), "utf-8")
    shutil.copy(DATA / "planted.toml", made.test)
    train([made.other], made.other_run, SETTINGS)
    rank(train([made.corpus], made.run, SETTINGS).run, str(made.test), measure="mean_difference")
    return made


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: Made) -> Path:
    """An own current folder with corpus.jsonl, planted.toml and the run clif-run."""
    place = tmp_path / "work"
    place.mkdir()
    for file in (made.corpus, made.test):
        shutil.copy(file, place)
    shutil.copytree(made.run, place / "clif-run")
    monkeypatch.chdir(place)
    return place


@pytest.fixture
def opened(workplace: Path) -> Run:
    """The run of the workplace."""
    from clif.run import open_run

    return open_run(workplace / "clif-run")


@pytest.fixture
def clif(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Clif:
    """Run the command line in this process: clif("rank", "--json", stdin=b"...")."""
    monkeypatch.setenv("COLUMNS", "200")

    def run(*args: object, stdin: bytes = b"") -> Outcome:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capsys.readouterr()
        code = 0
        try:
            main([str(arg) for arg in args])
        except SystemExit as left:
            code = int(left.code or 0)
        said = capsys.readouterr()
        return Outcome(code, said.out, said.err)

    return run


@pytest.fixture
def quick_retraining(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Retrain in this process, which spares the start of others; returns the trainings as they are done."""
    from clif import retraining
    from clif.training import pool

    class Nobody:
        def put(self, _value: object) -> None:
            pass

    done: list[Any] = []

    def train_all(run: Run, asked: list[Any], _progress: object, _processes: int | None = None) -> None:
        for training in {t.path: t for t in asked}.values():
            if not training.path.exists():
                pool.train_job(str(run.path), training)
                done.append(training)

    monkeypatch.setattr(pool, "_epochs", Nobody())
    monkeypatch.setattr(retraining, "train_all", train_all)
    return done
