"""Files that mean harm: they run nothing, take little memory, lead nowhere, and steer no terminal or spreadsheet."""

from __future__ import annotations

import csv
import gzip
import importlib
import io
import json
import pickle
import struct
import subprocess
import sys
import tracemalloc
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from conftest import OPTIONS
from helpers import reseal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clif.cli.screen import Screen, clean
from clif.corpus.limits import LEAST, VARIABLE, largest_piece
from clif.corpus.metadata_file import read_metadata
from clif.corpus.reading import ReadOptions, read_documents
from clif.errors import ClifError, InputError, UsageError
from clif.explaining.texts import read_text
from clif.formats import load_vectors
from clif.objectives import BiasTest
from clif.ranking import rank
from clif.ranking.files import read_order, read_table, write_ranking
from clif.ranking.sentence_order import read_sentence_order
from clif.reporting.results import read_retrainings, read_tradeoffs, read_verifications
from clif.retraining.trainings import Journal
from clif.run import open_run, read_matrices
from clif.storage.cells import exact, inert
from clif.storage.files import read_json, write_json
from clif.storage.inside import inside, moved
from clif.storage.toml_file import parse_toml

SCRIPTS = Path(__file__).parents[1] / "scripts"
HUGE = 1 << 27  # what a bomb unpacks to
FORMULAS = ["=1+1", "+cmd", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "'=1", "''@x", '=HYPERLINK("http://x")', "＝1+1", "'-5"]
HARMLESS = ["a", "'", "'tis", "-5", "+1.5e3", "1=1", "", "he-said"]


class Harm:
    """Writes a file when it is unpickled."""

    def __reduce__(self):
        return (open, ("harm.txt", "w"))


# Nothing is run.


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_a_malicious_model_is_refused_and_does_not_run(protocol, clif, workplace):
    Path("m.model").write_bytes(pickle.dumps(Harm(), protocol))
    for command in (
        ("audit", "m.model"),
        ("export", "v.txt", "--run", "m.model"),
        ("import", "m.model", "corpus.jsonl"),
    ):
        said = clif(*command)
        assert said.code in (1, 2), command
        assert "Traceback" not in said.err
    assert "pickle" in clif("audit", "m.model").err
    assert not Path("harm.txt").exists()


def test_arrays_of_objects_are_refused(workplace):
    for name in ("tokens.npy", "sentences.npy"):
        kept = Path("clif-run", name).read_bytes()
        np.save(Path("clif-run", name), np.array([Harm()], dtype=object), allow_pickle=True)
        with pytest.raises(InputError, match="cannot be read"):
            _ = open_run("clif-run").corpus.sentences
        Path("clif-run", name).write_bytes(kept)
    assert not Path("harm.txt").exists()


def test_nothing_in_the_package_unpickles_but_what_asks_for_permission():
    package = SCRIPTS.parent / "clif"
    asks = {"formats/pickles.py"}
    for path in package.rglob("*.py"):
        text, name = path.read_text("utf-8"), path.relative_to(package).as_posix()
        if name not in asks:
            for word in ("pickle.load", "torch.load(", "read_pickle(path", "joblib", "eval(", "yaml.load"):
                assert word not in text, (name, word)
        assert text.count("np.load(") == text.count("allow_pickle=False"), name


# Little memory.


linux = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="measures memory as Linux tells it")


def unpack_in_a_process(code: str, *args: object) -> tuple[str, float]:
    """What the code prints, and the MB that it took beyond its imports."""
    before = (
        "import sys\nfrom clif.corpus.reading import ReadOptions, read_documents\n"
        "from clif.formats import load_vectors\nfrom clif.errors import ClifError\n"
        "import zstandard, pyarrow.csv, pyarrow.parquet, numpy\nimport clif.corpus.parquet\n"
        "def used():\n    with open('/proc/self/status') as file:\n"
        "        return next(int(line.split()[1]) for line in file if line.startswith('VmHWM'))\n"
        "start = used()\ntry:\n"
    )
    after = "\nexcept ClifError as error:\n    print(error.what)\nprint((used() - start) / 1000)"
    lines = "\n".join("    " + line for line in code.splitlines())
    command = [sys.executable, "-c", before + lines + after, *map(str, args)]
    *said, room = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return "\n".join(said), float(room)


@pytest.fixture(scope="module")
def bombs(tmp_path_factory):
    """One endless line, and endless rows of vectors, packed."""
    folder = tmp_path_factory.mktemp("bombs")
    for name, block in {"b.jsonl": b" " * (1 << 20), "b.vec": b"word 0 0 0 0\n" * 80_000}.items():
        with gzip.open(folder / f"{name}.gz", "wb", compresslevel=1) as file:
            for _ in range(HUGE >> 20):
                file.write(block)
        with zstandard.open(folder / f"{name}.zst", "wb") as file:
            for _ in range(HUGE >> 20):
                file.write(block)
    return folder


@linux
@pytest.mark.parametrize("ending", ["gz", "zst"])
@pytest.mark.parametrize(
    ("name", "read"),
    [("b.jsonl", "list(read_documents([sys.argv[1]], ReadOptions()))"), ("b.vec", "load_vectors(sys.argv[1])")],
)
def test_a_bomb_is_refused_before_it_fills_memory(bombs, name, ending, read):
    path = bombs / f"{name}.{ending}"
    said, room = unpack_in_a_process(read, path)
    assert "unpacks to more than" in said or "has two vectors" in said
    assert room < 100 + 10 * path.stat().st_size / 1e6


@pytest.mark.parametrize("options", [{"split": "file"}, {"split": "blank"}, {"format": "csv"}])
def test_a_bomb_of_many_lines_in_one_document(tmp_path, options):
    line = b"word\n" if options.get("format") != "csv" else b'id,text\na,"x\n' + b"word\n" * 10
    path = tmp_path / "b.txt.gz"
    path.write_bytes(gzip.compress(line + b"word\n" * (4 << 20)))
    with pytest.raises(InputError, match="unpacks to more than"):
        list(read_documents([path], ReadOptions(**{"format": "text", **options})))


def test_a_long_corpus_that_packs_well_streams(tmp_path):
    path = tmp_path / "c.jsonl.gz"
    lines = (b'{"text": "%07d%s"}\n' % (n, b"x" * 4000) for n in range(3 * LEAST // 4000))
    path.write_bytes(gzip.compress(b"".join(lines)))
    assert path.stat().st_size < LEAST // 20
    assert sum(1 for _ in read_documents([path], ReadOptions())) == 3 * LEAST // 4000


def test_the_bound_is_the_users_to_set(tmp_path, monkeypatch):
    path = tmp_path / "c.jsonl.gz"
    path.write_bytes(gzip.compress(json.dumps({"text": "x" * (2 * LEAST)}).encode()))
    with pytest.raises(InputError, match="allow more: CLIF_UNPACKED"):
        list(read_documents([path], ReadOptions()))
    monkeypatch.setenv(VARIABLE, "1 GB")
    assert largest_piece(0) == 10**9
    assert len(next(read_documents([path], ReadOptions())).text) == 2 * LEAST
    monkeypatch.setenv(VARIABLE, "much")
    with pytest.raises(UsageError, match="number of bytes"):
        list(read_documents([path], ReadOptions()))


def test_a_parquet_file_packed_into_a_bomb(tmp_path):
    path = tmp_path / "c.parquet.gz"
    path.write_bytes(gzip.compress(b"PAR1" + bytes(1 << 26) + b"PAR1"))
    with pytest.raises(InputError, match="unpacks to more than"):
        list(read_documents([path], ReadOptions()))


@linux
@pytest.mark.parametrize(("repeats", "length"), [(2048, 100_000), (1, 1 << 28)])
def test_a_parquet_bomb(tmp_path, repeats, length):
    path = tmp_path / "b.parquet"
    columns = {"id": [str(n) for n in range(repeats)], "text": [" " * length] * repeats, "of": ["x" * length] * repeats}
    pq.write_table(pa.table(columns), path, compression="zstd")
    assert path.stat().st_size < 3_000_000
    said, room = unpack_in_a_process("print(sum(1 for _ in read_documents([sys.argv[1]], ReadOptions())))", path)
    assert said == str(repeats) or "unpacks to more than" in said
    assert room < 100 + 10 * path.stat().st_size / 1e6


@pytest.mark.parametrize("header", [b"1000000000000 300\n", b"3 1000000000000\n", b"1000000000000 1000000000000\n"])
@pytest.mark.parametrize("row", [b"she 1 2 3\n", b"she " + bytes(1200)])
@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.compress])
def test_a_header_that_promises_a_million_million_rows_allocates_none(tmp_path, header, row, pack):
    (tmp_path / "v").write_bytes(pack(header + row))
    tracemalloc.start()  # which NumPy tells of its arrays
    try:
        with pytest.raises(InputError, match="header"):
            load_vectors(tmp_path / "v")
        assert tracemalloc.get_traced_memory()[1] < 100e6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("deep", ["[", '{"text":', '{"text": "a", "x": ' + "[" * 100])
def test_deep_and_broad_json(tmp_path, deep):
    (tmp_path / "c.jsonl").write_text(deep * 100_000 + "\n", "utf-8")
    with pytest.raises(InputError, match=r"not valid JSON|brackets"):
        list(read_documents([tmp_path / "c.jsonl"], ReadOptions()))
    (tmp_path / "c.jsonl").write_text('{"text": "a", "x": [' + "{}," * (1 << 21) + "0]}\n", "utf-8")
    with pytest.raises(InputError, match="brackets"):
        list(read_documents([tmp_path / "c.jsonl"], ReadOptions()))


@pytest.mark.parametrize("number", ["9" * 5000, "1" + "0" * 400, "-" + "9" * 4000, "1e999", "NaN"])
def test_strange_numbers_in_json_are_data_or_an_error(tmp_path, number):
    (tmp_path / "c.jsonl").write_text(f'{{"id": "a", "text": "she", "n": {number}}}\n', "utf-8")
    with suppress(InputError):
        documents = list(read_documents([tmp_path / "c.jsonl"], ReadOptions()))
        assert [document.doc_id for document in documents] == ["a"]


@pytest.mark.parametrize("text", ["a." * 100 + "a = 1", "a = " + "[" * 5000, "{" * 3, "a = " + "9" * 5000, "[[a" * 900])
def test_toml_that_would_take_long_or_deep_is_a_value_error(text, tmp_path):
    with pytest.raises(ValueError):
        parse_toml(text)
    (tmp_path / "t.toml").write_text(text, "utf-8")
    with pytest.raises(UsageError, match="not valid TOML"):
        BiasTest.from_toml(tmp_path / "t.toml")


def test_a_large_toml_file_is_not_read(tmp_path):
    (tmp_path / "t.toml").write_text("#" * (2 << 20), "utf-8")
    with pytest.raises(UsageError, match="more than 1 MB"):
        BiasTest.from_toml(tmp_path / "t.toml")


def test_zip_files_are_refused(tmp_path):
    import zipfile

    with zipfile.ZipFile(tmp_path / "c.jsonl", "w") as file:
        file.writestr("c.jsonl", '{"text": "she"}')
    with pytest.raises(InputError, match="zip"):
        list(read_documents([tmp_path / "c.jsonl"], ReadOptions()))
    with pytest.raises(InputError, match="zip"):
        load_vectors(tmp_path / "c.jsonl")


# Files of a run whose numbers lead compiled code astray.


def rewrite(path: Path, **columns: object) -> None:
    """Change columns of a table of the run, and keep what it says it belongs to."""
    table = pq.read_table(path)
    for name, values in columns.items():
        table = table.set_column(table.column_names.index(name), name, pa.array(values))
    pq.write_table(table.replace_schema_metadata(pq.read_schema(path).metadata), path)


def test_lengths_that_point_outside_of_the_text(workplace):
    path = Path("clif-run/documents.parquet")
    lengths = pq.read_table(path).column("tokens").to_pylist()
    lengths[0], lengths[1] = lengths[0] + 10**6, lengths[1] - 10**6
    rewrite(path, tokens=lengths)
    with pytest.raises(InputError, match="do not fit together"):
        _ = open_run("clif-run").corpus


@pytest.mark.parametrize("column", [[None] * 200, [0.5] * 200, ["a"] * 200])
def test_lengths_that_are_none(workplace, column):
    rewrite(Path("clif-run/documents.parquet"), tokens=column)
    with pytest.raises(InputError, match="cannot be read"):
        _ = open_run("clif-run").corpus


def with_hashes_that_fit(monkeypatch):
    """Whoever sends a changed file can send the hash that fits it."""
    from clif.corpus import encoding, sentence_file
    from clif.corpus.belonging import read_table

    belongs = read_table(Path("clif-run/documents.parquet"), {})[1]
    known = {"tokens.npy": belongs["tokens"], "sentences.npy": belongs["sentences"]}
    for module in (encoding, sentence_file):
        monkeypatch.setattr(module, "file_sha256", lambda path: known[path.name])


def test_tokens_of_no_word_and_sentences_beyond_the_end(workplace, monkeypatch):
    with_hashes_that_fit(monkeypatch)
    tokens = np.load("clif-run/tokens.npy")
    for place in (len(tokens), 2**63):
        np.save("clif-run/sentences.npy", np.array([0, place], dtype=np.uint64))
        with pytest.raises(InputError, match="do not fit together"):
            _ = open_run("clif-run").corpus.sentences
    tokens[3] = 10**6
    np.save("clif-run/tokens.npy", tokens)
    with pytest.raises(InputError, match="do not fit together"):
        _ = open_run("clif-run").corpus


@pytest.mark.parametrize("shape", ["(1000000000000,)", "(9999999999999999999999,)", "(-1,)", "(1000000, 1000000)", "("])
@pytest.mark.parametrize("name", ["tokens.npy", "sentences.npy"])
def test_arrays_that_promise_more_than_there_is(workplace, monkeypatch, name, shape):
    with_hashes_that_fit(monkeypatch)
    header = f"{{'descr': '<u4', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    Path("clif-run", name).write_bytes(b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header + bytes(64))
    with pytest.raises(ClifError, match=r"cannot be read|come from different|do not fit"):
        _ = open_run("clif-run").corpus.sentences


@pytest.mark.parametrize("header", [
    b"[" * 1000, b'{"U": 1}', b'{"U":{"dtype":"F32","shape":[1000000000000],"data_offsets":[0,4]}}',
    b'{"U":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]},"C":{"dtype":"F32","shape":[0],"data_offsets":[4,4]}}',
])  # fmt: skip
@pytest.mark.parametrize("length", [None, 2**62])
def test_matrices_with_absurd_headers(tmp_path, header, length):
    (tmp_path / "m").write_bytes(struct.pack("<Q", length or len(header)) + header + bytes(4))
    with pytest.raises(InputError, match="cannot be read as a model"):
        read_matrices(tmp_path / "m")


def change_manifest(change) -> None:
    reseal(Path("clif-run"), change)


@pytest.mark.parametrize("change", [
    lambda m: m["settings"].update(dim="10"), lambda m: m["settings"].update(dim=None),
    lambda m: m["corpus"].update(sources=None), lambda m: m["corpus"].update(sources=[["a"]]),
    lambda m: m["corpus"].update(read={"format": "xml"}), lambda m: m["corpus"].update(hash=1),
    lambda m: m["corpus"].update(tokens={"keep_case": "yes"}), lambda m: m["vocabulary"].update(words=-1),
    lambda m: m["vocabulary"].update(words=1e300), lambda m: m.update(corpus=[]), lambda m: m.update(training=[]),
])  # fmt: skip
def test_manifests_with_values_of_other_kinds(clif, workplace, change):
    change_manifest(change)
    said = clif("audit")
    assert said.code == 1
    assert "not the manifest of a run" in said.err


# Names lead nowhere.


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/passwd", "link/x", ".."])
def test_names_that_lead_out_are_refused(tmp_path, name):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path)
    with pytest.raises(InputError, match="leads out of"):
        inside(folder, name, folder / "manifest.json")
    assert inside(folder, "a/../b", folder / "manifest.json") == folder / "a/../b"
    with pytest.raises(InputError, match="leads out of"):
        moved(folder, "/was/" + name.lstrip("/") if name.startswith("..") else f"/{name}", "/was", folder / "m")


def test_a_manifest_that_leads_out_of_the_run(clif, workplace):
    Path("secret.txt").write_text("a password\n", "utf-8")
    change_manifest(lambda m: m["corpus"].update(sources=["../secret.txt"]))
    for command in (("retrain", "--remove-top-k", "3"), ("explain", "planted-00007"), ("report",)):
        said = clif(*command)
        assert "password" not in said.out + said.err
        assert "Traceback" not in said.err
    said = clif("retrain", "--remove-top-k", "3")
    assert said.code == 1
    assert "'../secret.txt', which leads out of clif-run" in said.err


def test_what_a_run_reads_elsewhere_is_said(clif, workplace):
    Path("secret.txt").write_text("root:x:0:0\n", "utf-8")
    change_manifest(lambda m: m["corpus"].update(sources=[str(Path("secret.txt").absolute())]))
    said = clif("explain", "planted-00007")
    assert f"Reading the corpus again, from {Path('secret.txt').absolute()}" in said.err
    assert "root:" not in said.out + said.err
    assert read_text(open_run("clif-run"), 0).note


def test_a_result_that_leads_out_of_the_run(workplace):
    folder = Path("clif-run/retrains/x")
    folder.mkdir(parents=True)
    values = {
        "test": "planted", "definitions": {}, "goal": "reduce", "removed": 1, "amplified": 0, "documents": 9,
        "control_sets": [], "folder": "/r", "edited_corpus": {"removed": ["/r/../../../../etc/passwd"]},
        "edited_tokens": 3, "measure": "effect_size", "realised": 0.0,
    }  # fmt: skip
    (folder / "result.json").write_text(json.dumps(values), "utf-8")
    run = open_run("clif-run")
    with pytest.raises(InputError, match="leads out of"):
        read_retrainings(run)[0].removed_ids(run)
    del values["folder"]
    (folder / "result.json").write_text(json.dumps(values), "utf-8")
    with pytest.raises(InputError, match="KeyError: 'folder'"):
        read_retrainings(run)[0].removed_ids(run)


# Spreadsheets.


@pytest.mark.parametrize("text", FORMULAS)
def test_formulas_are_cells_of_text_and_come_back(text):
    assert inert(text).startswith("'")
    assert exact(inert(text)) == text


@pytest.mark.parametrize("text", HARMLESS)
def test_other_texts_and_numbers_stay_as_they_are(text):
    assert inert(text) == text == exact(text)
    assert inert(-0.5) == -0.5
    assert inert(None) is None


@given(st.text(alphabet="'=+-@\t\ra1.eé＝"))
def test_every_text_comes_back(text):
    assert exact(inert(text)) == text
    assert inert(inert(text))[:1] == inert(text)[:1]
    cell = inert(text)
    assert cell[:1] not in tuple("=+-@\t\r") or pd.to_numeric(pd.Series([cell]), errors="coerce").notna().all()


def test_a_ranking_with_formulas_for_ids_goes_out_and_comes_back(clif, tmp_path, monkeypatch, made):
    monkeypatch.chdir(tmp_path)
    records = [json.loads(line) for line in made.corpus.read_text("utf-8").splitlines()[:60]]
    for record, name in zip(records, [*FORMULAS, *(name for name in HARMLESS if name)], strict=False):
        record["id"] = name
    text = "".join(json.dumps(record) + "\n" for record in records)
    Path("c.jsonl").write_text(text, "utf-8")
    assert clif("train", "c.jsonl", *OPTIONS).code == 0
    run = open_run("clif-run")
    ranking = rank(run, str(made.test), method="gradient")
    for ending in (".csv", ".jsonl", ".parquet"):
        path = write_ranking(ranking, Path(f"r{ending}"))
        assert list(read_table(path)["doc_id"]) == ranking.doc_ids
        assert len(read_order(path, run)) == len(records)
    with open("r.csv", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            assert row["doc_id"][:1] not in tuple("=@\t\r＝") or row["doc_id"] in HARMLESS
    frame = pd.read_csv("r.csv", dtype={"doc_id": str}, keep_default_na=False)
    assert list(frame["influence"]) == pytest.approx(list(ranking.influence))
    assert set(frame["doc_id"]) == {inert(doc_id) for doc_id in ranking.doc_ids}
    again = rank(run, str(made.test), method="gradient")
    assert again.reused
    assert again.doc_ids == ranking.doc_ids


# Terminals.

ESCAPES = "\x1b[2J\x1b]0;owned\x07 \x9b31m \u202egnp \r\x7f[red]x[/red]"


def shows_no_escapes(text: str) -> None:
    assert not {c for c in text if c != "\n" and not c.isprintable()}, repr(text)


def test_a_document_id_with_escape_codes_does_not_steer_the_terminal(clif, tmp_path, monkeypatch, made):
    monkeypatch.chdir(tmp_path)
    lines = made.corpus.read_text("utf-8").splitlines()[:60]
    records = [json.loads(line) for line in lines]
    records[0]["id"] = ESCAPES
    records[0]["text"] = f"{ESCAPES} {records[0]['text']}"
    records[0]["who"] = ESCAPES
    Path("c.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")
    told = [
        clif("train", "c.jsonl", *OPTIONS),
        clif("rank", "--test", str(made.test), "--method", "gradient", "--top", "all", "--by", "who"),
        clif("rank", "--test", str(made.test), "--method", "gradient", "--json"),
        clif("explain", ESCAPES, "--method", "gradient"),
        clif("explain", ESCAPES, "--method", "gradient", "--json"),
        clif("explain", "--", ESCAPES + "none"),
        clif("explain", "a", f"--{ESCAPES}"),
        clif(f"x{ESCAPES}"),
        clif("train", f"no{ESCAPES}.jsonl"),
        clif("rank", "--test", ESCAPES),
        clif("retrain", "--protect", f"{ESCAPES}\n  next: run this"),
    ]
    for said in told:
        shows_no_escapes(said.out + said.err)
        assert "Traceback" not in said.err
        assert "\n  next: run this" not in said.err
    assert all(said.code == 0 for said in told[:5]), [said.err for said in told[:5]]
    assert "\\x1b[2J" in told[1].out
    assert "[red]x[/red]" in told[1].out
    assert json.loads(told[4].out)["doc_id"] == ESCAPES


def test_progress_shows_texts_as_they_are(monkeypatch):
    screen = Screen(json=False, quiet=False)
    screen.err.file = shown = io.StringIO()
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with screen.progress() as bar:
        bar.terminal = True
        bar("read", 1, 2, f"{ESCAPES}")
        (task,) = bar.bars.tasks
        cells = [column.render(task) for column in bar.bars.columns[:3:2]]
        bar("plan", 0, None, ESCAPES)
    assert [str(cell) for cell in cells] == ["read", clean(ESCAPES)]
    assert "\\x1b[2J" in shown.getvalue()


# A small fuzzing.


@pytest.fixture(scope="module")
def readers():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(SCRIPTS)
        found = {name: importlib.import_module(name) for name in ("fuzz_seeds", "fuzz_readers", "fuzz_strategies")}
        yield found["fuzz_readers"], found["fuzz_strategies"]
        for name in found:
            sys.modules.pop(name, None)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_faulty_files_are_read_or_an_error_of_clif(data, readers, tmp_path_factory):
    fuzz_readers, strategies = readers
    reader = data.draw(st.sampled_from([*fuzz_readers.corpora(), *fuzz_readers.small_files()]), label="reader")
    path = tmp_path_factory.getbasetemp() / reader.name
    path.write_bytes(data.draw(strategies.faulty(reader.starts, reader.pieces)))
    with suppress(ClifError):
        reader.read(path)


@pytest.fixture(scope="module")
def fuzzed_run(made, readers, tmp_path_factory):
    """Readers of the files of a run, and where they go."""
    import shutil

    run = Path(shutil.copytree(made.run, tmp_path_factory.mktemp("fuzzed") / "run"))
    return run, readers[0].run_readers(run)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_faulty_files_of_a_run_are_read_or_an_error_of_clif(data, readers, fuzzed_run):
    run, found = fuzzed_run
    reader = data.draw(st.sampled_from(found), label="reader")
    path = run / reader.name
    new = path.with_name("new")
    new.write_bytes(data.draw(readers[1].faulty(reader.starts, reader.pieces)))
    new.replace(path)
    try:
        with suppress(ClifError):
            reader.read(path)
    finally:
        new.write_bytes(reader.starts[0])
        new.replace(path)


@pytest.mark.parametrize("name", ["../../../victim", "{}/victim"])
def test_a_note_of_what_shall_go_removes_nothing_outside_of_the_run(name, workplace):
    run, victim = open_run("clif-run"), workplace / "victim"
    victim.write_text("mine")
    write_json(run.retrains / "done" / "result.json", {})
    write_json(run.retrains / "models" / "forget.json", {"result": "done", "models": [name.format(workplace)]})
    journal = Journal(run)
    journal.tidy()
    with pytest.raises(InputError, match="leads out of"), journal.held():
        pass
    assert victim.read_text() == "mine"


@pytest.mark.parametrize(
    "said",
    [[], {"result": 1, "models": []}, {"result": "done"}, {"result": "done", "models": "a"}],
)
def test_a_strange_note_of_what_shall_go_is_a_clear_error(said, workplace):
    run = open_run("clif-run")
    write_json(run.retrains / "models" / "forget.json", said)
    with pytest.raises(InputError, match="does not hold what clif stores there"), Journal(run).held():
        pass


@pytest.mark.parametrize("name", ["9" * 400, "a\0b", "loop/x"])
def test_names_that_no_file_can_have_are_refused(tmp_path, name):
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(InputError, match="which can be none: ") as caught:
        inside(tmp_path, name, tmp_path / "m")
    assert len(caught.value.what) < 300


@pytest.mark.parametrize("kind", ["verifications", "retrains", "tradeoffs"])
@pytest.mark.parametrize(
    ("content", "said"),
    [("[1]", "no object"), ("7", "no object"), ("{}", "does not hold what"), ('{"checksums": 3}', "is damaged")],
)
def test_results_of_other_kinds_are_named(kind, content, said, workplace):
    folder = Path("clif-run", kind, "x")
    folder.mkdir(parents=True)
    (folder / "result.json").write_text(content, "utf-8")
    (folder / "sets.csv").write_text("test,method,set,kind,documents,tokens,predicted,realised,half_width\n", "utf-8")
    read = {"verifications": read_verifications, "retrains": read_retrainings, "tradeoffs": read_tradeoffs}[kind]
    with pytest.raises(InputError, match=said) as caught:
        read(open_run("clif-run"))
    assert caught.value.where.startswith(str(open_run("clif-run").path / kind / "x"))


@pytest.mark.parametrize(
    ("number", "said"), [("x", "'x' where"), ("1.5", "'1.5' where"), ("1e300", r"'1e\+300' where")]
)
def test_a_list_of_sentences_has_whole_numbers(number, said, workplace):
    Path("mine.csv").write_text(f"doc_id,sentence\nplanted-00007,1\nplanted-00007,{number}\n", "utf-8")
    with pytest.raises(InputError, match=said):
        read_sentence_order(Path("mine.csv"), open_run("clif-run"))
    Path("mine.csv").write_text("sentence\n1\n", "utf-8")
    with pytest.raises(InputError, match="holds no column doc_id"):
        read_sentence_order(Path("mine.csv"), open_run("clif-run"))


def test_metadata_that_are_no_text(tmp_path):
    arrow = pa.StringArray.from_buffers(1, pa.py_buffer(struct.pack("<ii", 0, 2)), pa.py_buffer(b"\xff\xfe"))
    for name, table in (("metadata", pa.table({"by": arrow})), ("documents", pa.table({"doc_id": ["a"]}))):
        pq.write_table(table.replace_schema_metadata({"corpus": "c"}), tmp_path / f"{name}.parquet")
    with pytest.raises(InputError, match="utf-8"):
        read_metadata(tmp_path, ["by"], "c")


@pytest.mark.parametrize(
    ("sums", "said"),
    [
        ({"/dev/zero": "0"}, "leads out of"),
        ({"../corpus.jsonl": "0"}, "leads out of"),
        ({"tokens.npy": 1}, "checksums"),
        (["tokens.npy"], "checksums"),
    ],
)
@pytest.mark.parametrize("file", ["manifest.json", "retrains/a/result.json"])
def test_checksums_are_of_files_of_the_run(file, sums, said, clif, workplace):
    path = Path("clif-run", file)
    write_json(path, {**(read_json(path, "") if path.exists() else {}), "checksums": sums})
    done = clif("check")
    assert done.code == 1
    assert said in done.err
    assert "Traceback" not in done.err
    if file == "manifest.json" and said == "checksums":
        assert clif("rank", "--test", "planted.toml", "--no-cache").code == 1
