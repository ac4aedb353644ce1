"""clif plot."""

from __future__ import annotations

from pathlib import Path

import click

from clif.cli.options import FILE, clif_command, run_argument
from clif.cli.screen import Screen, at

NAMES = "effect-sizes, influence, groups, retraining, verification, curve, tradeoffs, policies, words, convergence"


@clif_command("clif plot --kind verification --out figure2.svg")
@run_argument
@click.option("--kind", "kinds", multiple=True, help=f"{NAMES}; repeatable.  [all that the run has]")
@click.option("--test", help="Test: name or TOML file.  [that of the newest ranking, else gender-career]")
@click.option("--out", type=FILE, help="File for one picture, .svg or .png.  [SVG in RUN/pictures]")
def command(screen: Screen, run: Path | None, kinds: tuple[str, ...], test: str | None, out: Path | None) -> None:
    """Draw what a run holds, for papers.

    SVG keeps its text as text, and comes out with the same bytes from the same run. Colours stay apart for all
    readers, and shapes say what they say.
    """
    from clif.reporting import plot
    from clif.run import open_trained

    opened = open_trained(run)
    with screen.progress() as progress:
        made = plot(opened, test, kinds=kinds, out=out, progress=progress)
    if screen.result(made):
        return
    for _, path in made.paths:
        screen.text(str(path), whole=True)
    for kind, make in made.missing.items():
        screen.say(f"Nothing for {kind}; needed: {make}")
    screen.next(f"clif report{at(opened.path)}, which holds them all")
