"""clif check."""

from __future__ import annotations

from pathlib import Path

from clif.cli.options import clif_command, run_argument
from clif.cli.screen import Screen, at


@clif_command("clif check clif-run")
@run_argument
def command(screen: Screen, run: Path | None) -> None:
    """Hold every file of a run against its checksum.

    What is damaged or missing is named, with what brings it back; the exit code then is 1. Other commands check the
    small files that they read, and the model; this one also checks what was written for others.
    """
    from clif.checking import check_run
    from clif.run import open_trained
    from clif.showing.telling import plural

    opened = open_trained(run)
    with screen.progress() as progress:
        found = check_run(opened, progress)
    if not screen.result(found):
        for damage in found.damaged:  # not in a table, which would break the paths
            screen.text(f"{damage.file}: {damage.what}. {damage.next}", whole=True)
        screen.text(f"{plural(found.files, 'file')} as written, {len(found.damaged)} damaged.")
        if found.unknown:
            screen.say(f"Without a checksum: {', '.join(found.unknown)}.")
    found.check()
    screen.next(f"clif report{at(opened.path)}")
