"""clif explain."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click

from clif.cli.options import MEASURE_HELP, TEST_HELP, clif_command
from clif.cli.rows import digits_of
from clif.cli.screen import Screen, at, number

SHOWN = 5  # words, and targets


@clif_command("clif explain 2004-Bush-1:059 --test gender-career")
@click.argument("which", nargs=-1, required=True, metavar="[RUN] DOC_ID")
@click.option("--test", help=f"{TEST_HELP}  [that of the newest ranking, else gender-career]")
@click.option("--method", help="block, clif, gradient, ...  [that of the newest ranking, else block]")
@click.option("--measure", help=MEASURE_HELP)
@click.option("--damping", type=float, help="Added to the curvature.  [as in the newest ranking]")
@click.option("--curvature", help="Of clif: gn (Gauss-Newton) or exact (Hessian).  [as in the newest ranking]")
@click.option("--tolerance", type=float, help="Relative residual of a solve.  [as in the newest ranking]")
@click.option("--full", is_flag=True, help="Show the whole text, not only passages around the strongest words.")
@click.option("--top", type=click.IntRange(1), default=10, show_default=True, help="Pairs of words to show.")
def command(screen: Screen, which: tuple[str, ...], full: bool, top: int, **options: Any) -> None:
    """Show which words of a document give it its influence.

    The text is marked where it carries the bias or works against it. Below it: the pairs of words that matter, the
    words of the test whose vectors they move, and where these are predicted to go without the document.

    DOC_ID is one of the column doc_id of `clif rank`; RUN is ./clif-run if left out.
    """
    from clif.explaining import explain
    from clif.run import open_trained

    folder, doc_id = _which(which)
    run = open_trained(folder)
    with screen.progress() as progress:
        explanation = explain(run, doc_id, progress=progress, **options)
    show(screen, explanation, run, full=full, top=top, options=options)


def _which(values: tuple[str, ...]) -> tuple[Path | None, str]:
    from clif.errors import UsageError
    from clif.run import is_run

    if len(values) == 1 and is_run(Path(values[0])):
        raise UsageError(
            "is a run; the document is missing",
            where=values[0],
            next=f"clif explain {shlex.quote(values[0])} DOC_ID, with an id that `clif rank` lists.",
        )
    if len(values) > 2:
        raise UsageError(
            f"one document is explained at a time, got {len(values)} arguments",
            where="clif explain [RUN] DOC_ID",
            next="Put an id that holds spaces in quotes.",
        )
    return (Path(values[0]), values[1]) if len(values) == 2 else (None, values[0])


def show(screen: Screen, explanation: Any, run: Any, *, full: bool, top: int, options: dict[str, Any]) -> None:
    """Print an Explanation: head, text, pairs, words, associations, total."""
    for warning in explanation.warnings:
        screen.warn(warning)
    if screen.result(explanation.to_dict(top)):
        return
    about, digits = explanation.about, _digits(explanation)
    _head(screen, about, digits)
    _text(screen, explanation, full, digits)
    if explanation.pairs:
        _tables(screen, explanation, top, digits)
        screen.text(
            f"Total {about['influence']:+.{digits}f}: the sum over the {about['contexts']:,} places of these pairs, by "
            "which the document is ranked."
        )
    else:
        screen.text("No pair of words is trained here that has an influence on this test.")
    _next(screen, about, run.path, options)


def _next(screen: Screen, about: dict[str, Any], run: Path, options: dict[str, Any]) -> None:
    """The commands that go on from here, with the options that make them mean the same question."""
    said = {name: options[name] for name in ("test", "method", "measure", "damping") if options[name] is not None}
    from clif.objectives import find_kind

    defaults = {"method": "block", "measure": find_kind(about["kind"]).measures[0]}
    unlike = {name: about[name] for name, default in defaults.items() if about[name] != default}
    k = min(100, max(1, about["documents"] // 10))
    screen.next(
        f"clif rank{at(run)}{_as_options({**said, **unlike})} --unit context",
        f"clif retrain{at(run)}{_as_options(said)} --remove-top-k {k}",
    )


def _as_options(values: dict[str, Any]) -> str:
    return "".join(f" --{name} {shlex.quote(str(value))}" for name, value in values.items())


def _digits(explanation: Any) -> int:
    """Decimals for the strongest pair, or the document."""
    strongest = [abs(pair.influence) for pair in explanation.pairs[:1]]
    return digits_of(max([abs(explanation.about["influence"]), *strongest]))


def _head(screen: Screen, about: dict[str, Any], digits: int) -> None:
    from rich.text import Text

    from clif.cli.screen import clean

    influence = f"{about['influence']:+.{digits}f}"
    head = f"{about['doc_id']}: rank {about['rank']:,} of {about['documents']:,}, influence {influence}"
    screen.out.print(Text(clean(head), style="bold"))
    if about["metadata"]:
        screen.text("; ".join(f"{name}: {_short(value)}" for name, value in about["metadata"].items()))
    screen.text(
        f"Without this document the {_measure(about)} of {about['test']}, now {about['value']:+.3g}, is predicted to "
        f"change by {influence} (method {about['method']})."
    )
    screen.text()


def _text(screen: Screen, explanation: Any, full: bool, digits: int) -> None:
    from rich.text import Text

    from clif.cli.marking import has_colour, legend, marked
    from clif.explaining import choose_passages

    colour, length = has_colour(screen.out), len(explanation.text.words)
    passages = [(0, length)] if full else choose_passages(explanation)
    whole = passages == [(0, length)]
    for start, end in passages:
        if not whole:
            held = explanation.influence[start:end].sum()
            screen.out.print(Text(f"Words {start:,} to {end - 1:,}: {_sum(held, digits)}", style="dim"))
        text = marked(explanation, start, end, colour=colour, whole=whole)
        screen.out.print(Text.assemble("... " if start else "", text, " ..." if end < length else ""))
    if not whole:
        rest = explanation.influence.sum() - sum(explanation.influence[start:end].sum() for start, end in passages)
        screen.out.print(Text(f"The rest of {length:,} words (--full shows it): {_sum(rest, digits)}", style="dim"))
    if not length:
        screen.text("(no words)")
    screen.text()
    if explanation.text.note:
        screen.text(f"These are the tokens that were trained on: {explanation.text.note}.")
    if explanation.pairs:
        screen.out.print(legend(explanation.about["value"], _measure(explanation.about), colour=colour))
        screen.text()


def _tables(screen: Screen, explanation: Any, top: int, digits: int) -> None:
    pairs = explanation.pairs[:top]
    screen.table(
        f"Pairs of words: {len(pairs):,} of {len(explanation.pairs):,} "
        f"hold {explanation.share(top):.0%} of the absolute influence",
        ["influence", "pair", "times", "words apart"],
        [
            [
                number(p.influence, digits + 1, sign=True),
                f"{p.input} → {p.output}",
                str(p.times),
                _range(p.nearest, p.farthest),
            ]
            for p in pairs
        ],
        texts=(1,),
    )
    words = [word for word in explanation.words[:SHOWN] if abs(word.influence) >= 0.5 * 10 ** -(digits + 1)]
    screen.table(
        "Words whose vectors these pairs move",
        ["influence", "word", "of the test"],
        [
            [number(w.influence, digits + 1, sign=True), w.word, f"{w.set} ({w.label})" if w.set else "no"]
            for w in words
        ],
        texts=(1, 2),
    )
    moved = [each for each in explanation.associations[:SHOWN] if abs(each.after - each.before) >= 0.5e-4]
    if not moved:
        return
    from clif.objectives import find_kind

    first, labels = moved[0], explanation.about["labels"]
    kind = find_kind(explanation.about["kind"])
    to_A = (first.after - first.before) * kind.towards > 0
    towards, away = (labels["A"], labels["B"]) if to_A else (labels["B"], labels["A"])
    screen.table(
        kind.in_words(kind.part, labels),
        ["word", "of the test", "now", "without", "change"],
        [
            [
                each.word,
                f"{each.set} ({each.label})",
                number(each.before, 4, sign=True),
                number(each.after, 4, sign=True),
                number(each.after - each.before, 4, sign=True),
            ]
            for each in moved
        ],
        texts=(0, 1),
    )
    if kind.towards:
        screen.text(
            f"Without this document {first.word!r} ({first.label}) is predicted to move towards {towards}, "
            f"away from {away}."
        )


def _sum(values: float, digits: int) -> str:
    """A sum, without the sign that rounding would leave to a zero."""
    return number(round(float(values), digits) + 0.0, digits, sign=True)


def _measure(about: dict[str, Any]) -> str:
    return str(about["measure"].replace("_", " "))


def _short(value: Any, most: int = 60) -> str:
    text = str(value)
    return text if len(text) <= most else text[: most - 1] + "…"


def _range(nearest: int, farthest: int) -> str:
    return str(nearest) if nearest == farthest else f"{nearest} to {farthest}"
