"""Solves as a run keeps them: RUN/solves/TEST.METHOD.MEASURE.MARK.safetensors, taken again by whatever needs them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from clif.errors import DAMAGE, InputError, MismatchError
from clif.influence.attribution import SolveReport
from clif.influence.joint import SolveSettings, Store
from clif.influence.problem import Problem
from clif.manifest import fingerprint
from clif.objectives import definition
from clif.ranking.questions import bias_of
from clif.run import Run
from clif.solvers import reached
from clif.storage.tensors import read_tensors, write_tensors

_AGAIN = "Remove it, or rank with --no-cache."

Solve = tuple[NDArray[Any], SolveReport]


def solve_store(
    run: Run, problem: Problem, settings: SolveSettings, *, identity: dict[str, str] | None = None, cache: bool = True
) -> Store:
    """What keeps the solves of a problem in the run; without `cache` it solves anew, and stores that.

    `identity` is that of a further model, if the problem is about one: its solves are kept apart, by its seed.

    A solve is reused for the same test, measure, damping and curvature, if it came below the tolerance asked for.
    Only converged solves are stored.
    """
    owner = identity or run.identity

    def keep(method: str, solve: Callable[[], Solve]) -> Solve:
        question = {
            "test": definition(bias_of(problem).coverage.test),
            "rows": problem.rows.tolist(),
            "measure": problem.measure,
            "damping": problem.damp,
            "method": method,
            "curvature": settings.curvature,
            "dense": settings.dense,
        }
        if identity is not None:
            question["seed"] = problem.settings.seed
        mark = fingerprint(question)
        name = f"{bias_of(problem).coverage.test.name}.{method}.{problem.measure}.{mark[:12]}.safetensors"
        path = run.solves / name
        if cache and path.is_file():
            s, about = _read(path)
            if about["identity"] != owner or about["question"] != question:
                raise MismatchError(
                    "this solve does not belong to the run's model, corpus and settings",
                    where=str(path),
                    next=_AGAIN,
                )
            report = SolveReport(**about["report"])
            if reached(report.residual, settings.tolerance):
                return s, replace(report, reused=True)
        s, report = solve()
        if report.converged:
            write_tensors(path, {"s": s}, {"identity": owner, "question": question, "report": asdict(report)})
        return s, report

    return keep


def read_reports(run: Run) -> list[dict[str, Any]]:
    """What the solves that a run keeps say of themselves, by name: `question`, and `report` (see SolveReport)."""
    found = [_read(path)[1] for path in sorted(run.solves.glob("*.safetensors"))]
    return [about for about in found if "seed" not in about["question"] and about["identity"] == run.identity]


def _read(path: Path) -> tuple[NDArray[Any], dict[str, Any]]:
    arrays, about = read_tensors(path, "a solve", _AGAIN)
    try:
        report = SolveReport(**about["report"])
        _ = float(report.residual), list(map(float, report.residuals)), float(report.noise_error)
        _ = about["identity"], about["question"].keys()
        return arrays["s"], about
    except DAMAGE as error:
        raise InputError(f"cannot be read as a solve: {error}", where=str(path), next=_AGAIN) from error
