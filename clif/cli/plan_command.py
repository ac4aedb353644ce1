"""clif plan."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from clif.cli.options import FILE, SOURCE, clif_command, corpus_options, memory_option, reading
from clif.cli.screen import Screen


@clif_command("clif plan articles.jsonl.gz --epochs 5 --method clif --seeds 3")
@click.argument("corpus", nargs=-1, type=SOURCE)
@click.option("--out", default="clif-run", show_default=True, type=FILE, help="Where the run would lie.")
@click.option("--dim", type=int, default=100, show_default=True, help="Length of the vectors.")
@click.option("--window", type=int, default=5, show_default=True, help="Largest window to either side.")
@click.option("--negative", type=int, default=5, show_default=True, help="Negatives a pair.")
@click.option("--epochs", type=int, default=5, show_default=True, help="Passes over the corpus.")
@click.option("--min-count", type=int, default=5, show_default=True, help="Rarer words are left out.")
@click.option("--sample", type=float, default=1e-3, show_default=True, help="Subsampling of frequent words; 0: off.")
@click.option("--workers", type=int, default=1, show_default=True, help="Threads of the training.")
@click.option("--method", multiple=True, help="block or clif; repeatable.  [both]")
@click.option("--seeds", type=int, default=3, show_default=True, help="Retrainings of each set.")
@click.option("--controls", type=int, default=3, show_default=True, help="Random sets of as many tokens.")
@click.option("--processes", type=int, help="Trainings at a time.  [one a core]")
@memory_option
@corpus_options
def command(
    screen: Screen,
    corpus: tuple[Any, ...],
    out: Path,
    method: tuple[str, ...],
    seeds: int,
    controls: int,
    processes: int | None,
    **options: Any,
) -> None:
    """Predict what training, ranking and retraining CORPUS will take.

    Reads a sample of the corpus and runs the real work on it for some seconds; nothing is kept. Time is that of this
    machine, as busy as it is. Memory is that of the largest process at the height of a stage, and of all of them;
    scratch is disk that is free again after a stage.
    """
    from clif.planning import METHODS, plan
    from clif.settings import TrainingSettings

    how = reading(options)
    settings = TrainingSettings(**options)
    with screen.progress() as progress:
        result = plan(
            corpus, settings, methods=method or METHODS, seeds=seeds, controls=controls, processes=processes,
            folder=out, progress=progress, **how,
        )  # fmt: skip
    show(screen, result)


def show(screen: Screen, result: Any) -> None:
    """Print a PlanResult."""
    for line in result.advice:
        screen.warn(line)
    if screen.result(result.to_dict()):
        return
    size = result.size
    about = "about " if result.sampled < 0.999 else ""
    screen.text(
        f"{about}{size.documents:,.0f} documents, {size.tokens:,.0f} tokens, {size.types:,.0f} word types, "
        f"{size.words:,.0f} in the vocabulary"
    )
    screen.text(f"(from a sample of {result.sampled:.1%} of the text)")
    screen.text()
    rows = [
        [
            stage.name,
            time_in_words(stage.cpu),
            time_in_words(stage.wall),
            size_in_words(stage.memory),
            size_in_words(stage.together),
            size_in_words(stage.disk),
            size_in_words(stage.scratch),
        ]
        for stage in [*result.stages, result.total]
    ]
    screen.table("Will take about", ["stage", "CPU", "wall", "memory", "of all", "disk", "scratch"], rows)
    free = result.free
    screen.text(f"Free here: {size_in_words(free['memory'])} of memory, {size_in_words(free['disk'])} of disk.")
    wall = result.walls[0]
    what = "a day is over" if wall.resource == "time" else f"the {wall.resource} is used up"
    screen.text(f"The first wall: at {wall.times:,.1f} times this corpus {what}, in stage {wall.stage}.")
    screen.next("clif train")


def time_in_words(seconds: float) -> str:
    """A span of time, to two digits or so."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def size_in_words(count: float) -> str:
    """A number of bytes."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
