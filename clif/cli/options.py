"""Options that several commands share."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from clif.cli.screen import Screen

FILE = click.Path(path_type=Path)
NONE = "none"


class _Source(click.ParamType):  # type: ignore[type-arg]  # generic in newer versions only
    name = "source"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from clif.corpus.remote import located

        return located(value)


SOURCE = _Source()  # a path, or a URL
TEST_HELP = "Test: name, or TOML file, whose kind says how it is measured (clif audit --list)."
MEASURE_HELP = "One of the test's kind, as mean_difference (clif audit --list).  [the newest ranking's]"


def clif_command(example: str, **settings: Any) -> Callable[[Callable[..., None]], click.Command]:
    """Make a command with --json and --quiet, its last options, passed on as a Screen, and an example in its help."""

    def decorate(function: Callable[..., None]) -> click.Command:
        @click.command(epilog=f"Example: {example}", **settings)
        @click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout, nothing else there.")
        @click.option("--quiet", "-q", is_flag=True, help="No messages and no progress.")
        @functools.wraps(function)
        def wrapped(as_json: bool, quiet: bool, **rest: Any) -> None:
            function(Screen(as_json, quiet), **rest)

        assert isinstance(wrapped, click.Command)
        wrapped.params = [*wrapped.params[2:], *wrapped.params[:2]]
        return wrapped

    return decorate


def run_argument(function: Callable[..., Any]) -> Callable[..., Any]:
    """The run folder, ./clif-run if it is left out."""
    return click.argument("run", required=False, type=FILE)(function)


def memory_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """--memory, within which the command then runs; what does not fit lies on the disk of the run."""

    @click.option(
        "--memory", metavar="SIZE", help="Bound of all buffers, as 1GB; the rest goes to disk.  [half of free]"
    )
    @functools.wraps(function)
    def bounded(*screen: Any, memory: str | None, **rest: Any) -> Any:
        from clif.room import memory_limit
        from clif.run import DEFAULT_RUN

        folder = Path(rest.get("run" if "run" in rest else "out") or DEFAULT_RUN)
        writable = folder.is_dir() and os.access(folder, os.W_OK)
        with memory_limit(memory, folder if writable else None):
            return function(*screen, **rest)

    return bounded


def on_scheduler(function: Callable[..., Any]) -> Callable[..., Any]:
    """--scheduler ADDRESS: the command's work is done on that cluster."""

    @click.option(
        "--scheduler",
        metavar="ADDRESS",
        envvar="CLIF_SCHEDULER",
        help="Let the workers of this Dask scheduler count, score and train.  [this machine; $CLIF_SCHEDULER]",
    )
    @functools.wraps(function)
    def divided(*arguments: Any, scheduler: str | None, **options: Any) -> Any:
        from clif.cluster import on_cluster

        with on_cluster(scheduler or None):
            return function(*arguments, **options)

    return divided


def config_option(*sections: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """--config FILE.toml, whose `sections` give defaults for the command's options."""

    def load(ctx: click.Context, _parameter: click.Parameter, path: Path | None) -> None:
        if path is None:
            return
        from clif.config import load_config

        config = load_config(path)
        defaults: dict[str, Any] = {"out": config.out}
        for section in sections:
            defaults.update(config.section(section))
        ctx.default_map = {**(ctx.default_map or {}), **defaults}

    return click.option(
        "--config",
        type=FILE,
        is_eager=True,
        expose_value=False,
        callback=load,
        help="TOML file with defaults for these options.",
    )


def corpus_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """How a corpus is read and tokenised."""
    options = [
        click.option(
            "--format",
            default="auto",
            show_default=True,
            help="jsonl, text, csv, tsv, parquet or wnc (Wikipedia Neutrality Corpus).",
        ),
        click.option("--text-field", help="Field that holds the text.  [guessed]"),
        click.option("--id-field", help="Field that holds the id.  [guessed, else file and line]"),
        click.option("--split", help="Plain text: a document is a 'line', a 'file' or a 'blank'-separated block."),
        click.option("--side", help="Neutrality corpus: which column, 'biased' or 'neutral'."),
        click.option("--encoding", default="utf-8", show_default=True, help="Encoding of text files."),
        click.option("--keep-case", is_flag=True, help="Do not lower-case."),
        click.option("--pretokenised", is_flag=True, help="Split at white space, change nothing else."),
    ]
    for option in reversed(options):
        function = option(function)
    return function


def reading(options: dict[str, Any]) -> dict[str, Any]:
    """Take the corpus options out of `options` and make `read` and `tokeniser` of them."""
    from clif.corpus.reading import ReadOptions
    from clif.corpus.tokenising import Tokeniser

    names = ("format", "text_field", "id_field", "split", "side", "encoding")
    read = ReadOptions(**{name: options.pop(name) for name in names})
    tokeniser = Tokeniser(keep_case=options.pop("keep_case"), pretokenised=options.pop("pretokenised"))
    return {"read": read, "tokeniser": tokeniser}


def numbers(where: str, text: str, kind: Callable[[str], Any]) -> tuple[Any, ...]:
    """Numbers with commas between them; none for NONE."""
    from clif.errors import UsageError

    if text.strip() == NONE:
        return ()
    try:
        return tuple(kind(part) for part in text.split(","))
    except ValueError:
        raise UsageError(
            f"{text!r} is no list of numbers", where=where, next=f"Give numbers with commas between, or {NONE!r}."
        ) from None
