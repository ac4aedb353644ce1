"""clif audit."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from clif.cli.options import FILE, TEST_HELP, clif_command, on_scheduler
from clif.cli.screen import Screen, at, number

NAMED = 8


@clif_command("clif audit --test gender-career --seeds 3")
@click.argument("target", required=False, type=FILE, metavar="[RUN or VECTORS]")
@click.option("--test", "tests", multiple=True, help=f"{TEST_HELP} 'weat' for all of WEAT; repeatable.  [weat]")
@click.option("--list", "listing", is_flag=True, help="List tests, kinds of tests and plug-ins, and measure nothing.")
@click.option(
    "--seeds", type=int, default=1, show_default=True, help="Models: the run's own, and others of further seeds."
)
@click.option("--ddof", type=int, default=0, show_default=True, help="Degrees of freedom taken from the deviation.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of sampled p-values.")
@click.option("--allow-pickle", is_flag=True, help="Read pickled models, which can run code: only if you trust them.")
@on_scheduler
def command(
    screen: Screen,
    target: Path | None,
    tests: tuple[str, ...],
    listing: bool,
    seeds: int,
    ddof: int,
    seed: int,
    allow_pickle: bool,
) -> None:
    """Measure bias by the Word Embedding Association Test, or in another way.

    Reads a run folder (./clif-run by default) or vectors of any common format: word2vec text or binary, GloVe,
    gensim. p-values are exact, over all partitions of the target words, where that is possible.

    A test of your own is a TOML file with name, X, Y, A, B (lists of words). With kind = "ripa", say, it is measured
    otherwise: sc-weat, ripa, direct, same, rnd, mac, rnsb, ect, or the kind of a plug-in. --list says what each
    measures, which sets it needs and its measures.

    --seeds 3 trains two more models of the run, with other seeds, and shows how far the bias varies; they stay in the
    run.
    """
    if listing:
        from clif.cli.listing import show_list

        show_list(screen)
        return
    from clif.objectives import load_tests

    asked = tests or ("weat",)
    chosen = load_tests(asked)
    # The hint at the end names a test as it was asked for: a file, or a plug-in, may have another name.
    alone = {name: load_tests([name]) for name in asked}
    named = {tests[0].name: name for name, tests in alone.items() if len(tests) == 1}
    show(screen, _audit(screen, target, chosen, seeds, ddof, seed, allow_pickle), named, target)


def _audit(
    screen: Screen, target: Path | None, tests: Sequence[Any], seeds: int, ddof: int, seed: int, allow_pickle: bool
) -> Any:
    from clif.objectives import audit
    from clif.run import open_model, open_trained

    if seeds == 1:
        return audit(open_model(target, allow_pickle=allow_pickle), tests, ddof=ddof, seed=seed)
    from clif.auditing import audit_run
    from clif.errors import UsageError

    if target and target.is_file():
        raise UsageError(
            "vectors in a file are those of one training, and say nothing of other seeds",
            where="--seeds",
            next="Give the folder of a run, or leave out --seeds.",
        )
    run = open_trained(target)
    with screen.progress() as progress:
        return audit_run(run, tests, seeds=seeds, ddof=ddof, seed=seed, progress=progress)


def show(screen: Screen, audit: Any, named: Mapping[str, str] | None = None, target: Path | None = None) -> None:
    """Print an Audit of `target`; `named` says how tests were asked for."""
    from clif.objectives import lacking

    for result in audit.results:
        for warning in result.warnings:
            screen.warn(warning)
    if screen.result(audit):
        return
    weats = [result for result in audit.results if result.kind == "weat"]
    others = [result for result in audit.results if result.kind != "weat"]
    if weats:
        _show_weat(screen, weats)
    if others:
        _show_others(screen, others)
    _show_seeds(screen, audit.results)
    for result in audit.results:
        labels = result.labels
        if result.kind == "weat":
            screen.text(f"{result.test}: {labels['X']} / {labels['Y']} with {labels['A']} / {labels['B']}")
        else:
            p = "" if result.p_value is None else f", p {result.p_value:.4f}, two-sided {result.p_value_two_sided:.4f}"
            screen.text(f"{result.test} ({result.kind}){p}. Positive: {result.positive}")
        for key in "XYAB":
            if result.missing[key]:
                screen.text(f"  {_lacks(key, result.words[key], result.missing[key])}")
    if audit.skipped:
        screen.text("Skipped (every missing word: --json):")
    for skipped in audit.skipped:
        screen.text(
            f"  {skipped.test}: {lacking(skipped.missing) if any(skipped.missing.values()) else skipped.reason}"
        )
    rankable = weats or [result for result in others if result.ranked]
    if target and target.is_file():
        screen.next(f"clif import {shlex.quote(str(target))} CORPUS, to rank the documents of its corpus")
    elif rankable:
        strongest = max(rankable, key=lambda result: abs(result.value)).test
        name = shlex.quote((named or {}).get(strongest, strongest))
        screen.next(f"clif rank{at(target) if target else ''} --test {name}")


def _show_weat(screen: Screen, results: Sequence[Any]) -> None:
    rows = []
    for result in results:
        present = "/".join(str(len(result.words[key])) for key in "XYAB")
        missing = sum(len(words) for words in result.missing.values())
        exact = "" if result.p_value_kind == "exact" else "~"
        rows.append(
            [
                result.test,
                number(result.effect_size, 2, sign=True),
                f"{exact}{result.p_value:.4f}",
                f"{exact}{result.p_value_two_sided:.4f}",
                present,
                str(missing),
            ]
        )
    columns = ["test", "effect size", "p", "two-sided", "words X/Y/A/B", "missing"]
    screen.table("Bias (WEAT)", columns, rows)
    screen.text(
        "Positive: X goes with A and Y with B. p: share of the divisions of the target words with as large a statistic "
        "(~ sampled, else exact)."
    )


def _show_others(screen: Screen, results: Sequence[Any]) -> None:
    """A table of what is not WEAT: a line for each measure of a test."""
    rows = []
    for result in results:
        present = "/".join(str(len(result.words[key]) or "-") for key in "XYAB")
        missing = str(sum(len(words) for words in result.missing.values()))
        published = number(result.published, 4, sign=True)
        for place, (measure, value) in enumerate(result.measures.items()):
            first = [result.test, published, present, missing] if place == 0 else [""] * 4
            rows.append([first[0], measure.replace("_", " "), number(value, 4, sign=True), *first[1:]])
    columns = ["test", "measure", "value", "published", "words X/Y/A/B", "missing"]
    screen.table("Bias (other kinds)", columns, rows, texts=(0, 1))
    screen.text("Zero: no bias. Published: the number as the paper of the kind has it.")


def _show_seeds(screen: Screen, results: Sequence[Any]) -> None:
    """A table of the models of several seeds, if there are any."""
    rows = []
    for result in results:
        about = result.over_seeds
        if not about:
            return
        digits = 2 if result.measure == "effect_size" else 4
        low, high = (f"{end:+.{digits}f}" for end in about["ci95"])
        sample = [number(about["mean"], digits, sign=True), number(about["sd"], digits), f"{low} to {high}"]
        rows.append([result.test, result.measure.replace("_", " "), *sample, str(len(about["runs"]))])
    screen.text()
    screen.table("Over seeds", ["test", "measure", "mean", "sd", "95% interval", "models"], rows, texts=(0, 1))


def _lacks(key: str, present: Sequence[str], missing: Sequence[str]) -> str:
    named = ", ".join(missing[:NAMED]) + (", ..." if len(missing) > NAMED else "")
    return f"{key} has {len(present)} of {len(present) + len(missing)}, without {named}"
