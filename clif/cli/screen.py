"""What the terminal shows: results on stdout, messages and progress on stderr."""

from __future__ import annotations

import json
import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import click

from clif.showing.views import clean as clean
from clif.showing.views import number as number
from clif.storage.files import to_json

LINE_EVERY = 15.0  # seconds
REMARKS = ("compile", "memory", "plan", "sources")


def _escaped(character: str) -> str:
    return json.dumps(character)[1:-1] if ord(character) > 0x7F else f"\\u{ord(character):04x}"


def at(run: Path) -> str:
    """The run as a hint must name it: not at all where it is the one that commands take by themselves."""
    from clif.run import DEFAULT_RUN

    return "" if run == DEFAULT_RUN else f" {shlex.quote(str(run))}"


class Screen:
    """Where a command prints: `json` prints one object on stdout and nothing else, `quiet` no messages."""

    def __init__(self, json: bool, quiet: bool) -> None:
        from rich.console import Console

        class Output(Console):
            """Leaves to `main` what happens when the reader of the output has left; rich exits with 1."""

            def on_broken_pipe(self) -> None:
                raise BrokenPipeError

        self.json = json
        self.quiet = quiet
        self.out = Output(highlight=False, soft_wrap=False)
        self.err = Console(stderr=True, highlight=False)

    def say(self, message: str, whole: bool = False) -> None:
        """A message on stderr; a `whole` line is not broken, so that a path or command in it can be copied."""
        if not self.quiet:
            self.err.print(clean(message, keep="\n"), markup=False, soft_wrap=whole)

    def warn(self, message: str) -> None:
        """A warning on stderr, also under --quiet."""
        self.err.print("Warning: " + clean(message), markup=False, style="yellow")

    def next(self, *commands: str) -> None:
        """The next sensible commands, on stderr: what --json and --quiet do without."""
        if not self.json:
            self.say("Next: " + "  or  ".join(commands), whole=True)

    def result(self, value: Any) -> bool:
        """Print `value` as JSON if --json was given; says whether it did."""
        if self.json:
            # The same JSON, but what could steer the terminal is written as \\u and its number.
            text = "".join(c if c == "\n" or c.isprintable() else _escaped(c) for c in to_json(value, indent=2))
            if not (sys.stdout.encoding or "utf-8").lower().startswith("utf"):
                text = json.dumps(json.loads(text), indent=2)  # in ASCII
            click.echo(text)
        return self.json

    def text(self, line: str = "", whole: bool = False) -> None:
        """A line of the result; a `whole` one is not broken."""
        self.out.print(clean(line), markup=False, soft_wrap=whole)

    def table(self, title: str, columns: list[str], rows: list[list[str]], texts: tuple[int, ...] = (0,)) -> None:
        """A table of the result; the columns in `texts` are text, the others numbers."""
        from rich.box import SIMPLE_HEAD
        from rich.table import Table
        from rich.text import Text

        # Above the table, not its title: that would be folded to the table's width.
        self.out.print(Text(clean(title), style="bold"))
        table = Table(box=SIMPLE_HEAD, pad_edge=False, show_header=any(columns))
        for place, column in enumerate(columns):
            table.add_column(Text(clean(column)), justify="left" if place in texts else "right", overflow="fold")
        for row in rows:
            table.add_row(*(Text(clean(cell)) for cell in row))
        self.out.print(table)

    @contextmanager
    def progress(self) -> Iterator[Bar]:
        """A progress bar on stderr for as long as the block runs."""
        with Bar(self) as bar:
            yield bar


class Bar:
    """Progress with time left: bars in a terminal, now and then a line elsewhere."""

    def __init__(self, screen: Screen) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        self.screen = screen
        self.terminal = sys.stderr.isatty()
        self.bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[note]}", markup=False),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=screen.err,
            transient=True,
            disable=screen.quiet or not self.terminal,
        )
        self.tasks: dict[str, Any] = {}
        self.began: dict[str, float] = {}
        self.said = time.monotonic()

    def __enter__(self) -> Bar:
        self.bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bars.stop()

    def __call__(self, stage: str, done: float, total: float | None, note: str = "") -> None:
        """Move the bar of a stage, or say a line if the last one is LINE_EVERY seconds old.

        A stage of REMARKS has no bar: its note is said.
        """
        if stage in REMARKS:
            self.screen.say(note)
            return
        if not self.terminal:
            self._line(stage, done, total, note)
            return
        stage, note = clean(stage), clean(note)
        if stage not in self.tasks:
            self.tasks[stage] = self.bars.add_task(stage, total=total, note=note)
        self.bars.update(self.tasks[stage], completed=done, total=total, note=note)

    def _line(self, stage: str, done: float, total: float | None, note: str) -> None:
        now = time.monotonic()
        first = self.began.setdefault(stage, now)
        if now - self.said < LINE_EVERY:
            return
        self.said = now
        left = f", about {(now - first) * (total - done) / done / 60:.1f} min left" if total and done else ""
        self.screen.say(f"{stage}: {note}{left}")
