"""clif train."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from clif.cli.options import FILE, SOURCE, clif_command, config_option, corpus_options, memory_option, reading
from clif.cli.screen import Screen, at, number


@clif_command("clif train articles.jsonl.gz --text-field body --out articles-run")
@click.argument("corpus", nargs=-1, type=SOURCE)
@config_option("corpus", "train")
@click.option("--out", default="clif-run", show_default=True, type=FILE, help="Folder of the run.")
@click.option("--force", is_flag=True, help="Replace a run that was made otherwise.")
@click.option(
    "--trainer",
    default="paired",
    show_default=True,
    help="paired: every choice is a hash, so an edited corpus is trained alike; gensim; or exact: the expected loss "
    "of up to 5,000 words minimised, without sampling, epochs, learning rates or workers.",
)
@click.option("--dim", type=int, default=100, show_default=True, help="Length of the vectors.")
@click.option("--window", type=int, default=5, show_default=True, help="Largest window to either side.")
@click.option("--negative", type=int, default=5, show_default=True, help="Negatives a pair.")
@click.option("--epochs", type=int, default=5, show_default=True, help="Passes over the corpus.")
@click.option("--min-count", type=int, default=5, show_default=True, help="Rarer words are left out.")
@click.option("--sample", type=float, default=1e-3, show_default=True, help="Subsampling of frequent words; 0: off.")
@click.option("--alpha", type=float, default=0.025, show_default=True, help="First learning rate.")
@click.option("--min-alpha", type=float, default=0.0001, show_default=True, help="Last learning rate.")
@click.option("--ns-exponent", type=float, default=0.75, show_default=True, help="Exponent of the noise.")
@click.option("--seed", type=int, default=1, show_default=True, help="Seed of everything random.")
@click.option("--workers", type=int, default=1, show_default=True, help="Threads; only 1 reproduces.")
@click.option("--l2", type=float, default=10.0, show_default=True, help="exact: penalty on all vectors.")
@click.option(
    "--tolerance", type=float, default=1e-8, show_default=True, help="exact: ends at this share of the first gradient."
)
@memory_option
@corpus_options
def command(screen: Screen, corpus: tuple[Any, ...], out: Path, force: bool, **options: Any) -> None:
    """Train a skip-gram model with negative sampling on CORPUS.

    CORPUS is any number of files, folders or URLs (s3://bucket/shard-*.jsonl.gz, https://...): JSON lines, text, CSV,
    TSV, Parquet; plain, .gz or .zst; - is standard input. Without CORPUS: the paragraphs of the State of the Union
    speeches.

    Stopped or killed, it goes on after its last epoch when it is run again (paired trainer, one worker).
    """
    from clif.settings import TrainingSettings
    from clif.training import train

    how = reading(options)
    settings = TrainingSettings(**options)
    with screen.progress() as progress:
        result = train(corpus, out, settings, force=force, progress=progress, **how)
    show(screen, result)


def show(screen: Screen, result: Any) -> None:
    """Print a TrainResult."""
    values = result.to_dict()
    if values["converged"] is False:
        screen.warn(
            f"the gradient came down to {values['gradient']:.1e} of what it was at the start, not to "
            f"{values['settings']['tolerance']:.1e}: this is not quite a minimum. Raise --l2, or lower --dim."
        )
    if screen.result(values):
        return
    if values["reused"]:
        screen.say(f"{values['run']} is finished already, with this corpus and these settings.")
    losses = " ".join(number(loss, 3) for loss in values["losses"] or [])
    vocabulary = values["vocabulary"]
    rows = [
        ["run", str(values["run"])],
        ["documents", f"{values['documents']:,}"],
        ["tokens", f"{values['tokens']:,} ({vocabulary['tokens']:,} in the vocabulary)"],
        ["vocabulary", f"{vocabulary['words']:,} of {vocabulary['types']:,} word types"],
        ["loss a pair" + ", by epoch" * (values["gradient"] is None), losses or "-"],
        ["training", _training(values)],
    ]
    if values["split_documents"]:
        rows.append(["split", f"{values['split_documents']} documents of more than 10,000 tokens"])
    screen.table("Trained", ["", ""], rows, texts=(0, 1))
    run = at(Path(values["run"]))
    screen.next(f"clif audit{run} --test weat", f"clif rank{run}")


def _training(values: dict[str, Any]) -> str:
    """By whom it was trained, and what it took."""
    if values["outputs"]:
        return "elsewhere; output vectors fitted here"
    if values["cpu_seconds"] is None:
        return f"elsewhere, by {values['trainer']}"
    workers = values["settings"]["workers"]
    threads = f" in {workers} threads, which does not reproduce" if workers > 1 else ""
    end = "" if values["gradient"] is None else f", to {values['gradient']:.1e} of the first gradient"
    return f"{number(values['cpu_seconds'], 1)} CPU s, by {values['trainer']}{threads}{end}"
