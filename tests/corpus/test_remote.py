"""Corpora at URLs are read as they stream in, and train as files of this machine do."""

from __future__ import annotations

import functools
import gzip
import http.server
import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clif.corpus.reading import ReadOptions, read_documents
from clif.corpus.remote import Remote, is_url, located
from clif.corpus.sources import find_files
from clif.errors import InputError

fsspec = pytest.importorskip("fsspec")

LINES = '{"id": "a", "text": "one two"}\n{"id": "b", "text": "three"}\n'


@pytest.fixture
def memory() -> Iterator[Any]:
    """The file system memory://, empty."""
    files = fsspec.filesystem("memory")
    files.store.clear()
    yield files
    files.store.clear()


def test_what_is_a_url():
    assert is_url("s3://bucket/x.jsonl")
    assert not is_url("C:\\x.jsonl")
    assert not is_url("folder/x.jsonl")
    assert located("memory://x") == Remote("memory://x")
    assert located("x") == Path("x")


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_file_gives_its_documents(memory, pack):
    memory.pipe("/bucket/corpus.jsonl", pack(LINES.encode()))
    documents = list(read_documents(["memory://bucket/corpus.jsonl"], ReadOptions()))
    assert [(d.doc_id, d.text) for d in documents] == [("a", "one two"), ("b", "three")]
    assert documents[0].place == "memory://bucket/corpus.jsonl:1"


def test_shards_by_pattern_and_by_folder(memory):
    for name in ("shard-2.txt", "shard-1.txt", ".hidden.txt", "deep/shard-3.txt"):
        memory.pipe(f"/bucket/{name}", f"text of {name}\n".encode())
    by_pattern = find_files(["memory://bucket/shard-*.txt"])
    assert [file.name for file in by_pattern] == ["shard-1.txt", "shard-2.txt"]
    assert not by_pattern[0].in_folder
    by_folder = find_files(["memory://bucket"])
    assert [file.name for file in by_folder] == ["deep/shard-3.txt", "shard-1.txt", "shard-2.txt"]
    assert [d.text for d in read_documents(["memory://bucket/shard-*.txt"], ReadOptions())] == [
        "text of shard-1.txt",
        "text of shard-2.txt",
    ]


def test_parquet(memory):
    import io

    import pyarrow as pa
    import pyarrow.parquet as pq

    made = io.BytesIO()
    pq.write_table(pa.table({"id": ["a", "b"], "text": ["one", "two"]}), made)
    memory.pipe("/t.parquet", made.getvalue())
    assert [d.doc_id for d in read_documents(["memory://t.parquet"], ReadOptions())] == ["a", "b"]


def test_the_same_url_twice(memory):
    memory.pipe("/c.jsonl", LINES.encode())
    with pytest.raises(InputError, match="is the same file"):
        find_files(["memory://c.jsonl", "memory://c.jsonl"])


@pytest.mark.parametrize("url", ["memory://nothing.jsonl", "memory://nothing-*.jsonl"])
def test_what_is_not_there(memory, url):
    with pytest.raises(InputError) as raised:
        list(read_documents([url], ReadOptions()))
    assert raised.value.where == url
    assert raised.value.next


def test_an_unknown_protocol():
    with pytest.raises(InputError, match="cannot be read as a URL"):
        list(read_documents(["nonsense://x"], ReadOptions()))


@pytest.mark.parametrize(("url", "extra"), [("s3://bucket/x.jsonl", "s3"), ("gs://bucket/x.jsonl", "gs")])
def test_a_missing_extra_is_named(monkeypatch, url, extra):
    for module in ("s3fs", "gcsfs"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InputError) as raised:
        list(read_documents([url], ReadOptions()))
    assert raised.value.next == f"pip install 'clif[{extra}]'"


def test_without_fsspec(monkeypatch):
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(InputError, match="fsspec is not installed") as raised:
        list(read_documents(["https://nowhere.invalid/x.jsonl"], ReadOptions()))
    assert raised.value.next == "pip install 'clif[http]'"


def test_a_connection_that_breaks_off_is_an_error_of_that_file(memory, monkeypatch):
    class BrokenError(Exception):
        pass

    class Stream:
        reads = 0

        def read(self, size: int) -> bytes:
            self.reads += 1
            if self.reads > 1:
                raise BrokenError("connection reset")
            return LINES.encode()

        def close(self) -> None:
            pass

    monkeypatch.setattr(type(memory), "open", lambda *_, **__: Stream())
    memory.pipe("/c.jsonl", LINES.encode())
    monkeypatch.setattr(type(memory), "exists", lambda *_: True)
    with pytest.raises(InputError, match="connection reset") as raised:
        list(read_documents(["memory://c.jsonl"], ReadOptions()))
    assert raised.value.where == "memory://c.jsonl"


def test_a_run_on_a_url_is_that_on_the_file(clif, workplace, memory):
    memory.pipe("/bucket/corpus.jsonl", (workplace / "corpus.jsonl").read_bytes())
    options = ("--dim", "10", "--epochs", "8", "--min-count", "2", "--sample", "0", "--json")
    made = clif("train", "memory://bucket/corpus.jsonl", "--out", "far", *options).json()
    assert made["documents"] == 200
    assert (workplace / "far/model.safetensors").read_bytes() == (workplace / "clif-run/model.safetensors").read_bytes()
    manifest = json.loads((workplace / "far/manifest.json").read_text())
    assert manifest["corpus"]["sources"] == ["memory://bucket/corpus.jsonl"]
    assert clif("train", "memory://bucket/corpus.jsonl", "--out", "far", *options).json()["reused"]
    # The text of a document is read again, and is that of the file.
    ranked = clif("rank", "far", "--test", "planted.toml", "--measure", "mean_difference", "--json").json()
    assert ranked["documents"] == 200
    first = (workplace / "clif-run/rankings").glob("*.csv")
    doc_id = next(first).read_text().splitlines()[1].split(",")[1]
    near, far = (clif("explain", run, doc_id, "--json").json() for run in ("clif-run", "far"))
    assert far["original_text"]
    assert [t["text"] for t in far["tokens"]] == [t["text"] for t in near["tokens"]]
    memory.rm("/bucket/corpus.jsonl")
    gone = clif("explain", "far", doc_id)
    assert gone.code == 0
    assert "cannot be read now" in gone.out + gone.err


def test_retraining_writes_the_edited_corpus_of_a_url(clif, workplace, memory, quick_retraining):
    memory.pipe("/bucket/corpus.jsonl.gz", gzip.compress((workplace / "corpus.jsonl").read_bytes()))
    options = ("--dim", "10", "--epochs", "2", "--min-count", "2", "--sample", "0", "--quiet")
    assert clif("train", "memory://bucket/*.jsonl.gz", "--out", "far", *options).code == 0
    ask = ("far", "--test", "planted.toml", "--measure", "mean_difference", "--remove-top-k", "5")
    done = clif("retrain", *ask, "--seeds", "1", "--controls", "2", "--json").json()
    (kept,) = done["edited_corpus"]["kept"]
    assert Path(kept).name == "corpus.jsonl.gz"
    assert len(gzip.decompress(Path(kept).read_bytes()).splitlines()) == 195
    memory.pipe("/bucket/corpus.jsonl.gz", gzip.compress(LINES.encode()))
    changed = clif("retrain", *ask, "--seeds", "2", "--controls", "2")
    assert changed.code == 5
    assert "memory://bucket/*.jsonl.gz: the corpus has changed" in changed.err


@pytest.fixture
def server(tmp_path) -> Iterator[str]:
    """A web server on this machine, which knows no parts of files."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as found:
        thread = threading.Thread(target=found.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{found.server_address[1]}"
        found.shutdown()
        thread.join()


def test_http(server, tmp_path):
    pytest.importorskip("aiohttp")
    (tmp_path / "c.jsonl").write_text(LINES)
    documents = list(read_documents([f"{server}/c.jsonl?version=2"], ReadOptions()))
    assert [d.doc_id for d in documents] == ["a", "b"]
    with pytest.raises(InputError, match="no such file"):
        list(read_documents([f"{server}/d.jsonl"], ReadOptions()))
