"""The page as text: what it says, what it must not hold, and that it comes out the same again."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reporting_page import EVIL_FIELD, EVIL_ID

from clif.objectives.frequency import Frequency
from clif.ranking import newest_ranking
from clif.reporting import documents, gather, report
from clif.reporting.documents import both_ends, concentration, level, opening
from clif.reporting.page import data_element, render
from clif.reporting.results import read_retrainings


class Elements(HTMLParser):
    """All tags with their attributes, and the text of scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.raw: dict[str, list[str]] = {"script": [], "style": []}
        self.inside = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.inside = tag

    def handle_endtag(self, tag):
        self.inside = ""

    def handle_data(self, data):
        if self.inside in self.raw:
            self.raw[self.inside].append(data)


@pytest.fixture(scope="module")
def text(reported):
    return reported.page.read_text("utf-8")


@pytest.fixture(scope="module")
def elements(text):
    return Elements(text)


def test_a_copy_of_the_run_gives_the_same_bytes(reported, tmp_path):
    copy = reported.copy(tmp_path / "clif-run")
    copy.path.joinpath("report.html").unlink()
    again = report(copy)
    assert again.path.read_bytes() == reported.page.read_bytes()
    assert again.bytes == again.path.stat().st_size
    assert (again.retrainings, again.verifications) == (3, 1)


def test_the_policy_admits_its_own_style_and_script_alone(elements):
    (policy,) = [tag["content"] for name, tag in elements.tags if tag.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy

    def hashed(text: str) -> str:
        return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"

    assert hashed("".join(elements.raw["style"])) in policy
    assert hashed(elements.raw["script"][-1]) in policy
    assert policy.count("sha256-") == 2


def test_nothing_in_it_asks_for_a_file_or_runs_by_itself(elements):
    for name, tag in elements.tags:
        assert name not in ("img", "link", "iframe", "object", "embed", "base"), tag
        assert not [key for key in tag if key.startswith("on") or key in ("src", "style", "action")], (name, tag)
        for key in ("href", "xlink:href"):
            assert (tag.get(key) or "#").startswith("#"), tag


def test_ids_are_of_one_element_each_and_what_they_name_is_there(elements):
    ids = [tag["id"] for _, tag in elements.tags if "id" in tag]
    assert len(ids) == len(set(ids))
    for _, tag in elements.tags:
        for key in ("href", "xlink:href"):
            assert tag.get(key, "#")[1:] in {"", *ids}
        for found in re.findall(r"url\(#([^)]+)\)", " ".join(value or "" for value in tag.values())):
            assert found in ids


def test_texts_of_documents_stand_escaped(text):
    assert EVIL_ID not in text
    assert EVIL_FIELD not in text
    assert "<script>alert" not in text


@settings(max_examples=50, deadline=None)
@given(st.recursive(st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_data_cannot_end_their_element_and_are_what_they_were(value):
    element = str(data_element(value))
    assert not set(element) & set("<>&\u2028\u2029")
    assert json.loads(element) == value


def test_the_table_holds_the_ranking(text, reported):
    data = json.loads(text.split('id="data">')[1].split("</script>")[0])
    ranking = newest_ranking(reported.run)
    assert data["id"] == ranking.doc_ids
    np.testing.assert_allclose(data["influence"], ranking.influence, rtol=1e-3)
    assert data["tokens"] == ranking.columns["tokens"].tolist()
    assert set(data["documents"]) == {*ranking.doc_ids[:25], *ranking.doc_ids[-25:]}
    years = next(field for field in data["fields"] if field["name"] == "year")
    assert years["numeric"]
    assert len(years["codes"]) == 200
    one = data["documents"][EVIL_ID]
    total = sum(pair[-1] for pair in one["pairs"]) / one["share"]
    assert one["influence"] < 0
    assert abs(total) >= abs(one["influence"]) * 0.9


def test_of_very_many_documents_the_table_holds_both_ends(reported, monkeypatch):
    findings = gather(reported.run)
    monkeypatch.setattr(documents, "ROWS", 30)
    monkeypatch.setattr(documents, "FIELD_BYTES", 200)
    data = documents.table_data(findings, openings=3)
    ids = findings.ranking.doc_ids
    assert data["rank"] == [*range(1, 16), *range(186, 201)]
    assert data["id"] == ids[:15] + ids[-15:]
    assert set(data["openings"]) == {"0", "1", "2", "27", "28", "29"}
    text = {doc["id"]: doc["text"] for doc in map(json.loads, reported.run.sources[0].read_text("utf-8").splitlines())}
    for row, begins in data["openings"].items():
        assert text[data["id"][int(row)]].startswith(begins.removesuffix(" …"))
    assert [field["name"] for field in data["fields"]] == ["carrier"]  # the others would not fit


def test_every_stored_retraining_is_told_with_its_figures(text, reported):
    for one in read_retrainings(reported.run):
        digits = 2 if one.values["measure"] == "effect_size" else 4
        for key in ("predicted", "realised"):
            assert f"{one.values[key]:+.{digits}f}".replace("-", "−").replace("+", "&#43;") in text.replace(
                "+", "&#43;"
            )


def test_what_frequency_does_is_told(reported):
    findings = gather(reported.run)  # whose vocabulary is too small for such figures
    (own,) = findings.audited.tests
    found = Frequency(0.5, 0.1, 0.02, 0.3, 60, 0.01, 0.002, 0.4)
    warned = replace(own.result, frequency=found, warnings=("planted depends on word frequency",))
    audited = replace(findings.audited, tests=(replace(own, result=warned),))
    text = render(replace(findings, audited=audited, retrainings=(), verifications=(), groups=()))
    assert "the associations of 60 other words predicts +0.0100 of its statistic" in text
    assert "(40%), with a standard error of 0.0020" in text
    assert '<li class="warning">planted depends on word frequency.</li>' in text


def test_what_a_bare_run_lacks_is_named_with_its_command(opened):
    text = report(opened).path.read_text("utf-8")
    for command in ("clif retrain clif-run --remove-top-k 20", "clif verify clif-run", "clif rank --ensemble 3"):
        assert command in text
    assert not (opened.path / "retrains").exists()  # nothing was trained
    assert not (opened.path / "models").exists()


def test_a_run_without_a_ranking_is_ranked_for_the_test_that_is_asked_for(opened, made):
    for path in opened.rankings.iterdir():
        path.unlink()
    assert report(opened, str(made.test)).test == "planted"
    assert newest_ranking(opened).about["method"] == "block"


def test_a_ranking_by_a_method_without_parts_is_explained_by_block(opened, made):
    from clif.ranking import rank

    rank(opened, str(made.test), method="length", measure="mean_difference")
    text = report(opened).path.read_text("utf-8")
    assert "The method length scores documents as a whole, so their words are marked by the method block." in text
    assert json.loads(text.split('id="data">')[1].split("</script>")[0])["documents"]


@settings(deadline=None)
@given(st.integers(0, 50), st.integers(0, 30))
def test_both_ends(length, each):
    found = both_ends(length, each).tolist()
    assert found == sorted(set(range(length)[:each]) | set(range(length)[max(0, length - each) :]))


@settings(deadline=None)
@given(st.lists(st.floats(-1, 1), min_size=1, max_size=60), st.sampled_from([-1, 1]))
def test_concentration_by_counting(values, sign):
    ranking = type("R", (), {"influence": np.array(values), "__len__": lambda self: len(values)})()
    found = concentration(ranking, sign)
    carried = sorted((-sign * value for value in values if -sign * value > 0), reverse=True)
    assert found["carriers"] == len(carried)
    if carried:
        halves = [k for k in range(1, len(carried) + 1) if sum(carried[:k]) >= (0.5 - 1e-9) * sum(carried)]
        assert found["half"] in (halves[0], halves[0] + 1)  # a tie may fall to either side
        assert found["first"] == pytest.approx(sum(carried[: found["hundredth"]]) / sum(carried))
    else:
        assert found["half"] is None


def test_levels_and_openings():
    assert [level(value, 1.0) for value in (-1, -0.5, -0.2, -0.05, 0, 0.01, 0.04, 0.3, 0.9)] == [
        -3, -3, -2, -1, 0, 0, 1, 2, 3,
    ]  # fmt: skip
    assert level(0.0, 0.0) == 0
    assert opening("a  b\n\nc") == "a b c"
    assert opening("word " * 100).endswith(" …")
    assert len(opening("x" * 1000)) <= 113
