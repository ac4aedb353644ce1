"""clif run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from clif.cli import audit_command, rank_command, retrain_command, train_command
from clif.cli.options import FILE, clif_command, memory_option, on_scheduler
from clif.cli.retrain_tables import files_of
from clif.cli.screen import Screen, at


@clif_command("clif run --config configs/demo.toml")
@click.option("--config", type=FILE, help="TOML file; what it leaves out takes the defaults of the commands.")
@click.option("--out", type=FILE, help="Folder of the run.  [clif-run, or `out` of the file]")
@click.option("--force", is_flag=True, help="Replace a run that was made otherwise.")
@memory_option
@on_scheduler
def command(screen: Screen, config: Path | None, out: Path | None, force: bool) -> None:
    """Train, audit, rank, retrain and report, as one TOML file says; alone, the demonstration on the speeches.

    What is finished is not done again, so an interrupted run goes on where it stopped.
    """
    from clif.config import RunConfig, load_config
    from clif.pipeline import run_all

    settings = load_config(config) if config else RunConfig()
    steps = Screen(json=False, quiet=True)  # no "next:" between the steps

    def finished(stage: str, result: Any, run: Any) -> None:
        if screen.json:
            return
        if stage == "train":
            train_command.show(steps, result)
        elif stage == "audit":
            audit_command.show(steps, result)
        elif stage == "rank":
            rank_command.show(steps, result, run)
        elif stage == "retrain":
            retrain_command.show(steps, result, run.path)

    with screen.progress() as progress:
        results = run_all(settings, out=out, force=force, progress=progress, finished=finished)
    if screen.result(results):
        return
    screen.say(f"{files_of(results['retrain'])}: {results['retrain']['folder']}", whole=True)
    run = Path(results["train"]["run"])
    if "report" in results:
        screen.say(f"Report, to be opened in any browser: {results['report']['report']}", whole=True)
        screen.next(f"clif verify{at(run)}")
    else:
        screen.next(f"clif report{at(run)}", f"clif verify{at(run)}")
