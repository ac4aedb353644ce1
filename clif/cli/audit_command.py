"""clif audit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from clif.cli.options import FILE, clif_command
from clif.cli.screen import Screen, at, number

NAMED = 8


@clif_command("clif audit --test weat6 --test my-test.toml")
@click.argument("target", required=False, type=FILE, metavar="[RUN or VECTORS]")
@click.option("--test", "tests", multiple=True, help="Test: name, 'weat' for all, or TOML file; repeatable.  [weat]")
@click.option("--ddof", type=int, default=0, show_default=True, help="Degrees of freedom taken from the deviation.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of sampled p-values.")
@click.option("--allow-pickle", is_flag=True, help="Read pickled models, which can run code: only if you trust them.")
def command(
    screen: Screen, target: Path | None, tests: tuple[str, ...], ddof: int, seed: int, allow_pickle: bool
) -> None:
    """Measure bias by the Word Embedding Association Test.

    Reads a run folder (./clif-run by default) or vectors of any common format: word2vec text or binary, GloVe,
    gensim. p-values are exact, over all partitions of the target words, where that is possible.
    """
    from clif.objectives import audit, load_tests
    from clif.run import open_model

    asked = tests or ("weat",)
    chosen = load_tests(asked)
    model = open_model(target, allow_pickle=allow_pickle)
    # A test of one's own is asked for by its file, so that the hint at the end works.
    files = {test.name: name for name in asked if name.endswith(".toml") for test in load_tests([name])}
    show(screen, audit(model, chosen, ddof=ddof, seed=seed), files, target if target and target.is_dir() else None)


def show(screen: Screen, audit: Any, files: Mapping[str, str] | None = None, target: Path | None = None) -> None:
    """Print an Audit."""
    from clif.objectives import lacking

    for result in audit.results:
        for warning in result.warnings:
            screen.warn(warning)
    if screen.result(audit):
        return
    rows = []
    for result in audit.results:
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
    for result in audit.results:
        labels = result.labels
        screen.text(f"{result.test}: {labels['X']} / {labels['Y']} with {labels['A']} / {labels['B']}")
        for key in "XYAB":
            if result.missing[key]:
                screen.text(f"  {_lacks(key, result.words[key], result.missing[key])}")
    if audit.skipped:
        screen.text("Skipped, for want of words (all of them: --json):")
    for skipped in audit.skipped:
        screen.text(
            f"  {skipped.test}: {lacking(skipped.missing) if any(skipped.missing.values()) else skipped.reason}"
        )
    strongest = max(audit.results, key=lambda result: abs(result.effect_size)).test
    screen.next(f"clif rank{at(target) if target else ''} --test {(files or {}).get(strongest, strongest)}")


def _lacks(key: str, present: Sequence[str], missing: Sequence[str]) -> str:
    named = ", ".join(missing[:NAMED]) + (", ..." if len(missing) > NAMED else "")
    return f"{key} has {len(present)} of {len(present) + len(missing)}, without {named}"
