"""CPU seconds of training, ranking and starting, measured in one run; see scripts/benchmark."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import click

REPEATS = 3


def cpu_of(*command: str) -> tuple[dict[str, Any], float]:
    """Run a command to its end; its JSON and the CPU seconds of the whole process, imports included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return (json.loads(done.stdout) if done.stdout.startswith("{") else {}), seconds


@click.command()
@click.argument("corpus", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--test", default="gender-career", show_default=True, help="Test to rank for.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def main(corpus: tuple[Path, ...], test: str, as_json: bool) -> None:
    """Train on CORPUS (the speeches if left out) with default settings, then rank every document."""
    clif = [sys.executable, "-c", "from clif.cli import main; main()"]
    with tempfile.TemporaryDirectory() as folder:
        run = os.path.join(folder, "run")
        trained, train_process = cpu_of(*clif, "train", *map(str, corpus), "--out", run, "--json", "--quiet")
        rankings = [
            cpu_of(*clif, "rank", run, "--test", test, "--method", "block", "--no-cache", "--json", "--quiet")
            for _ in range(REPEATS)
        ]
        starts = [cpu_of(*clif, "--help")[1] for _ in range(REPEATS)]
    training = trained["cpu_seconds"]
    inside = median(values["cpu_seconds"] for values, _ in rankings)
    whole = median(seconds for _, seconds in rankings)
    figures = {
        "documents": trained["documents"],
        "tokens": trained["tokens"],
        "vocabulary": trained["vocabulary"]["words"],
        "test": test,
        "train_cpu_seconds": training,
        "train_process_cpu_seconds": round(train_process, 2),
        "rank_cpu_seconds": [values["cpu_seconds"] for values, _ in rankings],
        "rank_process_cpu_seconds": [round(seconds, 2) for _, seconds in rankings],
        "rank_share": round(inside / training, 4),
        "rank_process_share": round(whole / training, 4),
        "help_cpu_seconds": round(median(starts), 3),
    }
    if as_json:
        click.echo(json.dumps(figures, indent=2))
        return
    click.echo(f"{figures['documents']:,} documents, {figures['tokens']:,} tokens, V = {figures['vocabulary']:,}")
    click.echo(f"gensim training                     {training:8.2f} CPU s")
    click.echo(f"clif rank, solve and score          {inside:8.2f} CPU s  {inside / training:6.1%} of training (<= 5%)")
    click.echo(f"clif rank, whole process            {whole:8.2f} CPU s  {whole / training:6.1%} of training (<= 15%)")
    click.echo(f"clif --help                         {figures['help_cpu_seconds']:8.2f} CPU s  (<= 0.5)")


if __name__ == "__main__":
    main()
