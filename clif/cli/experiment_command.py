"""clif experiment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from clif.cli.options import FILE, clif_command
from clif.cli.screen import Screen, clean

LONGEST = 40  # rows of a table that are shown


@clif_command("clif experiment mog --set seeds=1 --set points=10")
@click.argument("name", required=False)
@click.option("--config", type=FILE, help="TOML file with settings, as in configs/NAME.toml.")
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="One setting; repeat it for several.")
@click.option("--out", type=FILE, help="Folder for the outcome.  [clif-experiments/NAME]")
@click.option("--force", is_flag=True, help="Begin anew where the folder holds other settings.")
def command(screen: Screen, name: str | None, out: Path | None, **options: Any) -> None:
    """Run an experiment of the papers that clif stands on.

    Without NAME: list them. Each prints which claim it examines and what came out, and leaves result.json, tables as
    CSV and pictures as SVG in its folder. Interrupted, it goes on where it stopped.
    """
    from clif.experiments import EXPERIMENTS, FOLDER, experiment
    from clif.manifest import RESULT
    from clif.storage.files import read_json

    if name is None:
        _list(screen, EXPERIMENTS)
        return
    with screen.progress() as progress:
        outcome = experiment(name, out=out, progress=progress, **options)
    folder = out if out is not None else FOLDER / name
    if screen.result(read_json(folder / RESULT, "Run the experiment again.")):
        return
    for title, rows in outcome.tables.items():
        if not rows or len(rows) > LONGEST:
            continue
        texts = tuple(n for n, value in enumerate(rows[0].values()) if isinstance(value, str))
        cells = [[f"{v:.3g}" if isinstance(v, float) else str(v) for v in row.values()] for row in rows]
        screen.table(title, list(rows[0]), cells, texts)
    for claim in outcome.claims:
        verdict = {True: "holds here", False: "does not hold here", None: "examined"}[claim.holds]
        screen.out.print(clean(f"{claim.source}: {claim.says}\n  {verdict}: {claim.found}", keep="\n"), markup=False)
    files = ", ".join(
        [RESULT, *(f"{each}.csv" for each in outcome.tables), *(f"{each}.svg" for each in outcome.pictures)]
    )
    screen.say(f"Written to {folder}: {files}.", whole=True)
    screen.next("clif experiment, for a list of the others")


def _list(screen: Screen, experiments: dict[str, str]) -> None:
    if screen.result({"experiments": experiments}):
        return
    from rich.table import Table

    table = Table(show_header=False, box=None)
    for name, about in experiments.items():
        table.add_row(name, about)
    screen.out.print(table)
    screen.next("clif experiment NAME")
