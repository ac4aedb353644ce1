"""clif import."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from clif.cli import train_command
from clif.cli.options import FILE, SOURCE, clif_command, corpus_options, memory_option, reading
from clif.cli.screen import Screen, number


@clif_command("clif import vectors.txt articles.jsonl.gz --text-field body --out imported-run")
@click.argument("model", type=FILE, metavar="MODEL")
@click.argument("corpus", nargs=-1, required=True, type=SOURCE)
@click.option("--out", default="clif-run", show_default=True, type=FILE, help="Folder of the run.")
@click.option("--force", is_flag=True, help="Replace a run that is there.")
@click.option("--allow-pickle", is_flag=True, help="Read a pickled model, which can run code: only if you trust it.")
@click.option("--anyway", is_flag=True, help="Vectors alone: take them even if they explain little of the corpus.")
@click.option("--window", type=int, help="Vectors alone: as they were trained, as far as you know.  [5]")
@click.option("--negative", type=int, help="The same: negatives a pair.  [5]")
@click.option("--epochs", type=int, help="The same: passes over the corpus.  [5]")
@click.option("--min-count", type=int, help="The same: rarer words are left out.  [5]")
@click.option("--sample", type=float, help="The same: subsampling of frequent words; 0: off.  [0.001]")
@click.option("--alpha", type=float, help="The same: first learning rate.  [0.025]")
@click.option("--min-alpha", type=float, help="The same: last learning rate.  [0.0001]")
@click.option("--ns-exponent", type=float, help="The same: exponent of the noise.  [0.75]")
@memory_option
@corpus_options
def command(
    screen: Screen,
    model: Path,
    corpus: tuple[Any, ...],
    out: Path,
    force: bool,
    allow_pickle: bool,
    anyway: bool,
    **options: Any,
) -> None:
    """Make a run of a MODEL that was trained elsewhere and the CORPUS it was trained on.

    MODEL is a gensim skip-gram model saved in full (Word2Vec.save), which is taken as it is, or vectors alone: word2vec
    text or binary, GloVe, fastText's .vec, gensim's KeyedVectors. Ranking needs output vectors too; where there are
    none, they are fitted on the corpus, and the vectors are refused (exit 5) if they explain too little of it.
    """
    from clif.settings import TrainingSettings
    from clif.training.importing import import_model

    how = reading(options)
    given = {name: value for name, value in options.items() if value is not None}
    settings = TrainingSettings(**given) if given else None
    with screen.progress() as progress:
        result = import_model(
            model,
            corpus,
            out,
            settings,
            allow_pickle=allow_pickle,
            force=force,
            anyway=anyway,
            progress=progress,
            **how,
        )
    outputs = result.outputs
    if outputs:
        screen.say("no output vectors: fitted on the corpus")
        for warning in outputs["warnings"]:
            screen.warn(warning)
    if outputs and not screen.json:
        _show_fit(screen, outputs)
    train_command.show(screen, result)


def _show_fit(screen: Screen, outputs: dict[str, Any]) -> None:
    seen, held = outputs["explained"]["seen"], outputs["explained"]["held"]
    models = {
        "given": "these vectors, output vectors fitted",
        "trained": "vectors trained on it, to compare",
        "frequency": "frequency alone",
    }
    rows = [[name, number(seen[key], 4), number(held[key], 4)] for key, name in models.items()]
    rows.append(["explained, of what training gains", *(_percent(part["share"]) for part in (seen, held))])
    screen.table("Loss of a pair of the corpus", ["", "documents learnt from", "held out"], rows)


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.0%}"
