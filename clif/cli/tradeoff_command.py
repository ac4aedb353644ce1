"""clif tradeoff."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from clif.cli.options import FILE, TEST_HELP, clif_command, memory_option, numbers, on_scheduler, run_argument
from clif.cli.screen import Screen, at
from clif.showing.telling import plural


@clif_command("clif tradeoff --shares .01,.05 --seeds 1 --policies clif,random,debias")
@run_argument
@click.option("--test", help=f"{TEST_HELP}  [that of the newest ranking, else gender-career]")
@click.option("--measure", help="One of the test's kind (clif audit --list).  [its first; for WEAT effect_size]")
@click.option("--shares", default=".01,.02,.05,.1,.2", show_default=True, help="Shares of the tokens that go.")
@click.option("--seeds", type=int, default=3, show_default=True, help="Retrainings of each point.")
@click.option("--policies", default="clif,keep,random,keyword,debias", show_default=True, help="What is compared.")
@click.option(
    "--keep", multiple=True, metavar="NAME[=TOL]", help="What the policy keep keeps, as clif retrain does.  [quality]"
)
@click.option("--method", help="Of clif and keep: source or block.  [source, where the training can be repeated]")
@click.option("--pairs", type=FILE, help="TOML file of the pairs of debias.  [attribute words, A beside B]")
@click.option("--analogies", type=FILE, help="Questions, as in questions-words.txt.  [those that gensim brings]")
@click.option("--processes", type=int, help="Trainings at a time.  [one a core]")
@memory_option
@on_scheduler
def command(
    screen: Screen,
    run: Path | None,
    shares: str,
    policies: str,
    keep: tuple[str, ...],
    test: str | None,
    **options: Any,
) -> None:
    """Hold bias against usefulness, for several ways to lower it.

    Removes documents by each policy until they hold some shares of the tokens, retrains with the same seeds, and
    measures the test, word similarity (WordSim-353) and analogies. Policies: clif, its choice in chunks; keep, the same
    while word similarity is predicted to stay; random; keyword, the documents with most of the test's words a token;
    debias, hard debiasing of the trained vectors (Bolukbasi et al. 2016), without any retraining.

    Says beforehand how many trainings there are. Interrupted, it goes on where it stopped. Leaves result.json,
    points.csv and tradeoff.svg in RUN/tradeoffs.
    """
    from clif.run import open_trained
    from clif.tradeoffs import tradeoff

    options["shares"] = numbers("--shares", shares, float)
    options["policies"] = tuple(policy.strip() for policy in policies.split(",") if policy.strip())
    if keep:
        options["keep"] = keep
    opened = open_trained(run)
    with screen.progress() as progress:
        result = tradeoff(opened, test, progress=progress, **options)
    show(screen, result, opened.path)


def show(screen: Screen, result: Any, run: Path) -> None:
    """Print a TradeoffResult of a run."""
    from clif.tradeoffs.picture import useful
    from clif.tradeoffs.view import FRONT, UNKNOWN, table_of

    values = result.to_dict()
    for warning in values["warnings"]:
        screen.warn(warning)
    if screen.result(values):
        return
    if values["reused"]:
        screen.say("These trainings were done already.")
    columns, rows = table_of(values)
    measure = values["measure"].replace("_", " ")
    head = f"{values['test']}: {measure} against WordSim-353 and analogies, {plural(len(values['seeds']), 'seed')}"
    screen.table(head, columns, rows)
    screen.text(FRONT if useful(values) else UNKNOWN)
    if values.get("method_because"):
        screen.text(f"Documents chosen by {values['method']}, as {values['method_because']}.")
    if values["pairs"]:
        screen.text("Debias takes a direction out of the vectors: that a test built on it then finds")
        screen.text("nothing does not say that the association is gone (Gonen and Goldberg 2019).")
    screen.say(f"Table, picture and result.json: {values['folder']}", whole=True)
    plot = [f"clif plot{at(run)} --kind policies"] if useful(values) else []
    screen.next(f"clif report{at(run)}", *plot)
