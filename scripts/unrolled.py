"""What the derivative of a training costs beside the training itself, in CPU seconds of one run."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path

import click


def run_unrolled(corpus: tuple[Path, ...], test: str, as_json: bool) -> None:
    """Train by the paired trainer, then undo the training with one adjoint, that of T, and with one for each part."""
    from clif.influence.methods import METHODS
    from clif.influence.rehearsal import rehearse
    from clif.influence.unrolled import derivatives
    from clif.ranking import choose_test, make_problem
    from clif.training import train

    with tempfile.TemporaryDirectory() as folder:
        run = train(list(corpus), Path(folder) / "run").run
        problem = make_problem(run, choose_test(run, test), "effect_size")
        rehearse(problem, METHODS["unrolled"])
        seconds = {}
        parts = problem.objective.part_gradients(problem.E)
        for gradients in (problem.gradient[None], parts):
            began = time.process_time()
            derivatives(problem.checkpoints, problem.rows, gradients)
            seconds[len(gradients)] = time.process_time() - began
            click.echo(f"{len(gradients)} adjoints done", err=True)
    training = run.manifest["training"]["cpu_seconds"]
    one, all_parts = seconds[1], seconds[len(parts)]
    figures = {
        "test": test,
        "parts": len(parts),
        "train_cpu_seconds": training,
        "one_adjoint_cpu_seconds": one,
        "parts_cpu_seconds": all_parts,
        "one_adjoint_trainings": one / training,
        "parts_trainings": all_parts / training,
        "further_adjoint_trainings": (all_parts - one) / (len(parts) - 1) / training,
    }
    if as_json:
        click.echo(json.dumps(figures, indent=2))
        return
    click.echo(f"paired training          {training:8.1f} CPU s")
    click.echo(f"unrolled, one adjoint    {one:8.1f} CPU s  {one / training:5.2f} trainings (<= 3)")
    click.echo(f"unrolled, {len(parts):2} parts       {all_parts:8.1f} CPU s  {all_parts / training:5.2f} trainings")
    click.echo(f"a further adjoint        {figures['further_adjoint_trainings']:20.2f} trainings (<= 0.7)")
