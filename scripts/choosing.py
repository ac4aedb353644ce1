"""Documents chosen on a run's first seeds in several ways, judged by retraining with seeds not seen; see choosing."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from clif.influence.adaptive import ADAPTIVE
from clif.ranking import choose_test, rank
from clif.retraining.edits import UNEDITED, Edit
from clif.run import Run, open_trained
from clif.training.pool import held, train_apart
from clif.verification.trainings import CALLER, Journal, Measured

Order = NDArray[np.int64]
RANDOM = "random"
METHODS = ("block", "source", "unrolled", "gradient")
CHUNKED = {f"adaptive {method}": method for method in ADAPTIVE}
BEST = "adaptive source"  # held against all others
CHOICES = (*CHUNKED, *METHODS, RANDOM)


def order_of(run: Run, test: str, seeds: int, method: str, adaptive: int | None = None) -> Order:
    """Documents of the corpus by their rank, the one first whose removal reduces |T| most."""
    ranking = rank(run, test, method=method, measure="effect_size", ensemble=seeds, adaptive=adaptive)
    return np.array([run.corpus.number[doc_id] for doc_id in ranking.to_frame()["doc_id"]])


def orders_for(run: Run, test: str, seeds: int, most: int, choices: Sequence[str]) -> dict[str, Order]:
    """Ways to choose, as orders of the documents."""
    orders = {}
    for name in choices:
        if name == RANDOM:
            orders[name] = np.random.default_rng(run.settings.seed).permutation(len(run.corpus))
        else:
            orders[name] = order_of(run, test, seeds, CHUNKED.get(name, name), most if name in CHUNKED else None)
    return orders


def judge(
    run: Run,
    tests: list[str],
    seeds: int,
    judges: int,
    main: int,
    sizes: list[int],
    choices: Sequence[str],
    processes: int | None,
) -> list[dict[str, Any]]:
    """Change of |T| by test, way to choose and number of documents, one a judging seed."""
    journal = Journal(run, [choose_test(run, test) for test in tests])
    judging = [run.settings.seed + seeds + n for n in range(judges)]
    cases: list[tuple[int, str, int, list[Measured]]] = []
    for number, test in enumerate(tests):
        for name, order in orders_for(run, test, seeds, max(sizes), choices).items():
            for size in sizes if name in CHUNKED or name in CHUNKED.values() else [main]:
                edit = Edit(order[:size], 0)
                cases.append((number, name, size, [journal.training(edit, seed) for seed in judging]))
    before = [journal.training(UNEDITED, seed) for seed in judging]
    with held(run.verifications, run, "verifying"):
        wanted = journal.reopen([*before, *(training for *_, row in cases for training in row)])
        train_apart(run, [each for each in wanted if not journal.done(each)], CALLER, say, processes)
    full = np.array([journal.measure(training, "effect_size") for training in before])
    rows = []
    for number, name, size, trainings in cases:
        after = np.array([journal.measure(training, "effect_size")[number] for training in trainings])
        was = full[:, number]
        sign = np.sign(was.mean())
        rows.append(
            {
                "run": run.path.name,
                "test": tests[number],
                "choice": name,
                "documents": size,
                "before": float(was.mean()),
                "change": [float(x) for x in sign * (after - was)],
            }
        )
    return rows


def say(stage: str, done: float, total: float | None, note: str = "") -> None:
    """One line that is written over, on stderr."""
    click.echo(f"\r{stage}: {note or f'{done:.0f} of {total or 0:.0f}'}    ", nl=False, err=True)


def duel(rows: list[dict[str, Any]], one: str, other: str, sizes: Callable[[int], bool]) -> dict[str, Any]:
    """In how many cases the one choice moved |T| further down than the other, with a sign test (two-sided)."""
    places: dict[tuple[str, str, int], dict[str, float]] = {}
    for row in rows:
        if sizes(row["documents"]):
            case = places.setdefault((row["run"], row["test"], row["documents"]), {})
            case[row["choice"]] = mean(row["change"])
    gains = [case[one] - case[other] for case in places.values() if {one, other} <= case.keys()]
    wins = sum(gain < 0 for gain in gains)
    decided = sum(gain != 0 for gain in gains)
    return {
        "choice": one,
        "against": other,
        "cases": len(gains),
        "wins": wins,
        "mean_gain": mean(gains) if gains else None,
        "p_value": float(binomtest(wins, decided).pvalue) if decided else None,
    }


@click.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--test", "tests", multiple=True, default=("weat6", "weat7", "weat8"), show_default=True)
@click.option("--seeds", default=2, show_default=True, help="Models that the documents are chosen on.")
@click.option("--judges", default=5, show_default=True, help="Seeds that follow, of the retrainings.")
@click.option("--documents", default=100, show_default=True, help="How many are removed.")
@click.option("--sizes", default="30,100,300", show_default=True, help="The same for adaptive against one-shot.")
@click.option("--choice", "choices", multiple=True, type=click.Choice(CHOICES), default=CHOICES, show_default=True)
@click.option("--processes", type=int, help="Trainings at a time.  [one a core]")
@click.option("--json", "as_json", is_flag=True)
def main(
    runs: tuple[Path, ...],
    tests: tuple[str, ...],
    seeds: int,
    judges: int,
    documents: int,
    sizes: str,
    choices: tuple[str, ...],
    processes: int | None,
    as_json: bool,
) -> None:
    """Judge ways to choose documents by retraining with seeds that had no part in the choice."""
    numbers = sorted({documents, *map(int, sizes.split(","))})
    rows = []
    for path in runs:
        rows += judge(open_trained(path), list(tests), seeds, judges, documents, numbers, choices, processes)
    duels = [duel(rows, BEST, other, lambda size: size == documents) for other in choices if other != BEST]
    adaptive = [duel(rows, name, method, lambda _: True) for name, method in CHUNKED.items()]
    if as_json:
        click.echo(json.dumps({"changes": rows, "duels": duels, "adaptive": adaptive}, indent=2))
        return
    for row in rows:
        runs_said = " ".join(f"{change:+.2f}" for change in row["change"])
        click.echo(
            f"{row['run']:10} {row['test']:6} {row['choice']:17} {row['documents']:5}  |T| {abs(row['before']):.2f}  "
            f"{mean(row['change']):+.3f}  ({runs_said})"
        )
    for found in [each for each in (*duels, *adaptive) if each["cases"]]:
        click.echo(
            f"{found['choice']} against {found['against']}: {found['wins']} of {found['cases']} cases, "
            f"mean gain {found['mean_gain']:+.3f}, sign test p = {found['p_value']:.3g}"
        )


if __name__ == "__main__":
    main()
