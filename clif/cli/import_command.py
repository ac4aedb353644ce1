"""clif import."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from clif.cli import train_command
from clif.cli.options import FILE, clif_command, corpus_options, reading
from clif.cli.screen import Screen


@clif_command("clif import word2vec.model corpus.txt --allow-pickle")
@click.argument("model", type=FILE)
@click.argument("corpus", nargs=-1, required=True, type=FILE)
@click.option("--out", default="clif-run", show_default=True, type=FILE, help="Folder of the run.")
@click.option("--force", is_flag=True, help="Replace a run that is there.")
@click.option("--allow-pickle", is_flag=True, help="Read a pickled model, which can run code: only if you trust it.")
@corpus_options
def command(
    screen: Screen,
    model: Path,
    corpus: tuple[Path, ...],
    out: Path,
    force: bool,
    allow_pickle: bool,
    **options: Any,
) -> None:
    """Make a run of a gensim skip-gram MODEL and the CORPUS it was trained on.

    The model must be saved in full (Word2Vec.save): ranking needs output vectors, word counts and settings.
    """
    from clif.training.importing import import_model

    with screen.progress() as progress:
        result = import_model(
            model, corpus, out, allow_pickle=allow_pickle, force=force, progress=progress, **reading(options)
        )
    train_command.show(screen, result)
