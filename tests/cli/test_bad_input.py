"""What a user can do wrong: the documented exit code, what and where, what to do next, and nothing half written."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zstandard
from conftest import OPTIONS, Clif, Made

from clif.objectives import BiasTest
from clif.storage.files import read_json, to_json, write_json


@dataclass(frozen=True)
class Bad:
    """A command that must fail with `code`; its message holds all of `says`. `prepare(made)` makes the files."""

    name: str
    args: tuple[str, ...]
    code: int
    says: tuple[str, ...]
    prepare: Callable[[Made], object] | None = None
    stdin: bytes = b""


CASES: list[Bad] = []


def bad(name: str, command: str, code: int, *says: str, **more: Any) -> None:
    """Note a case; {options} in the command stands for settings that train the small corpus."""
    args = tuple(part for word in command.split() for part in (OPTIONS if word == "{options}" else (word,)))
    CASES.append(Bad(name, args, code, says, **more))


def write(name: str, content: str | bytes) -> Callable[[Made], object]:
    data = content.encode() if isinstance(content, str) else content
    return lambda _made: (Path(name).parent.mkdir(exist_ok=True), Path(name).write_bytes(data))


def lines(*records: object) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def cut(path: str, share: float = 0.5) -> Callable[[Made], object]:
    """The file loses its end."""
    return lambda _made: Path(path).write_bytes(Path(path).read_bytes()[: int(Path(path).stat().st_size * share)])


def packed(name: str, pack: Callable[[bytes], bytes]) -> Callable[[Made], object]:
    """The corpus, compressed and cut off."""
    return lambda made: Path(name).write_bytes(pack(made.corpus.read_bytes())[:-2000])


def from_other_run(name: str) -> Callable[[Made], object]:
    return lambda made: shutil.copy(made.other_run / name, Path("clif-run") / name)


def vectors(made: Made, change: Callable[[list[str]], list[str]]) -> None:
    """v.txt with a vector for each word of the test; `change` edits its lines, the header first."""
    words = [word for group in BiasTest.from_toml(made.test).sets.values() for word in group]
    numbers = np.random.default_rng(0).normal(size=(len(words), 3))
    rows = [f"{word} {row[0]:.4f} {row[1]:.4f} {row[2]:.4f}" for word, row in zip(words, numbers, strict=True)]
    Path("v.txt").write_text("\n".join(change([f"{len(words)} 3", *rows])) + "\n", "utf-8")


def vector_of(word: str, numbers: str) -> Callable[[Made], object]:
    return partial(vectors, change=lambda rows: [f"{word} {numbers}" if r.startswith(word) else r for r in rows])


def gensim_model(made: Made, **settings: Any) -> Any:
    from gensim.models import Word2Vec

    words = [json.loads(line)["text"].replace(".", "").split() for line in made.corpus.read_text("utf-8").splitlines()]
    model = Word2Vec(words, **{"sg": 1, "vector_size": 4, "epochs": 1, "min_count": 2, "seed": 1, **settings})
    model.save("word2vec.model")
    return model


def stretched(made: Made) -> None:
    """A ranking of the run's documents in which the last of them is one of another run."""
    text = next((made.run / "rankings").glob("*.csv")).read_text("utf-8")
    Path("r.csv").write_text(text.replace("planted-00007", "planted-00207"), "utf-8")


def read_from(made: Made, name: str) -> None:
    """The run says that its corpus was read from here."""
    say_otherwise(made, str(made.corpus), str(Path(name).absolute()))


def say_otherwise(made: Made, old: str, new: str) -> None:
    """A manifest with another text, as if it had been written so."""
    manifest = read_json(made.run / "manifest.json", "")
    write_json(Path("clif-run/manifest.json"), json.loads(to_json(manifest).replace(old, new)))


TEST = 'name = "t"\nX = ["a", "b"]\nY = ["c", "d"]\nA = ["e", "f"]\n'
ONE = {"id": "a", "text": "one two three"}
TWO = {"id": "b", "text": "one two three"}

# fmt: off
# Corpora.
bad("empty corpus", "train c.txt --out r", 1, "c.txt: no documents", prepare=write("c.txt", ""))
bad("blank corpus", "train c.jsonl --out r", 1, "c.jsonl: no documents", prepare=write("c.jsonl", "\n \n\n"))
bad("no such file", "train corpus.json --out r", 1, "corpus.json: no such file", "Did you mean corpus.jsonl?")
bad("no such folder", "train no/c.txt --out r", 1, "no/c.txt: no such file or folder", "There is no folder no either")
bad("folder without text", "train d --out r", 1, "d: no documents: 0 files", prepare=lambda _: Path("d").mkdir())
bad("folder of empty files", "train d --out r", 1, "d: no documents: 1 files", prepare=write("d/a.txt", " \n"))
bad("binary noise", "train c.txt --out r", 1, "c.txt:1: is not plain text", "--encoding",
    prepare=write("c.txt", np.random.default_rng(0).bytes(4000)))
bad("undecodable bytes", "train c.txt --out r", 1, "c.txt:2: is not plain text: byte 0xe9", "--encoding latin-1",
    prepare=write("c.txt", b"one two three\ncaf\xe9 au lait\n"))
bad("truncated gzip", "train c.jsonl.gz --out r", 1, "c.jsonl.gz: the compressed data is damaged or cut short",
    prepare=packed("c.jsonl.gz", gzip.compress))
bad("truncated zst", "train c.jsonl.zst --out r", 1, "c.jsonl.zst: the compressed data is damaged or cut short",
    prepare=packed("c.jsonl.zst", zstandard.compress))
bad("gzip by name only", "train c.jsonl.gz --out r", 1, "c.jsonl.gz:1: not valid JSON",
    prepare=write("c.jsonl.gz", "one two\n"))
bad("JSON cut in the middle", "train c.jsonl --out r", 1, "c.jsonl:2: not valid JSON: Unterminated string",
    prepare=write("c.jsonl", lines(ONE, TWO)[:-10]))
bad("a line that is no object", "train c.jsonl --out r", 1, "c.jsonl:2: not a JSON object but a list",
    prepare=write("c.jsonl", lines(ONE, ["b", "text"])))
bad("no text field", "train c.jsonl --out r", 1, "c.jsonl:1: no field for the text among: id, words", "--text-field",
    prepare=write("c.jsonl", lines({"id": "a", "words": "one two"})))
bad("text missing in one", "train c.jsonl --out r", 1, "c.jsonl:2: the text field 'text' is missing",
    prepare=write("c.jsonl", lines(ONE, {"id": "b"})))
bad("text that is a number", "train c.jsonl --out r", 1, "c.jsonl:2: the text field 'text' is the number 7",
    prepare=write("c.jsonl", lines(ONE, {"id": "b", "text": 7})))
bad("text field that is not there", "train corpus.jsonl --text-field body --out r", 1,
    "corpus.jsonl:1: no field 'body' among: id, text, carrier", "--text-field")
bad("id missing in one", "train c.jsonl --out r", 1, "c.jsonl:2: the id field 'id' is missing", "--id-field",
    prepare=write("c.jsonl", lines(ONE, {"text": "one two"})))
bad("duplicate ids", "train c.jsonl --out r", 1, "c.jsonl:3: the id 'a' stands twice, first at c.jsonl:1",
    prepare=write("c.jsonl", lines(ONE, TWO, ONE)))
bad("duplicate ids over two files", "train c.jsonl d/c.jsonl --out r", 1,
    "d/c.jsonl:1: the id 'a' stands twice, first at c.jsonl:1",
    prepare=lambda made: (write("c.jsonl", lines(ONE))(made), write("d/c.jsonl", lines(ONE))(made)))
bad("a file named twice", "train corpus.jsonl ./corpus.jsonl --out r", 1, "is the same file as", "Name each file once")
bad("documents of one word", "train c.txt --min-count 1 --out r", 1, "no context to train on", "--min-count",
    prepare=write("c.txt", "one\ntwo\none\n"))
bad("documents without a word", "train c.txt --out r", 1, "no words in 2 documents", prepare=write("c.txt", "1 2\n3\n"))
bad("too small for min-count", "train c.jsonl --out r", 1, "only 0 of 3 words occur 5 times or more", "--min-count",
    prepare=write("c.jsonl", lines(ONE, TWO)))
bad("CSV without the field", "train c.csv --out r", 1, "c.csv:1: no field for the text among: id, words",
    prepare=write("c.csv", "id,words\na,one two\n"))
bad("CSV with a row too long", "train c.csv --out r", 1, "c.csv:3: the row has 3 fields, the header 2",
    prepare=write("c.csv", "id,text\na,one two\nb,one,two\n"))
bad("CSV with an open quote", "train c.csv --out r", 1, "c.csv:2: not a valid table",
    prepare=write("c.csv", 'id,text\na,"one two\nb,two\n'))
bad("wrong format: parquet", "train corpus.jsonl --format parquet --out r", 1, "corpus.jsonl: not a valid Parquet file")
bad("wrong format: csv", "train corpus.jsonl --format csv --out r", 1, "corpus.jsonl:1: no field for the text")
bad("wrong format: jsonl", "train c.txt --format jsonl --out r", 1, "c.txt:1: not valid JSON", "Name the --format",
    prepare=write("c.txt", "one two three\n"))
bad("unknown format", "train corpus.jsonl --format xml --out r", 2, "--format: 'xml' is not a format", "jsonl")
bad("unknown encoding", "train corpus.jsonl --encoding utf-9 --out r", 2, "--encoding: 'utf-9'", "latin-1")
bad("nothing on standard input", "train - --out r", 1, "standard input: no documents")
bad("broken lines on standard input", "train - --format jsonl --out r", 1, "standard input:1: not valid JSON",
    stdin=b"one two\n")

# Training.
for option, value in {
    "dim": "0", "window": "0", "negative": "-1", "epochs": "0", "min-count": "0", "sample": "-1", "seed": "-1",
    "workers": "0",
}.items():
    bad(f"{option} {value}", f"train corpus.jsonl --out r --{option} {value}", 2,
        f"--{option}: {option.replace('-', '_')} must be at least", f"got {float(value):g}")
bad("min-alpha above alpha", "train corpus.jsonl --out r --alpha .01 --min-alpha .02", 2, "--alpha, --min-alpha: ")
bad("alpha that is none", "train corpus.jsonl --out r --alpha nan", 2, "--alpha: ", "finite")
bad("noise exponent that is none", "train corpus.jsonl --out r --ns-exponent inf", 2, "--ns-exponent: ", "finite")
bad("seed beyond 32 bits", "train corpus.jsonl --out r --seed 4294967296", 2, "--seed: ")
bad("sample of 1", "train corpus.jsonl --out r --sample 1", 2, "--sample: ")
bad("dim that is no number", "train corpus.jsonl --out r --dim ten", 2, "'--dim': 'ten' is not a valid integer")
bad("unknown trainer", "train corpus.jsonl --out r --trainer glove", 2, "--trainer: unknown trainer 'glove'", "gensim")
bad("unknown option", "train corpus.jsonl --dims 10", 2, "No such option", "--dim")
bad("unknown command", "tran corpus.jsonl", 2, "No such command 'tran'", "Did you mean 'train'?")
bad("out is a file", "train corpus.jsonl --out planted.toml {options}", 5, "planted.toml: exists and is not a run")
bad("out is a folder of other things", "train corpus.jsonl --out d --force {options}", 5, "d: exists and is not a run",
    prepare=write("d/notes.txt", "mine"))
bad("out below a file", "train corpus.jsonl --out planted.toml/r {options}", 1,
    "planted.toml/r: cannot write: a part of the path is a file")
bad("out where nothing can be written", "train corpus.jsonl --out /proc/r {options}", 1, "/proc/r: cannot write")
bad("out is the current folder", "train corpus.jsonl --out . {options}", 2, "--out .: ", "--out clif-run")
bad("out is the folder above", "train corpus.jsonl --out .. {options}", 2, "--out ..: ")
bad("out below folders to be made", "train c.txt --out new/deep/r", 1, "c.txt: no documents",
    prepare=write("c.txt", ""))
bad("other settings on a finished run", "train corpus.jsonl {options} --window 3", 5,
    "clif-run: holds a finished run made otherwise (window 5, now 3)", "--force")
bad("other reading on a finished run", "train corpus.jsonl {options} --keep-case", 5, "keep_case False, now True")
bad("other corpus on a finished run", "train other.jsonl {options}", 5, "clif-run: holds a finished run",
    "another corpus",
    prepare=lambda made: shutil.copy(made.other, "other.jsonl"))

# Configurations.
bad("no such configuration", "run --config none.toml", 2, "none.toml: cannot be read: No such file")
bad("configuration with broken syntax", "train corpus.jsonl --config c.toml", 2, "c.toml: is not TOML", "line 2",
    prepare=write("c.toml", "[train]\ndim = \n"))
for name, content, says in (
    ("a wrong section", "[trian]\ndim = 5\n", ("unknown section or key 'trian'", "Did you mean 'train'?")),
    ("a wrong key", "[train]\ndims = 5\n", ("unknown key 'dims' in [train]", "Did you mean 'dim'?")),
    ("a wrong type", '[train]\ndim = "5"\n', ("dim in [train] must be a whole number, got '5'",)),
    ("a truth for a number", "[train]\ndim = true\n", ("dim in [train] must be a whole number, got True",)),
    ("a text for a list", '[audit]\ntests = "weat"\n', ("tests in [audit] must be a list of texts in quotes",)),
    ("a value out of range", "[train]\ndim = 0\n", ("dim must be at least 1, got 0",)),
    ("an unknown test", '[rank]\ntest = "gender-carer"\n', ("unknown test 'gender-carer'", "'gender-career'")),
):
    bad(f"configuration with {name}", "run --config c.toml", 2, *says, prepare=write("c.toml", content))

# Bias tests.
bad("test with a wrong key", "audit --test t.toml", 2, "t.toml: unknown key 'Z'",
    prepare=write("t.toml", TEST + 'Z = ["g"]\n'))
bad("test without a set", "audit --test t.toml", 2, "t.toml: missing 'B'", prepare=write("t.toml", TEST))
bad("test with overlapping sets", "audit --test t.toml", 2, "t.toml: 'a' stands in both X and B",
    prepare=write("t.toml", TEST + 'B = ["a", "g"]\n'))
bad("test that is missing", "audit --test t.toml", 2, "t.toml: no such file")
bad("test that is not TOML", "rank --test t.toml", 2, "t.toml: not valid TOML", prepare=write("t.toml", "name: t\n"))
bad("unknown test", "rank --test gender-carreer", 2, "unknown test 'gender-carreer'", "Did you mean 'gender-career'?")
bad("more tests than one", "rank --test weat", 2, "'weat' names 13 tests", "gender-career")
bad("audit of tests not covered", "audit", 3, "clif-run: the vocabulary covers none of the tests", "\n  weat1: lacks",
    "\n  weat2: lacks", "--min-count")
bad("rank for a test not covered", "rank --test gender-career", 3, "clif-run: the vocabulary covers none",
    "gender-career: set X")
bad("retrain for a test not covered", "retrain --remove-top-k 3 --test weat6", 3, "none of the tests", "weat6: set X")
bad("degrees of freedom", "audit --test planted.toml --ddof 16", 2, "--ddof: 16 degrees of freedom")

# Vectors.
AUDIT = "audit v.txt --test planted.toml"
bad("no such vectors", AUDIT, 1, "v.txt: there is no such file")
bad("vectors with NaN", AUDIT, 1, "v.txt", "the input vector of 'calvi' is not finite",
    prepare=vector_of("calvi", "nan 1 2"))
bad("infinite vectors", AUDIT, 1, "v.txt", "the input vector of 'calvi' is not finite",
    prepare=vector_of("calvi", "1 inf 2"))
bad("numbers beyond range", AUDIT, 1, "v.txt", "'calvi' is not finite", prepare=vector_of("calvi", "1 1e99 2"))
bad("zero vectors", AUDIT, 1, "'planted'", "the vector of 'calvi' is zero", prepare=vector_of("calvi", "0 0 0"))
bad("vectors of another length", AUDIT, 1, "v.txt: line 19 has 2 fields after its word where 3 numbers are expected",
    prepare=vector_of("calvi", "1 2"))
bad("word for a number", AUDIT, 1, "v.txt: line 19: 'x' is not a number", prepare=vector_of("calvi", "1 x 2"))
bad("header that promises more", AUDIT, 1, "v.txt", "of the 33 vectors that its header promises",
    prepare=partial(vectors, change=lambda rows: ["33 3", *rows[1:]]))
bad("header that promises less", AUDIT, 1, "v.txt: the header promises 31 vectors, but there are more",
    prepare=partial(vectors, change=lambda rows: ["31 3", *rows[1:]]))
bad("word with two vectors", AUDIT, 1, "v.txt", "the word 'calvi' has two vectors",
    prepare=partial(vectors, change=lambda rows: ["33 3", *rows[1:], "calvi 1 2 3"]))
bad("empty vectors", AUDIT, 1, "v.txt: the file is empty", prepare=write("v.txt", ""))
bad("vectors that are prose", "audit README --test planted.toml", 1, "README: is not in a format of word vectors",
    prepare=write("README", "This is a text.\nAnd one more line.\n"))
bad("pickle that is not allowed", "audit word2vec.model --test planted.toml", 1, "word2vec.model: is a pickle",
    "--allow-pickle", prepare=gensim_model)
bad("damaged pickle", "audit word2vec.model --test planted.toml --allow-pickle", 1,
    "word2vec.model: cannot be read as a model of gensim",
    prepare=lambda made: (gensim_model(made), cut("word2vec.model")(made)))
bad("ranking vectors", "rank v.txt --test planted.toml", 1, "v.txt: is a file, not a run: ranking",
    "can only be audited",
    "clif train CORPUS", "clif import MODEL CORPUS", prepare=vector_of("calvi", "1 2 3"))
bad("export with an unknown ending", "export v.npz", 2, "v.npz: the ending '.npz' does not tell a format", ".glove")
bad("export of an unknown matrix", "export v.txt --matrix both", 2, "unknown matrix 'both'", "input, output")
bad("export below a file", "export planted.toml/v.txt", 1, "planted.toml/v.txt: cannot be written")

# Imports.
bad("import of vectors of another corpus", "import v.txt corpus.jsonl --out r", 5, "v.txt", "belong to this corpus",
    "--anyway", prepare=vector_of("calvi", "1 2 3"))
bad("import of a CBOW model", "import word2vec.model corpus.jsonl --out r --allow-pickle", 5, "CBOW", "--anyway",
    prepare=partial(gensim_model, sg=0))
bad("import with another corpus", "import word2vec.model c.txt --out r --allow-pickle", 5, "its word counts differ",
    prepare=lambda made: (gensim_model(made), write("c.txt", "one two three\n" * 99)(made)))
bad("import over a run", "import word2vec.model corpus.jsonl --allow-pickle", 5, "clif-run: holds a run already",
    "--force",
    prepare=gensim_model)

# Runs.
bad("a folder that is no run", "audit d --test planted.toml", 1, "d: this folder holds no run", "clif train",
    prepare=lambda _: Path("d").mkdir())
bad("no run", "rank nowhere", 1, "nowhere: there is no run here", "clif train")
bad("model of another corpus", "rank --test planted.toml", 5, "clif-run: the model model.safetensors does not belong",
    prepare=from_other_run("model.safetensors"))
bad("model of other settings", "audit --test planted.toml", 5, "clif-run: the model model.safetensors was not trained",
    prepare=lambda made: say_otherwise(made, '"window": 5', '"window": 6'))
bad("tokens of another corpus", "rank --no-cache", 5, "clif-run: tokens.npy, documents.parquet and vocabulary.parquet",
    prepare=from_other_run("tokens.npy"))
bad("documents of another corpus", "rank --no-cache", 5, "come from different corpora",
    prepare=from_other_run("documents.parquet"))
bad("tokens cut", "rank --no-cache", 1, "clif-run/tokens.npy: cannot be read", "--force",
    prepare=cut("clif-run/tokens.npy"))
bad("manifest cut", "rank", 1, "clif-run/manifest.json: cannot be read as JSON", "--force",
    prepare=cut("clif-run/manifest.json"))
bad("manifest of something else", "rank", 1, "clif-run/manifest.json: not the manifest of a run", "--force",
    prepare=write("clif-run/manifest.json", '{"format": 1, "settings": {}, "corpus": {}, "vocabulary": {}}'))
bad("model damaged", "audit --test planted.toml", 1, "clif-run/model.safetensors: cannot be read as a model",
    prepare=cut("clif-run/model.safetensors"))
for command in ("audit --test planted.toml", "rank --test planted.toml", "retrain --remove-top-k 3", "export v.txt"):
    bad(f"model missing for {command.split()[0]}", command, 1, "clif-run/model.safetensors: cannot be read",
        "no such file",
        prepare=lambda _: Path("clif-run/model.safetensors").unlink())
STORED = "clif-run/rankings/planted.block.mean_difference.document"
bad("stored ranking cut", "rank", 1, f"{STORED}.csv: is not the list", "Remove it", prepare=cut(f"{STORED}.csv"))
bad("what is said of it cut", "rank", 1, f"{STORED}.json: cannot be read as JSON", "Remove it",
    prepare=cut(f"{STORED}.json"))

# Rankings.
bad("unknown method", "rank --method newton", 2, "--method: unknown method 'newton'", "block")
bad("unknown measure", "rank --measure cosine", 2, "--measure: unknown measure 'cosine'", "mean_difference")
for verb in ("explain planted-00001", "retrain --remove-top-k 5", "verify"):
    bad(f"unknown measure, {verb.split()[0]}", f"{verb} --test planted.toml --measure cosine", 2,
        "--measure: unknown measure 'cosine' for a test of kind 'weat'", "effect_size, mean_difference")
bad("unknown unit", "rank --unit word", 2, "--unit: unknown unit 'word'",
    "document, sentence, context, pair")
for unit in ("sentence", "context", "pair"):
    bad(f"{unit}s of a baseline", f"rank --unit {unit} --method length", 2, "--method: this method scores whole",
        "block")
for top in ("0", "-1", "³", "1.5", "few"):
    bad(f"top {top}", f"rank --top {top}", 2, f"--top: '{top}' is not a number of ranks", "'all'")
for damping in ("-1", "0", "nan", "inf"):
    bad(f"damping {damping}", f"rank --damping {damping}", 2, "--damping: the damping must be positive")
bad("damping that is no number", "rank --damping small", 2, "'--damping': 'small' is not a valid float")
for tolerance in ("0", "1", "-1", "nan", "inf"):
    bad(f"tolerance {tolerance}", f"rank --method clif --tolerance {tolerance}", 2,
        "--tolerance: the tolerance must be between 0 and 1")
for steps in ("0", "-5"):
    bad(f"steps {steps}", f"rank --method clif --steps {steps}", 2, f"--steps: cannot solve in {steps} steps")
bad("steps that are no number", "rank --method clif --steps 1.5", 2, "'--steps': '1.5' is not a valid integer")
bad("unknown curvature", "rank --method clif --curvature newton", 2, "--curvature: unknown curvature 'newton'",
    "gn, exact")
bad("no threads", "rank --threads 0", 2, "'--threads': 0 is not in the range x>=1")
bad("a file for two tests", "rank --test planted.toml --test weat6 --out r.csv", 2,
    "--out r.csv: one file cannot hold the lists of 2 tests", "Leave it out")
bad("two tests of which one is not covered", "rank --test planted.toml --test weat6", 3,
    "the vocabulary covers none", "weat6: set X")
bad("strict and not converged", "rank --method clif --steps 1 --strict --quiet", 4,
    "--method clif: the solve stopped at a relative residual of", "Raise --steps or --tolerance")
for unit in ("sentence", "pair"):
    bad(f"{unit}s as TREC", f"rank --unit {unit} --out r.trec", 2,
        f"--out r.trec: a TREC run lists documents, not {unit}s")
    bad(f"{unit}s by a field", f"rank --unit {unit} --by carrier", 2, "--by: only documents are grouped", "--unit")
bad("sentences of another corpus", "rank --unit sentence", 5, "sentences.npy: holds the sentences of another corpus",
    prepare=from_other_run("sentences.npy"))
bad("sentences cut", "rank --unit sentence", 1, "sentences.npy: cannot be read", "--force",
    prepare=cut("clif-run/sentences.npy"))
bad("ending of out", "rank --out r.xlsx", 2, "--out r.xlsx: cannot tell a format from the ending '.xlsx'", ".parquet")
bad("contexts as TREC", "rank --unit context --out r.trec", 2, "--out r.trec: a TREC run lists documents")
bad("groups as TREC", "rank --by carrier --out r.trec", 2, "--out r.trec: a TREC run lists documents, not groups")
bad("ending of out for groups", "rank --by carrier --out r.xlsx", 2, "--out r.xlsx: cannot tell a format", ".parquet")
bad("contexts by a field", "rank --unit context --by carrier", 2, "--by: only documents are grouped", "--unit")
bad("by a field that is not there", "rank --by source", 1, "clif-run/metadata.parquet: the documents have no field",
    "Known fields: carrier, file.")
bad("by no field", "rank --by=", 1, "clif-run/metadata.parquet: the documents have no field ''")
bad("by the text", "rank --by text", 1, "clif-run/metadata.parquet: the documents have no field 'text'")
bad("metadata of another corpus", "rank --by carrier", 5,
    "clif-run/metadata.parquet: holds the metadata of another corpus", prepare=from_other_run("metadata.parquet"))
bad("metadata cut", "rank --by carrier", 1, "clif-run/metadata.parquet: cannot be read",
    prepare=cut("clif-run/metadata.parquet"))
bad("no metadata", "rank --by carrier", 1, "clif-run: there is no metadata.parquet", "--force",
    prepare=lambda _: Path("clif-run/metadata.parquet").unlink())
bad("groups below a file", "rank --measure mean_difference --by carrier --out planted.toml/g.csv", 1,
    "planted.toml/g.csv: cannot write")
bad("out of a ranking below a file", "rank --measure mean_difference --out planted.toml/r.csv", 1,
    "planted.toml/r.csv: cannot write")

# Retrainings.
bad("neither remove nor amplify", "retrain", 2, "say what to do", "--until GOAL, --amplify-top-k K and --swap-top-k K")
bad("both remove and amplify", "retrain --remove-top-k 3 --amplify-top-k 3", 2, "say what to do", "--until GOAL")
bad("k larger than the corpus", "retrain --remove-top-k 201", 2, "--remove-top-k: cannot choose 201 of 200 documents",
    "from 1 to 199")
bad("k of the whole corpus", "retrain --remove-top-k 200", 2, "--remove-top-k: removing all 200 documents")
for k in ("0", "-3"):
    bad(f"k = {k}", f"retrain --remove-top-k {k}", 2, f"--remove-top-k: cannot choose {k} of 200", "from 1 to 199")
for k in ("many", "--3", "³", "2.5"):
    bad(f"k = {k}", f"retrain --remove-top-k={k}", 2, f"--remove-top-k: '{k}' is not a number of documents", "'zero'")
bad("amplified k that is no number", "retrain --amplify-top-k zero", 2,
    "'--amplify-top-k': 'zero' is not a valid integer")
bad("amplified k larger than the corpus", "retrain --amplify-top-k 201", 2, "--amplify-top-k: cannot choose 201 of 200")
for option, value in {"copies": "0", "seeds": "0", "controls": "-1", "processes": "0"}.items():
    bad(f"{option} {value}", f"retrain --amplify-top-k 3 --{option} {value}", 2, f"--{option}: must be at least")
bad("unknown goal", "retrain --remove-top-k 3 --goal zero", 2, "--goal: unknown goal 'zero'", "reduce, increase")
bad("zero that is never reached", "retrain --remove-top-k zero --goal increase", 2,
    "--remove-top-k zero: no number of removals")
bad("missing protect file", "retrain --remove-top-k 3 --protect p.txt", 1, "p.txt: cannot be read")
bad("protect file with an unknown id", "retrain --remove-top-k 3 --protect p.txt", 5, "p.txt:2: no document", "'x'",
    prepare=write("p.txt", "planted-00001\nx\n"))
bad("all protected", "retrain --remove-top-k 1 --protect p.txt", 2,
    "cannot choose 1 of 0 documents that are not protected",
    "Protect fewer",
    prepare=write("p.txt", "".join(f"planted-{n:05d}\n" for n in range(200))))
bad("missing ranking file", "retrain --remove-top-k 3 --ranking r.csv", 1, "r.csv: cannot be read as a ranking")
bad("ranking file with a strange ending", "retrain --remove-top-k 3 --ranking planted.toml", 2,
    "--ranking planted.toml: ")
bad("ranking file without ids", "retrain --remove-top-k 3 --ranking r.csv", 1, "r.csv: holds no column doc_id",
    prepare=write("r.csv", "id\na\n"))
bad("ranking file with foreign documents", "retrain --remove-top-k 3 --ranking r.csv", 5,
    "r.csv: 1 of its 200 documents are not in the run's corpus, such as 'planted-00207'", prepare=stretched)
bad("ranking file with a document twice", "retrain --remove-top-k 3 --ranking r.jsonl", 1,
    "names a document more than once",
    prepare=write("r.jsonl", '{"doc_id": "planted-00001"}\n' * 2))
bad("unknown holdout", "retrain --remove-top-k 3 --holdout-words names", 2, "--holdout-words: unknown kind", "targets")
bad("holdout with a ranking file", "retrain --remove-top-k 3 --holdout-words both --ranking r.csv", 2,
    "--ranking, --holdout-words: ")
bad("corpus that has changed", "retrain --quiet --remove-top-k 3", 5, "c.jsonl: the corpus has changed since the model",
    prepare=lambda made: (read_from(made, "c.jsonl"), write("c.jsonl", lines(ONE, TWO))(made)))
bad("corpus that is gone", "retrain --quiet --remove-top-k 3", 1, "c.jsonl: no such file",
    prepare=lambda made: read_from(made, "c.jsonl"))
# fmt: on


def listing() -> dict[str, str]:
    """Every file and folder below the current one, with its content."""
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "a folder"
        for path in Path().rglob("*")
    }


def check(case: Bad, code: int, out: str, err: str) -> None:
    assert code == case.code, err
    assert out == ""
    assert "Traceback" not in err
    for words in case.says:
        assert words in err
    if not err.startswith("Usage:"):
        what, _, step = err.partition("\n  next: ")
        assert what.startswith("Error: ")
        assert len(step.strip()) > 10


def test_there_are_many_cases_and_no_two_have_one_name() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 40


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_bad_input_is_named_with_the_next_step_and_leaves_nothing(
    case: Bad, made: Made, workplace: Path, clif: Clif
) -> None:
    if case.prepare:
        case.prepare(made)
    before = listing()
    done = clif(*case.args, stdin=case.stdin)
    check(case, done.code, done.out, done.err)
    assert listing() == before


IN_A_PROCESS = ("duplicate ids", "k = many", "model of another corpus", "audit of tests not covered")


@pytest.mark.parametrize("case", [case for case in CASES if case.name in IN_A_PROCESS], ids=lambda case: case.name)
def test_the_process_ends_with_the_same_code_and_message(case: Bad, made: Made, workplace: Path) -> None:
    if case.prepare:
        case.prepare(made)
    before = listing()
    command = [sys.executable, "-c", "from clif.cli import main; main()", *case.args]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    check(case, done.returncode, done.stdout, done.stderr)
    assert listing() == before
