"""Further models of a run: its corpus and its settings, another seed; kept whole in RUN/models/seed-K.safetensors."""

from __future__ import annotations

from collections.abc import Sequence

from clif.errors import UsageError
from clif.processes import cores
from clif.progress import Progress, silent
from clif.run import Run
from clif.training.pool import Caller, Job, held, train_apart

CALLER = Caller("train", "rank", "models", "--threads 1")


def check_repeatable(run: Run) -> None:
    """Raise UsageError for a model that was trained elsewhere, as nobody can go through its training again."""
    if run.imported:
        raise UsageError(
            "this method repeats the training step by step, and the model of this run was trained elsewhere",
            where=str(run.path),
            next="Use --method block, or train on this corpus with `clif train` and rank that run.",
        )


def further_model(run: Run, seed: int) -> Job:
    """The training of the model with `seed`; raises UsageError if the run's own cannot be repeated with another."""
    if run.imported:
        raise UsageError(
            "the model of this run was trained elsewhere, so no other model can be trained as it was",
            where=str(run.path),
            next="Leave out --ensemble or --seeds, or train on this corpus with `clif train` and take that run.",
        )
    return Job(seed, run.models / f"seed-{seed}.safetensors")


def train_further(
    run: Run, seeds: Sequence[int], progress: Progress = silent, processes: int | None = None
) -> tuple[list[Job], float]:
    """The models with these seeds, those that are missing trained now; and the CPU seconds that this took.

    Raises
    ------
    UsageError
        The run was imported.
    MismatchError
        A model that is kept belongs to another corpus, model or other settings.
    InputError
        Another process is training models in this run, or a training process was killed.

    """
    jobs = [further_model(run, seed) for seed in seeds]
    for job in jobs:
        if job.path.exists():
            job.check(run)
    if all(job.path.exists() for job in jobs):
        return jobs, 0.0
    with held(run.models, run, "training further models"):
        return jobs, train_apart(run, jobs, CALLER, progress, processes or max(1, cores() // run.settings.workers))
