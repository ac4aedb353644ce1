"""Good files of every kind that clif reads, which fuzzing begins with, and the pieces that faults are made of."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

RECORDS = [{"id": f"d{n}", "text": f"she and he work, No {n}.", "year": n, "by": {"who": "x"}} for n in range(3)]
JSONL = "".join(json.dumps(record) + "\n" for record in RECORDS).encode()
VECTORS = b"3 2\nshe 0.5 1\nhe -1e-3 2\nwork 0 .25\n"
BINARY = b"2 2\n" + b"".join(w + b" " + np.array([1, 2], "<f4").tobytes() + b"\n" for w in (b"she", b"he"))
WORDS = b'name = "t"\nX = ["a", "b"]\nY = ["c", "d"]\nA = ["e", "f"]\nB = ["g", "h"]\n'
LABELS = WORDS + b'kind = "ripa"\nlanguage = "en"\nsource = "s"\n[labels]\nX = "x"\n[options]\nk = 1.5\n'
CONFIG = b'out = "r"\n[corpus]\ncorpus = ["a.jsonl"]\n[train]\ndim = 10\nsample = 0\n[rank]\nstrict = true\n'
PAIRS = b'name = "p"\nsource = "s"\npairs = [["he", "she"], ["man", "woman"]]\none_way = [["him", "her"]]\n'
RANKING = b'rank,doc_id,influence,stderr,tokens\n1,d0,-0.5,,10\n2,"d,1",0.25,,12\n'
TREC = b"t Q0 d0 1 0.5 clif-block\nt Q0 d1 2 -0.25 clif-block\n"
JUDGED = b"Word 1\tWord 2\tHuman\nlove\tsex\t6.77\ntiger\tcat\t7.35\n# x\na,b,1\n"
ANALOGIES = b": capital\nathens greece rome italy\n"

# Structures that deserve a fault, by what they are about. Single bytes come from the engines themselves.
NUMBERS = [b"0", b"-1", b"1e309", b"nan", b"inf", b"1000000000000", b"9" * 400, b"9" * 5000, b"0x10", b"1_0", b"1.5"]
STRANGE = [
    b"\0",
    b"\x1b[2J",
    b"\xff",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    b"\xe2\x80\xae",
    b"\r",
    b"\r\n",
    b"\n",
    b"\x85",
]
JSON = [
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b",",
    b'"',
    b"null",
    b"true",
    b"NaN",
    b"\\ud800",
    b"\\u0000",
    b"[" * 3000,
    b'{"a":',
]
JSON += [b'"id"', b'"text"', b'""', b"{}", b"[]", b'"../../x"', b'"/etc/passwd"']
TOML = [b"=", b"[", b"]", b"[[", b"]]", b"{", b"}", b'"""', b"'", b".", b"a.", b"a." * 2000, b"[" * 3000, b"{a=" * 900]
TOML += [b"1979-05-27", b"07:32:00", b"true", b'"\\ud800"', b"#", b'"\\u0000"', b"X", b"name", b"pairs", b"kind"]
TABLE = [b",", b"\t", b'"', b'""', b"id", b"text", b"doc_id", b"src_tok", b"=1+1", b"\n\n"]
ROWS = [b" ", b"\n", b"a ", b"3 2\n", b"1000000000000 300\n", b"2 1000000\n", b"99999999999999999999 1\n", b"\x80\x04"]
BYTES = [
    b"\xff" * 8,
    b"\0" * 8,
    b"\x7f\xff\xff\xff",
    b"\xff\xff\xff\x7f",
    b"PAR1",
    b"\x93NUMPY",
    b"\x80",
    b"\x28\xb5\x2f\xfd",
]


def table(codec: str = "none", rows: int = 3) -> bytes:
    """A Parquet file of documents."""
    made = io.BytesIO()
    columns = {"id": [f"d{n}" for n in range(rows)], "text": ["she and he"] * rows, "year": list(range(rows))}
    pq.write_table(pa.table(columns), made, compression=codec)
    return made.getvalue()


def ranking_table() -> bytes:
    """A Parquet file of a ranking."""
    made = io.BytesIO()
    pq.write_table(pa.table({"rank": [1, 2], "doc_id": ["d0", "d1"], "influence": [-1.0, 2.0]}), made)
    return made.getvalue()


def gz(data: bytes) -> bytes:
    """Packed, without the time."""
    return gzip.compress(data, mtime=0)


def zst(data: bytes) -> bytes:
    """Packed."""
    return zstandard.compress(data)


def make_run(folder: Path) -> None:
    """A run that has been through everything, with one of each file that a run can hold."""
    from clif.objectives import BiasTest
    from clif.ranking import rank
    from clif.retraining import retrain
    from clif.settings import TrainingSettings
    from clif.tradeoffs import tradeoff
    from clif.training import train
    from clif.verification import verify

    data = Path(__file__).parents[1] / "data"
    corpus = folder.with_name("corpus.jsonl")
    corpus.write_bytes(b"".join((data / "planted.jsonl").read_bytes().splitlines(keepends=True)[:120]))
    run = train([corpus], folder, TrainingSettings(dim=4, epochs=2, min_count=1, sample=0.0)).run
    test = BiasTest.from_toml(data / "planted.toml")
    rank(run, test, method="clif", unit="sentence")
    rank(run, test, method="clif", ensemble=2)
    retrain(run, test, remove=3, seeds=1, controls=1, processes=1)
    verify(run, test, sizes=(3,), random_sets=1, random_shares=(), subsets=2, alpha=(0.5,), seeds=1, processes=1)
    tradeoff(run, test, shares=(0.05,), seeds=1, policies=("clif", "random"), processes=1)
    (run.retrains / "models").mkdir(exist_ok=True)
    (run.retrains / "models" / "forget.json").write_bytes(b'{"result": "planted", "models": ["a.safetensors"]}')
