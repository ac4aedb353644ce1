"""A small trained run, made once a session, and the command line as a function."""

from __future__ import annotations

import importlib
import io
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from clif.cli import main
from clif.objectives import BiasTest
from clif.ranking import rank
from clif.run import Run, open_run
from clif.settings import TrainingSettings
from clif.training import train

if TYPE_CHECKING:
    from reporting_page import Opened, Reported

    from clif.verification import VerifyResult

DATA = Path(__file__).parents[1] / "data"
DOCUMENTS = 200
# Epochs enough to learn what was planted. As options of `clif train`; SETTINGS says the same to the library.
OPTIONS = ("--dim", "10", "--epochs", "8", "--min-count", "2", "--sample", "0")
SETTINGS = TrainingSettings(dim=10, epochs=8, min_count=2, sample=0.0)


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
    return open_run(workplace / "clif-run")


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Any]]:
    """Imports a module of scripts/ by its name; it is forgotten afterwards."""
    monkeypatch.syspath_prepend(DATA.parent / "scripts")
    before = set(sys.modules)
    asked: list[str] = []

    def load(name: str) -> Any:
        asked.append(name)
        return importlib.import_module(name)

    yield load
    for name in set(asked) - before:
        sys.modules.pop(name, None)


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
    return retrain_here(monkeypatch)


def retrain_here(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Do the trainings of retrainings in this process; returns them as they are done."""
    from clif import retraining
    from clif.retraining import seeking
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
    for module in (retraining, seeking):
        monkeypatch.setattr(module, "train_all", train_all)
    return done


@pytest.fixture
def quick_verification(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Verify in this process, which spares the start of others; returns the trainings as they are done."""
    return train_here(monkeypatch)


def train_here(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Do trainings of verifications, trade-offs and further models in this process; returns them as they are done."""
    from clif.tradeoffs import comparing
    from clif.training import models, pool
    from clif.verification import results

    class Nobody:
        def put(self, _value: object) -> None:
            pass

    done: list[Any] = []

    def train_apart(run: Run, jobs: list[Any], *_: object) -> float:
        spent = 0.0
        for job in {job.path: job for job in jobs}.values():
            if not job.path.exists():
                spent += pool.train_job(str(run.path), job)
                done.append(job)
        return spent

    monkeypatch.setattr(pool, "_epochs", Nobody())
    monkeypatch.setattr(models, "train_apart", train_apart)
    monkeypatch.setattr(results, "train_apart", train_apart)
    monkeypatch.setattr(comparing, "train_apart", train_apart)
    return done


@dataclass(frozen=True)
class Verified:
    """A run, the two tests that it was verified for, what came out, and the trainings done; not to be changed."""

    run: Run
    tests: tuple[BiasTest, BiasTest]
    result: VerifyResult
    trained: list[Any]

    def copy(self, folder: Path) -> Run:
        """An own copy of the run with all of its trainings."""
        shutil.copytree(self.run.path, folder)
        return open_run(folder)


VERIFY: dict[str, Any] = {
    "method": ("block", "gradient", "length"),
    "sizes": (3, 20),
    "random_sets": 2,
    "random_shares": (0.02,),
    "alpha": (0.5, 0.9),
    "subsets": 3,
}


@pytest.fixture(scope="session")
def verified(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Verified:
    """The planted test, and one with half of its target words, with the options VERIFY."""
    from clif.verification import verify

    run = open_run(shutil.copytree(made.run, tmp_path_factory.mktemp("verified") / "clif-run"))
    planted = BiasTest.from_toml(made.test)
    half = replace(planted, name="half", X=planted.X[:4], Y=planted.Y[:4])
    with pytest.MonkeyPatch.context() as patch:
        trained = train_here(patch)
        result = verify(run, [planted, half], **VERIFY)
    return Verified(run, (planted, half), result, trained)


@pytest.fixture(scope="session")
def reported(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Reported:
    """A run that has been through everything, one of its documents hostile, and its page."""
    from reporting_page import make_reported

    first = rank(open_run(made.run), str(made.test), measure="mean_difference").doc_ids[0]
    with pytest.MonkeyPatch.context() as patch:
        train_here(patch)
        retrain_here(patch)
        return make_reported(made.corpus, str(made.test), first, tmp_path_factory.mktemp("reported"), SETTINGS)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A headless Chromium; tests that need it are skipped where there is none."""
    from reporting_page import start_browser

    yield from start_browser()


@pytest.fixture
def page_opened(browser: Any, reported: Reported) -> Iterator[Opened]:
    """The page of the reported run, at 1280 pixels."""
    from reporting_page import open_page

    yield from open_page(browser, reported.page)


@pytest.fixture(scope="session")
def many(reported: Reported, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with 25,000 documents."""
    from reporting_page import make_many

    return make_many(reported, tmp_path_factory.mktemp("many") / "report.html")
