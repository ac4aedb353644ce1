"""Commands killed at random moments and run again; see scripts/crash.

Each trial is a process of its own that leads a process group, with all the processes that the command starts. It is
forked from one that has imported clif and loaded its kernels already, and its workers are forked from it: what is
killed is the command's work, not seconds of imports, which write nothing.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import multiprocessing
import os
import pkgutil
import random
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import click

import clif
from clif.settings import TrainingSettings

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "data"
RUN, CORPUS = "run", "corpus.jsonl"
TRAINING: dict[str, Any] = {"sample": 0.0, "dim": 30, "epochs": 8, "min_count": 2}


@dataclass(frozen=True)
class Stage:
    """A command, and the one before it, whose outputs it begins with."""

    name: str
    arguments: tuple[str, ...]
    before: str | None


@dataclass
class Trials:
    """What came of one command's trials: moments of the kills as shares of its length, and what differed where."""

    stage: str
    length: float
    moments: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        kills = len(self.moments)
        return {
            "stage": self.stage,
            "seconds": round(self.length, 2),
            "kills": kills,
            "same": kills - len(self.faults),
            "median_moment": round(median(self.moments), 2) if kills else None,
            "faults": self.faults,
        }


def stages(folder: Path) -> list[Stage]:
    test = str(DATA / "planted.toml")
    training = [f"--{name.replace('_', '-')}={value}" for name, value in TRAINING.items()]
    return [
        Stage("train", ("train", str(folder / CORPUS), "--out", RUN, *training), None),
        Stage("rank", ("rank", RUN, "--test", test, "--method", "clif", "--measure", "mean_difference"), "train"),
        Stage(
            "retrain",
            (
                "retrain",
                RUN,
                "--test",
                test,
                "--remove-top-k",
                "20",
                "--seeds",
                "2",
                "--controls",
                "1",
                "--processes",
                "2",
            ),
            "rank",
        ),
    ]


def start(arguments: tuple[str, ...], place: Path) -> int:
    """Begin a command in a folder, in a process group of its own; the process."""
    child = os.fork()
    if child:
        with contextlib.suppress(OSError):  # whoever comes first: the group is there before it is killed
            os.setpgid(child, child)
        return child
    code = 70
    try:
        os.setpgid(0, 0)
        os.chdir(place)
        log = os.open(place.parent / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for stream in (1, 2):
            os.dup2(log, stream)
        work(arguments)
        code = 0
    except SystemExit as left:
        code = int(left.code or 0)
    finally:
        os._exit(code)


def work(arguments: tuple[str, ...]) -> None:
    """Do a command in this process, which it ends."""
    from clif.cli import main

    context = multiprocessing.get_context
    multiprocessing.get_context = lambda _method=None: context("fork")  # type: ignore[assignment]
    sys.argv = ["clif", *arguments]
    main([*arguments, "--quiet"])


def imports() -> None:
    """All modules of clif that commands load when they need them."""
    for module in pkgutil.walk_packages(clif.__path__, "clif."):
        if module.name.split(".")[1] in ("cli", "ranking", "retraining", "training", "corpus", "influence"):
            importlib.import_module(module.name)


def warm_up(folder: Path) -> None:
    """Load what commands load, in the process that they are forked from."""
    from clif import rank, train

    run = train(folder / CORPUS, folder / "warm", TrainingSettings(**TRAINING)).run
    rank(run, str(DATA / "planted.toml"), method="clif")
    rank(run, str(DATA / "planted.toml"))


def finish(child: int) -> int:
    """Wait for a process; its exit code, negative for a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def kill(child: int, moment: float) -> bool:
    """Kill a process group after so many seconds; whether the command was still at work."""
    deadline = time.monotonic() + moment
    while time.monotonic() < deadline:
        if os.waitpid(child, os.WNOHANG)[0]:
            return False
        time.sleep(min(0.002, max(0.0, deadline - time.monotonic())))
    os.killpg(child, signal.SIGKILL)
    code = finish(child)
    with contextlib.suppress(ProcessLookupError):
        while True:  # those that it started
            os.killpg(child, 0)
            time.sleep(0.002)
    return code == -signal.SIGKILL


def whole(stage: Stage, folder: Path, before: Path | None) -> tuple[dict[str, bytes], float]:
    """Outputs of a command that nothing disturbs, and its seconds."""
    from same_bytes import contents

    place = copy(before, folder / stage.name)
    began = time.monotonic()
    if finish(start(stage.arguments, place)):
        raise click.ClickException(f"{stage.name} failed: see {folder / 'log'}")
    return contents(place), time.monotonic() - began


def copy(before: Path | None, place: Path) -> Path:
    shutil.rmtree(place, ignore_errors=True)
    if before is None:
        place.mkdir()
    else:
        shutil.copytree(before, place)
    return place


def trials(stage: Stage, folder: Path, before: Path | None, kills: int, rng: random.Random) -> Trials:
    """Kill a command at random moments, run it again each time, and compare."""
    from same_bytes import contents, differing

    reference, length = whole(stage, folder, before)
    found = Trials(stage.name, length)
    while len(found.moments) < kills:
        place = copy(before, folder / "trial")
        moment = rng.uniform(0, length)
        if not kill(start(stage.arguments, place), moment):
            continue  # it was quicker this time: not a kill
        found.moments.append(moment / length)
        code = finish(start(stage.arguments, place))
        different = differing(reference, contents(place))
        if code or different:
            found.faults.append(f"kill {len(found.moments)} at {moment:.3f} s: exit code {code}, differing {different}")
            shutil.copytree(place, folder / f"fault-{stage.name}-{len(found.moments)}", dirs_exist_ok=True)
    return found


def make_corpus(folder: Path, documents: int) -> None:
    lines = (DATA / "planted.jsonl").read_text("utf-8").splitlines(keepends=True)
    (folder / CORPUS).write_text("".join(lines[:documents]), "utf-8")


@click.command()
@click.option("--kills", default=50, show_default=True, help="Of each command.")
@click.option("--documents", default=300, show_default=True, help="Of the planted corpus.")
@click.option("--seed", default=1, show_default=True, help="Of the moments.")
@click.option("--only", multiple=True, help="train, rank or retrain; may be repeated.")
@click.option("--folder", type=click.Path(path_type=Path), help="Work here, and leave what was found.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def crash(kills: int, documents: int, seed: int, only: tuple[str, ...], folder: Path | None, as_json: bool) -> None:
    """Kill train, rank and retrain at random moments, run each again, and compare all files with an undisturbed run."""
    with contextlib.ExitStack() as stack:
        place = (folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))).resolve()
        place.mkdir(parents=True, exist_ok=True)
        make_corpus(place, documents)
        imports()
        warm_up(place)
        rng, found, done = random.Random(seed), [], {}
        for stage in stages(place):
            before = done.get(stage.before)
            if not only or stage.name in only:
                found.append(trials(stage, place, before, kills, rng))
                say(found[-1], as_json)
            else:
                whole(stage, place, before)
            done[stage.name] = place / stage.name
        same = sum(len(each.moments) - len(each.faults) for each in found)
        total = sum(len(each.moments) for each in found)
        if as_json:
            click.echo(json.dumps({"kills": total, "same": same, "stages": [each.to_dict() for each in found]}))
        else:
            click.echo(f"{same} of {total} finished with the same bytes as an undisturbed run")
    sys.exit(int(same < total))


def say(one: Trials, as_json: bool) -> None:
    values = one.to_dict()
    click.echo(
        f"{one.stage:8} {values['seconds']:6.2f} s undisturbed, killed {values['kills']:3} times "
        f"(median at {values['median_moment']:.2f} of it): {values['same']} the same",
        err=as_json,
    )
    for fault in one.faults:
        click.echo(f"  {fault}", err=True)


if __name__ == "__main__":
    crash()
