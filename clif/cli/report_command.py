"""clif report."""

from __future__ import annotations

from pathlib import Path

import click

from clif.cli.options import FILE, clif_command, run_argument
from clif.cli.screen import Screen, at


@clif_command("clif report --test gender-career")
@run_argument
@click.option("--test", help="Test: name or TOML file.  [that of the newest ranking, else gender-career]")
@click.option("--out", type=FILE, help="Where to write the page.  [RUN/report.html]")
def command(screen: Screen, run: Path | None, test: str | None, out: Path | None) -> None:
    """Write all that a run holds as one HTML page.

    The page answers in order: what was measured, how biased it is, which documents put the bias there and where they
    come from, what retraining without them did and cost, how far to trust it, and how to make it again. It loads
    nothing from elsewhere, and opens from a mail. What the run lacks is named with the command that makes it.

    Nothing is trained; documents are ranked only if no ranking is stored.
    """
    from clif.reporting import report
    from clif.run import open_trained
    from clif.showing.telling import plural

    opened = open_trained(run)
    with screen.progress() as progress:
        made = report(opened, test, out=out, progress=progress)
    if screen.result(made):
        return
    screen.text(f"{made.path} ({made.bytes / 1e6:.1f} MB)", whole=True)
    held = ((made.documents, "document"), (made.retrainings, "retraining"), (made.verifications, "verification"))
    screen.say(f"About {made.test}: {', '.join(plural(*each) for each in held)}. Open it in any browser.")
    if not made.verifications:
        screen.next(f"clif verify{at(opened.path)}, which says how far to trust it")
    else:
        screen.next(f"clif plot{at(opened.path)}, for its pictures as files")
