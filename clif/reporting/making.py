"""The report and the pictures as files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clif.checks import as_stored
from clif.errors import InputError, UsageError
from clif.objectives import BiasTest
from clif.progress import Progress, silent
from clif.reporting.gathering import gather
from clif.reporting.pictures import KINDS, MAKE, Picture, all_pictures, write_picture
from clif.run import Run
from clif.showing.views import Shown, View
from clif.storage.files import write_marked

REPORT, PICTURES = "report.html", "pictures"
ENDINGS = (".svg", ".png")


@dataclass(frozen=True, repr=False)
class Report(Shown):
    """Where the page is, how large, and what it holds."""

    path: Path
    bytes: int
    test: str
    documents: int
    retrainings: int
    verifications: int

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "report": str(self.path),
            "bytes": self.bytes,
            "test": self.test,
            "documents": self.documents,
            "retrainings": self.retrainings,
            "verifications": self.verifications,
        }

    def view(self) -> View:
        """Where it is."""
        from clif.reporting.view import view_of_report

        return view_of_report(self)


@dataclass(frozen=True, repr=False)
class Pictures(Shown):
    """The pictures that were written, and the kinds that the run has nothing for, with what makes it."""

    paths: tuple[tuple[str, Path], ...]
    missing: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {"pictures": [{"kind": kind, "file": str(path)} for kind, path in self.paths], "missing": self.missing}

    def view(self) -> View:
        """The pictures, in a notebook; else where they are."""
        from clif.reporting.view import view_of_pictures

        return view_of_pictures(self)


def report(
    run: Run, test: str | BiasTest | None = None, *, out: Path | str | None = None, progress: Progress = silent
) -> Report:
    """Write all that a run holds as one HTML page that loads nothing, RUN/report.html unless `out` names another.

    It is about the newest stored ranking (of `test`, if given), which is made where there is none; nothing is trained.
    The same run gives the same bytes.

    Raises
    ------
    UsageError
        The test is unknown.
    CoverageError
        The vocabulary does not cover it.
    InputError, MismatchError
        A file of the run is damaged or does not belong to it, or `out` cannot be written.

    """
    from clif.reporting.page import render

    path = Path(out) if out else run.path / REPORT
    if path.is_dir():
        raise UsageError("is a folder", where=f"--out {path}", next="Name a file, as in --out report.html.")
    findings = gather(run, test, progress)
    with as_stored(run.path, "Remove what was changed of its retrains, verifications and tradeoffs."):
        text = render(findings, progress)
    write_marked(path, text)
    return Report(
        path=path,
        bytes=path.stat().st_size,
        test=findings.ranking.about["test"],
        documents=len(findings.ranking),
        retrainings=len(findings.retrainings),
        verifications=len(findings.verifications),
    )


def plot(
    run: Run,
    test: str | BiasTest | None = None,
    *,
    kinds: Sequence[str] = (),
    out: Path | str | None = None,
    progress: Progress = silent,
) -> Pictures:
    """Write pictures of what a run holds as SVG to RUN/pictures; one of them alone to `out`, as .svg or .png.

    `kinds` are some of KINDS, all that the run has unless given. Of a kind with several pictures `out` takes the first,
    that of the report's test.

    Raises
    ------
    UsageError
        A kind is unknown, or `out` is given for several kinds or with another ending.
    InputError
        The run has nothing to show of a kind that was asked for; and as `report`.

    """
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown:
        raise UsageError(
            f"unknown kind of picture {unknown[0]!r}", where="--kind", next=f"Choose from: {', '.join(KINDS)}."
        )
    path = _check(out, kinds)
    findings = gather(run, test, progress)
    wanted = list(dict.fromkeys(kinds)) or list(KINDS)
    found: dict[str, list[Picture]] = {}
    for picture in all_pictures(findings):
        found.setdefault(picture.kind, []).append(picture)
    missing = {kind: MAKE[kind] for kind in wanted if kind not in found}
    if kinds and missing:
        kind, make = next(iter(missing.items()))
        raise InputError(f"this run has nothing for a picture of {kind}", where=str(run.path), next=f"Needed: {make}.")
    if path:
        return Pictures(((wanted[0], write_picture(found[wanted[0]][0], path)),), {})
    written: list[tuple[str, Path]] = []
    for kind in wanted:
        for picture in found.get(kind, ()):
            progress("plot", len(written), None, picture.name)
            written.append((kind, write_picture(picture, run.path / PICTURES / f"{picture.name}.svg")))
    return Pictures(tuple(written), missing)


def _check(out: Path | str | None, kinds: Sequence[str]) -> Path | None:
    if out is None:
        return None
    path = Path(out)
    if len(set(kinds)) != 1:
        raise UsageError(
            "names one picture", where=f"--out {path}", next=f"Say which by one --kind: {', '.join(KINDS)}."
        )
    if path.suffix not in ENDINGS:
        raise UsageError(
            f"cannot tell a format from the ending {path.suffix!r}",
            where=f"--out {path}",
            next=f"Use one of: {', '.join(ENDINGS)}.",
        )
    return path
