"""Draw the README's picture from the result of a retraining: python scripts/picture.py RESULT.json OUT.svg."""

from __future__ import annotations

import io
import sys
from pathlib import Path

from rich.console import Console

from clif.cli import retrain_command
from clif.cli.screen import Screen
from clif.retraining import RetrainResult
from clif.storage.files import read_json


def main(result: Path, out: Path) -> None:
    """Print the result as `clif retrain` does, into an SVG."""
    screen = Screen(json=False, quiet=True)
    screen.out = Console(record=True, width=84, file=io.StringIO(), force_terminal=True, highlight=False)
    retrain_command.show(screen, RetrainResult(read_json(result, "Run clif retrain first."), result.parent))
    out.write_text(screen.out.export_svg(title="clif retrain --remove-top-k zero"), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
