"""All methods on one model: what each costs, how its solve went, how its ranking agrees with a dense joint solve."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import click
from scale import measured
from scipy.stats import spearmanr

from clif.influence.methods import METHODS
from clif.ranking import rank
from clif.run import Run, open_run

LISSA_STEPS = 60  # of the thousands that it would take


def run_methods(corpus: tuple[Path, ...], test: str, as_json: bool) -> None:
    """Train with default settings, rank by `clif` with every noise word in every product, then by each method."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "run")
        trained, _ = measured("train", *map(str, corpus), "--out", path)
        run = open_run(path)
        exact, dense = _rank(run, test, method="clif", dense=True)
        rows = [{"method": "clif --dense", **dense, "spearman": 1.0}]
        for name in METHODS:
            steps = {"steps": LISSA_STEPS} if name == "lissa" else {}
            influence, row = _rank(run, test, method=name, **steps)
            rows.append({"method": name, **row, "spearman": float(spearmanr(influence, exact)[0])})
            click.echo(f"{name} done", err=True)
    figures = {"test": test, "train_cpu_seconds": trained["cpu_seconds"], "rows": rows}
    if as_json:
        click.echo(json.dumps(figures, indent=2))
        return
    training = f"training by {trained['trainer']} {trained['cpu_seconds']:.1f} CPU s"
    click.echo(f"{test}; {training}; solve and score all documents:")
    click.echo(f"{'method':16} {'CPU s':>8} {'of training':>12} {'products':>9} {'residual':>9} {'Spearman':>9}")
    for row in rows:
        residual = "-" if row["residual"] is None else f"{row['residual']:.1e}"
        share = row["cpu_seconds"] / trained["cpu_seconds"]
        products = "-" if row["iterations"] is None else str(row["iterations"])
        cells = f"{row['cpu_seconds']:8.2f} {share:12.1%} {products:>9} {residual:>9} {row['spearman']:9.4f}"
        click.echo(f"{row['method']:16} {cells}")


def _rank(run: Run, test: str, **options: Any) -> tuple[Any, dict[str, Any]]:
    """Influence in the order of the corpus, and what the ranking says of itself."""
    ranking = rank(run, test, cache=False, **options)
    by_id = dict(zip(ranking.doc_ids, ranking.influence, strict=True))
    about = {key: ranking.about[key] for key in ("cpu_seconds", "residual", "iterations", "noise_error")}
    return [by_id[doc_id] for doc_id in run.corpus.doc_ids], about
