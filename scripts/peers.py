"""clif beside general attribution libraries on one problem, each in a process of its own; see scripts/benchmark."""

from __future__ import annotations

import json
import math
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any

import click
import numpy as np

FIRST, MOST, SECONDS, CORRECT, GOAL = 60, 300, 120, 0.9, 100
# Rankings are checked for two models: after 5 epochs so short a text has taught next to nothing, and the damping
# outweighs the curvature, so that methods without any are right; after 20 it does not.
EPOCHS = (5, 20)
FIRST_ORDER = "no curvature"
BURIED = "the projection to 2,048 numbers buries the gradient of the test's rows in those of the documents"
SADDLE = "the Hessian of U and C, with its damping, is indefinite here: not the Gauss-Newton problem"
INDEFINITE = f"{SADDLE}, and conjugate gradients need not converge on it"
LINEAR = "its batched gradients know Linear and Conv2d only, so one document at a time"
SWITCH = "no argument for a measured function: one output object is switched between the stages"
FISHER = "products of whole documents' gradients stand for the Hessian"


@dataclass
class Row:
    """A line of the table: a method, what it is given, what is known of it, and its runs by (documents, epochs)."""

    library: str
    method: str
    given: str = ""
    adapter: str = ""
    note: str = ""
    runs: dict[tuple[int, int], dict[str, Any]] = field(default_factory=dict)
    spearman: dict[int, float | None] = field(default_factory=dict)
    failure: str = ""

    @property
    def last(self) -> dict[str, Any]:
        """The run over most documents."""
        return self.runs[max(self.runs, key=lambda key: (key[0], -key[1]))] if self.runs else {}

    @property
    def rate(self) -> float:
        """Documents a CPU second in that run."""
        return self.last["documents"] / self.last["cpu_seconds"] if self.last else 0.0

    def correct(self, models: tuple[int, ...] = EPOCHS) -> bool:
        """Whether the ranking agrees with the exact solve for the models of so many epochs."""
        return all((self.spearman.get(epochs) or 0) >= CORRECT for epochs in models)

    def to_dict(self) -> dict[str, Any]:
        """The row as plain values, without scores; what ran took the effect size, and the vectors of a model."""
        ran = bool(self.runs)
        return {
            "library": self.library, "version": installed(self.library), "method": self.method, "given": self.given,
            "documents": self.last.get("documents"), "cpu_seconds": self.last.get("cpu_seconds"),
            "documents_per_cpu_second": self.rate, "memory_mb": self.last.get("memory_mb"),
            "takes_other_loss": ran, "handles_embeddings": ran,
            "spearman": {f"{epochs} epochs": rho for epochs, rho in self.spearman.items()}, "correct": self.correct(),
            "note": "; ".join(filter(None, (self.note, self.failure))),
        }  # fmt: skip


def table_rows() -> list[Row]:
    """Every method that is compared."""
    from peer_problem import GIVEN

    from clif.influence.methods import METHODS

    names = ("block", "clif", "clif exact", "kfac", "gradient")
    notes = {"clif exact": SADDLE, "gradient": FIRST_ORDER}
    rows = [Row("clif", name, note=notes.get(name, "")) for name in names if name.split()[0] in METHODS]
    for given in GIVEN:
        wrong = {"U and C": INDEFINITE}.get(given, "")
        trak = FISHER if given == "rows" else BURIED
        rows += [
            Row("dattri", "TracIn", given, "dattri_tracin", FIRST_ORDER),
            Row("dattri", "influence, CG", given, "dattri_cg", wrong),
            Row("captum", "TracInCP", given, "captum_tracin", f"{FIRST_ORDER}; {LINEAR}"),
            Row("traker", "TRAK", given, "traker", f"{trak}; {SWITCH}"),
        ]
    return rows


def installed(library: str) -> str:
    """Version of a library, empty where it is missing."""
    try:
        return version(library)
    except PackageNotFoundError:
        return ""


def child(place: Path, method: str, given: str) -> dict[str, Any]:
    """Score all documents of a problem in this process: scores, CPU seconds (the median of three if short), memory."""
    attribute = _peer(place, method, given) if given else _clif(place, method)
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(time.process_time()) + SECONDS, resource.RLIM_INFINITY))
    scores, seconds = attribute()
    times = [seconds] + [attribute()[1] for _ in range(2) if seconds < 2]
    return {"documents": len(scores), "cpu_seconds": median(times), "memory_mb": peak(), "scores": scores.tolist()}


def peak() -> int:
    """Peak memory of this process, MB. On Linux ru_maxrss takes over that of the process that started this one."""
    status = Path("/proc/self/status")
    if status.exists():
        return round(int(status.read_text().split("VmHWM:")[1].split()[0]) / 1024)
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2)


def _clif(place: Path, method: str) -> Callable[[], tuple[np.ndarray, float]]:
    import clif

    run = clif.open_run(place / "run")
    slots = {doc_id: slot for slot, doc_id in enumerate(run.corpus.doc_ids)}
    name, *exact = method.split()
    options: dict[str, Any] = {"curvature": "exact"} if exact else {}

    def attribute() -> tuple[np.ndarray, float]:
        ranking = clif.rank(run, str(place / "test.toml"), method=name, cache=False, **options)
        scores = np.empty(len(ranking))
        scores[[slots[doc_id] for doc_id in ranking.doc_ids]] = ranking.influence
        return scores, ranking.about["cpu_seconds"]

    attribute()  # compiles
    return attribute


def _peer(place: Path, adapter: str, given: str) -> Callable[[], tuple[np.ndarray, float]]:
    import peer_adapters
    import torch
    from peer_problem import load

    torch.set_num_threads(1)
    make, data = getattr(peer_adapters, adapter), load(place)
    make(data.head(2), given)()  # imports and first calls
    score = make(data, given)

    def attribute() -> tuple[np.ndarray, float]:
        began = time.process_time()
        scores = score()
        return scores, time.process_time() - began

    return attribute


def attempt(row: Row, place: Path, documents: int, epochs: int) -> dict[str, Any]:
    """The run of a row on a problem; empty where it failed, and then the row says why."""
    key = (documents, epochs)
    if key not in row.runs:
        command = [sys.executable, __file__, str(place), row.adapter or row.method, row.given]
        quiet = {**os.environ, "TQDM_DISABLE": "1", "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
        done = subprocess.run(command, capture_output=True, text=True, env=quiet, check=False)
        if done.returncode:
            said = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
            late = done.returncode == -signal.SIGXCPU
            row.failure = f"{documents} documents: " + (f"not done in {SECONDS} CPU s" if late else said)
            return {}
        row.runs[key] = json.loads(done.stdout.splitlines()[-1])
    return row.runs[key]


def compare() -> dict[str, Any]:
    """The whole comparison."""
    from peer_problem import GIVEN, TEST, load, make_problem, reference
    from scipy.stats import spearmanr

    rows = table_rows()
    with tempfile.TemporaryDirectory() as folder:
        problem = cache(lambda documents, epochs: make_problem(Path(folder), documents, epochs))
        exact = {epochs: reference(load(problem(FIRST, epochs))) for epochs in EPOCHS}
        for row in rows:
            click.echo(f"{row.library} {row.method} {row.given} ...", err=True)
            if not installed(row.library):
                row.failure = "not installed"
                continue
            for epochs in EPOCHS:
                if run := attempt(row, problem(FIRST, epochs), FIRST, epochs):
                    rho = float(spearmanr(run["scores"], exact[epochs])[0])
                    row.spearman[epochs] = round(rho, 3) if math.isfinite(rho) else None
            if run := row.runs.get((FIRST, EPOCHS[0])):
                # Work grows as documents times vocabulary, so at most as the square of the documents.
                documents = min(MOST, int(FIRST * math.sqrt(SECONDS / run["cpu_seconds"])) // 10 * 10)
                if documents > FIRST:
                    attempt(row, problem(documents, EPOCHS[0]), documents, EPOCHS[0])
        ratios = []
        for models in (EPOCHS[:1], EPOCHS):
            for given in (GIVEN[:2], GIVEN[2:]):
                correct = [row for row in rows if row.given in given and row.correct(models)]
                best = max(correct, key=lambda row: row.rate, default=Row("none", ""))
                ratio = None
                if documents := best.last.get("documents"):
                    block = attempt(rows[0], problem(documents, EPOCHS[0]), documents, EPOCHS[0])
                    ratio = round(documents / block["cpu_seconds"] / best.rate, 1)
                who = " ".join((best.library, best.method, best.given)).strip()
                ratios.append({"correct_for_epochs": models, "given": given, "fastest": who, "ratio": ratio})
    return {
        "test": TEST, "first_documents": FIRST, "dim": 50, "min_count": 2, "epochs": EPOCHS, "correct_from": CORRECT,
        "rows": [row.to_dict() for row in rows], "block_to_fastest_correct_peer": ratios,
    }  # fmt: skip


def show(figures: dict[str, Any]) -> None:
    """Print the comparison as text."""
    sets = [" ".join(words) for words in figures["test"].values()]
    five, twenty = EPOCHS
    click.echo(f"""Lee background corpus of gensim, dim 50, min-count 2; WEAT effect size of
  {sets[0]} / {sets[1]}
  {sets[2]} / {sets[3]}
Spearman: the first {FIRST} documents against the exact solve over U and C, models of {five} and {twenty} epochs;
correct: {CORRECT} in both. Documents: as many of {MOST} as took less than {SECONDS} CPU s ({five} epochs).
Given: the parameters. `rows`: the test's rows of U alone; its adapter leaves out by hand what clif leaves out.
Peak memory includes the library.
""")
    head = ("library", "method", "given", "documents", "CPU s", "docs/CPU s", "peak MB", "other loss", "embeddings",
            "Spearman", "correct", "note")  # fmt: skip
    lines = [head]
    notes = list(dict.fromkeys(row["note"] for row in figures["rows"] if row["note"]))
    yes = {True: "yes", False: "no"}
    for row in figures["rows"]:
        counts = ["-"] * 4
        if row["documents"]:
            rate = row["documents_per_cpu_second"]
            counts = [str(row["documents"]), f"{row['cpu_seconds']:.3f}", f"{rate:,.1f}", str(row["memory_mb"])]
        rhos = " ".join("none" if rho is None else f"{rho:+.3f}" for rho in row["spearman"].values())
        said = f"[{notes.index(row['note']) + 1}]" if row["note"] else ""
        flags = yes[row["takes_other_loss"]], yes[row["handles_embeddings"]]
        lines.append((f"{row['library']} {row['version']}", row["method"], row["given"], *counts, *flags, rhos,
                      yes[row["correct"]], said))  # fmt: skip
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        padded = [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
        padded[3:7] = [cell.strip().rjust(len(cell)) for cell in padded[3:7]]
        click.echo("  ".join(padded).rstrip())
    click.echo("".join(f"\n[{number}] {text}" for number, text in enumerate(notes, 1)) + "\n")
    click.echo(f"Documents a CPU second: block to the fastest correct peer, on as many documents (goal: {GOAL})")
    for found in figures["block_to_fastest_correct_peer"]:
        models = " and ".join(map(str, found["correct_for_epochs"]))
        which = f"correct for {models} epochs, given {' or '.join(found['given'])}"
        click.echo(f"  {which:46}  {found['ratio'] or '-':>6}  {found['fastest']}")


def run_peers(as_json: bool) -> None:
    """Compare, and print the comparison."""
    figures = compare()
    if as_json:
        click.echo(json.dumps(figures, indent=2))
    else:
        show(figures)


if __name__ == "__main__":
    click.echo(json.dumps(child(Path(sys.argv[1]), sys.argv[2], sys.argv[3])))
