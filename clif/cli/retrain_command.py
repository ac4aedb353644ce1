"""clif retrain."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import click

from clif.cli.costs_tables import show_costs, show_kept
from clif.cli.options import FILE, MEASURE_HELP, TEST_HELP, clif_command, memory_option, on_scheduler, run_argument
from clif.cli.retrain_tables import (
    files_of,
    show_halves,
    show_neighbours,
    show_others,
    show_transfer,
    show_trials,
)
from clif.cli.screen import Screen, at, number
from clif.showing.telling import done_to, what_was_edited

# What two runs of one seed have in common, by trainer.
ONE_SEED = {
    "paired": "Trained by paired: runs of one seed differ in these {unit}s alone.",
    "exact": "Trained by exact: runs of one seed start alike, and differ in these {unit}s alone.",
    "gensim": "Trained by gensim: runs of one seed also differ in all random draws that follow the first edit.",
}


@clif_command("clif retrain --remove-top-k 100 --seeds 2 --controls 2")
@run_argument
@click.option("--remove-top-k", metavar="K", help="Remove K documents; 'zero': where the prediction is nearest zero.")
@click.option(
    "--until",
    metavar="GOAL",
    help="Search for the fewest whose removal, or --weight, brings |T| to 0.2, say, or to p>0.05.",
)
@click.option("--amplify-top-k", type=int, metavar="K", help="Repeat K documents instead.")
@click.option("--copies", type=int, default=1, show_default=True, help="Further copies of each repeated document.")
@click.option("--weight", type=float, default=0, help="Let removed documents count for so much: .5, a half.  [0]")
@click.option("--unit", default="document", show_default=True, help="What goes: whole documents, or a 'sentence'.")
@click.option("--swap-top-k", type=int, metavar="K", help="Swap words for their partners, he for she, in K documents.")
@click.option("--pairs", type=FILE, help="TOML file of these partners.  [gendered English words]")
@click.option("--goal", help="reduce or increase the bias.  [removal: reduce, repetition: increase]")
@click.option("--test", help=f"{TEST_HELP}  [that of the newest ranking, else gender-career]")
@click.option("--method", help="Of the ranking.  [the newest one's, else block; source for --until, --keep]")
@click.option("--measure", help=MEASURE_HELP)
@click.option("--damping", type=float, help="Damping of the ranking.  [that of the newest ranking]")
@click.option("--ranking", type=FILE, help="Take the order of documents from this file.")
@click.option("--seeds", type=int, default=3, show_default=True, help="Retrainings of each set.")
@click.option("--controls", type=int, default=3, show_default=True, help="Random sets of as many tokens.")
@click.option("--protect", type=FILE, help="File of document ids that must stay, one a line.")
@click.option(
    "--keep", multiple=True, metavar="NAME[=TOL]", help="Test, quality or loss:FILE that shall stay; repeatable."
)
@click.option("--cap", multiple=True, metavar="FIELD=SHARE", help="No value of FIELD, or set of 'words', loses more.")
@click.option(
    "--near-duplicates",
    type=float,
    is_flag=False,
    flag_value=0.8,
    metavar="[S]",
    help="Documents, or sentences, alike to this share (.8 if left out) go together.",
)
@click.option("--by", multiple=True, metavar="FIELD", help="Report the losses by this field too; repeatable.")
@click.option("--holdout-words", help="Choose with half of the 'targets', 'attributes' or 'both'; judge on the rest.")
@click.option("--halves", type=int, default=1, show_default=True, help="Halve the held-out words that many times.")
@click.option("--processes", type=int, help="Trainings at a time.  [one a core]")
@memory_option
@on_scheduler
def command(
    screen: Screen,
    run: Path | None,
    remove_top_k: str | None,
    amplify_top_k: int | None,
    swap_top_k: int | None,
    **options: Any,
) -> None:
    """Retrain without the top documents, and compare with random removals.

    Trains from scratch with the same seeds and the run's trainer: on the full corpus, on the edited one, and without
    random sets of as many tokens. Prints what was predicted beside what came out. Interrupted, it goes on where it
    stopped.

    Milder than removal: --weight .5 halves what the documents teach, --unit sentence takes out single sentences, and
    --swap-top-k tells their text of the other group.

    --until 0.2 chooses documents (or sentences) chunk by chunk, with new influences after each, and searches for the
    smallest number without which, or with --weight of which, the mean over the seeds is there. What is tried is kept,
    so it is trained once.

    --keep quality --keep weat1=.1 chooses documents that lower the test while word similarity (WordSim-353), or the
    effect size of another test, is predicted to stay within a tolerance (.01 and .1 unless given). NAME may be a TOML
    file of a test, or a .tsv, .csv or .txt of two words and a score a line. --keep loss:held-out.jsonl keeps the loss
    on documents that were not trained on from rising by more than .002 nats per pair of words. --cap source=.2 leaves
    each source four fifths of its tokens at least, --cap words=.3 each set of the test's words seven tenths of its
    occurrences. All limits go with --weight and --unit sentence too.

    Transfer is the change on words that were held out over that on the words that chose the documents. One half of
    the words says little of others: --halves 4 takes two splits both ways, each with documents and random sets of its
    own, and gives an interval.
    """
    from clif.retraining import retrain
    from clif.run import open_trained

    options["holdout"] = options.pop("holdout_words")
    remove: int | str | None = remove_top_k
    with contextlib.suppress(TypeError, ValueError):  # "zero", or what is then refused
        remove = int(remove_top_k or "")
    opened = open_trained(run)
    with screen.progress() as progress:
        result = retrain(
            opened, remove=remove, amplify=amplify_top_k, swap=swap_top_k, progress=progress, **options
        )  # fmt: skip
    show(screen, result, opened.path)


def show(screen: Screen, result: Any, run: Path) -> None:
    """Print a RetrainResult of a run."""
    values = result.to_dict()
    for warning in values["warnings"]:
        screen.warn(warning)
    if screen.result(values):
        return
    if values["reused"]:
        screen.say("These retrainings were done already.")
    verb = done_to(values)
    head = f"{values['test']}: {what_was_edited(values)}"
    measure = values["measure"].replace("_", " ")
    digits = 2 if values["measure"] == "effect_size" else 4
    labels = {"before": "before", "after": f"{verb} by {values['method']}", "controls": f"{verb} at random"}
    rows = [[label, *_cells(values[name], digits)] for name, label in labels.items()]
    screen.table(head, [measure, "mean", "sd", "95% interval", "runs"], rows)
    change = f"{values['realised']:+.{digits}f}"
    if values["realised_ci95"]:
        low, high = values["realised_ci95"]
        change += f" (95% interval {low:+.{digits}f} to {high:+.{digits}f})"
    predicted, value = (number(values[name], digits, sign=True) for name in ("predicted", "value"))
    models = len(values.get("ensemble") or [0])
    ranked = "the ranked model" if models == 1 else f"the mean of the {models} ranked models"
    screen.text(f"Change: predicted {predicted}, realised {change}.")
    added = values.get("predicted_sum")
    sums = "" if added is None else f"; influences added up: {number(added, digits, sign=True)}"
    screen.text(f"Predicted in {ranked}, from {value}{sums}.")
    if values.get("trainer") in ONE_SEED:
        screen.text(ONE_SEED[values["trainer"]].format(unit=values["unit"]))
    if values["p_value"] is not None:
        screen.text(f"Against random sets: p = {values['p_value']:.2g} (t test with the set as unit, two-sided).")
    else:
        screen.text("Too few random sets for a p-value: --controls 2 at the least.")
    show_trials(screen, values, digits)
    show_kept(screen, values)
    show_transfer(screen, values, digits)
    show_halves(screen, values, digits)
    show_costs(screen, values)
    screen.text()
    show_neighbours(screen, values)
    show_others(screen, values)
    screen.say(f"{files_of(values)}: {values['folder']}", whole=True)
    screen.next(f"clif report{at(run)}", f"clif verify{at(run)}")


def _cells(sample: dict[str, Any], digits: int) -> list[str]:
    interval = sample["ci95"]
    return [
        number(sample["mean"], digits, sign=True),
        number(sample["sd"], digits),
        f"{interval[0]:+.{digits}f} to {interval[1]:+.{digits}f}" if interval else "-",
        str(len(sample["runs"])),
    ]
