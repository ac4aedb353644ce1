"""How the cost of ranking grows with the corpus: CPU seconds of the scoring pass, and peak memory, by quarters."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import click
import numpy as np

CLIF = [sys.executable, "-c", "from clif.cli import main; main()"]
REPEATS = 3
PASSES = 40
PARTS = 4


def measured(*arguments: str) -> tuple[dict[str, Any], float]:
    """JSON of a clif command, and the peak resident memory of its process in MB."""
    command = [*CLIF, *arguments, "--json", "--quiet"]
    with (
        tempfile.TemporaryFile("w+") as said,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, text=True) as process,
    ):
        assert process.stdout is not None
        text = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise SystemExit(f"clif {' '.join(arguments)} failed: {said.read()}")
    unit = 1 if sys.platform == "darwin" else 1024
    return json.loads(text), usage.ru_maxrss * unit / 1e6


def cut(corpus: Path, folder: Path) -> list[Path]:
    """Write a quarter, half, three quarters and the whole of a corpus as JSON Lines.

    Every fourth document, every second, ...: the parts are alike in all but their length.
    """
    from clif.corpus.reading import ReadOptions, read_documents

    paths = [folder / f"part-{part}.jsonl" for part in range(1, PARTS + 1)]
    with contextlib.ExitStack() as stack:
        files = [stack.enter_context(path.open("w", encoding="utf-8")) for path in paths]
        for number, document in enumerate(read_documents([corpus], ReadOptions())):
            line = json.dumps({"id": document.doc_id, "text": document.text}) + "\n"
            for file in files[number % PARTS :]:
                file.write(line)
    return paths


def time_passes(runs: list[str], test: str) -> list[float]:
    """CPU seconds of the scoring pass of `block` over each run: the least of many, taken in turns.

    A pass takes milliseconds, and a core's speed changes from one second to the next.
    """
    from clif.influence.attribution import Pairs
    from clif.influence.local import block
    from clif.influence.methods import METHODS
    from clif.influence.rehearsal import rehearse
    from clif.influence.scores import document_influence
    from clif.ranking import choose_test, make_problem
    from clif.run import open_run

    asked: list[Pairs] = []
    for path in runs:
        run = open_run(path)
        problem = make_problem(run, choose_test(run, test), "effect_size")
        rehearse(problem, METHODS["block"])
        pairs = block(problem).pairs
        assert pairs is not None
        asked.append(pairs)
    seconds = [float("inf")] * len(runs)
    for _ in range(PASSES):
        for n, pairs in enumerate(asked):
            began = time.process_time()
            document_influence(pairs)
            seconds[n] = min(seconds[n], time.process_time() - began)
    return seconds


def run_scale(corpus: Path, test: str, as_json: bool) -> None:
    """Train on each part for one epoch, which suffices for timing, and rank with `block` and with `clif`."""
    rows, runs = [], []
    with tempfile.TemporaryDirectory() as folder:
        for path in cut(corpus, Path(folder)):
            run = str(path.with_suffix(""))
            trained, _ = measured("train", str(path), "--epochs", "1", "--out", run)
            ask = ["rank", run, "--test", test, "--no-cache"]
            block = [measured(*ask, "--method", "block") for _ in range(REPEATS)]
            # One product is enough: the scoring pass does not care what it scores.
            clif = [measured(*ask, "--method", "clif", "--steps", "1") for _ in range(2)]
            rows.append(
                {
                    "documents": trained["documents"],
                    "tokens": trained["tokens"],
                    "vocabulary": trained["vocabulary"]["words"],
                    "block_cpu": min(values["cpu_seconds"] for values, _ in block),
                    "block_peak_mb": max(peak for _, peak in block),
                    "clif_score_cpu": min(values["cpu"]["score"] for values, _ in clif),
                    "clif_peak_mb": max(peak for _, peak in clif),
                }
            )
            runs.append(run)
            click.echo(f"{trained['tokens']:,} tokens done", err=True)
        for row, seconds in zip(rows, time_passes(runs, test), strict=True):
            row["block_score_cpu"] = seconds
    tokens = np.array([row["tokens"] for row in rows])
    figures = {
        "test": test,
        "parts": rows,
        "exponent": {
            method: float(np.polyfit(np.log(tokens), np.log([row[f"{method}_score_cpu"] for row in rows]), 1)[0])
            for method in ("block", "clif")
        },
        "tokens_per_cpu_second": {
            method: float(tokens[-1] / rows[-1][f"{method}_score_cpu"]) for method in ("block", "clif")
        },
        "block_peak_growth_mb": rows[-1]["block_peak_mb"] - rows[0]["block_peak_mb"],
    }
    if as_json:
        click.echo(json.dumps(figures, indent=2))
        return
    click.echo("documents      tokens       V   block: score CPU s  all CPU s  peak MB   clif: score CPU s  peak MB")
    for row in rows:
        click.echo(
            f"{row['documents']:9,} {row['tokens']:11,} {row['vocabulary']:7,}   {row['block_score_cpu']:18.3f}"
            f" {row['block_cpu']:10.2f} {row['block_peak_mb']:8.0f}   {row['clif_score_cpu']:17.2f}"
            f" {row['clif_peak_mb']:8.0f}"
        )
    for method, least in (("block", 20), ("clif", 1)):
        click.echo(
            f"{method}: scoring grows with tokens to the power of {figures['exponent'][method]:.2f}; "
            f"{figures['tokens_per_cpu_second'][method] / 1e6:.2f}M tokens per CPU second (>= {least}M)"
        )
    click.echo(f"block: peak memory grows by {figures['block_peak_growth_mb']:.0f} MB from a quarter to the whole")
