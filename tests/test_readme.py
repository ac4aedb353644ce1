"""Every command and code block of the README and of docs/ runs, in the order in which a reader would copy them."""

from __future__ import annotations

import gzip
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from unittest.mock import patch

import pytest
from conftest import retrain_here, train_here

from clif.cli import main
from clif.corpus.speeches import Speeches
from clif.influence.methods import METHODS
from clif.objectives import load_tests

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TEXTS = {page.relative_to(ROOT).as_posix(): page.read_text("utf-8") for page in PAGES}
# Language, the file that the block is (if it is one), and what stands in it.
BLOCK = re.compile(r"^```(\w+)(?: file=(\S+))?\n(.*?)^```", re.M | re.S)
BLOCKS = {
    name: [each for each in BLOCK.findall(text) if each[1] or each[0] in ("sh", "python")]
    for name, text in TEXTS.items()
}

# Documents that the pages speak of, which are in the corpora however short these are here.
NAMED = set(re.findall(r"\b\d{4}-\w+-\d:\d{3}\b|\bplanted-\d{5}\b", "".join(TEXTS.values())))


@pytest.fixture
def few_speeches(monkeypatch):
    """The default corpus cut to paragraphs of the default test's targets, so that retraining takes seconds."""
    test = load_tests(["gender-career"])[0]
    frequent = {"he", "him", "his", "her", "man", "office", "business", "home", "executive", "management", "children"}
    wanted = {*test.X, *test.Y, *test.A, *test.B} - frequent
    documents = Speeches.documents

    def some(self):
        found = (d for d in documents(self) if wanted & set(d.text.lower().split()))
        return (d for n, d in enumerate(found) if n % 3 == 0 or d.doc_id in NAMED)

    monkeypatch.setattr(Speeches, "documents", some)


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    """A folder with the project's data and the files of one's own that the README speaks of."""
    from gensim.models import Word2Vec

    for name in ("data", "configs"):
        shutil.copytree(ROOT / name, tmp_path / name)
    lines = (ROOT / "data" / "planted.jsonl").read_text("utf-8").splitlines(keepends=True)
    lines = lines[:400] + [line for line in lines[400:] if json.loads(line)["id"] in NAMED]
    (tmp_path / "data" / "planted.jsonl").write_text("".join(lines), "utf-8")
    with gzip.open(tmp_path / "articles.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(lines)
    documents = [json.loads(line) for line in lines]
    table = "".join(f'{d["id"]},"{d["text"]}"\n' for d in documents)
    (tmp_path / "table.csv").write_text("key,body\n" + table, "utf-8")
    (tmp_path / "keep.txt").write_text("planted-00001\nplanted-00002\n", "utf-8")
    sentences = [re.findall("[a-z]+", d["text"].lower()) for d in documents]
    (tmp_path / "corpus.txt").write_text("".join(" ".join(words) + "\n" for words in sentences), "utf-8")
    Word2Vec(sentences, sg=1, vector_size=10, epochs=1, sample=0).save(str(tmp_path / "word2vec.model"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def install(package: Path) -> None:
    """What pip leaves of a package of modules, without a download: they can be imported, its entry points found."""
    project = tomllib.loads((package / "pyproject.toml").read_text("utf-8"))["project"]
    name, version = project["name"], project["version"]
    about = package / f"{name.replace('-', '_')}-{version}.dist-info"
    about.mkdir()
    head = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    (about / "METADATA").write_text(head, "utf-8")
    points = "".join(
        f"[{group}]\n" + "".join(f"{name} = {target}\n" for name, target in entries.items())
        for group, entries in project["entry-points"].items()
    )
    (about / "entry_points.txt").write_text(points, "utf-8")
    sys.path.insert(0, str(package.resolve()))


def run(line: str) -> None:
    if "|" in line:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        subprocess.run(["bash", "-ec", line], check=True, env={**os.environ, "PATH": path})
        return
    program, *arguments = shlex.split(line)
    if program == "pip":
        command, package = arguments
        assert command == "install"
        install(Path(package))
        return
    assert program == "clif", line
    stopped = None
    try:
        main(arguments)
    except SystemExit as stop:
        stopped = stop.code
    assert not stopped, line


@pytest.mark.usefixtures("few_speeches", "workplace")
@pytest.mark.parametrize("page", [name for name, blocks in BLOCKS.items() if blocks])
def test_every_block_of_a_page_runs(page, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    if page != "README.md":  # whose trainings run in processes of their own, as they do for a reader
        train_here(monkeypatch)
        retrain_here(monkeypatch)
    with patch.dict(METHODS):  # what a page adds is gone afterwards
        run_blocks(page)


def run_blocks(page: str) -> None:
    for language, file, block in BLOCKS[page]:
        if file:
            Path(file).parent.mkdir(exist_ok=True)
            Path(file).write_text(block, "utf-8")
        elif language == "python":
            exec(compile(block, page, "exec"), {})
        else:
            for line in block.splitlines():
                run(line)


def test_the_tour_and_the_guide_have_commands():
    assert len(BLOCKS["README.md"]) >= 2
    assert len(BLOCKS["docs/guide.md"]) >= 6
    assert len(BLOCKS["docs/tutorial.md"]) >= 6


def test_no_block_is_left_out():
    for name, text in TEXTS.items():
        fenced = re.findall(r"^```(.+)$", text, re.M)
        shown = [each for each in fenced if each.split()[0] not in ("sh", "python") and "file=" not in each]
        assert set(shown) <= {"toml"}, name  # settings that are shown, and used in no command


def test_the_walk_finds_its_lines_in_the_readme():
    script = (ROOT / "scripts" / "walk").read_text("utf-8")
    for heading in re.findall(r'lines "(.+?)"', script):
        assert f"\n## {heading}\n" in TEXTS["README.md"]


def test_the_readme_can_be_read_in_ten_minutes():
    assert len(TEXTS["README.md"].split()) <= 2400


def test_the_index_names_every_page():
    for page in (ROOT / "docs").iterdir():
        if page.suffix in (".md", ".ipynb") and page.name != "README.md":
            assert f"]({page.name})" in TEXTS["docs/README.md"], page.name


def test_scripts_that_the_pages_name_are_there():
    for name in {name for text in TEXTS.values() for name in re.findall(r"scripts/\w+", text)}:
        assert os.access(ROOT / name, os.X_OK) or (ROOT / f"{name}.py").exists(), name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_pictures_of_a_page_are_there(page):
    for target in re.findall(r"\]\((?!http|#)([^)#]+)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), target
