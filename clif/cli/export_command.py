"""clif export."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from clif.cli.options import FILE, clif_command
from clif.cli.screen import Screen


@clif_command("clif export vectors.txt --run articles-run")
@click.argument("file", type=FILE)
@click.option("--run", type=FILE, help="The run folder, or a file of vectors to convert.  [clif-run]")
@click.option("--format", help="word2vec, word2vec-binary, glove or keyedvectors.  [by the ending]")
@click.option("--matrix", default="input", show_default=True, help="input or output vectors.")
@click.option("--allow-pickle", is_flag=True, help="Read pickled models, which can run code: only if you trust them.")
def command(screen: Screen, file: Path, run: Path | None, format: str | None, matrix: str, allow_pickle: bool) -> None:
    """Write the vectors of a run to FILE for other tools.

    Endings: .txt or .vec (word2vec text), .bin (word2vec binary), .glove, .kv (gensim); the first two also .gz.
    """
    from clif.formats import export_vectors
    from clif.run import open_model

    model = open_model(run, allow_pickle=allow_pickle)
    path = export_vectors(model, file, format=format, matrix=matrix)
    if not screen.result({"file": path, "words": len(model.words), "dim": model.dim, "matrix": matrix}):
        screen.say(f"{len(model.words):,} {matrix} vectors of length {model.dim} written to {path}", whole=True)
        screen.next(f"clif audit {shlex.quote(str(path))} --test weat")
