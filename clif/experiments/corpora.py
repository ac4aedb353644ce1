"""Two corpora on which the exact trainer is quick, and the bias tests that they are asked about.

planted    the 1,000 documents of data/planted.jsonl, of which it is known which carry the bias (see data/README.md)
speeches   every so-many-th paragraph of the State of the Union speeches, its most frequent words

The packaged tests are not covered by so few words, so those of the speeches are made of frequent ones, chosen by their
meaning and their counts before anything was measured.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np

from clif.corpus.documents import Document
from clif.corpus.encoding import Corpus, encode
from clif.corpus.reading import ReadOptions, read_documents
from clif.corpus.tokenising import Tokeniser
from clif.errors import InputError, UsageError
from clif.objectives import BiasTest
from clif.vocabulary import Vocabulary

CORPORA = ("planted", "speeches")
DATA = Path(__file__).parents[2] / "data"
_GOOD = "freedom happy honor health prosperity friendly good happiness friendship success hope confidence"
_BAD = "danger evil loss suffering crime hostile violence evils unemployment inflation debt difficulties"
SPEECHES = {
    "arms-trade": ("war army navy military forces troops", "trade commerce business industry agriculture labor"),
    "people-money": ("children families workers schools education jobs", "gold silver currency bonds banks treasury"),
    "old-new-powers": ("britain france spain germany", "mexico cuba china japan"),
    "law-office": ("court courts law laws judges justice", "president congress senate executive secretary department"),
}


@dataclass(frozen=True, eq=False)
class Ground:
    """A corpus with its vocabulary, how it is subsampled, and tests; the first is the one that it is known for."""

    name: str
    corpus: Corpus
    vocabulary: Vocabulary
    sample: float
    tests: tuple[BiasTest, ...]


def open_ground(name: str, *, planted: str = "", every: int = 10, words: int = 2000) -> Ground:
    """One of CORPORA. `planted` is its file, the one in the folder `data` of clif's source if left out; the test is
    planted.toml beside it.

    Raises
    ------
    UsageError
        There is no such corpus.
    InputError
        The file is missing.

    """
    if name == "speeches":
        corpus = _encode(islice(read_documents([], ReadOptions()), 0, None, every))
        tests = tuple(
            BiasTest(test, tuple(X.split()), tuple(Y.split()), tuple(_GOOD.split()), tuple(_BAD.split()))
            for test, (X, Y) in SPEECHES.items()
        )
        return Ground(name, corpus, _frequent(corpus, words), 1e-3, tests)
    if name != "planted":
        raise UsageError(f"unknown corpus {name!r}", where="corpora", next=f"Choose from: {', '.join(CORPORA)}.")
    file = Path(planted) if planted else DATA / "planted.jsonl"
    if not file.is_file():
        raise InputError(
            "there is no planted corpus",
            where=str(file),
            next="Make one by data/make_planted.py of clif's source, with planted.toml beside it, and name it by "
            "--set planted=FILE; or leave it out: --set 'corpora=[\"speeches\"]'.",
        )
    corpus = _encode(read_documents([file], ReadOptions()))
    test = BiasTest.from_toml(file.with_name("planted.toml"))
    return Ground(name, corpus, _frequent(corpus, words), 0.0, (test,))


def _frequent(corpus: Corpus, words: int) -> Vocabulary:
    return Vocabulary(list(corpus.types[:words]), corpus.counts[:words])


def _encode(documents: Iterable[Document]) -> Corpus:
    """The corpus in memory; the files that it is encoded to are removed."""
    with tempfile.TemporaryDirectory() as folder:
        corpus = encode(documents, Tokeniser(), Path(folder))
        return replace(corpus, tokens=np.array(corpus.tokens), types=list(corpus.types), sentence_file=None)
