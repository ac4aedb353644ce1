"""Rankings and a retraining by one process and by three workers, of which some are killed; see scripts/cluster."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np

CLIF = [sys.executable, "-c", "from clif.cli import main; main()"]
DASK = [sys.executable, "-m", "dask"]
WORKERS = 3
SCORING, TRAINING = "_score_part", "_train"  # functions whose tasks are looked for
TOLERANCE = 1e-6
WAIT = 120.0


@dataclass(frozen=True)
class Row:
    """One piece of work, by one process and by the workers."""

    work: str
    killed: str
    one_seconds: float
    cluster_seconds: float
    difference: str
    same: bool


class Loopback:
    """A scheduler and its workers, each a process of its own."""

    def __init__(self, folder: Path) -> None:
        from distributed import Client

        self._folder, self._file = folder, folder / "scheduler.json"
        self._processes = [self._start("scheduler", "--host", "127.0.0.1", "--port", "0")]
        wait_until(self._file.exists)
        self.address: str = json.loads(self._file.read_text())["address"]
        self._client = Client(self.address, set_as_default=False)

    def fill(self) -> None:
        """Have three workers; without nannies, which would start again what is killed."""
        for _ in range(WORKERS - len(self._client.scheduler_info(n_workers=-1)["workers"])):
            local = ("--local-directory", str(self._folder))
            self._processes.append(
                self._start("worker", "--nthreads", "1", "--no-nanny", "--memory-limit", "0", *local)
            )
        self._client.wait_for_workers(WORKERS, timeout=WAIT)

    @contextlib.contextmanager
    def losing_one(self, function: str) -> Iterator[list[str]]:
        """Kill the first worker that is seen to do this; gives a list that says so."""
        pids = self._client.run(os.getpid)
        said: list[str] = []
        over = threading.Event()

        def watch() -> None:
            while not over.is_set():
                for worker, tasks in self._client.processing().items():
                    doing = [task for task in map(str, tasks) if task.startswith(function)]
                    if doing and worker in pids:
                        os.kill(pids[worker], signal.SIGKILL)
                        said.append(f"worker {pids[worker]}")
                        return
                time.sleep(0.005)

        watching = threading.Thread(target=watch)
        watching.start()
        try:
            yield said
        finally:
            over.set()
            watching.join()

    def close(self) -> None:
        self._client.close()
        for process in self._processes:
            process.kill()
            process.wait()

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        command = [*DASK, *arguments, "--scheduler-file", str(self._file), "--no-dashboard"]
        with (self._folder / "log").open("ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log)


def wait_until(condition: Any) -> None:
    end = time.monotonic() + WAIT
    while not condition():
        if time.monotonic() > end:
            raise SystemExit("no scheduler came up")
        time.sleep(0.05)


def said(*arguments: str) -> tuple[dict[str, Any], float]:
    """What a clif command says as JSON, and how long it took."""
    began = time.monotonic()
    done = subprocess.run([*CLIF, *arguments, "--json", "--quiet"], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"clif {' '.join(arguments)} failed: {done.stderr}")
    return json.loads(done.stdout), time.monotonic() - began


def influences(path: str) -> tuple[np.ndarray, list[str]]:
    """Influence by document, in the order of their ids, and the ids in the order of the list."""
    import csv

    with open(path, encoding="utf-8", newline="") as file:
        rows = {row["doc_id"]: float(row["influence"]) for row in csv.DictReader(file)}
    return np.array([rows[doc_id] for doc_id in sorted(rows)]), list(rows)


def compare_rankings(method: str, ask: list[str], here: Path, there: Path, loopback: Loopback) -> Row:
    loopback.fill()
    one, seconds = said("rank", str(here), *ask, "--method", method)
    with loopback.losing_one(SCORING) as killed:
        far, far_seconds = said("rank", str(there), *ask, "--method", method, "--scheduler", loopback.address)
    own, _ = influences(one["ranking"])
    others, _ = influences(far["ranking"])
    apart = float(np.abs(others - own).max() / np.abs(own).max())
    return Row(f"rank, {method}", ", ".join(killed), seconds, far_seconds, f"{apart:.1e}", apart <= TOLERANCE)


def compare_retrainings(ask: list[str], here: Path, there: Path, loopback: Loopback) -> Row:
    loopback.fill()
    one, seconds = said("retrain", str(here), *ask)
    with loopback.losing_one(TRAINING) as killed:
        far, far_seconds = said("retrain", str(there), *ask, "--scheduler", loopback.address)
    values = all(one[part]["runs"] == far[part]["runs"] for part in ("before", "after", "controls"))
    models = [{path.name: path.read_bytes() for path in (run / "models").iterdir()} for run in (here, there)]
    same = values and bool(models[0]) and models[0] == models[1]
    found = "all values and models" if same else "values" if values else "none"
    return Row("retrain", ", ".join(killed), seconds, far_seconds, f"equal: {found}", same)


@click.command()
@click.argument("corpus", type=click.Path(exists=True))
@click.option("--test", default="weat6", show_default=True)
@click.option("--method", "methods", multiple=True, default=("block", "clif"), show_default=True)
@click.option("--epochs", type=int, default=1, show_default=True)
@click.option("--remove", type=int, default=100, show_default=True, help="Documents that the retraining removes.")
@click.option("--seeds", type=int, default=2, show_default=True)
def command(corpus: str, test: str, methods: tuple[str, ...], epochs: int, remove: int, seeds: int) -> None:
    """Compare; ends with 1 if something differs, or no worker was killed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        here, there = folder / "here", folder / "there"
        trained, _ = said("train", corpus, "--epochs", str(epochs), "--out", str(here))
        shutil.copytree(here, there)
        loopback = Loopback(folder)
        try:
            rows = [compare_rankings(method, ["--test", test], here, there, loopback) for method in methods]
            ask = ["--test", test, "--method", methods[0], "--remove-top-k", str(remove)]
            ask += ["--seeds", str(seeds), "--controls", "1"]
            rows.append(compare_retrainings(ask, here, there, loopback))
        finally:
            loopback.close()
    click.echo(f"{trained['documents']:,} documents, {trained['tokens']:,} tokens, {epochs} epochs, {WORKERS} workers")
    click.echo(f"{'work':14} {'killed in the middle':22} {'one process':>12} {'workers':>9}   largest difference")
    for row in rows:
        killed = row.killed or "nobody"
        click.echo(
            f"{row.work:14} {killed:22} {row.one_seconds:10.1f} s {row.cluster_seconds:7.1f} s   {row.difference}"
        )
    if not all(row.same and row.killed for row in rows):
        raise SystemExit(1)


if __name__ == "__main__":
    command()
