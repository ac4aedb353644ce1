"""clif rank."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Any

import click

from clif.cli.costs_tables import costs_line
from clif.cli.options import FILE, TEST_HELP, clif_command, memory_option, on_scheduler, run_argument
from clif.cli.rows import digits_of, layout
from clif.cli.screen import Screen, at

SHOWN = 10


@clif_command("clif rank --test gender-career --out ranking.parquet")
@run_argument
@click.option("--test", multiple=True, help=f"{TEST_HELP} Repeatable.  [the newest's]")
@click.option("--method", default="block", show_default=True, help="One of the methods below.")
@click.option("--measure", help="One of the test's kind (clif audit --list).  [its first; for WEAT effect_size]")
@click.option("--unit", default="document", show_default=True, help="document, sentence, context or pair (of words).")
@click.option("--by", metavar="FIELD", help="Sum the influence by this field of the documents, such as source.")
@click.option("--top", help="Ranks to write, or 'all'.  [documents: all, others: 10000]")
@click.option(
    "--damping", type=float, help="Added to the curvature.  [1 / sum of the learning rates; exact trainer: its l2]"
)
@click.option("--curvature", default="gn", show_default=True, help="Of clif: gn (Gauss-Newton) or exact (Hessian).")
@click.option("--tolerance", type=float, default=1e-3, show_default=True, help="Relative residual of a solve.")
@click.option("--steps", type=int, help="Products of a solve at most.  [500, lissa 5000]")
@click.option("--dense", is_flag=True, help="Sum over every noise word in each product: slow, approximates nothing.")
@click.option("--strict", is_flag=True, help="Exit with 4 if a solve stops above the tolerance.")
@click.option("--ensemble", type=int, metavar="N", help="Average over N models: the run's own and further seeds.")
@click.option("--adaptive", type=int, metavar="N", help="Choose the first N in chunks, estimating anew after each.")
@click.option("--broad", metavar="WORDS", help="Prefer documents that act on many of the 'targets' or 'attributes'.")
@click.option("--wider", metavar="PAIRS", help="And on words beside them: neighbours, gender, or a TOML file of pairs.")
@click.option("--confidence", type=float, help="Cut an ensemble's list to the documents that are sure at this, as .95.")
@click.option("--threads", type=click.IntRange(1), help="Of the scoring pass, and trainings at a time.  [all cores]")
@click.option("--out", type=FILE, help="A further copy: .csv, .jsonl, .parquet or .trec.")
@click.option("--no-cache", is_flag=True, help="Compute anew, even if the list is stored.")
@memory_option
@on_scheduler
def command(
    screen: Screen,
    run: Path | None,
    test: tuple[str, ...],
    unit: str,
    by: str | None,
    top: str | None,
    out: Path | None,
    no_cache: bool,
    **settings: Any,
) -> None:
    """Rank all documents of a run by their influence on a bias.

    Influence is the predicted change of the test when the document is removed. Rank 1: removal reduces the bias
    most; the last rank: it increases it most. The list is stored in the run; --out writes a further copy.

    Methods: block (fast, the default), source (through all epochs), unrolled (the derivative of the training, exact),
    clif (all vectors move together), kfac, lissa, gradient, mirrored, representer; for comparison lissa-released,
    turnover, frequency, length, random.
    """
    from clif.errors import UsageError
    from clif.ranking import by_field, check_ending, check_field, rank_many, write_groups, write_ranking
    from clif.run import open_trained

    limit = _limit(top)
    if out:
        check_ending(out, unit=unit if by is None else "group")
        if len(test) > 1:
            raise UsageError(
                f"one file cannot hold the lists of {len(test)} tests",
                where=f"--out {out}",
                next="Leave it out: the lists are stored in the run; or rank for one test.",
            )
    opened = open_trained(run)
    if by is not None:
        check_field(opened, by, unit)
    with screen.progress() as progress:
        rankings = rank_many(
            opened, test or [None], unit=unit, top=limit, cache=not no_cache, progress=progress, **settings
        )
    groups = [None if by is None else by_field(ranking, opened, by) for ranking in rankings]
    if out and groups[0]:
        write_groups(groups[0], out, limit)
    elif out:
        write_ranking(rankings[0].cut(), out, limit)
    if len(rankings) > 1 and screen.json:
        screen.result({"rankings": [_values(*each, opened) for each in zip(rankings, groups, strict=True)]})
        return
    for n, (ranking, group) in enumerate(zip(rankings, groups, strict=True)):
        show(screen, ranking, opened, out, asked=test[n] if test else None, groups=group)


def _limit(top: str | None) -> int | None:
    from clif.errors import UsageError

    if top is None:
        return None
    if top == "all":
        return sys.maxsize
    if not top.isdecimal() or int(top) < 1:
        raise UsageError(f"{top!r} is not a number of ranks", where="--top", next="Give 1 or more, or 'all'.")
    return int(top)


def _values(ranking: Any, groups: Any, run: Any) -> dict[str, Any]:
    return {**ranking.to_dict(), "costs": _costs(ranking, run), **({} if groups is None else {"groups": groups})}


def show(
    screen: Screen, ranking: Any, run: Any, out: Path | None = None, asked: str | None = None, groups: Any = None
) -> None:
    """Print both ends of a Ranking, or of its Groups; of contexts the first ones.

    `asked` is the test as it was asked for.
    """
    from clif.influence.methods import find_method

    for warning in ranking.warnings:
        screen.warn(warning)
    values = _values(ranking, groups, run)
    if screen.result({**values, "out": out}):
        return
    measure = values["measure"].replace("_", " ")
    head = f"{values['test']}: {measure} {values['value']:+.3g}, method {values['method']}"
    if ranking.models > 1:
        head += f", mean of {ranking.models} models"
    unit = ranking.about["unit"]
    listed = ranking if groups is None else groups
    digits = digits_of(max(map(abs, ranking.influence), default=0.0), at_most=7)
    table = layout(unit if groups is None else "group", run, groups, ranking.models, values.get("confidence"), digits)
    count = len(listed)
    last = SHOWN // 2 if unit == "document" else 0
    shown = [*range(min(SHOWN, count)), *range(max(SHOWN, count - last), count)]
    cells = listed.columns if groups else {**listed.columns, "sure": ranking.sure}
    rows = [table.row({name: column[place] for name, column in cells.items()}) for place in shown]
    if last and count > SHOWN + last:
        rows.insert(SHOWN, ["..."] + [""] * (len(table.columns) - 1))
    screen.table(head, table.columns, rows, texts=table.texts)
    method = find_method(values["method"])
    if values.get("ensemble"):
        screen.text(_models_line(values["ensemble"], measure))
    screen.text(f"Method {method.name}: {method.assumes}.")
    if method.solves:
        screen.text(_solve_line(values))
    if not method.predicts:
        screen.text("Influence: a number with a sign, so that rank 1 is the first to remove; not a prediction.")
    elif unit == "document" and values["broad"]:
        screen.text("Influence: predicted change when removed. First are those that reduce the bias much,")
        screen.text(f"and by many of the {values['broad']}.")
        if values["wider"]:
            for key in ("X", "Y", "A", "B"):
                if key in values["wider"]:
                    screen.text(f"Counted beside {key}: {' '.join(values['wider'][key])}.")
    elif unit == "document":
        screen.text("Influence: predicted change when removed. Rank 1 reduces the bias most, the last")
        screen.text("increases it most.")
    else:
        what = {"context": "this pair is not trained here", "pair": "this pair is trained nowhere"}.get(unit, "removed")
        screen.text(f"Influence: predicted change when {what}. The list holds the first {count:,}.")
    crossing, surely = values["zero_crossing"], values.get("confidence") is not None
    if surely:
        screen.text(
            f"Sure at a confidence of {values['confidence']:g}: {values['sure_reduce']:,} documents whose removal "
            f"reduces the bias and {values['sure_increase']:,} whose removal increases it, of {values['documents']:,}."
        )
    if groups:
        screen.text(f"{count:,} groups by {groups.field}: a plain sum over the documents of each, which is not a")
        screen.text("prediction for the removal of a whole group.")
    elif unit == "document" and crossing is None:
        of_these = " of sure documents" if surely else ""
        screen.text(f"No number of removals{of_these} is predicted to bring it to zero.")
    elif unit == "document":
        count = values["sure_reduce"] + values["sure_increase"] if surely else values["documents"]
        which = "sure documents" if surely else "documents"
        screen.text(f"Predicted to bring it to zero: removing the first {crossing:,} of {count:,} {which}.")
        screen.text(costs_line(values["costs"]))
    screen.say(f"Stored: {ranking.path}" + (f"; copy: {out}" if out else ""), whole=True)
    named = f" --test {shlex.quote(asked)}" if asked and unit != "document" else ""
    k = "zero" if crossing else min(100, max(1, values["documents"] // 10))
    hints = [f"clif retrain{at(run.path)}{named} --remove-top-k {k}"]
    if unit == "document" and not groups and method.predicts:
        hints.insert(0, f"clif explain{at(run.path)} {shlex.quote(ranking.doc_ids[0])}")
    screen.next(*hints)


def _costs(ranking: Any, run: Any) -> dict[str, Any] | None:
    """What the removals that are predicted to bring the bias to zero cost others; None where there are none."""
    import numpy as np

    from clif.corpus.change import Change
    from clif.objectives import cover
    from clif.ranking import HALF_LEAST, costs_of

    crossing = ranking.about["zero_crossing"]
    if ranking.about["unit"] != "document" or crossing is None:
        return None
    times = np.zeros(len(run.corpus))
    times[[run.corpus.number[doc_id] for doc_id in ranking.cut().doc_ids[:crossing]]] = 1
    coverage = cover(ranking.test, run.vocabulary.index, HALF_LEAST)
    found: dict[str, Any] = costs_of(run, Change(times), coverage).to_dict()
    return found


def _models_line(models: dict[str, Any], measure: str) -> str:
    """How much the models of an ensemble differ, in a line."""
    seeds, low, high = models["seeds"], min(models["values"]), max(models["values"])
    return f"Models: seeds {seeds[0]} to {seeds[-1]}, {measure} {low:+.3g} to {high:+.3g}, sd {models['sd']:.2g}."


def _solve_line(values: dict[str, Any]) -> str:
    """How the solve went, in a line."""
    line = f"Solve: {values['iterations']} products, relative residual {values['residual']:.1e}"
    if values["noise_error"]:
        line += f"; the noise part is approximated, which adds about {values['noise_error']:.1e}"
    return line + ("; taken from the run." if values["solve_reused"] else ".")
