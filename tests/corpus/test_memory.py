"""Corpora in memory: what is recognised, how documents are named, what is copied, and what is refused."""

from __future__ import annotations

import math
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clif.corpus.documents import Document
from clif.corpus.encoding import hash_documents
from clif.corpus.memory import paths_in, plain, spool
from clif.corpus.reading import read_documents
from clif.errors import InputError, UsageError

TEXTS = ["one two", "three four", "five six"]


def copied(tmp_path: Path, corpus, **names):
    """The documents as the run's copy gives them back."""
    spooled = spool(corpus, **names)
    return list(read_documents([spooled.store(tmp_path)], spooled.read))


def pairs(documents):
    return [(document.doc_id, document.text) for document in documents]


NUMBERED = [("0", "one two"), ("1", "three four"), ("2", "five six")]


@pytest.mark.parametrize(
    "corpus",
    [
        TEXTS,
        iter(TEXTS),
        pd.DataFrame({"text": TEXTS}),
        pd.Series(TEXTS),
        {"0": "one two", "1": "three four", "2": "five six"},
        [{"text": text} for text in TEXTS],
        ({"content": text} for text in TEXTS),
        [Document(str(n), text) for n, text in enumerate(TEXTS)],
    ],
    ids=lambda corpus: type(corpus).__name__,
)
def test_all_shapes_of_a_corpus_give_the_same_documents(tmp_path, corpus):
    assert pairs(copied(tmp_path, corpus)) == NUMBERED


def test_rows_of_pandas_are_named_by_a_column_or_their_label(tmp_path):
    frame = pd.DataFrame({"id": ["x", "y", "z"], "text": TEXTS}, index=[10, 20, 30])
    assert [d.doc_id for d in copied(tmp_path, frame)] == ["x", "y", "z"]
    assert [d.doc_id for d in copied(tmp_path, frame.drop(columns="id"))] == ["10", "20", "30"]
    assert [d.doc_id for d in copied(tmp_path, frame, id_field="")] == ["10", "20", "30"]
    assert [d.doc_id for d in copied(tmp_path, frame["text"])] == ["10", "20", "30"]


def test_fields_are_named_as_in_the_users_table_and_others_are_kept(tmp_path):
    frame = pd.DataFrame({"body": TEXTS, "text": ["a", "b", "c"], "key": [7, 8, 9], "year": np.array([1, 2, 3])})
    frame["when"] = pd.to_datetime(["2020-01-01", None, "2021-05-05"])
    frame["score"] = [0.5, math.nan, math.inf]
    documents = copied(tmp_path, frame, text_field="body", id_field="key")
    assert pairs(documents) == [("7", "one two"), ("8", "three four"), ("9", "five six")]
    assert documents[0].metadata["year"] == 1
    assert documents[0].metadata["when"] == "2020-01-01T00:00:00"
    assert documents[1].metadata["when"] is None
    assert [d.metadata["score"] for d in documents] == [0.5, None, "inf"]
    assert documents[2].metadata["text"] == "c"


def test_a_dataset_of_hugging_face_is_rows_of_mappings(tmp_path):
    datasets = pytest.importorskip("datasets")
    dataset = datasets.Dataset.from_dict({"text": TEXTS, "label": [0, 1, 0]})
    documents = copied(tmp_path, dataset)
    assert pairs(documents) == NUMBERED
    assert [d.metadata["label"] for d in documents] == [0, 1, 0]
    assert pairs(copied(tmp_path, dataset.to_iterable_dataset())) == NUMBERED
    with pytest.raises(UsageError, match="several datasets: train, test"):
        spool(datasets.DatasetDict(train=dataset, test=dataset))


def test_the_same_corpus_gives_the_same_bytes(tmp_path):
    records = [{"text": text, "tags": [1]} for text in (*TEXTS, "caf\u00e9 \u2028 \ud800 \x00")]
    first = spool(records).store(tmp_path / "a").read_bytes()
    assert spool([dict(record) for record in records]).store(tmp_path / "b").read_bytes() == first
    assert first.count(b"\n") == 4
    assert copied(tmp_path / "c", records)[-1].text == "caf\u00e9 \u2028 \ufffd \x00"


# Half of a pair of surrogates is no character, and becomes U+FFFD as in files.
words = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)


@given(st.dictionaries(words.filter(bool), words, min_size=1, max_size=8))
def test_any_texts_come_back_as_they_were(tmp_path_factory, texts):
    documents = copied(tmp_path_factory.mktemp("any"), texts)
    assert pairs(documents) == list(texts.items())
    direct = [Document(key, text) for key, text in texts.items()]
    assert hash_documents(documents) == hash_documents(direct)


@pytest.mark.parametrize(
    ("corpus", "said"),
    [
        ([], "no documents"),
        (pd.DataFrame({"text": []}), "no documents"),
        (pd.DataFrame({"body_of_it": TEXTS}), "no field for the text among: body_of_it"),
        (pd.DataFrame({"text": [*TEXTS[:2], None]}), "'text' is null, not a string"),
        (pd.DataFrame({"text": ["one two", 5.0]}), "'text' is the number 5.0"),
        (pd.DataFrame({"id": ["a", "a"], "text": TEXTS[:2]}), "'a' stands twice, first at row 0 of the data frame"),
        (pd.DataFrame({"text": TEXTS}, index=[1, 2, 1]), "'1' stands twice"),
        (pd.DataFrame([["a", "b"]], columns=["text", "text"]), "two columns are named 'text'"),
        ([{"id": "a", "text": "b c"}, {"text": "d"}], "the id field 'id' is missing"),
        (["a b", 7], "a document cannot be the number 7"),
        ([b"a b"], "a document cannot be bytes"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path, corpus, said):
    with pytest.raises(InputError, match=said):
        copied(tmp_path, corpus)


@pytest.mark.parametrize("corpus", [7, b"text", {"text": ["a b", "c d"]}, object()])
def test_what_is_no_corpus_is_refused(corpus):
    with pytest.raises(UsageError):
        spool(corpus)


def test_strings_in_a_list_are_paths_where_they_can_only_be_that(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my corpus.txt").write_text("x")
    assert paths_in("any thing") == ["any thing"]
    assert paths_in(Path("a")) == [Path("a")]
    assert paths_in(["a.jsonl", "b.jsonl"]) == ["a.jsonl", "b.jsonl"]
    assert paths_in(["my corpus.txt"]) == ["my corpus.txt"]
    assert paths_in([Path("a b"), "sotu"]) == [Path("a b"), "sotu"]
    for texts in (TEXTS, tuple(TEXTS), ["x" * 10_000 + " y"], []):
        assert paths_in(texts) is None
    assert paths_in(OrderedDict(a="b c")) is None
    with pytest.raises(UsageError, match=r"'my corpus\.txt' is a file and 'other one\.txt' is not"):
        paths_in(["my corpus.txt", "other one.txt"])


def test_values_become_plain():
    assert plain({1: (np.int64(2), np.float32(0.5), np.bool_(True))}) == {"1": [2, 0.5, True]}
    assert plain([pd.NA, pd.NaT, float("nan"), None]) == [None] * 4
    assert plain(pd.Timestamp("2020-02-03")) == "2020-02-03T00:00:00"
    assert plain(Path("a")) == "a"
