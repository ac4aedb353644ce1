"""Metadata: what is kept of each format, and a table that gives back what went in."""

from __future__ import annotations

import gzip
import json
import math
import shutil
import tempfile
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clif.corpus import metadata_file
from clif.corpus.encoding import DOCUMENTS, encode, open_corpus
from clif.corpus.metadata import LONGEST, as_text, metadata_of
from clif.corpus.metadata_file import METADATA, MOST_FIELDS, check_fields, read_metadata, read_row
from clif.corpus.reading import Document, ReadOptions, read_documents
from clif.corpus.tokenising import Tokeniser
from clif.corpus.writing import write_edited
from clif.errors import InputError, MismatchError

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=LONGEST)
)
names = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
json_values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(names, inner, max_size=3)
)


def metadata(path: Path, content: str | None = None, **options: str) -> list[dict[str, object]]:
    """Metadata of the documents of a file."""
    if content is not None:
        path.write_text(content, "utf-8")
    return [dict(document.metadata) for document in read_documents([path], ReadOptions(**options))]


def encoded(rows: list[dict[str, object]], folder: Path):
    return encode([Document(f"d{z}", "a b", "", None, row) for z, row in enumerate(rows)], Tokeniser(), folder)


# What is kept of a record.


@given(record=st.dictionaries(names, json_values, max_size=6))
def test_metadata_are_flat_scalars(record):
    found = metadata_of(record, ("text",), "f.jsonl")
    for name, value in found.items():
        assert isinstance(name, str)
        assert value is None or type(value) in (str, int, float, bool)
        assert len(value) <= LONGEST if isinstance(value, str) else True
    plain = {name for name, value in record.items() if not isinstance(value, list | dict) and name != "text"}
    assert plain <= found.keys()
    assert all(found[name] == record[name] for name in plain)
    assert "file" in found


def test_one_level_of_objects_is_flattened():
    record = {
        "meta": {"source": "a", "deep": {"x": 1}, "list": [1], "n": 2.5, "none": None},
        "tags": ["a"],
        "ok": True,
        "meta.n": 7,
        "text": "t",
        "id": "i",
    }
    assert metadata_of(record, ("text", "id"), "f") == {
        "meta.source": "a", "meta.n": 7, "meta.none": None, "ok": True, "file": "f"
    }  # fmt: skip


def test_long_strings_are_cut():
    assert metadata_of({"a": "x" * 200, "b": {"c": "é" * 201}}, (), "f") == {
        "a": "x" * 200, "b.c": "é" * 199 + "…", "file": "f"
    }  # fmt: skip


def test_halves_of_surrogate_pairs_are_replaced():
    assert metadata_of({"a\ud800": "x\udc00y"}, (), "f") == {"a\ufffd": "x\ufffdy", "file": "f"}


def test_a_field_named_file_stays():
    assert metadata_of({"file": "mine"}, (), "f") == {"file": "mine"}
    assert metadata_of({"file": ["mine"]}, (), "f") == {"file": "f"}


@pytest.mark.parametrize(
    ("value", "text"),
    [("a", "a"), (True, "true"), (False, "false"), (1, "1"), (1.0, "1.0"), (1e300, "1e+300"), (2**70, str(2**70))],
)
def test_values_as_text(value, text):
    assert as_text(value) == text


# Formats.


def test_json_lines(tmp_path):
    lines = [{"id": 1, "text": "a", "source": "x", "n": 1}, {"id": 2, "text": "b", "meta": {"by": "me"}, "l": [1]}]
    content = "".join(json.dumps(line) + "\n" for line in lines)
    expected = [{"source": "x", "n": 1, "file": "c.jsonl"}, {"meta.by": "me", "file": "c.jsonl"}]
    assert metadata(tmp_path / "c.jsonl", content) == expected
    # Numbered by position, an id is a field like others.
    assert metadata(tmp_path / "c.jsonl", id_field="")[0] == {"id": 1, **expected[0]}
    with gzip.open(tmp_path / "c.gz", "wt") as file:
        file.write(content)
    assert metadata(tmp_path / "c.gz") == [{**row, "file": "c.gz"} for row in expected]


def test_json_array(tmp_path):
    content = json.dumps([{"text": "a", "year": 1954}, {"text": "b", "year": None}])
    assert metadata(tmp_path / "c.json", content) == [
        {"year": 1954, "file": "c.json"}, {"year": None, "file": "c.json"}
    ]  # fmt: skip


@pytest.mark.parametrize(("ending", "tab"), [("csv", ","), ("tsv", "\t")])
def test_tables(tmp_path, ending, tab):
    rows = [
        ["id", "source", "text", "", "year", "source"],
        ["1", "x", "a", "9", "1954", "z"],
        ["2", "", "b", "", "", ""],
    ]
    content = "".join(tab.join(row) + "\n" for row in rows)
    found = metadata(tmp_path / f"c.{ending}", content)
    assert found == [
        {"source": "x", "year": "1954", "file": f"c.{ending}"}, {"source": None, "year": None, "file": f"c.{ending}"}
    ]  # fmt: skip
    assert list(found[0]) == ["source", "year", "file"]


def test_neutrality_corpus(tmp_path):
    found = metadata(tmp_path / "c.tsv", "17\ta b\ta\tx\n", format="wnc")
    assert found == [{"revision": "17", "file": "c.tsv"}]


def test_parquet(tmp_path):
    long = "x" * 300
    pq.write_table(
        pa.table(
            {
                "text": ["a", "b"],
                "s": [long, None],
                "large": pa.array(["ä", None], pa.large_string()),
                "view": pa.array(["ä", long], pa.string_view()),
                "kind": pa.array(["u", "u"]).dictionary_encode(),
                "i": pa.array([1, None], pa.int8()),
                "u": pa.array([2**64 - 1, 0], pa.uint64()),
                "f": pa.array([0.5, None], pa.float32()),
                "yes": [True, None],
                "day": [date(1954, 1, 7), None],
                "when": pa.array([datetime(1954, 1, 7), None], pa.timestamp("ms", "Nowhere/At_All")),
                "meta": [{"source": long, "n": 1, "deep": {"x": 1}, "list": [1]}, None],
                "meta.dotted": [1, 2],
                "list": [[1], [2]],
                "bytes": [b"x", b"y"],
                "price": [Decimal("1.5"), None],
                "": [1, 2],
                "objects": [{"l": [1]}, {"l": [2]}],
            }
        ),
        tmp_path / "c.parquet",
    )
    cut = "x" * 199 + "…"
    first, second = metadata(tmp_path / "c.parquet")
    assert first == {
        "s": cut, "large": "ä", "view": "ä", "kind": "u", "i": 1, "u": 2**64 - 1, "f": 0.5, "yes": True,
        "day": "1954-01-07", "when": "1954-01-07 00:00:00.000", "meta.source": cut, "meta.n": 1, "meta.dotted": 1,
        "file": "c.parquet",
    }  # fmt: skip
    assert second == {
        "s": None, "large": None, "view": cut, "kind": "u", "i": None, "u": 0, "f": None, "yes": None, "day": None,
        "when": None, "meta.dotted": 2, "file": "c.parquet",
    }  # fmt: skip


def test_parquet_with_two_columns_of_one_name(tmp_path):
    arrays = [pa.array(["a"]), pa.array([1]), pa.array([2]), pa.array([3])]
    pq.write_table(pa.Table.from_arrays(arrays, names=["text", "n", "n", "m"]), tmp_path / "c.parquet")
    assert metadata(tmp_path / "c.parquet") == [{"m": 3, "file": "c.parquet"}]


def test_plain_text_knows_its_file_within_the_folder(tmp_path):
    (tmp_path / "c" / "a").mkdir(parents=True)
    (tmp_path / "c" / "a" / "one.txt").write_text("one")
    (tmp_path / "c" / "two.txt").write_text("two")
    assert metadata(tmp_path / "c") == [{"file": "a/one.txt"}, {"file": "two.txt"}]
    assert metadata(tmp_path / "c", split="line") == [{"file": "a/one.txt"}, {"file": "two.txt"}]
    assert metadata(tmp_path / "c" / "two.txt", split="blank") == [{"file": "two.txt"}]


def test_files_of_one_name_have_different_ones(tmp_path):
    for folder in "ab":
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "c.txt").write_text("one")
    documents = read_documents([tmp_path / "a" / "c.txt", tmp_path / "b" / "c.txt"], ReadOptions())
    assert [document.metadata["file"] for document in documents] == ["c.txt", "2-c.txt"]


def test_speeches():
    first = next(read_documents([], ReadOptions()))
    assert first.metadata == {"year": 1790, "president": "Washington", "party": "Nonpartisan"}
    assert first.record == {"id": first.doc_id, "text": first.text, **first.metadata}


def test_edits_write_what_metadata_leave_out(tmp_path):
    record = {"id": "a", "text": "a", "long": "x" * 300, "deep": {"er": {"est": [1, 2]}}, "half": "\ud800"}
    line = json.dumps(record) + "\n"
    (tmp_path / "c.jsonl").write_text(line + line.replace('"a"', '"b"'), "utf-8")
    row = f'a,a,"{"x" * 300}",,z\n'
    (tmp_path / "c.csv").write_text(
        "id,text,long,empty,empty\n" + row.replace("a", "c") + row.replace("a", "d"), "utf-8"
    )
    table = pa.table({"id": ["e", "f"], "text": ["e", "f"], "long": ["x" * 300] * 2, "deep": [{"er": [1]}] * 2})
    pq.write_table(table, tmp_path / "c.parquet")
    sources = [tmp_path / name for name in ("c.jsonl", "c.csv", "c.parquet")]
    write_edited(sources, ReadOptions(), tmp_path / "new", {"b": 0, "d": 0, "f": 0})
    for part, rows in (("kept", slice(0, 1)), ("removed", slice(1, 2))):
        folder = tmp_path / "new" / part
        assert (folder / "c.jsonl").read_text("utf-8") == "".join(sources[0].read_text("utf-8").splitlines(True)[rows])
        lines = sources[1].read_text("utf-8").splitlines(True)
        assert (folder / "c.csv").read_text("utf-8") == lines[0] + "".join(lines[1:][rows])
        assert pq.read_table(folder / "c.parquet").equals(table[rows])


# The table.

rows = st.lists(st.dictionaries(names.filter(bool), scalars, max_size=4), min_size=1, max_size=12)


@settings(deadline=None)
@given(rows=rows, cells=st.sampled_from([1, 3, 1 << 17]))
def test_what_goes_in_comes_out_or_becomes_text(rows, cells):
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(metadata_file, "CELLS", cells)
        corpus = encoded(rows, Path(folder))
        fields = list(dict.fromkeys(name for row in rows for name in row))
        assert pq.read_schema(Path(folder) / METADATA).names == fields
        found = read_metadata(Path(folder), fields, corpus.content_hash)
        for name in fields:
            values = [row.get(name) for row in rows]
            # Numbers of more than 64 bits are text as well.
            kinds = {
                int if type(v) is int and -(2**63) <= v < 2**63 else str if type(v) is int else type(v) for v in values
            }
            big = any(type(v) is int and not -(2**63) <= v < 2**63 for v in values)
            if len(kinds - {type(None)}) > 1 or big:
                values = [None if value is None else as_text(value) for value in values]
            assert found[name] == values
            assert list(map(type, found[name])) == list(map(type, values))


def test_fields_that_come_late_and_fields_without_a_value(tmp_path, monkeypatch):
    monkeypatch.setattr(metadata_file, "CELLS", 2)
    rows = [{}, {"a": None}, {}, {"b": 1}, {"a": None}, {"c": math.nan}, {"b": True}]
    corpus = encoded(rows, tmp_path)
    found = read_metadata(tmp_path, ["a", "b", "c"], corpus.content_hash)
    assert found["a"] == [None] * 7
    assert found["b"] == [None, None, None, "1", None, None, "true"]
    assert [value is None for value in found["c"]] == [True] * 5 + [False, True]
    assert pq.read_schema(tmp_path / METADATA).field("a").type == pa.string()
    assert pq.ParquetFile(tmp_path / METADATA).num_row_groups > 1


def test_fields_whose_names_begin_alike_are_kept_apart(tmp_path):
    corpus = encoded([{"a": 1, "a.b": 2, "a.b.c": 3, ".": 4, "A": 5}], tmp_path)
    for name, value in {"a": 1, "a.b": 2, "a.b.c": 3, ".": 4, "A": 5}.items():
        assert read_metadata(tmp_path, [name], corpus.content_hash) == {name: [value]}


def test_no_more_fields_than_can_be_held(tmp_path):
    corpus = encoded([{f"user-{z}-{n}": 1 for n in range(10)} for z in range(100)], tmp_path)
    names = pq.read_schema(tmp_path / METADATA).names
    assert len(names) == MOST_FIELDS
    assert read_metadata(tmp_path, ["user-0-0"], corpus.content_hash)["user-0-0"] == [1] + [None] * 99
    with pytest.raises(InputError) as caught:
        read_metadata(tmp_path, ["user-99-0"], corpus.content_hash)
    assert f"(the first {MOST_FIELDS} were kept)" in caught.value.next


def test_documents_without_metadata_have_no_fields(tmp_path):
    corpus = encoded([{}, {}], tmp_path)
    assert read_metadata(tmp_path, [], corpus.content_hash) == {}
    with pytest.raises(InputError, match="no field 'a'") as caught:
        read_metadata(tmp_path, ["a"], corpus.content_hash)
    assert "Known fields: none." in caught.value.next


def test_an_unknown_field_is_refused_with_the_known_ones(tmp_path):
    corpus = encoded([{"source": 1}, {"year": 1}], tmp_path)
    for ask in (read_metadata, check_fields):
        with pytest.raises(InputError, match="no field 'sources'") as caught:
            ask(tmp_path, ["year", "sources"], corpus.content_hash)
        assert caught.value.where == str(tmp_path / METADATA)
        assert "Known fields: source, year." in caught.value.next


def test_opening_a_corpus_does_not_read_metadata(tmp_path):
    encoded([{"a": 1}], tmp_path)
    (tmp_path / METADATA).write_bytes(b"nonsense")
    assert open_corpus(tmp_path).doc_ids == ["d0"]


@pytest.mark.parametrize("content", [b"", b"nonsense", None])
def test_a_damaged_file_is_named(tmp_path, content):
    corpus = encoded([{"a": 1}], tmp_path)
    path = tmp_path / METADATA
    path.write_bytes(path.read_bytes()[:-7] if content is None else content)
    with pytest.raises(InputError, match="cannot be read") as caught:
        read_metadata(tmp_path, ["a"], corpus.content_hash)
    assert caught.value.where == str(path)


def test_a_column_that_is_damaged_is_named(tmp_path):
    corpus = encoded([{"a": "x" * n} for n in range(100)], tmp_path)
    path = tmp_path / METADATA
    data = path.read_bytes()
    path.write_bytes(data[:4] + bytes(len(data[4:300])) + data[300:])
    check_fields(tmp_path, ["a"], corpus.content_hash)
    with pytest.raises(InputError, match="cannot be read") as caught:
        read_metadata(tmp_path, ["a"], corpus.content_hash)
    assert caught.value.where == str(path)


def test_metadata_of_another_corpus_are_refused(tmp_path):
    corpus = encoded([{"a": 1}], tmp_path / "mine")
    encoded([{"a": 1}, {"a": 2}], tmp_path / "other")
    shutil.copy(tmp_path / "other" / METADATA, tmp_path / "mine")
    with pytest.raises(MismatchError, match="another corpus") as caught:
        read_metadata(tmp_path / "mine", ["a"], corpus.content_hash)
    assert caught.value.where == str(tmp_path / "mine" / METADATA)


def test_a_run_of_an_earlier_version_says_what_it_lacks(tmp_path):
    corpus = encoded([{"a": 1}], tmp_path)
    (tmp_path / METADATA).unlink()
    with pytest.raises(InputError, match="earlier version") as caught:
        read_metadata(tmp_path, ["a"], corpus.content_hash)
    assert caught.value.where == str(tmp_path)
    assert "--force" in caught.value.next


def test_the_table_names_its_corpus_and_metadata_do_not_change_it(tmp_path):
    with_metadata, without = encoded([{"a": 1}], tmp_path / "a"), encoded([{}], tmp_path / "b")
    assert with_metadata.content_hash == without.content_hash
    said = pq.read_schema(tmp_path / "a" / METADATA).metadata
    assert said == pq.read_schema(tmp_path / "a" / DOCUMENTS).metadata
    assert said[b"corpus"].decode() == with_metadata.content_hash


def test_the_row_of_a_document_holds_the_fields_that_it_has(tmp_path, monkeypatch):
    monkeypatch.setattr(metadata_file, "CELLS", 4)  # several row groups
    rows = [{"a": z, **({"b": f"x{z}"} if z % 3 else {})} for z in range(10)]
    corpus = encoded(rows, tmp_path)
    assert pq.ParquetFile(tmp_path / METADATA).num_row_groups > 1
    assert [read_row(tmp_path, z, corpus.content_hash) for z in range(10)] == rows


def test_a_row_is_refused_as_columns_are(tmp_path):
    corpus = encoded([{"a": 1}], tmp_path)
    with pytest.raises(MismatchError, match="another corpus"):
        read_row(tmp_path, 0, "another")
    path = tmp_path / METADATA
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(InputError, match="cannot be read"):
        read_row(tmp_path, 0, corpus.content_hash)
    path.unlink()
    assert read_row(tmp_path, 0, corpus.content_hash) == {}


def test_documents_without_any_field_have_empty_rows(tmp_path):
    corpus = encoded([{}, {}], tmp_path)
    assert read_row(tmp_path, 1, corpus.content_hash) == {}
