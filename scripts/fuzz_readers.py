"""Everything that clif reads, as functions of the bytes of one file: what fuzzing calls.

Each reads like a command does, and uses what it read as far as a hostile file could matter: a ClifError is a good end,
and so is none. Where a file must have the hash that another one names, the check is switched off, as whoever made the
one file could have made the other.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import fuzz_seeds as seeds
import numpy as np

from clif import manifest
from clif.checking import check_run
from clif.config import load_config
from clif.corpus import encoding, sentence_file
from clif.corpus.metadata_file import few_valued, field_names, read_metadata, read_row
from clif.corpus.reading import ReadOptions, read_documents
from clif.corpus.spans import Spans
from clif.errors import ClifError
from clif.experiments.fragility.settings import Settings
from clif.experiments.settings import read_settings
from clif.formats import load_vectors
from clif.objectives import BiasTest
from clif.objectives.word_pairs import WordPairs
from clif.quality import read_judgements, solve_analogies
from clif.ranking import newest_ranking, read_reports, stored, stored_rankings
from clif.ranking.files import read_order, read_table
from clif.ranking.sentence_order import read_sentence_order
from clif.ranking.solves import _read as read_solve
from clif.reporting.results import read_retrainings, read_tradeoffs, read_verifications
from clif.retraining import _stored as stored_retraining
from clif.retraining.edits import UNEDITED
from clif.retraining.trainings import Journal as Retrainings
from clif.retraining.words import read_words
from clif.run import Run, open_run, read_matrices
from clif.storage import files, tensors
from clif.tradeoffs import _result as stored_tradeoff
from clif.tradeoffs.debiasing import read_pairs
from clif.tradeoffs.trainings import make_training
from clif.training.models import further_model
from clif.verification import _result as stored_verification
from clif.verification.trainings import Journal


@dataclass(frozen=True)
class Reader:
    """One kind of file: `read` takes its path; `starts` are good files, `pieces` what faults are made of.

    `name` is the file's, whose ending may matter; in a run, its path there.
    """

    title: str
    name: str
    read: Callable[[Path], Any]
    starts: Sequence[bytes]
    pieces: Sequence[bytes]


def _documents(path: Path, **options: Any) -> None:
    for document in read_documents([path], ReadOptions(**options)):
        document.text.encode("utf-8", "surrogatepass")


def _sides(path: Path) -> None:
    _documents(path, side="neutral")


def _split(path: Path) -> None:
    for split in ("blank", "file", "line"):
        with suppress(ClifError):
            _documents(path, format="text", split=split)


def _pairs(path: Path) -> None:
    for read in (WordPairs.read, partial(read_pairs, index={"he": 0, "she": 1, "man": 2, "woman": 3})):
        with suppress(ClifError):
            read(path)


def _judged(path: Path) -> None:
    read_judgements(path)


def _analogies(path: Path) -> None:
    solve_analogies(np.eye(4), ["athens", "greece", "rome", "italy"], path)


def corpora() -> list[Reader]:
    """Corpora, in each format and packed."""
    text, table = [*seeds.STRANGE, *seeds.NUMBERS], [*seeds.TABLE, *seeds.STRANGE]
    jsonl = [*seeds.JSON, *text]
    array = seeds.json.dumps(seeds.RECORDS).encode()
    csv, wnc = b'id,text,year\nd0,she and he,1\nd1,"a\nb",2\n', b"1\tshe is\tshe was\tx\n2\the is\the was\ty\n"
    return [
        Reader("corpus .jsonl", "c.jsonl", _documents, [seeds.JSONL], jsonl),
        Reader("corpus .json", "c.json", _documents, [array], jsonl),
        Reader(
            "corpus of any name", "c", _documents, [seeds.JSONL, csv, b"she\n\nhe\n", array], [*jsonl, *seeds.BYTES]
        ),
        Reader("corpus .txt", "c.txt", _split, [b"she and he\n\nwork\r\n"], text),
        Reader("corpus .csv", "c.csv", _documents, [csv], table),
        Reader("corpus .tsv, sides", "c.tsv", _sides, [wnc, b"tgt_tok\tid\nshe\td0\n"], table),
        Reader("corpus .parquet", "c.parquet", _documents, [seeds.table(), seeds.table("zstd")], seeds.BYTES),
        Reader("corpus .jsonl.gz", "c.jsonl.gz", _documents, [seeds.gz(seeds.JSONL)], seeds.BYTES),
        Reader("corpus .jsonl.zst", "c.jsonl.zst", _documents, [seeds.zst(seeds.JSONL)], seeds.BYTES),
        Reader("corpus .parquet.gz", "c.parquet.gz", _documents, [seeds.gz(seeds.table())], seeds.BYTES),
    ]


def small_files() -> list[Reader]:
    """Vectors, word sets, configurations, lists of words."""
    vectors = [seeds.VECTORS, seeds.BINARY, seeds.VECTORS.split(b"\n", 1)[1]]
    packed = [seeds.gz(seeds.VECTORS), seeds.zst(seeds.BINARY)]
    toml = [*seeds.TOML, *seeds.NUMBERS, *seeds.STRANGE]
    about = [b"seeds = 3\n", b"dim = 1.5\nname = [1, 2]\n"]
    judged = [*seeds.TABLE, *seeds.NUMBERS, *seeds.STRANGE]
    return [
        Reader("vectors, plain", "v", load_vectors, vectors, [*seeds.ROWS, *seeds.NUMBERS, *seeds.STRANGE]),
        Reader("vectors, packed", "v.gz", load_vectors, packed, seeds.BYTES),
        Reader("word sets .toml", "t.toml", BiasTest.from_toml, [seeds.WORDS, seeds.LABELS], toml),
        Reader("configuration .toml", "c.toml", load_config, [seeds.CONFIG], toml),
        Reader("settings .toml", "s.toml", partial(read_settings, Settings), about, toml),
        Reader("pairs .toml", "p.toml", _pairs, [seeds.PAIRS], toml),
        Reader("ranking .csv", "r.csv", read_table, [seeds.RANKING], [*seeds.TABLE, *seeds.NUMBERS, *seeds.STRANGE]),
        Reader("ranking .jsonl", "r.jsonl", read_table, [b'{"doc_id": "d0", "rank": 1}\n'], seeds.JSON),
        Reader("ranking .parquet", "r.parquet", read_table, [seeds.ranking_table()], seeds.BYTES),
        Reader("ranking .trec", "r.trec", read_table, [seeds.TREC], [*seeds.TABLE, *seeds.NUMBERS, *seeds.STRANGE]),
        Reader("judged words", "j.tsv", _judged, [seeds.JUDGED], judged),
        Reader("analogies", "a.txt", _analogies, [seeds.ANALOGIES], judged),
    ]


def _folder(path: Path) -> Path:
    """The run folder around a file of it."""
    return next(folder for folder in path.parents if (folder / "manifest.json").exists())


@cache
def _run(path: Path) -> Run:
    """The run around a file that is none of those which are read once for all."""
    run = open_run(_folder(path))
    _ = run.corpus, run.vocabulary, run.model, run.identity
    return run


def _manifest(path: Path) -> None:
    run = open_run(path.parent)
    _ = run.settings, run.read_options, run.tokeniser, run.sources, run.corpus, run.vocabulary, run.model, run.identity


def _encoded(path: Path) -> None:
    run = open_run(_folder(path))
    corpus = run.corpus
    spans = Spans.of(corpus)
    _ = run.vocabulary.index, run.vocabulary.noise(), corpus.number, list(corpus.types), spans.lengths
    for z in (0, len(corpus) - 1):
        _ = [corpus.types[token] for token in corpus.tokens[corpus.offsets[z] : corpus.offsets[z + 1]]]
    inside = (corpus.tokens < len(corpus.types)).all() and (np.diff(corpus.offsets) >= 0).all()
    assert inside, "leads compiled code astray"
    assert len(spans) == 0 or int(spans.start.max()) < len(corpus.tokens), "leads compiled code astray"


def _metadata(path: Path) -> None:
    run = _run(path)
    mark = run.manifest["corpus"]["hash"]
    names = field_names(run.path, mark)
    read_metadata(run.path, names[:3], mark)
    read_row(run.path, 1, mark)
    few_valued(run.path, 10, mark)


def _model(path: Path) -> None:
    run = open_run(_folder(path))
    _ = run.model


def _matrices(path: Path) -> None:
    U, C, _ = read_matrices(path)
    assert U.shape == C.shape, "no matrices"
    assert U.ndim == 2, "no matrices"


def _further(path: Path) -> None:
    run = _run(path)
    U, C = further_model(run, int(path.stem.removeprefix("seed-"))).read(run)
    assert U.shape == C.shape == run.model.U.shape, "not the shape of the run's model"


def _rankings(path: Path) -> None:
    run = _run(path)
    stored_rankings(run)
    ranking = newest_ranking(run)
    if ranking is not None:
        _ = ranking.test, ranking.influence, ranking.doc_ids, ranking.to_dict(), ranking.sure, ranking.models


def _order(path: Path) -> None:
    read_order(path, _run(path))


def _retrainings(path: Path) -> None:
    run = _run(path)
    for one in read_retrainings(run):
        _ = one.test, one.definition, one.kept, one.reduces, one.edited, one.sets, one.removed_ids(run), one.words()


def _verifications(path: Path) -> None:
    for one in read_verifications(_run(path)):
        _ = one.tests, list(one.figures())


def _tradeoffs(path: Path) -> None:
    for one in read_tradeoffs(_run(path)):
        _ = one.test, one.measured


def _repeated(read: Callable[[Path], Any], path: Path) -> None:
    repr(read(path.parent))


def _forgotten(path: Path) -> None:
    with Retrainings(_run(path)).held():
        pass


def _compared(path: Path) -> None:
    run = _run(path)
    training = make_training(run, UNEDITED, run.settings.seed, _test(path), "effect_size", (), None)
    replace(training, path=path).values(run)


def _sentences(path: Path) -> None:
    read_sentence_order(path, _run(path))


def _checked(path: Path) -> None:
    check_run(open_run(_folder(path))).to_dict()


def _journal(path: Path) -> None:
    journal = _opened(path)
    training = replace(journal.unedited(journal.run.settings.seed), path=path.with_suffix(".json"))
    training = replace(training, edit=_Named(path.name.partition(".")[0]))
    journal.measure(training, "effect_size")
    journal.quality(training)
    journal._vectors(training)


@cache
def _opened(path: Path) -> Journal:
    return Journal(_run(path), [_test(path)])


@cache
def _test(path: Path) -> BiasTest:
    ranking = newest_ranking(_run(path))
    assert ranking is not None, "the run was made with one"
    return ranking.test


class _Named:
    """An edit of which only the name matters."""

    def __init__(self, name: str) -> None:
        self._name = name

    def name(self) -> str:
        return self._name


def _solve(path: Path) -> None:
    read_reports(_run(path))
    read_solve(path)


JSON, TABLE = [*seeds.JSON, *seeds.NUMBERS], [*seeds.TABLE, *seeds.NUMBERS, *seeds.STRANGE]
TENSORS = [*JSON, *seeds.BYTES]
# Kinds of files in a run; where several commands read one, after a comma by which.
RUN_FILES: dict[str, tuple[Callable[[Path], Any], Sequence[bytes]]] = {
    "manifest.json": (_manifest, JSON),
    "documents.parquet": (_encoded, seeds.BYTES),
    "vocabulary.parquet": (_encoded, seeds.BYTES),
    "tokens.npy": (_encoded, seeds.BYTES),
    "sentences.npy": (_encoded, seeds.BYTES),
    "metadata.parquet": (_metadata, seeds.BYTES),
    "model.safetensors": (_model, TENSORS),
    "models/seed-*.safetensors": (_further, TENSORS),
    "checkpoints/*.safetensors": (_matrices, TENSORS),
    "rankings/*.json": (_rankings, JSON),
    "rankings/*.csv": (_order, TABLE),
    "rankings/*.csv, opened": (_rankings, TABLE),
    "rankings/*.sentence.csv": (_sentences, TABLE),
    "solves/*.safetensors": (_solve, TENSORS),
    "retrains/*/result.json": (_retrainings, JSON),
    "retrains/*/result.json, again": (partial(_repeated, stored_retraining), JSON),
    "retrains/*/result.json, checked": (_checked, [*JSON, b"../", b"/"]),
    "retrains/*/words.safetensors": (lambda path: read_words(path.parent), TENSORS),
    "retrains/models/forget.json": (_forgotten, [*JSON, b"../", b"/"]),
    "verifications/*/result.json": (_verifications, JSON),
    "verifications/*/result.json, again": (
        partial(_repeated, partial(stored_verification, gates=(), reused=True)),
        JSON,
    ),
    "verifications/*/sets.csv": (_verifications, TABLE),
    "verifications/trainings/*.json": (_journal, JSON),
    "verifications/trainings/*.safetensors": (_journal, TENSORS),
    "tradeoffs/*/result.json": (_tradeoffs, JSON),
    "tradeoffs/*/result.json, again": (partial(_repeated, partial(stored_tradeoff, reused=True)), JSON),
    "tradeoffs/trainings/*.json": (_compared, JSON),
}


def run_readers(run: Path) -> list[Reader]:
    """Each kind of file in a run; kinds that this run does not hold are left out."""
    found = []
    for kind, (read, pieces) in RUN_FILES.items():
        path = next(iter(sorted(run.glob(kind.partition(",")[0]))), None)
        if path is not None:
            name = path.relative_to(run).as_posix()
            found.append(Reader(f"run: {kind}", name, read, [path.read_bytes()], pieces))
    return found


def all_readers(run: Path | None) -> list[Reader]:
    """All of them; those of a run where there is one."""
    return [*corpora(), *small_files(), *(run_readers(run) if run else [])]


class _Fits(str):
    """A hash that is equal to every other."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, _: object) -> bool:
        return True

    def __ne__(self, _: object) -> bool:
        return False


def believe_hashes() -> None:
    """Whoever sends a changed file sends the hash that fits it, and seals it."""
    for module in (encoding, sentence_file, manifest, stored):
        module.file_sha256 = lambda _: _Fits()  # type: ignore[attr-defined]
    check_seal = files.check_seal

    def look(path: Path, next_step: str) -> None:
        with suppress(ClifError):
            check_seal(path, next_step)

    files.check_seal = tensors.check_seal = look


def path_of(reader: Reader, folder: Path) -> Path:
    """Where the reader's file lies in a folder of its own."""
    return folder / ("run" if reader.title.startswith("run: ") else "") / reader.name


def place_of(reader: Reader, folder: Path, run: Path | None) -> Path:
    """Where the reader's file goes in a folder of its own; a copy of the run, if it is a file of one."""
    if not reader.title.startswith("run: "):
        return path_of(reader, folder)
    assert run is not None
    shutil.copytree(run, folder / "run", dirs_exist_ok=True)
    return path_of(reader, folder)
