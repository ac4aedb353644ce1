"""A real Dask scheduler and three workers on this machine give what one process gives, also when a worker dies."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from conftest import Clif

import clif as package
from clif import cluster as cluster_module
from clif.cluster import Cluster, current_cluster, on_cluster
from clif.corpus.parts import BLOCK, parts_of
from clif.errors import InputError, MismatchError, UsageError
from clif.influence import divided
from clif.ranking import rank
from clif.run import open_run
from clif.training.models import train_further

WORKERS = 3
HERE = Path(__file__).parents[1]


class Loopback:
    """A scheduler and its workers, as processes of their own; BUSY holds a file for each worker at work."""

    def __init__(self, folder: Path) -> None:
        self.busy, self._folder = folder / "busy", folder
        self.busy.mkdir()
        places = [str(Path(package.__file__).parents[1]), str(HERE)]
        self._environment = {
            **os.environ, "PYTHONPATH": os.pathsep.join(places), "BUSY": str(self.busy), "OMP_NUM_THREADS": "1",
        }  # fmt: skip
        file = folder / "scheduler.json"
        self._scheduler = self._start("scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(file))
        wait_until(file.exists)
        self._file = file
        self.workers: list[subprocess.Popen[bytes]] = []

    @property
    def address(self) -> str:
        found: str = json.loads(self._file.read_text())["address"]
        return found

    def fill(self) -> None:
        """Have three workers, and no word of what they did before."""
        self.workers = [worker for worker in self.workers if worker.poll() is None]
        while len(self.workers) < WORKERS:
            # Without a nanny, which would start them again: a worker that is lost stays lost.
            self.workers.append(
                self._start(
                    *("worker", "--scheduler-file", str(self._file), "--nthreads", "1", "--no-nanny"),
                    *("--memory-limit", "0", "--preload", str(HERE / "slow_worker.py")),
                    *("--local-directory", str(self._folder)),
                )
            )
        for file in self.busy.iterdir():
            file.unlink()

    @contextlib.contextmanager
    def losing_one(self, work: str) -> Iterator[list[int]]:
        """End the first worker that is seen at this work, by SIGKILL; gives a list that it is put into."""
        lost: list[int] = []

        def watch() -> None:
            wait_until(lambda: list(self.busy.glob(f"{work}.*")))
            pid = int(next(self.busy.glob(f"{work}.*")).suffix[1:])
            os.kill(pid, signal.SIGKILL)
            lost.append(pid)

        watching = threading.Thread(target=watch, daemon=True)
        watching.start()
        yield lost
        watching.join(timeout=60)

    def close(self) -> None:
        for process in [*self.workers, self._scheduler]:
            process.kill()
            process.wait()

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "dask", *arguments, "--no-dashboard"]
        with (self._folder / "log").open("ab") as log:
            return subprocess.Popen(command, env=self._environment, stdout=log, stderr=log)


def wait_until(condition, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loopback]:
    pytest.importorskip("distributed")
    found = Loopback(tmp_path_factory.mktemp("cluster"))
    yield found
    found.close()


@pytest.fixture
def loopback(started: Loopback, monkeypatch: pytest.MonkeyPatch) -> Loopback:
    """Three workers, and a corpus that is scored in parts of 2,000 tokens."""

    def parts(corpus, threads, block, most, *, by_path):
        size = (2000, 1) if block == BLOCK else (block, most)  # the blocks of counting are the same everywhere
        return parts_of(corpus, threads, *size, by_path=by_path)

    started.fill()
    monkeypatch.setattr(divided, "parts_of", parts)
    return started


def influences(ranking) -> np.ndarray:
    order = np.argsort(ranking.doc_ids)
    return np.asarray(ranking.columns["influence"])[order]


@pytest.mark.parametrize("method", ["block", "clif"])
def test_scores_are_those_of_one_process_though_a_worker_dies(loopback, opened, workplace, method):
    asked = {"measure": "mean_difference", "method": method, "cache": False}
    here = influences(rank(opened, str(workplace / "planted.toml"), **asked))
    with loopback.losing_one("_score_part") as lost, on_cluster(loopback.address):
        current_cluster()._client.wait_for_workers(WORKERS, timeout=60)
        there = influences(rank(open_run(opened.path), str(workplace / "planted.toml"), **asked))
    assert len(lost) == 1
    np.testing.assert_allclose(there, here, rtol=1e-6, atol=1e-9 * np.abs(here).max())


def test_trainings_are_those_of_one_process_though_a_worker_dies(
    loopback, clif: Clif, workplace, monkeypatch, quick_retraining
):
    ask = ("--test", "planted.toml", "--measure", "mean_difference", "--remove-top-k", "20", "--seeds", "2", "--json")
    here = clif("retrain", *ask, "--controls", "1").json()
    models = {path.name: path.read_bytes() for path in (workplace / "clif-run/models").glob("*.safetensors")}
    assert models
    for folder in ("models", "retrains"):
        (workplace / "clif-run" / folder).rename(workplace / folder)
    monkeypatch.undo()
    monkeypatch.chdir(workplace)
    with loopback.losing_one("_train") as lost:
        there = clif("retrain", *ask, "--controls", "1", "--scheduler", loopback.address).json()
    assert len(lost) == 1
    for part in ("before", "after", "controls"):
        assert there[part]["runs"] == here[part]["runs"]
    found = {path.name: path.read_bytes() for path in (workplace / "clif-run/models").glob("*.safetensors")}
    assert found == models


def test_a_run_that_workers_do_not_reach_is_sent_to_them(loopback, opened, workplace, monkeypatch):
    monkeypatch.setattr(Cluster, "all", lambda *_: False)
    here = influences(rank(opened, str(workplace / "planted.toml"), measure="mean_difference", cache=False))
    with on_cluster(loopback.address):
        run = open_run(opened.path)
        there = influences(rank(run, str(workplace / "planted.toml"), measure="mean_difference", cache=False))
        (job,), _ = train_further(run, [2])
        elsewhere = job.path.read_bytes()
        job.path.unlink()
    np.testing.assert_allclose(there, here, rtol=1e-6, atol=1e-9 * np.abs(here).max())
    (job,), _ = train_further(open_run(opened.path), [2], processes=1)
    assert job.path.read_bytes() == elsewhere


def test_no_scheduler(monkeypatch, clif: Clif, workplace):
    pytest.importorskip("distributed")
    monkeypatch.setattr(cluster_module, "SECONDS", 0.5)
    said = clif("rank", "--scheduler", "tcp://127.0.0.1:9")
    assert said.code == 1
    assert "no Dask scheduler answers there" in said.err


@pytest.mark.parametrize("address", ["nonsense://x", "host", "tls://127.0.0.1:9"])  # TLS asks for certificates
def test_no_address(monkeypatch, clif: Clif, workplace, address):
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(distributed, "Client", None)  # one half made would hold up the end of the process
    said = clif("rank", "--scheduler", address)
    assert said.code == 2
    assert "is not the address of a scheduler" in said.err


def test_dask_is_an_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "dask", None)
    with pytest.raises(UsageError, match="Dask is not installed") as raised, on_cluster("tcp://127.0.0.1:9"):
        pass
    assert "clif[dask]" in raised.value.next


def test_without_an_address_all_stays_here(monkeypatch):
    monkeypatch.setitem(sys.modules, "dask", None)
    with on_cluster(None):
        assert current_cluster() is None


class Client:
    """What `check` asks a client for."""

    def __init__(self, versions: dict[str, object], scheduler: object = package.__version__) -> None:
        self._versions, self._scheduler = versions, scheduler

    def wait_for_workers(self, _number: int, timeout: float) -> None:
        if not self._versions:
            raise TimeoutError

    def run(self, _function: object, **_: object) -> dict[str, object]:
        return self._versions

    def run_on_scheduler(self, _function: object) -> object:
        if isinstance(self._scheduler, Exception):
            raise self._scheduler
        return self._scheduler


def test_workers_must_come():
    with pytest.raises(InputError, match="has no worker"):
        Cluster(Client({}), "tcp://x").check()


@pytest.mark.parametrize("version", ["0.0.1", ModuleNotFoundError("clif")])
def test_scheduler_and_workers_have_the_same_clif(version):
    same = {"w": package.__version__}
    Cluster(Client(same), "tcp://x").check()
    for client, place in ((Client({"w": version}), "worker w"), (Client(same, version), "scheduler")):
        with pytest.raises(MismatchError, match="there is no clif") as raised:
            Cluster(client, "tcp://x").check()
        assert raised.value.where == place
