"""Influence by a field of the documents: sums, order, files, and what the command says."""

from __future__ import annotations

import json
import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import DOCUMENTS, SETTINGS, Made
from helpers import reseal
from hypothesis import given, settings
from hypothesis import strategies as st

from clif.corpus import metadata_file
from clif.corpus.metadata_file import METADATA
from clif.errors import InputError, MismatchError, UsageError
from clif.ranking import GROUP_COLUMNS, Groups, Ranking, by_field, check_field, rank, write_groups
from clif.run import Run, open_run
from clif.storage.cells import inert
from clif.training import train

FIELDS = ("source", "year", "part", "carrier", "few", "empty")


@pytest.fixture(scope="session")
def grouped(tmp_path_factory: pytest.TempPathFactory, made: Made) -> Path:
    """A run whose documents have fields."""
    folder = tmp_path_factory.mktemp("grouped")
    records = [json.loads(line) for line in made.corpus.read_text("utf-8").splitlines()]
    for z, record in enumerate(records):
        record |= {"source": f"s{z * z % 53:02d}", "year": 1954 + z % 3, "part": z % 17, "empty": None}
        if z % 10 == 3:
            record["few"] = "line\rend" if z % 20 == 3 else "=1+1, or so"
    (folder / "c.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")
    made_run = train([folder / "c.jsonl"], folder / "run", SETTINGS).run
    rank(made_run, str(made.test), measure="mean_difference")
    return folder / "run"


@pytest.fixture
def run(grouped: Path, workplace: Path) -> Run:
    """A copy of it in the current folder."""
    shutil.copytree(grouped, "grouped")
    return open_run("grouped")


@pytest.fixture
def ranking(run: Run, made: Made) -> Ranking:
    return rank(run, str(made.test), measure="mean_difference")


def with_field(run: Run, values: list[object]) -> None:
    """Give the documents of a run a field "f"."""
    schema = pq.read_schema(run.path / METADATA)
    kind = pa.string() if all(isinstance(value, str | None) for value in values) else None
    table = pa.table({"f": pa.array(values, kind, from_pandas=False)}).replace_schema_metadata(schema.metadata)
    pq.write_table(table, run.path / METADATA)
    reseal(run.path)


def test_groups_hold_the_sums_of_their_documents(ranking, run):
    records = [json.loads(line) for line in (run.sources[0]).read_text("utf-8").splitlines()]
    frame = ranking.to_frame().assign(source=[records[run.corpus.number[d]]["source"] for d in ranking.doc_ids])
    expected = frame.groupby("source").agg({"doc_id": "count", "tokens": "sum", "influence": "sum"})
    groups = by_field(ranking, run, "source").to_frame()
    assert tuple(groups) == GROUP_COLUMNS
    found = groups.set_index("group").loc[expected.index]
    assert found["documents"].tolist() == expected["doc_id"].tolist()
    assert found["tokens"].tolist() == expected["tokens"].tolist()
    np.testing.assert_allclose(found["influence"], expected["influence"], atol=1e-9)
    np.testing.assert_allclose(found["per_million_tokens"], 1e6 * found["influence"] / found["tokens"])
    assert groups["rank"].tolist() == list(range(1, len(groups) + 1))
    assert groups["stderr"].isna().all()


@pytest.mark.parametrize("field", FIELDS)
def test_nothing_is_lost_or_counted_twice(ranking, run, field):
    columns = by_field(ranking, run, field).columns
    assert columns["influence"].sum() == pytest.approx(ranking.influence.sum(), abs=1e-9)
    assert columns["documents"].sum() == DOCUMENTS
    assert columns["tokens"].sum() == len(run.corpus.tokens)


def test_values_of_any_type_are_named_as_text(ranking, run):
    assert set(by_field(ranking, run, "year").columns["group"]) == {"1954", "1955", "1956"}
    assert set(by_field(ranking, run, "carrier").columns["group"]) == {"true", "false"}
    assert set(by_field(ranking, run, "few").columns["group"]) == {"(none)", "line\rend", "=1+1, or so"}
    assert by_field(ranking, run, "empty").columns["group"].tolist() == ["(none)"]
    assert by_field(ranking, run, "file").columns["group"].tolist() == ["c.jsonl"]


def test_carriers_are_the_group_that_carries_the_bias(ranking, run):
    groups = by_field(ranking, run, "carrier").to_frame().set_index("group")
    assert groups.loc["true", "rank"] == 1
    assert groups.loc["true", "influence"] < 0
    assert groups.loc["true", "documents"] < groups.loc["false", "documents"]


@pytest.mark.parametrize("sign", [1, -1, 0])
def test_groups_come_in_the_order_of_documents(ranking, run, sign):
    turned = Ranking({**ranking.about, "value": sign * 0.5}, ranking.columns, ranking.path)
    columns = by_field(turned, run, "source").columns
    sums = sign * columns["influence"]
    assert (np.diff(sums) >= 0).all()
    if not sign:
        assert columns["group"].tolist() == [
            f"s{z}" for z in dict.fromkeys(f"{z * z % 53:02d}" for z in range(DOCUMENTS))
        ]


def test_ties_come_by_first_appearance(ranking, run):
    ranking.columns["influence"] = np.zeros(DOCUMENTS)
    with_field(run, [*"zay", *["b"] * (DOCUMENTS - 3)])
    assert by_field(ranking, run, "f").columns["group"].tolist() == list("zayb")


def test_the_order_of_the_ranking_does_not_matter(ranking, run):
    mixed = np.random.default_rng(1).permutation(DOCUMENTS)
    shuffled = Ranking(ranking.about, {name: column[mixed] for name, column in ranking.columns.items()}, ranking.path)
    one, other = by_field(ranking, run, "source"), by_field(shuffled, run, "source")
    assert one.columns["group"].tolist() == other.columns["group"].tolist()
    assert one.columns["influence"].tolist() == other.columns["influence"].tolist()


def test_numbers_that_are_none_are_missing(ranking, run):
    with_field(run, [float("nan"), None, 1.5, *[2.0] * (DOCUMENTS - 3)])
    columns = by_field(ranking, run, "f").columns
    assert dict(zip(columns["group"], columns["documents"], strict=True)) == {
        "(none)": 2,
        "1.5": 1,
        "2.0": DOCUMENTS - 3,
    }


def test_a_group_without_tokens_has_no_density(ranking, run):
    empty = Run(run.path, run.manifest)
    corpus = run.corpus
    offsets = corpus.offsets.copy()
    offsets[1] = 0
    object.__setattr__(corpus, "offsets", offsets)
    empty.__dict__["corpus"] = corpus
    with_field(run, ["a", *["b"] * (DOCUMENTS - 1)])
    groups = by_field(ranking, empty, "f")
    density = dict(zip(groups.columns["group"], groups.columns["per_million_tokens"], strict=True))
    assert np.isnan(density["a"])
    assert np.isfinite(density["b"])
    assert next(row for row in groups.to_dict()["rows"] if row["group"] == "a")["per_million_tokens"] is None


@settings(max_examples=30, deadline=None)
@given(labels=st.lists(st.sampled_from(["a", "b", "(none)", "", None]), min_size=DOCUMENTS, max_size=DOCUMENTS))
def test_any_division_keeps_the_sum(grouped, made, labels):
    run = open_run(grouped)
    ranking = rank(run, str(made.test), measure="mean_difference")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(metadata_file, "read_metadata", lambda *_: {"f": labels})
        columns = by_field(ranking, run, "f").columns
    assert columns["influence"].sum() == pytest.approx(ranking.influence.sum(), abs=1e-9)
    assert all(one <= other for one, other in pairwise(columns["influence"].tolist()))
    assert set(columns["group"]) == {"(none)" if label is None else label for label in labels}


# What cannot be.


def test_contexts_have_no_groups(run, made):
    contexts = rank(run, str(made.test), unit="context", top=5)
    with pytest.raises(UsageError, match="only documents are grouped by a field, not contexts"):
        by_field(contexts, run, "source")
    with pytest.raises(UsageError, match="not contexts"):
        check_field(run, "source", "context")


def test_an_unknown_field_is_refused_with_the_known_ones(ranking, run):
    for ask in (lambda: by_field(ranking, run, "sauce"), lambda: check_field(run, "sauce", "document")):
        with pytest.raises(InputError, match="no field 'sauce'") as caught:
            ask()
        assert "carrier, source, year, part, empty, file, few" in caught.value.next


def test_a_ranking_of_another_run_is_refused(ranking, opened, made):
    with pytest.raises(MismatchError, match="does not list the documents") as caught:
        by_field(ranking, open_run(made.other_run), "file")
    assert caught.value.where == str(ranking.path)


# Files.


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
def test_groups_are_written_as_they_are(ranking, run, tmp_path, ending):
    groups = by_field(ranking, run, "few")
    path = write_groups(groups, tmp_path / f"g{ending}")
    read = {
        ".csv": pd.read_csv,
        ".jsonl": lambda path: pd.DataFrame([json.loads(line) for line in path.read_text("utf-8").splitlines()]),
        ".parquet": pd.read_parquet,
    }[ending](path)
    assert tuple(read) == GROUP_COLUMNS
    for name in GROUP_COLUMNS:
        if name == "stderr":
            assert read[name].isna().all()
        else:
            values = groups.columns[name].tolist()
            assert read[name].tolist() == ([inert(value) for value in values] if ending == ".csv" else values)
    assert len(pd.read_csv(write_groups(groups, tmp_path / "top.csv", 2))) == 2


def test_groups_are_no_trec_run(ranking, run, tmp_path):
    with pytest.raises(UsageError, match="lists documents, not groups"):
        write_groups(by_field(ranking, run, "few"), tmp_path / "g.trec")


def test_groups_as_plain_values(ranking, run):
    groups = by_field(ranking, run, "year")
    said = groups.to_dict()
    assert isinstance(groups, Groups)
    assert len(groups) == len(said["rows"]) == 3
    assert said["field"] == "year"
    assert said["rows"][0].keys() == set(GROUP_COLUMNS)
    assert json.loads(json.dumps(said["rows"][0]["stderr"])) is None
    assert groups.to_frame(top=2)["rank"].tolist() == [1, 2]


# The command.

COMMAND = ("rank", "grouped", "--test", "planted.toml", "--measure", "mean_difference")


@pytest.mark.usefixtures("run")
def test_the_command_prints_both_ends_of_the_groups(clif):
    said = clif(*COMMAND, "--by", "few")
    assert said.code == 0, said.err
    assert "3 groups by few" in said.out
    assert "not a\nprediction for the removal of a whole group" in said.out
    assert "line\\rend" in said.out
    assert "..." not in said.out
    for field, count in (("source", 27), ("part", 17)):
        lines = clif(*COMMAND, "--by", field).out.splitlines()
        shown = [line.split()[0] for line in lines if line.split() and line.split()[0] in ("...", *map(str, range(99)))]
        assert shown[:16] == [*map(str, range(1, 11)), "...", *map(str, range(count - 4, count + 1))]
        assert f"{count} groups by {field}" in "".join(lines)
    assert Path("grouped/rankings/planted.block.mean_difference.document.csv").is_file()


def test_no_field_can_steer_the_terminal(run, clif):
    schema = pq.read_schema(run.path / METADATA)
    name = "[bold]\x1b[31m"
    table = pa.table({name: ["[red]\x07"] * DOCUMENTS}).replace_schema_metadata(schema.metadata)
    pq.write_table(table, run.path / METADATA)
    reseal(run.path)
    said = clif(*COMMAND, "--by", name)
    assert said.code == 0, said.err
    assert "tokens   [bold]\\x1b[31m" in said.out
    assert "[red]\\x07" in said.out


@pytest.mark.usefixtures("run")
def test_the_command_writes_and_says_the_groups(clif, run, made):
    said = clif(*COMMAND, "--by", "source", "--json", "--out", "g.csv").json()
    groups = by_field(rank(run, str(made.test), measure="mean_difference"), run, "source")
    assert said["groups"] == groups.to_dict()
    assert said["documents"] == DOCUMENTS
    assert pd.read_csv("g.csv")["group"].tolist() == groups.columns["group"].tolist()
    assert "groups" not in clif(*COMMAND, "--json").json()
    clif(*COMMAND, "--by", "source", "--out", "top.jsonl", "--top", "2")
    assert len(Path("top.jsonl").read_text("utf-8").splitlines()) == 2


def test_a_ranking_by_groups_is_the_ranking_that_retraining_takes(run, clif):
    clif(*COMMAND, "--by", "year")
    stored = Path("grouped/rankings/planted.block.mean_difference.document.csv").read_bytes()
    clif(*COMMAND, "--no-cache")
    assert Path("grouped/rankings/planted.block.mean_difference.document.csv").read_bytes() == stored
