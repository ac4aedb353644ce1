"""Every command's example, run as its help has it: what it prints fits the screen, and what it leaves is documented."""

from __future__ import annotations

import contextlib
import gzip
import importlib.util
import io
import json
import re
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pandas as pd
import pytest
from conftest import DATA, Outcome, retrain_here, train_here

from clif.cli import COMMANDS, GROUPS, cli, main
from clif.corpus.documents import Document
from clif.corpus.reading import ReadOptions, read_documents
from clif.corpus.speeches import Speeches
from clif.objectives import BiasTest, load_tests
from clif.ranking.lists import (
    CONTEXT_COLUMNS,
    DOCUMENT_COLUMNS,
    ENSEMBLE_COLUMNS,
    PAIR_COLUMNS,
    SENTENCE_COLUMNS,
)

ROOT = DATA.parent
EXAMPLES = {
    name: re.sub("^Example: ", "", str(command.epilog))
    for name in COMMANDS
    if (command := cli.get_command(click.Context(cli), name))
}
# Vectors are written before they are read.
ORDER = [name for name in COMMANDS if name not in ("import", "export")] + ["export", "import"]
AGAIN = {"import": ["--force"]}
DOCUMENTS = 300


def documents() -> list[Document]:
    """Planted documents in the words of gender-career, under ids and with fields as the default corpus has them."""
    planted, spoken = BiasTest.from_toml(DATA / "planted.toml"), load_tests(["gender-career"])[0]
    words = {a: b for key in "XYAB" for a, b in zip(getattr(planted, key), getattr(spoken, key), strict=False)}
    found = []
    lines = (DATA / "planted.jsonl").read_text("utf-8").splitlines()
    for n, line in enumerate(lines[:DOCUMENTS]):
        text = re.sub("[a-z]+", lambda match: words.get(match[0], match[0]), json.loads(line)["text"])
        doc_id = EXAMPLES["explain"].split()[2] if n == 0 else f"2004-Bush-1:{n + 1000}"
        fields = {"year": 2004, "president": "Bush" if n % 3 else "Adams", "party": "none"}
        found.append(Document(doc_id, text, doc_id, {"id": doc_id, "text": text, **fields}, fields))
    return found


def run(arguments: list[str]) -> Outcome:
    """The command line in this process, without the fixtures of single tests."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(arguments)
        except SystemExit as left:
            code = int(left.code or 0)
    return Outcome(code, out.getvalue(), err.getvalue())


@dataclass(frozen=True)
class Ran:
    """What each example said, as it stands and with --json, and the folder in which they ran."""

    place: Path
    said: dict[str, Outcome]
    scripted: dict[str, Outcome]

    def values(self, name: str) -> dict[str, Any]:
        """The object that a command prints with --json."""
        return self.scripted[name].json()


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """All of them, one after the other, in a folder with a default run and a corpus in articles.jsonl.gz."""
    place = tmp_path_factory.mktemp("examples")
    shutil.copytree(ROOT / "configs", place / "configs")
    found = documents()
    with gzip.open(place / "articles.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps({"id": each.doc_id, "body": each.text}) + "\n" for each in found)
    said: dict[str, Outcome] = {}
    scripted: dict[str, Outcome] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Speeches, "documents", lambda _self: iter(found))
        patch.setenv("COLUMNS", "80")
        patch.setenv("NO_COLOR", "1")
        patch.chdir(place)
        train_here(patch)
        retrain_here(patch)
        assert run(["train", "--quiet"]).code == 0
        for name in ORDER:
            _, *arguments = shlex.split(EXAMPLES[name])
            said[name] = run(arguments)
            assert said[name].code == 0, said[name].err
            scripted[name] = run([*arguments, *AGAIN.get(name, []), "--json"])
    return Ran(place, said, scripted)


def test_groups_hold_every_command_once():
    assert [name for group in GROUPS.values() for name in group] == list(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_an_example_is_of_its_command(name):
    assert EXAMPLES[name].startswith(f"clif {name}")


def test_the_document_that_is_explained_is_in_the_default_corpus():
    doc_id = EXAMPLES["explain"].split()[2]
    assert any(each.doc_id == doc_id for each in read_documents([], ReadOptions()))


@pytest.mark.parametrize("name", COMMANDS)
def test_what_an_example_prints_fits_the_screen(ran, name):
    said = ran.said[name]
    assert max(map(len, said.out.splitlines()), default=0) <= 80
    assert "…" not in re.sub(r"begins.*?\n\n", "", said.out, flags=re.S) or name in ("rank", "explain")
    assert "\x1b" not in said.out + said.err


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_ends_with_the_next_one(ran, name):
    last = ran.said[name].err.splitlines()[-1]
    assert re.match(r"Next: clif (\w+)", last)
    for command in re.findall(r"clif (\w+)", last):
        assert command in COMMANDS


@pytest.mark.parametrize("name", COMMANDS)
def test_the_next_command_is_not_said_to_scripts(ran, name):
    assert "Next:" not in ran.scripted[name].err


def test_nor_where_quiet_is_asked_for(ran, monkeypatch):
    monkeypatch.chdir(ran.place)
    assert run(["audit", "--quiet"]).err == ""


def test_a_run_ends_with_its_report_unless_it_shall_not(ran, monkeypatch):
    assert ran.values("run")["report"]["report"] == "clif-run/report.html"
    assert "clif-run/report.html" in ran.said["run"].err
    monkeypatch.chdir(ran.place)
    retrain_here(monkeypatch)
    Path("none.toml").write_text(
        'report = false\nout = "other"\n[retrain]\nremove_top_k = 3\nseeds = 1\ncontrols = 0\n'
    )
    found = documents()
    monkeypatch.setattr(Speeches, "documents", lambda _self: iter(found))
    done = run(["run", "--config", "none.toml", "--json"])
    assert set(done.json()) == {"train", "audit", "rank", "retrain"}
    assert not Path("other/report.html").exists()


# The reference.

_SPEC = importlib.util.spec_from_file_location("reference", ROOT / "scripts" / "reference.py")
assert _SPEC is not None
assert _SPEC.loader is not None
reference = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(reference)
SAY = "Add them to scripts/reference.toml, then: " + reference.COMMAND
# With options that the examples do without, or passing.
MAY_LACK = {"solves/", "retrains/{name}/weights.csv", "retrains/{name}/curve.csv"}
LOCKS = {".lock"}


def test_the_reference_is_current():
    assert reference.PAGE.read_text("utf-8") == reference.page(), f"Run: {reference.COMMAND}"


def test_the_reference_has_every_command_and_option():
    text = reference.PAGE.read_text("utf-8")
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        section = text.split(f"### clif {name}\n")[1].split("\n### ")[0]
        assert EXAMPLES[name] in section
        for parameter in command.params:
            if isinstance(parameter, click.Option) and parameter.name not in reference.COMMON:
                assert all(option in section for option in parameter.opts), parameter.opts


@pytest.mark.parametrize("name", [*(name for name in COMMANDS if name != "import"), "import"])
def test_every_key_of_json_is_documented(ran, name):
    known = reference.MEANINGS["keys"]["train" if name == "import" else name]
    assert set(ran.values(name)) ^ set(known) == set(), SAY


@pytest.mark.parametrize(("command", "part"), [("audit", "results"), ("verify", "sets")])
def test_every_key_of_a_part_is_documented(ran, command, part):
    found = {key for each in ran.values(command)[part] for key in each}
    assert found ^ set(reference.MEANINGS["keys"][f"{command}: {part}[]"]) == set(), SAY


def pattern(name: str) -> re.Pattern[str]:
    """What a file of the reference matches; a folder, all that lies in it."""
    escaped = re.escape(name).replace(r"\*", "[^/]+").replace(r"\{name\}", "[^/]+").replace(r"\{n\}", "[0-9]+")
    return re.compile(escaped + (".*" if name.endswith("/") else ""))


def test_every_file_of_a_run_is_documented(ran):
    run = ran.place / "clif-run"
    left = [path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file() and path.name not in LOCKS]
    beside = {name[:-5] + ".csv" for name in left if name.startswith("rankings/")}
    known = {name: pattern(name) for name in reference.MEANINGS["files"]}
    unknown = [name for name in left if not any(each.fullmatch(name) for each in known.values())]
    assert [name for name in unknown if name[:-5] + ".csv" not in beside] == [], SAY
    missing = {name for name, each in known.items() if not any(map(each.fullmatch, left))}
    assert missing <= MAY_LACK | {"pictures/*.svg"}


def test_every_column_is_documented(ran):
    known, run = reference.MEANINGS["columns"], ran.place / "clif-run"
    lists = {*DOCUMENT_COLUMNS, *ENSEMBLE_COLUMNS, *CONTEXT_COLUMNS, *SENTENCE_COLUMNS, *PAIR_COLUMNS}
    assert set(known["rankings"]) == lists, SAY
    for name in ("documents", "vocabulary"):
        assert set(known[name]) == set(pd.read_parquet(run / f"{name}.parquet").columns), SAY
    (sets,), (points,) = run.glob("verifications/*/sets.csv"), run.glob("tradeoffs/*/points.csv")
    assert set(known["sets"]) == set(pd.read_csv(sets).columns), SAY
    found = {re.sub("_(mean|sd|ci95_low|ci95_high)$", "", name) for name in pd.read_csv(points).columns}
    assert set(known["points"]) == found, SAY


def test_every_code_of_an_error_is_documented():
    text = reference.PAGE.read_text("utf-8").split("## Exit codes")[1].split("\n## ")[0]
    assert [int(code) for code in re.findall(r"^\| (\d+) ", text, re.M)] == [0, 1, 2, 3, 4, 5, 6, 130]
