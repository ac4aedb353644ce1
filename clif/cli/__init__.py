"""The command line: thin commands over the library, imported only when they are called."""

from __future__ import annotations

import difflib
import importlib
import io
import os
import sys
from collections.abc import Sequence

import click

from clif import __version__
from clif.errors import ClifError

# In the order of the work.
GROUPS = {
    "Which documents put the bias there": {
        "train": "Train a skip-gram model on a corpus.",
        "audit": "Measure bias: WEAT with exact p-values, and other ways.",
        "rank": "Rank all documents by their influence on a bias.",
        "explain": "Show which words give a document its influence.",
    },
    "What happens without them": {
        "retrain": "Retrain without the top documents and compare.",
        "verify": "Hold predictions against what retraining does.",
        "tradeoff": "Bias against usefulness, for several ways to lower it.",
    },
    "To read and to send": {
        "report": "Write all of it as one HTML page.",
        "plot": "Draw what a run holds, for papers.",
    },
    "All at once": {
        "run": "Do all of it, from one TOML file; resumes.",
    },
    "Besides": {
        "plan": "Predict time, memory and disk before anything starts.",
        "import": "Make a run from a model or vectors and their corpus.",
        "export": "Write a run's vectors for other tools.",
        "check": "Hold every file of a run against its checksum.",
        "experiment": "Run an experiment of the papers behind clif.",
    },
}
COMMANDS = {name: says for group in GROUPS.values() for name, says in group.items()}

WELCOME = """\
clif says which documents put the bias into a word embedding, and proves it by retraining.

Start here, in any folder (without a corpus, clif takes the State of the Union speeches):

  clif train                          train a skip-gram model     (or: clif train CORPUS)
  clif audit --test weat              how biased is it?
  clif rank                           which documents put it there?
  clif retrain --remove-top-k zero    what happens without them?

or all at once: clif run. As one page, to read and to send: clif report.
Help: clif --help, clif COMMAND --help.
"""


class LazyGroup(click.Group):
    """Commands are modules of this package, imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in the order in which they are used."""
        return list(COMMANDS)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; a misspelt one gets the nearest suggested."""
        if args and args[0] not in COMMANDS:
            close = difflib.get_close_matches(args[0], COMMANDS, 1)
            hint = f"Did you mean {close[0]!r}?" if close else f"There are: {', '.join(COMMANDS)}."
            ctx.fail(f"No such command {args[0]!r}. {hint}")
        return super().resolve_command(ctx, args)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of a command."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"clif.cli.{cmd_name}_command")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands in their groups, without importing them."""
        width = max(map(len, COMMANDS))
        for title, group in GROUPS.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), says) for name, says in group.items()])


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
    epilog="Exit codes: 0 done, 1 error, 2 wrong usage, 3 no test covered, 4 a solve that did not converge (--strict), "
    "5 files do not belong together, "
    "6 a verification below its gate, 130 interrupted. Shell completion: docs/reference.md.",
)
@click.version_option(__version__, prog_name="clif")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Which documents put the bias into a word embedding?

    The run lives in ./clif-run unless a command is told otherwise.

    Example: clif train && clif rank --test gender-career
    """
    if ctx.invoked_subcommand is None:
        click.echo(WELCOME, nl=False)


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code; no traceback for what a user can cause."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # for what the terminal's encoding lacks
    try:
        cli.main(args=args, prog_name="clif", standalone_mode=False)
    except ClifError as error:
        _say(_told(error))
        sys.exit(error.exit_code)
    except click.ClickException as error:
        told = io.StringIO()  # it quotes what was typed, or what a file of arguments held
        error.show(told)
        _say(told.getvalue().rstrip("\n"))
        sys.exit(error.exit_code)
    except (click.exceptions.Abort, KeyboardInterrupt):
        _say(
            "Interrupted. To go on, run the same command again; `clif train`, `clif rank --ensemble`, `clif retrain`, "
            "`clif verify`, `clif tradeoff` and `clif run` keep what was finished."
        )
        sys.exit(130)
    except BrokenPipeError:
        # The reader of our output has left; what follows would fail again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        # What nobody expected of a file: a disk that is full or gone, a folder that vanished meanwhile.
        where = f"{error.filename}: " if error.filename else ""
        _say(
            f"Error: {where}{error.strerror or error}\n  next: Check that the file is there, and that there is space; "
            "then run the same command again: what was finished is kept."
        )
        sys.exit(1)
    except MemoryError:
        _say("Error: memory ran out\n  next: Use a smaller --dim, a larger --min-count or fewer --processes.")
        sys.exit(1)


def _told(error: ClifError) -> str:
    """What an error says; a line break in the name of a file begins no line of its own."""
    from clif.cli.screen import clean

    return "Error: " + "\n".join(map(clean, error.lines()))


def _say(message: str) -> None:
    from clif.cli.screen import clean

    click.echo(clean(message, keep="\n"), err=True)
