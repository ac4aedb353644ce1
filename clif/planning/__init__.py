"""What training, ranking and retraining a corpus will take, before any of it starts.

A sample of the corpus is read, the real code is run on it for some seconds (`timing`), and what grows more slowly than
the corpus is followed from parts of the sample (`growth`). `stages` puts both together.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from clif.corpus.reading import ReadOptions
from clif.corpus.remote import Source
from clif.corpus.tokenising import Tokeniser
from clif.errors import UsageError
from clif.planning.sampling import take_sample
from clif.planning.stages import Size, Stage, encoding, ranking, retraining, total, training
from clif.planning.timing import measure
from clif.processes import cores
from clif.progress import Progress, silent
from clif.room import room
from clif.settings import TrainingSettings

METHODS = ("block", "clif")
DAY = 86_400.0  # seconds; longer than that is a wall

__all__ = ["METHODS", "PlanResult", "Stage", "plan"]


@dataclass(frozen=True)
class Wall:
    """What stops a longer corpus first: a `resource` of a `stage`, at so many `times` this corpus."""

    resource: str
    stage: str
    times: float


@dataclass(frozen=True)
class PlanResult:
    """Predictions for each stage, and what the machine has.

    `sampled` is the share of the corpus that they rest on, `free` the bytes of memory and disk that are free.
    """

    size: Size
    stages: list[Stage]
    sampled: float
    free: dict[str, int]
    settings: TrainingSettings
    room: int

    @property
    def total(self) -> Stage:
        """All stages one after the other."""
        return total(self.stages)

    @property
    def walls(self) -> list[Wall]:
        """What stops a longer corpus, the first one first; as if all but a process itself grew with the corpus."""
        found = []
        for stage in self.stages:
            needs = {
                "memory": (stage.together - stage.fixed, self.free["memory"] - stage.fixed),
                "disk": (stage.disk + stage.scratch, self.free["disk"]),
                "time": (stage.wall, DAY),
            }
            found += [Wall(name, stage.name, has / max(need, 1e-9)) for name, (need, has) in needs.items()]
        return sorted(found, key=lambda wall: wall.times)

    @property
    def advice(self) -> list[str]:
        """What will not do, and what to do about it."""
        said = []
        for stage in self.stages:
            if stage.together > self.free["memory"]:
                if stage.name.startswith("retrain"):
                    do = "use --processes 1"
                elif stage.name == "rank, clif":
                    do = "rank by block, or give a smaller --memory, so that more of it goes to disk"
                else:
                    do = "raise --min-count or lower --dim"
                said.append(f"{stage.name}: this needs more memory than is free; {do}, or take a larger machine.")
            if stage.disk + stage.scratch > self.free["disk"]:
                said.append(f"{stage.name}: this needs more disk than is free; make room, or use another --out.")
        return said

    def to_dict(self) -> dict[str, Any]:
        """The plan as plain values."""
        wall = self.walls[0]
        return {
            "documents": round(self.size.documents),
            "tokens": round(self.size.tokens),
            "types": round(self.size.types),
            "vocabulary": round(self.size.words),
            "pairs": round(self.size.pairs),
            "sampled_share": round(self.sampled, 4),
            "settings": self.settings.to_dict(),
            "memory": self.room,
            "stages": [stage.to_dict() for stage in self.stages],
            "total": self.total.to_dict(),
            "free": self.free,
            "wall": {"resource": wall.resource, "stage": wall.stage, "times": round(wall.times, 2)},
            "advice": self.advice,
        }


def plan(
    sources: Sequence[str | Source] = (),
    settings: TrainingSettings | None = None,
    *,
    read: ReadOptions | None = None,
    tokeniser: Tokeniser | None = None,
    methods: Sequence[str] = METHODS,
    seeds: int = 3,
    controls: int = 3,
    processes: int | None = None,
    folder: Path | str = ".",
    progress: Progress = silent,
) -> PlanResult:
    """Predict CPU and wall time, memory and disk of encoding, training, ranking and retraining.

    `folder` is where the run would lie. Times are those of this machine as busy as it is now. `methods` are of METHODS.

    Raises
    ------
    UsageError
        A method cannot be planned, a number is too small, or the trainer is another one than paired.
    InputError
        The corpus cannot be read, or holds no words.

    """
    settings, read, tokeniser = settings or TrainingSettings(), read or ReadOptions(), tokeniser or Tokeniser()
    _check(settings, methods, seeds, controls, processes)
    progress("plan", 0, None, "Reading a sample of the corpus ...")
    sample = take_sample(sources, read)
    progress("plan", 0, None, "Running the work on the sample ...")
    costs = measure(sample, settings, tokeniser, list(methods))
    size = Size.of(sample, costs)
    threads = cores()
    stages = [
        encoding(sample, costs, size),
        training(sample, costs, size, settings),
        *(ranking(sample, costs, size, settings, method, threads) for method in methods),
        retraining(sample, costs, size, settings, seeds, controls, processes or threads),
    ]
    there = next(path for path in (Path(folder).resolve(), *Path(folder).resolve().parents) if path.is_dir())
    free = {"memory": psutil.virtual_memory().available, "disk": shutil.disk_usage(there).free}
    return PlanResult(size, stages, sample.share, free, settings, room())


def _check(
    settings: TrainingSettings, methods: Sequence[str], seeds: int, controls: int, processes: int | None
) -> None:
    for method in methods:
        if method not in METHODS:
            raise UsageError(
                f"the cost of {method!r} cannot be planned",
                where="--method",
                next=f"Choose from: {', '.join(METHODS)}; the others are held against these in METHODS.md.",
            )
    if settings.trainer != "paired":
        raise UsageError(
            f"training by {settings.trainer} cannot be planned",
            where="--trainer",
            next="Leave it out for the paired trainer.",
        )
    for name, value, least in (("--seeds", seeds, 1), ("--controls", controls, 0), ("--processes", processes, 1)):
        if value is not None and value < least:
            raise UsageError(f"must be at least {least}, got {value}", where=name, next=f"Give {least} or more.")
