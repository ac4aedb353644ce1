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
@click.option("--peers", is_flag=True, help="Compare with general attribution libraries instead, on a small corpus.")
@click.option("--scale", is_flag=True, help="How the cost grows: rank quarters of CORPUS instead, up to the whole.")
@click.option("--unrolled", is_flag=True, help="What the derivative of the training costs, beside the training.")
@click.option("--methods", is_flag=True, help="Rank by every method instead, and compare with a dense joint solve.")
def main(
    corpus: tuple[Path, ...], test: str, as_json: bool, peers: bool, scale: bool, unrolled: bool, methods: bool
) -> None:
    """Train on CORPUS (the speeches if left out) by each trainer with default settings, then rank every document.

    Costs of ranking are given as shares of gensim's training, and what is ranked is its model.
    """
    if peers + scale + unrolled + methods > 1:
        raise click.UsageError("choose one of --peers, --scale, --unrolled and --methods")
    if unrolled:
        from unrolled import run_unrolled

        run_unrolled(corpus, test, as_json)
        return
    if methods:
        from methods import run_methods

        run_methods(corpus, test, as_json)
        return
    if scale:
        from scale import run_scale

        if len(corpus) != 1:
            raise click.UsageError("--scale takes one CORPUS")
        run_scale(corpus[0], test, as_json)
        return
    if peers:
        from peers import run_peers

        source = click.get_current_context().get_parameter_source("test")
        if corpus or source is not click.core.ParameterSource.DEFAULT:
            raise click.UsageError("--peers has a corpus and a test of its own: leave out CORPUS and --test")
        run_peers(as_json)
        return
    clif = [sys.executable, "-c", "from clif.cli import main; main()"]
    with tempfile.TemporaryDirectory() as folder:
        trainings = {}
        for trainer in ("paired", "gensim"):
            options = ("--trainer", trainer, "--out", os.path.join(folder, trainer), "--json", "--quiet")
            trainings[trainer] = cpu_of(*clif, "train", *map(str, corpus), *options)
        trained, train_process = trainings["gensim"]
        ask = [*clif, "rank", trained["run"], "--test", test, "--no-cache", "--json", "--quiet"]
        rankings = [cpu_of(*ask, "--method", "block") for _ in range(REPEATS)]
        joint, _ = cpu_of(*ask, "--method", "clif")
        starts = [cpu_of(*clif, "--help")[1] for _ in range(REPEATS)]
    training = trained["cpu_seconds"]
    speed = {
        trainer: round(values["tokens"] * values["settings"]["epochs"] / values["cpu_seconds"])
        for trainer, (values, _) in trainings.items()
    }
    block = median(values["cpu_seconds"] for values, _ in rankings)
    whole = median(seconds for _, seconds in rankings)
    figures = {
        "documents": trained["documents"],
        "tokens": trained["tokens"],
        "vocabulary": trained["vocabulary"]["words"],
        "test": test,
        "train_cpu_seconds": training,
        "paired_cpu_seconds": trainings["paired"][0]["cpu_seconds"],
        "tokens_per_cpu_second": speed,
        "train_process_cpu_seconds": round(train_process, 2),
        "block_cpu_seconds": [values["cpu_seconds"] for values, _ in rankings],
        "block_process_cpu_seconds": [round(seconds, 2) for _, seconds in rankings],
        "block_share": round(block / training, 4),
        "block_process_share": round(whole / training, 4),
        "clif_cpu_seconds": joint["cpu_seconds"],
        "clif_share": round(joint["cpu_seconds"] / training, 4),
        "clif_iterations": joint["iterations"],
        "clif_residual": joint["residual"],
        "help_cpu_seconds": round(median(starts), 3),
    }
    if as_json:
        click.echo(json.dumps(figures, indent=2))
        return
    click.echo(f"{figures['documents']:,} documents, {figures['tokens']:,} tokens, V = {figures['vocabulary']:,}")
    for trainer, (values, _) in trainings.items():
        least = f" (>= {speed['gensim']:,})" if trainer == "paired" else ""
        click.echo(
            f"training by {trainer:23} {values['cpu_seconds']:8.2f} CPU s  {speed[trainer]:,} tokens a CPU s{least}"
        )
    for name, seconds, most in (
        ("clif rank --method block", block, 0.02),
        ("clif rank, whole process", whole, 0.15),
        ("clif rank --method clif", joint["cpu_seconds"], 0.6),
    ):
        click.echo(f"{name:35} {seconds:8.2f} CPU s  {seconds / training:6.1%} of gensim's (<= {most:.0%})")
    click.echo(f"  {joint['iterations']} products, relative residual {joint['residual']:.1e}")
    click.echo(f"clif --help                         {figures['help_cpu_seconds']:8.2f} CPU s  (<= 0.5)")


if __name__ == "__main__":
    main()
