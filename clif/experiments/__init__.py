"""The evidence that clif stands on, runnable: one experiment a module, one TOML file in configs/ each.

A module NAME of this package has

    Settings           a frozen dataclass; its defaults are the experiment, and configs/NAME.toml says the same
    examine(settings, pieces, progress) -> Outcome
                       does it, and keeps what is done in `pieces`, so that it goes on where it was interrupted

An experiment is a function of its settings: seeds are among them, and nothing else is random.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from clif.errors import UsageError
from clif.experiments.folder import Pieces, write_outcome
from clif.experiments.outcome import Outcome
from clif.experiments.settings import read_settings
from clif.progress import Progress, silent

EXPERIMENTS: dict[str, str] = {
    "convergence": "Where influence is exact, and what each assumption is worth, given up one at a time.",
    "fragility": "Is influence fragile in deep networks, or is the check? Estimate and check taken apart.",
    "membership": "Why does a word sit where it sits? The documents that put it there, and the word without them.",
    "mog": "Three Gaussians: predicted against realised changes, for every point that is left out.",
    "subset": "Documents chosen one after the other against the top of one ranking, judged by retraining.",
}
FOLDER = Path("clif-experiments")


def experiment(
    name: str,
    *,
    config: Path | str | None = None,
    changes: Mapping[str, Any] | Sequence[str] = (),
    out: Path | str | None = None,
    force: bool = False,
    progress: Progress = silent,
) -> Outcome:
    """Do an experiment and write what came out to a folder: result.json, a CSV file a table, an SVG file a picture.

    config   TOML file with settings; `changes` go before it: a mapping, or texts as key=value
    out      the folder, clif-experiments/NAME if left out; what was interrupted there goes on
    force    begin anew where the folder holds the same experiment with other settings

    Raises
    ------
    UsageError
        The experiment or a setting is unknown, or a setting is out of its range.
    MismatchError
        The folder holds an experiment with other settings, and `force` is not set.
    InputError
        The folder cannot be written to, or a file in it is damaged.

    """
    if name not in EXPERIMENTS:
        known = ", ".join(EXPERIMENTS)
        raise UsageError(f"unknown experiment {name!r}", where="clif experiment", next=f"Choose one of: {known}.")
    module = importlib.import_module(f"clif.experiments.{name}")
    settings = read_settings(module.Settings, Path(config) if config else None, changes)
    folder = Path(out) if out is not None else FOLDER / name
    with Pieces.open(folder, name, settings, force=force) as pieces:
        outcome: Outcome = module.examine(settings, pieces, progress)
        write_outcome(folder, name, settings, outcome)
    return outcome
