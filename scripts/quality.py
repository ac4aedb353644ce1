"""Word similarity, analogies and CPU seconds of models by each trainer, over seeds; see scripts/quality."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev
from typing import TYPE_CHECKING, Any

import click

from clif.model import SkipGram
from clif.quality import Judgement, read_judgements, similarity, solve_analogies, wordsim353
from clif.settings import TrainingSettings
from clif.training import train
from clif.training.trainers import train_model

if TYPE_CHECKING:
    from clif.corpus.encoding import Corpus
    from clif.vocabulary import Vocabulary

Measure = Callable[[SkipGram], tuple[float | None, int]]
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
SAMPLING = ("paired", "gensim")  # trainers that large corpora can be trained by


def measures_of(similar: Path | None, analogies: Path | None) -> dict[str, Measure]:
    """What is measured of a model: a value, None where nothing is covered, and how many items it rests on."""

    def pairs(judgements: list[Judgement] | None) -> Measure:
        def measure(model: SkipGram) -> tuple[float | None, int]:
            found = similarity(model.U, model.index, judgements) if judgements else wordsim353(model.U, model.index)
            return found.spearman, found.pairs

        return measure

    wanted = {"WordSim-353": pairs(None)}
    if similar:
        wanted[similar.name] = pairs(read_judgements(similar))
    if analogies:

        def solve(model: SkipGram) -> tuple[float | None, int]:
            found = solve_analogies(model.U, model.words, analogies)
            return found.right, found.questions

        wanted[analogies.name] = solve
    return wanted


def measure_trainer(
    corpus: Corpus, vocabulary: Vocabulary, settings: TrainingSettings, seeds: int, measures: dict[str, Measure]
) -> dict[str, Any]:
    """Train with so many seeds; mean and deviation of each measure, with its values and how many items it rests on."""
    values: dict[str, list[float]] = {name: [] for name in measures}
    items, seconds = {}, []
    for seed in range(1, seeds + 1):
        trained = train_model(corpus, vocabulary, replace(settings, seed=seed))
        seconds.append(trained.cpu_seconds)
        model = SkipGram(vocabulary.words, trained.U, trained.C)
        for name, measure in measures.items():
            value, items[name] = measure(model)
            if value is not None:
                values[name].append(value)
        click.echo(f"{settings.trainer}, seed {seed}: {trained.cpu_seconds:.2f} CPU s", err=True)
    tokens = len(corpus.tokens) * settings.epochs
    return {
        "cpu_seconds": mean(seconds),
        "tokens_per_cpu_second": tokens / mean(seconds),
        "measures": {
            name: {
                "mean": mean(found) if found else None,
                "sd": stdev(found) if len(found) > 1 else None,
                "values": found,
                "items": items[name],
            }
            for name, found in values.items()
        },
    }


@click.command()
@click.argument("sources", metavar="[CORPUS]...", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--seeds", type=click.IntRange(1), default=5, show_default=True, help="Models of each trainer.")
@click.option("--epochs", type=click.IntRange(1), default=5, show_default=True, help="Passes over the corpus.")
@click.option("--dim", type=click.IntRange(1), default=100, show_default=True, help="Length of the vectors.")
@click.option("--similarity", "similar", type=FILE, help="Judgements: two words and a score a line, as in MEN.")
@click.option("--analogies", type=FILE, help="Questions in the format of questions-words.txt.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def main(
    sources: tuple[Path, ...],
    seeds: int,
    epochs: int,
    dim: int,
    similar: Path | None,
    analogies: Path | None,
    as_json: bool,
) -> None:
    """Train by each trainer on CORPUS (the speeches if left out), and compare the vectors and the cost."""
    measures = measures_of(similar, analogies)
    settings = TrainingSettings(epochs=epochs, dim=dim)
    with tempfile.TemporaryDirectory() as folder:
        # For its encoded corpus; every model that is measured is trained anew.
        run = train(sources, Path(folder) / "run", replace(settings, epochs=1, dim=1, negative=1, window=1)).run
        trainers = {
            name: measure_trainer(run.corpus, run.vocabulary, replace(settings, trainer=name), seeds, measures)
            for name in SAMPLING
        }
        figures = {
            "documents": len(run.corpus),
            "tokens": len(run.corpus.tokens),
            "vocabulary": len(run.vocabulary),
            "dim": dim,
            "epochs": epochs,
            "seeds": seeds,
            "trainers": trainers,
        }
    if as_json:
        click.echo(json.dumps(figures, indent=2))
        return
    show(figures)


def show(figures: dict[str, Any]) -> None:
    """Print the figures as a table, a line a trainer and measure."""
    click.echo(
        f"{figures['documents']:,} documents, {figures['tokens']:,} tokens, V = {figures['vocabulary']:,}; "
        f"{figures['seeds']} seeds"
    )
    click.echo(f"{'':34} {'mean':>8} {'sd':>8} {'items':>7}")
    for trainer, row in figures["trainers"].items():
        for name, found in row["measures"].items():
            cells = " ".join(f"{'-' if found[key] is None else format(found[key], '.4f'):>8}" for key in ("mean", "sd"))
            click.echo(f"{trainer:8} {name:25} {cells} {found['items']:7,}")
        click.echo(
            f"{trainer:8} {row['cpu_seconds']:.2f} CPU s a training, {row['tokens_per_cpu_second']:,.0f} tokens a CPU s"
        )


if __name__ == "__main__":
    main()
