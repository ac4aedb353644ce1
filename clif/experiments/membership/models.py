"""The run and the models of other seeds: those in which documents are ranked, and those that show what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from clif.errors import UsageError
from clif.progress import Progress
from clif.run import Run, open_run
from clif.settings import TrainingSettings
from clif.training import train
from clif.training.pool import Caller, Job, train_apart

if TYPE_CHECKING:
    from clif.experiments.membership import Settings

CALLER = Caller("retrain", "clif experiment membership", "trainings", "A smaller dim")


def make_run(settings: Settings, folder: Path, progress: Progress) -> Run:
    """The run that the settings name, or one on their corpus, trained in `folder` if it is not there yet.

    Raises
    ------
    UsageError
        The run that is named was not made by the paired trainer with one worker, so it cannot be repeated.
    InputError, MismatchError
        As `open_run` and `train` raise them.

    """
    if settings.run:
        run = open_run(settings.run)
        if run.imported or run.settings.trainer != "paired" or run.settings.workers > 1:
            raise UsageError(
                "this model cannot be trained again in the same way",
                where=str(run.path),
                next="Name a run of `clif train --trainer paired --workers 1`, or leave out run.",
            )
        return run
    how = TrainingSettings(
        dim=settings.dim,
        epochs=settings.epochs,
        window=settings.window,
        min_count=settings.min_count,
        sample=settings.sample,
        alpha=settings.alpha,
        seed=settings.seed,
    )
    return train([Path(path) for path in settings.corpus], folder, how, progress=progress).run


def train_models(run: Run, settings: Settings, folder: Path, progress: Progress) -> tuple[list[Job], list[Job]]:
    """Models of further seeds in `folder`: those to rank in beside the run's own, and those to retrain."""
    first = run.settings.seed + 1
    jobs = [
        Job(seed, folder / "models" / f"seed-{seed}.safetensors")
        for seed in range(first, first + settings.models - 1 + settings.seeds)
    ]
    train_apart(run, jobs, CALLER, progress)
    return jobs[: settings.models - 1], jobs[settings.models - 1 :]
