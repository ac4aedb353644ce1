"""clif rank."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Any

import click

from clif.cli.options import FILE, clif_command, run_argument
from clif.cli.screen import Screen, at, number

SHOWN = 10


@clif_command("clif rank --test gender-career --out ranking.parquet")
@run_argument
@click.option("--test", help="Test: name or TOML file.  [that of the newest ranking, else gender-career]")
@click.option("--method", default="block", show_default=True, help="block, gradient, frequency, length or random.")
@click.option("--measure", default="effect_size", show_default=True, help="effect_size or mean_difference.")
@click.option("--unit", default="document", show_default=True, help="document or context (one training pair).")
@click.option("--top", help="Ranks to write to --out, or 'all'.  [documents: all, contexts: 10000]")
@click.option("--damping", type=float, help="Added to the curvature.  [1 / sum of the learning rates]")
@click.option("--out", type=FILE, help="A further copy: .csv, .jsonl, .parquet or .trec.")
@click.option("--no-cache", is_flag=True, help="Compute anew, even if the list is stored.")
def command(
    screen: Screen,
    run: Path | None,
    test: str | None,
    method: str,
    measure: str,
    unit: str,
    top: str | None,
    damping: float | None,
    out: Path | None,
    no_cache: bool,
) -> None:
    """Rank all documents of a run by their influence on a bias.

    Influence is the predicted change of the test when the document is removed. Rank 1: removal reduces the bias
    most; the last rank: it increases it most. The list is stored in the run; --out writes a further copy.
    """
    from clif.errors import UsageError
    from clif.ranking import TOP_CONTEXTS, check_ending, rank, write_ranking
    from clif.run import open_trained

    limit = None
    if top not in (None, "all"):
        if not str(top).isdecimal() or int(str(top)) < 1:
            raise UsageError(f"{top!r} is not a number of ranks", where="--top", next="Give 1 or more, or 'all'.")
        limit = int(str(top))
    elif unit == "context":
        limit = sys.maxsize if top else TOP_CONTEXTS
    if out:
        check_ending(out, unit=unit)
    opened = open_trained(run)
    with screen.progress() as progress:
        ranking = rank(
            opened,
            test,
            method=method,
            measure=measure,
            unit=unit,
            top=limit,
            damping=damping,
            cache=not no_cache,
            progress=progress,
        )
    if out:
        write_ranking(ranking, out, limit)
    show(screen, ranking, opened, out, asked=test)


def show(screen: Screen, ranking: Any, run: Any, out: Path | None = None, asked: str | None = None) -> None:
    """Print both ends of a Ranking; of contexts the first ones. `asked` is the test as it was asked for."""
    from clif.influence.methods import find_method

    for warning in ranking.warnings:
        screen.warn(warning)
    values = ranking.to_dict()
    if screen.result({**values, "out": out}):
        return
    measure = values["measure"].replace("_", " ")
    head = f"{values['test']}: {measure} {values['value']:+.3g}, method {values['method']}"
    unit = ranking.about["unit"]
    digits = 4 if unit == "document" else 6
    names, row = _document_row(run) if unit == "document" else _context_row()
    count = len(ranking)
    last = SHOWN // 2 if unit == "document" else 0
    shown = [*range(min(SHOWN, count)), *range(max(SHOWN, count - last), count)]
    rows = [row(ranking, place, digits) for place in shown]
    if last and count > 2 * SHOWN:
        rows.insert(SHOWN, ["..."] + [""] * (len(names) - 1))
    screen.table(head, names, rows, texts=(3, 4) if unit == "document" else (2, 4))
    method = find_method(values["method"])
    screen.text(f"Method {method.name}: {method.assumes}.")
    if method.count:
        screen.text("Influence: that number with a sign, so that rank 1 is the largest; not a prediction.")
    elif unit == "document":
        screen.text("Influence: predicted change when removed. Rank 1 reduces the bias most, the last")
        screen.text("increases it most.")
    else:
        screen.text(f"Influence: predicted change when this pair is not trained. The list holds the first {count:,}.")
    crossing = values["zero_crossing"]
    if unit == "document" and crossing is None:
        screen.text("No number of removals is predicted to bring it to zero.")
    elif unit == "document":
        screen.text(
            f"Predicted to bring it to zero: removing the first {crossing:,} of {values['documents']:,} documents."
        )
    screen.say(f"Stored: {ranking.path}" + (f"; copy: {out}" if out else ""))
    named = f" --test {shlex.quote(asked)}" if asked and unit == "context" else ""
    k = "zero" if crossing else min(100, max(1, values["documents"] // 10))
    screen.next(f"clif retrain{at(run.path)}{named} --remove-top-k {k}")


def _document_row(run: Any) -> Any:
    corpus = run.corpus

    def beginning(doc_id: str) -> str:
        start, end = corpus.offsets[corpus.number[doc_id] : corpus.number[doc_id] + 2]
        text = " ".join(corpus.types[token] for token in corpus.tokens[start : min(end, start + 8)])
        return text if len(text) <= 26 else text[:25] + "…"

    def row(ranking: Any, place: int, digits: int) -> list[str]:
        doc_id = ranking.columns["doc_id"][place]
        return [
            str(ranking.columns["rank"][place]),
            number(ranking.columns["influence"][place], digits, sign=True),
            str(ranking.columns["tokens"][place]),
            doc_id,
            beginning(doc_id),
        ]

    return ["rank", "influence", "tokens", "document", "begins"], row


def _context_row() -> Any:
    def row(ranking: Any, place: int, digits: int) -> list[str]:
        get = {name: column[place] for name, column in ranking.columns.items()}
        return [
            str(get["rank"]),
            number(get["influence"], digits, sign=True),
            f"{get['input']} → {get['output']}",
            f"{get['distance']:+d}",
            f"{get['doc_id']} @{get['position']}",
        ]

    return ["rank", "influence", "pair", "distance", "document"], row
