"""A run that has been through everything, with texts that try to break out of a page, and its page in a browser."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from clif.ranking import rank
from clif.reporting import report
from clif.retraining import retrain
from clif.run import Run, open_run
from clif.training import train
from clif.verification import verify

if TYPE_CHECKING:
    from clif.settings import TrainingSettings

EVIL_ID = '"><img src=x onerror="window.harmed=1">'
EVIL_TEXT = "<script>alert(1)</script> </script><script>window.harmed=2</script> &amp; <!-- ]]>"
EVIL_FIELD = "</script><script>window.harmed=3</script>"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-first-run",
]  # fmt: skip


@dataclass(frozen=True)
class Reported:
    """A run, its page, and the id of the hostile document; not to be changed."""

    run: Run
    page: Path
    made: dict[str, Any]

    def copy(self, folder: Path) -> Run:
        """An own copy of the run, with its times."""
        shutil.copytree(self.run.path, folder)
        return open_run(folder)


def make_reported(corpus: Path, test: str, first: str, folder: Path, settings: TrainingSettings) -> Reported:
    """The planted run with the document `first` made hostile; ranked, retrained to a number and a goal, verified."""
    documents = [json.loads(line) for line in corpus.read_text("utf-8").splitlines()]
    for number, document in enumerate(documents):
        document["year"] = 1900 + number % 90
        document["source"] = EVIL_FIELD if number % 3 or document["id"] == first else "plain"
        if document["id"] == first:
            document["id"] = EVIL_ID
            document["text"] += " " + EVIL_TEXT
    corpus = folder / "corpus.jsonl"
    corpus.write_text("".join(json.dumps(document) + "\n" for document in documents), "utf-8")
    run = train([corpus], folder / "clif-run", settings).run
    verify(run, test, method="block", measure="mean_difference", sizes=(10,), random_sets=2, subsets=0)
    rank(run, test, measure="mean_difference", method="clif")
    rank(run, test, measure="mean_difference", ensemble=2)
    rank(run, test, measure="mean_difference")
    retrain(run, test, remove=20, seeds=2, controls=2)
    retrain(run, test, until=0.8, measure="effect_size", method="block", seeds=2, controls=0)
    retrain(run, test, remove=10, seeds=1, controls=1, holdout="targets", halves=2)
    made_of = report(run).to_dict()
    return Reported(run, run.path / "report.html", made_of)


def start_browser() -> Iterator[Any]:
    """A headless Chromium of this machine, until it is not needed any more."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install .[dev]")
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("there is no chromium on this machine to open the report in")
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield opened
        opened.close()


@dataclass
class Opened:
    """A page in the browser, what it said on the console, and what it asked for beside itself."""

    page: Any
    said: list[str]
    asked: list[str]


def open_page(browser: Any, path: Path, **options: Any) -> Iterator[Opened]:
    """Open a file, and close it after use."""
    page = browser.new_page(**{"viewport": {"width": 1280, "height": 900}, **options})
    found = Opened(page, [], [])
    page.on("console", lambda message: found.said.append(message.text))
    page.on("pageerror", lambda error: found.said.append(str(error)))
    page.on("dialog", lambda dialog: (found.said.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: found.asked.append(request.url))
    page.goto(path.as_uri())
    page.wait_for_selector("#rows tr")
    found.asked.remove(path.as_uri())
    yield found
    page.close()


def make_many(reported: Reported, path: Path) -> Path:
    """A page as large as that of 25,000 documents: that of the run, with more rows put into its data."""
    from clif.reporting.page import data_element

    text = reported.page.read_text("utf-8")
    before, rest = text.split('<script type="application/json" id="data">')
    data, after = rest.split("</script>", 1)
    values = json.loads(data)
    count = 25_000
    values |= {
        "total": count,
        "id": [f"a-document-of-many-{number:05d}" for number in range(count)],
        "influence": [float(f"{(number - count / 2) * 1.2345e-6:.4g}") for number in range(count)],
        "tokens": [50 + number % 700 for number in range(count)],
        "openings": {str(number): f"begins {number} " + 18 * "words " for number in range(500)},
        "fields": [
            {
                "name": name,
                "numeric": False,
                "values": [f"{name}-{value}" for value in range(40)],
                "codes": [number % 40 for number in range(count)],
            }
            for name in ("source", "author", "year")
        ],
    }
    path.write_text(
        f'{before}<script type="application/json" id="data">{data_element(values)}</script>{after}', "utf-8"
    )
    return path


def ids(page: Any) -> list[str]:
    """Ids of the documents in the table."""
    found: list[str] = page.locator("#rows button").all_inner_texts()
    return found


def status(page: Any) -> str:
    """What the page says of its table."""
    return str(page.locator("#status").inner_text())
