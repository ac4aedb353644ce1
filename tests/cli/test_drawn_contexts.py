"""clif rank and clif explain by the derivative of the training: contexts, sentences, pairs of words, one document."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import OPTIONS

from clif.influence import recording
from clif.ranking import CONTEXT_COLUMNS, PAIR_COLUMNS, SENTENCE_COLUMNS

METHOD = ("--method", "unrolled", "--measure", "mean_difference")
RANK = ("rank", *METHOD)
COLUMNS = {"sentence": SENTENCE_COLUMNS, "context": CONTEXT_COLUMNS, "pair": PAIR_COLUMNS}


def listed(clif, *more: str) -> pd.DataFrame:
    said = clif(*RANK, *more, "--json").json()
    return pd.read_csv(said["ranking"], keep_default_na=False, na_values={"stderr": [""]})


def records() -> list[Path]:
    """Files of contexts that the run keeps."""
    return sorted(Path("clif-run/checkpoints").glob("*.rows"))


def test_lists_of_every_unit_are_parts_of_one_sum(workplace, clif, monkeypatch):
    documents = listed(clif).set_index("doc_id")["influence"]
    assert not records()  # a ranking of documents does without
    largest = documents.abs().max()
    tables = {unit: listed(clif, "--unit", unit, "--top", "all") for unit in ("context", "sentence", "pair")}
    assert len(records()) == 1
    for unit, table in tables.items():
        assert tuple(table) == COLUMNS[unit]
        assert table["rank"].tolist() == list(range(1, len(table) + 1))
        assert table["influence"].is_monotonic_increasing
        assert table["influence"].sum() == pytest.approx(documents.sum(), abs=1e-4 * largest)
    for unit in ("context", "sentence"):
        sums = tables[unit].groupby("doc_id")["influence"].sum().reindex(documents.index, fill_value=0)
        assert sums.tolist() == pytest.approx(documents.tolist(), abs=1e-4 * largest)
    contexts, pairs = tables["context"], tables["pair"]
    times = contexts["weight"] * 8  # epochs
    assert times.tolist() == pytest.approx(times.round().tolist())
    assert contexts["weight"].between(1 / 8, 1).all()
    cells = contexts.groupby(["input", "output"])[["influence", "weight"]].sum()
    cells = cells.loc[list(zip(pairs["input"], pairs["output"], strict=True))]
    assert len(cells) == len(pairs)
    assert pairs["influence"].tolist() == pytest.approx(cells["influence"].tolist(), abs=1e-9 * largest)
    assert pairs["weight"].tolist() == pytest.approx(cells["weight"].tolist())
    # How often contexts are drawn, on the average over 8 epochs, is what is expected of them.
    expected = pd.read_csv(
        clif("rank", "--method", "clif", "--measure", "mean_difference", "--unit", "context", "--top", "all", "--json")
        .json()["ranking"],
        keep_default_na=False,
    )  # fmt: skip
    assert contexts["weight"].sum() == pytest.approx(expected["weight"].sum(), rel=0.02)
    both = expected.merge(contexts, on=["doc_id", "position", "distance"], how="left", suffixes=("", "_drawn"))
    assert len(both) == len(expected)
    near = both["distance"].abs() == 1
    assert (both["weight_drawn"][near] == 1).all()  # windows reach the next word always, and nothing is dropped here
    monkeypatch.setattr(recording, "record_contexts", None)
    assert len(listed(clif, "--unit", "context", "--top", "7")) == 7  # another list, of what the run keeps


def test_no_cache_goes_through_the_training_again(workplace, clif):
    first = listed(clif, "--unit", "sentence")
    (record,) = records()
    made = record.stat().st_mtime_ns
    done = clif(*RANK, "--unit", "sentence", "--no-cache")
    assert "this takes about as long as three trainings" in done.err
    assert record.stat().st_mtime_ns > made
    assert listed(clif, "--unit", "sentence").equals(first)
    assert [path.name.split(".")[1] for path in Path("clif-run/solves").iterdir()] == ["unrolled-contexts"]


def test_the_first_contexts_are_shown(workplace, clif):
    done = clif(*RANK, "--unit", "context")
    assert done.code == 0
    first = listed(clif, "--unit", "context").iloc[0]
    assert f"{first['input']} → {first['output']}" in done.out
    assert "predicted change when this pair is not trained here" in done.out
    assert "method unrolled" in done.out


def test_a_document_is_explained_as_it_is_ranked(workplace, clif):
    documents = listed(clif)
    for place in (0, len(documents) // 2, len(documents) - 1):
        row = documents.iloc[place]
        values = clif("explain", row["doc_id"], "--json").json()
        assert (values["method"], values["rank"]) == ("unrolled", place + 1)
        assert values["influence"] == pytest.approx(row["influence"], rel=1e-12)
        assert sum(token["influence"] for token in values["tokens"]) == pytest.approx(row["influence"], rel=1e-9)
    done = clif("explain", documents["doc_id"][0])
    assert "(method unrolled)" in done.out
    assert "takes about as long" not in done.err  # the run keeps it by now
    assert f"Total {documents['influence'][0]:+.4f}"[:11] in done.out


def test_a_document_is_explained_without_a_ranking(workplace, clif):
    doc_id = "planted-00003"
    done = clif("explain", doc_id, *METHOD)
    assert done.code == 0, done.err
    assert "three trainings" in done.err
    alone = clif("explain", doc_id, *METHOD, "--json").json()
    documents = listed(clif)
    assert abs(documents["doc_id"].tolist().index(doc_id) + 1 - alone["rank"]) <= 1
    largest = float(documents["influence"].abs().max())
    expected = documents["influence"][documents["doc_id"] == doc_id].item()
    assert alone["influence"] == pytest.approx(expected, abs=1e-4 * largest)


def test_documents_without_a_drawn_pair_have_no_parts(workplace, clif, made):
    lines = made.corpus.read_text("utf-8")
    more = [{"id": "none", "text": "1984 42"}, {"id": "one", "text": lines.split()[5]}]
    Path("c.jsonl").write_text(lines + "".join(json.dumps(line) + "\n" for line in more), "utf-8")
    assert clif("train", "c.jsonl", "--out", "r", *OPTIONS).code == 0
    for doc_id in ("none", "one"):
        values = clif("explain", "r", doc_id, *METHOD, "--test", "planted.toml", "--json").json()
        assert (values["influence"], values["pairs"]) == (0, [])
        assert not np.any([token["influence"] for token in values["tokens"]])


def test_a_training_that_cannot_be_repeated_has_no_contexts(workplace, clif, made):
    assert clif("train", made.corpus, "--out", "r", *OPTIONS, "--workers", "2").code == 0
    for command in (("rank", "r", "--unit", "context"), ("explain", "r", "planted-00003")):
        done = clif(*command, *METHOD, "--test", "planted.toml")
        assert done.code == 2
        assert "--method unrolled: this method repeats the training" in done.err
