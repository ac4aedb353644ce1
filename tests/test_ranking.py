"""Ranked lists: their order and signs, when a stored one is taken, and files that keep every id as it is."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest
from conftest import DOCUMENTS, SETTINGS, Made
from hypothesis import given
from hypothesis import strategies as st

from clif.errors import CoverageError, InputError, MismatchError, UsageError
from clif.influence.groups import predict_value, removal
from clif.objectives import BiasTest
from clif.ranking import (
    DEFAULT_TEST,
    DOCUMENT_COLUMNS,
    TOP,
    WRITERS,
    Ranking,
    choose_test,
    make_problem,
    newest_ranking,
    rank,
    read_order,
    read_table,
    write_ranking,
)
from clif.run import open_run
from clif.training import train

IDS = [
    "007", "NA", "1e5", "nan", "None", "null", "True", "1.0", "0x1F", "-1", "+1", "inf", "2020-01-01",
    "12345678901234567890", "a,b", "a;b", "a\tb", "a b", " a", "a ", '"', '"a"', 'a"b', "'a'", "#a", "=1+1", "\\n",
    "a\\", "~", "",
    "line\nend", "windows\r\nend", "mac\rend", "nul\0nul", "nel\x85", "separator\u2028", "no-break\u00a0space",
    "日本語", "e\u0301", "é", "😀", "\ufeffa", "\x1b[31m",
]  # fmt: skip


@pytest.fixture
def planted(made: Made) -> BiasTest:
    return BiasTest.from_toml(made.test)


def listed(ids: list[str], unit: str = "document") -> Ranking:
    """A ranked list of these documents."""
    count = len(ids)
    influence = np.array([-1.5e-17, 1 / 3, *range(count)], dtype=np.float64)[:count]
    values = [np.arange(1, count + 1), np.array(ids, dtype=object), influence, np.full(count, np.nan), np.arange(count)]
    about = {"unit": unit, "test": "t", "method": "block", "value": -1.0}
    return Ranking(about, dict(zip(DOCUMENT_COLUMNS, values, strict=True)), Path("unused.csv"))


# Order and signs.


def test_rank_1_reduces_the_bias_most(opened, planted):
    ranking = rank(opened, planted, measure="mean_difference")
    assert ranking.about["value"] > 0
    assert (np.diff(ranking.influence) >= 0).all()
    assert ranking.influence[0] < 0 < ranking.influence[-1]
    assert sorted(ranking.doc_ids) == sorted(opened.corpus.doc_ids)


def test_a_test_the_other_way_round_gives_the_same_order_and_the_other_sign(opened, planted):
    ranking = rank(opened, planted, measure="mean_difference")
    turned = rank(opened, replace(planted, name="turned", X=planted.Y, Y=planted.X), measure="mean_difference")
    assert turned.about["value"] == pytest.approx(-ranking.about["value"])
    assert turned.doc_ids == ranking.doc_ids
    np.testing.assert_allclose(turned.influence, -ranking.influence, rtol=1e-6)
    assert turned.about["zero_crossing"] == ranking.about["zero_crossing"]


@pytest.mark.parametrize("measure", ["effect_size", "mean_difference"])
def test_the_zero_crossing_is_where_the_prediction_is_near_zero(opened, planted, measure):
    ranking = rank(opened, planted, measure=measure)
    problem = make_problem(opened, planted, measure)
    order = np.array([opened.corpus.number[doc_id] for doc_id in ranking.doc_ids])
    k = ranking.about["zero_crossing"]
    assert k is not None
    near = abs(predict_value(problem, removal(problem, order[:k])))
    assert near <= 0.25 * abs(problem.value)
    assert problem.value == ranking.about["value"]


def test_what_a_ranking_says_of_itself(opened, planted):
    said = rank(opened, planted, damping=20.0).to_dict()
    assert said["damping"] == 20.0
    assert said["ranking"] == str(opened.rankings / "planted.block.effect_size.document.damping-20.csv")
    assert not {"definition", "identity", "recipe", "half"} & set(said)
    length = rank(opened, planted, method="length").to_dict()
    assert length["damping"] is length["residual"] is None
    saturated = rank(opened, planted)
    assert bool(saturated.warnings) == (abs(saturated.about["value"]) > 1.5)


# Stored lists.


def test_the_same_question_is_answered_from_the_store(opened, planted):
    first = rank(opened, planted)
    again = rank(open_run(opened.path), planted)
    assert (first.reused, again.reused) == (False, True)
    assert again.about == first.about
    assert again.doc_ids == first.doc_ids
    assert again.influence.tolist() == first.influence.tolist()
    assert again.test == planted
    assert not rank(opened, planted, cache=False).reused


@pytest.mark.parametrize(
    "other",
    [
        {"method": "gradient"}, {"method": "random"}, {"measure": "mean_difference"}, {"damping": 16.0},
        {"damping": 16.0000001}, {"unit": "context"}, {"unit": "context", "top": 5},
    ],
    ids=str,
)  # fmt: skip
def test_another_question_is_not(opened, planted, other):
    shutil.rmtree(opened.rankings)
    rank(opened, planted)
    rank(opened, planted, damping=16.00000001)  # whose file has the name of another damping
    rank(opened, planted, unit="context", top=4)
    assert not rank(opened, planted, **other).reused
    assert rank(opened, planted, **other).reused


def test_a_test_of_the_same_name_and_other_words_is_another(opened, planted):
    rank(opened, planted)
    fewer = replace(planted, X=planted.X[:-1])
    assert not rank(opened, fewer).reused
    assert rank(opened, fewer).reused
    assert not rank(opened, planted).reused  # it took the place


def test_a_list_of_another_model_or_corpus_is_not_taken(opened, made, planted, tmp_path):
    rank(opened, planted)
    for corpus, settings in ((made.corpus, replace(SETTINGS, seed=2)), (made.other, SETTINGS)):
        other = train([corpus], tmp_path / "r", settings, force=True).run
        shutil.copytree(opened.rankings, other.rankings)
        assert newest_ranking(other) is None
        assert choose_test_name(other) == DEFAULT_TEST
        assert not rank(other, planted).reused


def choose_test_name(run) -> str:
    return choose_test(run, None).name


def test_contexts_are_bounded(opened, planted):
    whole = rank(opened, planted, unit="context", top=10**9)
    assert len(whole) > 1000
    assert len(rank(opened, planted, unit="context")) == min(TOP, len(whole))
    few = rank(opened, planted, unit="context", top=7)
    assert few.to_frame().equals(whole.to_frame(7))


@pytest.mark.parametrize("damage", ["", "doc_id\nx\n", "shorter", "renamed"])
def test_a_stored_list_that_is_not_whole_is_named(opened, planted, damage):
    path = rank(opened, planted).path
    text = path.read_text("utf-8")
    path.write_text(
        {"shorter": "".join(text.splitlines(keepends=True)[:-1]), "renamed": text.replace("tokens", "length", 1)}.get(
            damage, damage
        ),
        "utf-8",
    )
    for ask in (lambda: rank(opened, planted), lambda: newest_ranking(opened)):
        with pytest.raises(InputError) as caught:
            ask()
        assert caught.value.where == str(path)
    assert len(rank(opened, planted, cache=False)) == DOCUMENTS


@pytest.mark.parametrize("damage", ["{", "[]", "7"])
def test_what_is_said_of_it_is_checked_as_well(opened, planted, damage):
    path = rank(opened, planted).path.with_suffix(".json")
    path.write_text(damage)
    with pytest.raises(InputError) as caught:
        rank(opened, planted)
    assert caught.value.where == str(path)
    path.unlink()
    assert not rank(opened, planted).reused


# The newest.


def test_the_newest_ranking_is_the_one_made_or_used_last(opened, planted):
    shutil.rmtree(opened.rankings)
    assert newest_ranking(opened) is None
    assert choose_test(opened, None).name == DEFAULT_TEST
    first = rank(opened, planted)
    second = rank(opened, replace(planted, name="second"), measure="mean_difference")
    aged(opened)
    assert newest_ranking(opened).about == second.about
    rank(opened, planted)  # from the store
    assert newest_ranking(opened).about == first.about
    assert choose_test(opened, None) == planted


def aged(run) -> None:
    """Move all times into the past, in their order."""
    for path in run.rankings.iterdir():
        time_ns = path.stat().st_mtime_ns - 10**12
        os.utime(path, ns=(time_ns, time_ns))


def test_contexts_and_halves_and_lost_lists_are_not_the_newest(opened, planted):
    shutil.rmtree(opened.rankings)
    wanted = rank(opened, planted)
    aged(opened)
    rank(opened, replace(planted, name="contexts"), unit="context")
    half = replace(planted, name="half", X=planted.X[:2], Y=planted.Y[:2])
    rank(opened, half, half=True)
    rank(opened, replace(planted, name="lost")).path.unlink()
    assert newest_ranking(opened).about == wanted.about
    with pytest.raises(CoverageError, match="half") as caught:
        rank(opened, half)
    assert caught.value.where == str(opened.path)


# Questions that make no sense.


@pytest.mark.parametrize(
    ("question", "says"),
    [
        ({"test": "weat"}, "names 13 tests"),
        ({"test": "weat66"}, "unknown test"),
        ({"method": "none"}, "unknown method"),
        ({"measure": "none"}, "unknown measure"),
        ({"unit": "none"}, "unknown unit"),
        ({"damping": 0}, "damping must be positive"),
        ({"damping": float("inf")}, "damping must be positive"),
    ],
    ids=str,
)
def test_a_wrong_question_is_refused_before_anything_is_computed(opened, question, says):
    before = sorted(opened.rankings.iterdir())
    with pytest.raises(UsageError, match=says):
        rank(opened, **question)
    assert sorted(opened.rankings.iterdir()) == before


# Files.


@pytest.mark.parametrize("ending", WRITERS)
def test_every_id_comes_back_as_it_was(tmp_path, ending):
    ids = [doc_id for doc_id in IDS if ending != ".trec" or doc_id.split() == [doc_id]]
    assert len(ids) > 20
    for some in (ids, *([doc_id] for doc_id in ids)):
        written = listed(some)
        table = read_table(write_ranking(written, tmp_path / f"r{ending}"))
        assert list(table["doc_id"]) == some
        if ending != ".trec":
            assert tuple(table) == DOCUMENT_COLUMNS
            assert table["influence"].tolist() == written.influence.tolist()
            assert table["tokens"].tolist() == list(range(len(some)))
            assert table["stderr"].isna().all()


# As documents have them: no halves of surrogate pairs.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@given(ids=st.lists(TEXTS, min_size=1, max_size=5, unique=True), ending=st.sampled_from([".csv", ".jsonl", ".parquet"]))
def test_any_id_comes_back_as_it_was(ids, ending):
    with TemporaryDirectory() as folder:
        table = read_table(write_ranking(listed(ids), Path(folder) / f"r{ending}"))
    assert list(table["doc_id"]) == ids


def test_csv_is_plain_where_that_is_enough(tmp_path):
    text = write_ranking(listed(["a", "b,c"]), tmp_path / "r.csv").read_text("utf-8")
    assert text == f'rank,doc_id,influence,stderr,tokens\n1,a,-1.5e-17,,0\n2,"b,c",{1 / 3!r},,1\n'


def test_json_lines_are_json(tmp_path):
    lines = write_ranking(listed(["ü", "b"]), tmp_path / "r.jsonl").read_text("utf-8").splitlines()
    assert json.loads(lines[0]) == {"rank": 1, "doc_id": "ü", "influence": -1.5e-17, "stderr": None, "tokens": 0}
    assert '"ü"' in lines[0]


def test_scores_of_a_trec_run_fall_with_the_rank(opened, planted, tmp_path):
    ranking = rank(opened, planted, measure="mean_difference")
    lines = write_ranking(ranking, tmp_path / "r.trec").read_text("utf-8").splitlines()
    fields = [line.split(" ") for line in lines]
    assert [row[2] for row in fields] == ranking.doc_ids
    assert [row[3] for row in fields] == [str(place) for place in range(1, DOCUMENTS + 1)]
    assert {(row[0], row[1], row[5]) for row in fields} == {("planted", "Q0", "clif-block")}
    scores = [float(row[4]) for row in fields]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize(
    ("ending", "unit", "says"),
    [(".xlsx", "document", "ending '.xlsx'"), ("", "document", "ending ''"), (".trec", "context", "not contexts")],
)
def test_a_format_that_cannot_be_is_refused(tmp_path, ending, unit, says):
    with pytest.raises(UsageError, match=says):
        write_ranking(listed(["a"], unit), tmp_path / f"r{ending}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("r.csv", ""), ("r.csv", "id\na\n"), ("r.csv", "doc_id\n"), ("r.csv", 'doc_id\n"a'),
        ("r.csv", b"doc_id\n\xff\n"), ("r.jsonl", ""), ("r.jsonl", "{"), ("r.jsonl", "7\n"),
        ("r.jsonl", '{"id": 1}\n'), ("r.parquet", "PAR1"),
        ("r.trec", ""), ("r.csv", None), ("r.parquet", None), ("r.jsonl", None), ("r.trec", None),
    ],
)  # fmt: skip
def test_a_file_that_is_no_ranking_is_named(tmp_path, name, content):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError) as caught:
        read_table(path)
    assert caught.value.where == str(path)


def test_an_order_is_read_against_the_corpus_of_the_run(opened, made, tmp_path):
    ids = opened.corpus.doc_ids
    path = tmp_path / "r.csv"

    def read(some: list[str]) -> list[int]:
        pd.DataFrame({"doc_id": some}).to_csv(path, index=False)
        return read_order(path, opened).tolist()

    assert read(ids[::-1]) == list(range(DOCUMENTS))[::-1]
    assert read(ids[7:9]) == [7, 8]
    with pytest.raises(InputError, match="more than once"):
        read([ids[0], ids[1], ids[0]])
    with pytest.raises(MismatchError, match="2 of its 3 documents are not in the run's corpus, such as 'x'"):
        read([ids[0], "x", "y"])


def test_a_stored_list_that_was_changed_is_refused(opened, made):
    ranking = rank(opened, str(made.test), measure="mean_difference")
    pd.read_csv(ranking.path).iloc[::-1].to_csv(ranking.path, index=False)
    with pytest.raises(InputError, match="not the list that was stored"):
        rank(opened, str(made.test), measure="mean_difference")
    assert rank(opened, str(made.test), measure="mean_difference", cache=False).doc_ids == ranking.doc_ids


def test_the_warning_near_the_bound_knows_the_sizes_of_the_sets(opened, made):
    test = BiasTest.from_toml(made.test)
    uneven = replace(test, name="uneven", X=test.X[:4])
    about = rank(opened, uneven).about
    assert about["bound"] == pytest.approx(12 / np.sqrt(4 * 8))


def test_documents_chosen_in_chunks_lead_the_list(opened, planted):
    whole = rank(opened, planted, measure="mean_difference")
    led = rank(opened, planted, measure="mean_difference", adaptive=25)
    assert led.doc_ids[:10] == whole.doc_ids[:10]  # the first chunk is that of the ranking
    assert set(led.doc_ids[:25]) != set(whole.doc_ids[:25]) or led.doc_ids[:25] != whole.doc_ids[:25]
    rest = [doc_id for doc_id in whole.doc_ids if doc_id not in set(led.doc_ids[:25])]
    assert led.doc_ids[25:] == rest
    assert led.about["adaptive"] == 25
    assert rank(opened, planted, measure="mean_difference", adaptive=25).reused
    problem = make_problem(opened, planted, "mean_difference")
    without = {
        ranking.path.name: abs(
            predict_value(problem, removal(problem, np.array([opened.corpus.number[i] for i in ids])))
        )
        for ranking in (whole, led)
        if (ids := ranking.doc_ids[:25])
    }
    assert without[led.path.name] <= without[whole.path.name] * (1 + 1e-6)


@pytest.mark.parametrize(
    "options", [{"adaptive": 0}, {"adaptive": 5, "method": "gradient"}, {"adaptive": 5, "unit": "context"}]
)
def test_chunks_that_make_no_sense_are_refused(opened, planted, options):
    with pytest.raises(UsageError, match=r"choose|anew|chunks"):
        rank(opened, planted, **options)
