"""Does influence across losses predict what leaving a point out does, where that can be computed for every point?

Three Gaussians in the plane, and a network that finds them by deep embedded clustering, without labels. What is
measured is the log-likelihood of the class of test points, which is another loss than the one that was trained with:
the column `cross`. The column `matched` trains with labels as well. Each of the points is left out once, the network
trained again from the same start with the loss of its column, and the change held against what each solver predicts.

`smooth` is the setting in which theory holds (one objective, minimised), `procedure` is the one of the code that came
with Silva, Chopra and Gombolay 2022, which stops after two steps.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import torch

from clif.errors import UsageError
from clif.experiments.folder import Pieces
from clif.experiments.mog.claims import make_claims
from clif.experiments.mog.comparing import COLUMNS, Record
from clif.experiments.mog.drawing import draw
from clif.experiments.mog.procedure import examine_procedure
from clif.experiments.mog.smooth import examine_smooth
from clif.experiments.mog.tables import agreement_rows, figures_of, removal_rows, seed_rows
from clif.experiments.outcome import Outcome
from clif.progress import Progress
from clif.threads import one_thread


@dataclass(frozen=True)
class Settings:
    """How the points are drawn, and how networks are trained; configs/mog.toml says what each setting does."""

    seeds: int = 5
    seed: int = 1
    points: int = 50
    tests: int = 3
    hidden: int = 8
    embedding: int = 2
    decay: float = 4.0
    tolerance: float = 1e-9
    pretrain_steps: int = 200
    pretrain_rate: float = 0.01
    epochs: int = 2
    rate: float = 1e-3
    refresh: int = 1

    def __post_init__(self) -> None:
        least = {"seeds": 1, "seed": 0, "points": 3, "tests": 1, "hidden": 1, "embedding": 1}
        for name, value in least.items() | {"pretrain_steps": 1, "epochs": 1, "refresh": 1}.items():
            if getattr(self, name) < value:
                raise _wrong(f"{name} must be at least {value}, got {getattr(self, name)}", f"Give {value} or more.")
        for name in ("decay", "tolerance", "pretrain_rate", "rate"):
            if not 0 < getattr(self, name) < float("inf"):
                raise _wrong(f"{name} must be positive, got {getattr(self, name)}", "Give a number above 0.")


def examine(settings: Settings, pieces: Pieces, progress: Progress) -> Outcome:
    """Leave each point out, in both settings and columns, for each seed; see the module."""
    seeds = range(settings.seed, settings.seed + settings.seeds)

    def at_minimum(seed: int, column: str) -> Record:
        record: Record = pieces.get(f"smooth-{seed}-{column}", lambda: examine_smooth(settings, seed, column, progress))
        return record

    smooth: list[dict[str, Record]] = []
    procedure: list[dict[str, Record]] = []
    with torch_on_one_thread():
        for done, seed in enumerate(seeds):
            progress("seeds", done, len(seeds), f"seed {seed}")
            smooth.append({column: at_minimum(seed, column) for column in COLUMNS})
            procedure.append(pieces.get(f"procedure-{seed}", partial(examine_procedure, settings, seed)))
        figures = figures_of(smooth, procedure)
        return Outcome(
            claims=make_claims(figures),
            figures=figures,
            tables={
                "agreement": agreement_rows(figures),
                "seeds": seed_rows(figures, seeds),
                "removals": removal_rows(settings, smooth[0]),
            },
            pictures=draw(settings, smooth[0], procedure[0]),
        )


@contextmanager
def torch_on_one_thread() -> Iterator[None]:
    """The same bits on any machine; threads would mostly wait for one another."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with one_thread():
            yield
    finally:
        torch.set_num_threads(threads)


def _wrong(what: str, next_: str) -> UsageError:
    return UsageError(what, where="clif experiment mog", next=next_)
