"""Progress for notebooks and scripts: one line that is written over."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from clif.progress import Progress, silent
from clif.showing.views import clean

EVERY = 0.2  # seconds
REMARKS = ("compile", "memory", "plan")


class Line:
    """Writes how far the work is over what it wrote before; remarks stay on lines of their own."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.width = 0
        self.stage = ""
        self.began = self.said = time.monotonic()

    def __call__(self, stage: str, done: float, total: float | None, note: str = "") -> None:
        """Say it, at most five times a second."""
        now = time.monotonic()
        if stage in REMARKS:
            self.close()
            self.stream.write(clean(note) + "\n")
            return
        if stage != self.stage:
            self.stage, self.began = stage, now
        elif now - self.said < EVERY:
            return
        self.said = now
        share = f" {done / total:.0%}" if total else ""
        left = (now - self.began) * (total - done) / done if total and done else 0.0
        time_left = f", about {left:.0f} s left" if left >= 1 else ""
        self._write(clean(f"{stage}{share}: {note}{time_left}"))

    def close(self) -> None:
        """Leave an empty line, for what comes next."""
        self._write("")
        self.stream.flush()

    def _write(self, text: str) -> None:
        self.stream.write("\r" + text.ljust(self.width) + ("\r" if not text else ""))
        self.width = len(text)


@contextmanager
def watched(progress: Progress | bool | None) -> Iterator[Progress]:
    """The progress to give to the work: none for None and False, a line on stderr for True, else what is given."""
    if not progress:
        yield silent
    elif progress is True:
        line = Line(sys.stderr)
        try:
            yield line
        finally:
            line.close()
    else:
        yield progress
