"""A report, or pictures, in a notebook or at a prompt."""

from __future__ import annotations

import base64
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote

from clif.showing.telling import plural
from clif.showing.views import Block, Line, Only, View

if TYPE_CHECKING:
    from clif.reporting.making import Pictures, Report

TYPES = {".svg": "image/svg+xml", ".png": "image/png"}


def view_of_report(report: Report) -> View:
    """Where the page is, and what it holds."""
    held = ((report.documents, "document"), (report.retrainings, "retraining"), (report.verifications, "verification"))
    path = report.path
    # A colon is quoted where the path is relative, so that it names no scheme.
    where = path.as_uri() if path.is_absolute() else quote(path.as_posix())
    link = f'<p><a href="{escape(where, quote=True)}" target="_blank">Open it</a></p>'
    what = f"About {report.test}: {', '.join(plural(*each) for each in held)}."
    return View(f"{path} ({report.bytes / 1e6:.1f} MB)", [Line(what), Only(link)])


def view_of_pictures(pictures: Pictures) -> View:
    """The pictures as images, which can do nothing; what has none, and what would make it."""
    blocks: list[Block] = []
    for _, path in pictures.paths:
        blocks.append(Line(str(path), note=True))
        if path.is_file():
            data = base64.b64encode(path.read_bytes()).decode()
            name = escape(path.stem, quote=True)
            image = f'<img alt="{name}" src="data:{TYPES[path.suffix]};base64,{data}" style="max-width:100%">'
            blocks.append(Only(image))
    blocks += [Line(f"Nothing for {kind}; needed: {make}", note=True) for kind, make in pictures.missing.items()]
    return View(f"{len(pictures.paths)} picture{'s' * (len(pictures.paths) != 1)}", blocks)
