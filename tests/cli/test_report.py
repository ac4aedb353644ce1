"""clif report and clif plot, as they are typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


@pytest.mark.usefixtures("workplace")
def test_report_writes_a_page_and_says_where(clif):
    said = clif("report")
    assert said.code == 0
    assert said.out.startswith("clif-run/report.html (0.")
    assert "200 documents, 0 retrainings, 0 verifications" in said.err
    assert Path("clif-run/report.html").read_text("utf-8").startswith("<!doctype html>")


@pytest.mark.usefixtures("workplace")
def test_report_as_json(clif):
    values = clif("report", "--json", "--out", "page.html").json()
    assert values["report"] == "page.html"
    assert values["bytes"] == Path("page.html").stat().st_size
    assert (values["test"], values["documents"]) == ("planted", 200)


@pytest.mark.usefixtures("workplace")
def test_plot_lists_its_files(clif):
    said = clif("plot", "--kind", "effect-sizes", "--kind", "influence")
    assert said.code == 0
    assert said.out.split() == ["clif-run/pictures/effect-sizes.svg", "clif-run/pictures/influence.svg"]
    values = json.loads(clif("plot", "--json").out)
    assert "verification" in values["missing"]


@pytest.mark.usefixtures("workplace")
@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["report", "nowhere"], 1, "there is no run here"),
        (["report", "--test", "no-such-test"], 2, "no-such-test"),
        (["report", "--test", "weat1"], 3, "weat1"),
        (["report", "--out", "clif-run"], 2, "is a folder"),
        (["report", "corpus.jsonl"], 1, "is a file, not a run"),
        (["plot", "--kind", "pie"], 2, "unknown kind of picture 'pie'"),
        (["plot", "--kind", "curve"], 1, "nothing for a picture of curve"),
        (["plot", "--out", "a.svg"], 2, "names one picture"),
    ],
)
def test_bad_input_gets_one_clear_error(clif, arguments, code, said):
    found = clif(*arguments)
    assert found.code == code
    assert said in found.err
    assert "next:" in found.err
    assert "Traceback" not in found.err
    assert found.out == ""
