"""Pages about tests of other kinds than WEAT, edits that are milder than removal, limits, costs and trade-offs."""

from __future__ import annotations

import html
import json
import re
import shlex
import shutil
import tomllib
from pathlib import Path

import numpy as np
import pytest
from conftest import SETTINGS, retrain_here, train_here

from clif.objectives import BiasTest, load_tests
from clif.ranking import rank
from clif.reporting import all_pictures, gather, report
from clif.reporting.card import data_card
from clif.reporting.commands import test_files as files_of
from clif.reporting.commands import write_commands
from clif.reporting.results import Tradeoff, document_of, read_retrainings
from clif.reporting.wording import equals, lost_most, p_value, percent, sets
from clif.retraining import retrain
from clif.run import open_run
from clif.storage.files import write_json
from clif.tradeoffs import tradeoff
from clif.training import train

FEW = {"seeds": 1, "controls": 1}


@pytest.fixture(scope="module")
def milder(made, tmp_path_factory):
    """A folder with a run that was ranked by ripa, edited in every milder way, and compared by policies."""
    folder = tmp_path_factory.mktemp("milder")
    for file in (made.corpus, made.test):
        shutil.copy(file, folder)
    planted = BiasTest.from_toml(made.test)
    lines = [f"{key} = {json.dumps(list(planted.sets[key]))}" for key in "XAB"]
    (folder / "ripa.toml").write_text("\n".join(['name = "ripa"', 'kind = "ripa"', *lines]) + "\n", "utf-8")
    pairs = [list(pair) for pair in zip(planted.A, planted.B, strict=True)]
    (folder / "swaps.toml").write_text(f'name = "names"\npairs = {json.dumps(pairs)}\n', "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        train_here(patch)
        retrain_here(patch)
        run = train(["corpus.jsonl"], "clif-run", SETTINGS).run
        rank(run, "planted.toml", method="block")
        retrain(run, remove=12, unit="sentence", **FEW)
        retrain(run, remove=10, weight=0.5, **FEW)
        retrain(run, swap=10, pairs="swaps.toml", **FEW)
        retrain(
            run, remove=10, keep=("ripa.toml=.3",), cap=("words=.3",), near_duplicates=0.8, by="file", method="block",
            **FEW,
        )  # fmt: skip
        retrain(run, until=0.9, unit="sentence", method="block", **FEW)
        tradeoff(run, method="block", policies=("random", "clif", "debias"), shares=(0.05,), seeds=1)
        rank(run, "ripa.toml", method="block")
        retrain(run, remove=10, **FEW)
    return folder


@pytest.fixture(scope="module")
def findings(milder):
    return gather(open_run(milder / "clif-run"))


@pytest.fixture(scope="module")
def text(milder):
    """What the page says, without its pictures, styles and scripts; cells end with a bar."""
    page = report(open_run(milder / "clif-run"), out=milder / "report.html").path.read_text("utf-8")
    page = re.sub(r"<(svg|style|script)\b.*?</\1>", "", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", "", re.sub(r"</t[dh]>", " | ", page))))


def part(text, start, end):
    return text.split(start, 1)[1].split(end, 1)[0]


def edit(findings, kind, **more):
    wanted = {"edit": kind, **more}
    (found,) = [
        one for one in findings.retrainings if all(one.values[key] == value for key, value in wanted.items())
    ]  # fmt: skip
    return found


def test_another_kind_is_measured_as_it_says(text, findings):
    measured = part(text, "1. What was measured", "2. How biased is it?")
    assert "a test of the kind ripa" in measured
    assert "Ethayarajh, Duvenaud and Hirst 2019" in measured
    assert "WEAT" not in measured
    assert "Y: Y" not in measured
    assert "tests of this kind have no p-value" in text
    (own,) = [one.result for one in findings.audited.tests if one.result.test == "ripa"]
    bias = part(text, "2. How biased is it?", "3. Which documents")
    assert f"ripa | ripa | {own.value:+.4f} | – | – | 8/–/8/8".replace("-", "−") in bias
    assert "planted | effect size |" in bias


def test_effect_sizes_are_drawn_of_weat_alone(findings):
    (picture,) = [one for one in all_pictures(findings) if one.kind == "effect-sizes"]
    assert "planted" in picture.text
    assert "ripa" not in picture.text


def test_edits_are_told_by_their_verbs_and_units(text, findings):
    said = part(text, "5. What happens without them?", "6. What does it cost?")
    for kind in (
        "12 sentences removed",
        "10 documents weighted by 0.5",
        "10 documents swapped",
        "10 documents removed",
    ):
        assert f"planted: {kind}, chosen by" in said or f"ripa: {kind}, chosen by" in said
    until = edit(findings, "sentences", asked=None).values["until"]
    assert f"{until['sentences']} sentences are the fewest that were found to meet it" in said or (
        f"{until['sentences']} sentences came nearest to it" in said
    )
    assert "Numbers of sentences that were tried" in said
    assert "in the list “names”" in said
    titles = {one.title for one in all_pictures(findings) if one.kind == "retraining"}
    assert "planted, 12 sentences removed" in titles
    assert "planted, 10 documents weighted by 0.5" in titles


def test_costs_limits_and_what_was_kept(text, findings):
    said = part(text, "6. What does it cost?", "7. How far to trust it")
    assert "no set of the test’s words was to lose more than 30.0% of its occurrences" in said
    assert "Near-duplicates went together or not at all" in said
    values = edit(findings, "remove", test="planted").values
    (kept,) = values["kept"]
    figures = f"{kept['predicted']:+.4f} | {kept['realised']:+.4f} |".replace("-", "−")
    assert f"{kept['before']:+.4f} | ±0.3 | {figures}".replace("-", "−") in said
    for one in findings.retrainings:
        tokens = one.values["costs"]["tokens"]
        assert f"{tokens['before']:,} | {tokens['after']:,} | {percent(tokens['lost'])}" in said
    (compared,) = findings.tradeoffs
    assert not compared.measured
    for point in compared.values["points"]:
        assert f"{point['policy']} | " in part(said, "share of analogies answered right", "nothing more")
    assert "nothing is known of usefulness" in said


def test_a_trade_off_whose_usefulness_is_known_has_its_picture(findings):
    (compared,) = findings.tradeoffs
    points = [
        {**point, "quality": {"mean": 0.3 - 0.1 * number, "sd": None}, "front": number == 0}
        for number, point in enumerate(compared.values["points"])
    ]
    known = Tradeoff({**compared.values, "points": points}, compared.folder)
    assert known.measured
    found = [one for one in all_pictures(_with(findings, tradeoffs=(known,))) if one.kind == "policies"]
    (picture,) = found
    assert "debias" in picture.svg()
    assert not [one for one in all_pictures(findings) if one.kind == "policies"]


def _with(findings, **changes):
    from dataclasses import replace

    return replace(findings, **changes)


def test_commands_find_every_stored_result_again(findings, milder, clif, tmp_path, monkeypatch):
    place = tmp_path / "again"
    place.mkdir()
    for name in ("corpus.jsonl", "swaps.toml"):
        shutil.copy(milder / name, place)
    shutil.copytree(milder / "clif-run", place / "clif-run")
    monkeypatch.chdir(place)
    for name, written in files_of(findings).items():
        Path(name).write_text(written, "utf-8")
    lines = write_commands(findings)
    assert [shlex.split(line)[1] for line in lines] == [
        "train", "audit", "rank", "rank", *["retrain"] * 6, "tradeoff", "report",
    ]  # fmt: skip
    for line in lines[2:-1]:
        assert clif(*shlex.split(line, comments=True)[1:], "--json").json()["reused"], line


def test_a_test_of_another_kind_is_written_so_that_it_is_read_again(findings, tmp_path):
    files = files_of(findings)
    assert set(files) == {"ripa.toml", "planted.toml"}
    (tmp_path / "ripa.toml").write_text(files["ripa.toml"], "utf-8")
    (own,) = [test for test in findings.tests if test.name == "ripa"]
    assert load_tests([str(tmp_path / "ripa.toml")]) == [own]
    assert "Y" not in tomllib.loads(files["ripa.toml"])


def test_the_card_of_sentences_counts_sentences(findings):
    one = edit(findings, "sentences", asked=12)
    card = data_card(findings, one)
    kept = [json.loads(line) for line in (one.folder / "kept" / "corpus.jsonl").read_text("utf-8").splitlines()]
    assert card["documents"] == len(kept) == 200
    assert card["tokens"] == sum(len(document["text"].replace(".", "").split()) for document in kept)
    assert len(card["ids"]) == 12
    number = findings.run.corpus.number
    assert all("#" in each and document_of(each, number) for each in card["ids"])
    carriers = next(source for source in card["sources"] if source["field"] == "carrier")
    assert sum(row["removed"] for row in carriers["rows"]) == 12
    texts = [json.loads(line) for line in findings.run.sources[0].read_text("utf-8").splitlines()]
    for row in carriers["rows"]:
        mine = [document["text"] for document in texts if document["carrier"] == (row["value"] == "true")]
        assert row["units"] == sum(text.count(".") for text in mine)


def test_the_card_of_swapped_words_leaves_documents_whole(findings, text):
    one = edit(findings, "swap")
    card = data_card(findings, one)
    assert (card["documents"], card["ids"]) == (200, [])
    words = one.values["edited_tokens"]
    assert f"in 10 documents {words} words ({percent(words / one.values['tokens'], 2)}) stand swapped" in text
    assert data_card(findings, edit(findings, "weight")) is None


def test_results_of_earlier_versions_are_told_as_removals(milder, tmp_path):
    shutil.copytree(milder / "clif-run", tmp_path / "clif-run")
    run = open_run(tmp_path / "clif-run")
    (one,) = [each for each in read_retrainings(run) if each.test == "ripa"]
    path = one.folder / "result.json"
    values = json.loads(path.read_text("utf-8"))
    for key in (
        "edit",
        "unit",
        "units",
        "edited",
        "sentences",
        "weight",
        "swapped_pairs",
        "asked",
        "by",
        "costs",
        "kept",
    ):
        del values[key]
    write_json(path, values)
    (again,) = [each for each in read_retrainings(run) if each.test == "ripa"]
    assert again.edited == one.edited == "10 documents removed"
    assert again.kept == []


def test_wording():
    assert [p_value(None), p_value(np.nan), p_value(1e-5), equals(0.02), equals(1e-5)] == [
        "–", "–", "< 0.0001", "= 0.02", "< 0.0001",
    ]  # fmt: skip
    assert lost_most({"a": [10, 5], "b": [4, 4], "c": [0, 0], "d": [10, 1], "e": [2, 3]}) == [("d", 0.9), ("a", 0.5)]
    assert sets({"X": ["x"], "Y": [], "A": ["a"], "B": ["b"], "labels": {"X": "trades"}}) == "trades, with A and B"
    assert percent(-0.01) == "−1.0%"
