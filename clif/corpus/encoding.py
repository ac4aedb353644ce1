"""Encode documents once: memory-mapped token ids, document offsets, word types by falling count, a hash."""

from __future__ import annotations

import hashlib
import tempfile
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from clif.checks import check_corpus, check_sentences
from clif.corpus.belonging import read_table, write_table
from clif.corpus.metadata import METADATA
from clif.corpus.numbering import numbered
from clif.corpus.sentence_file import SENTENCES, SentenceFile, write_sentences
from clif.errors import DAMAGE, InputError, MismatchError
from clif.manifest import file_sha256
from clif.room import release, room
from clif.storage.files import whole_file

if TYPE_CHECKING:
    from clif.corpus.reading import Document
    from clif.corpus.tokenising import Tokeniser

FLUSH = 1 << 20  # numbers that are written at a time
A_TYPE = 220  # bytes, at most, of a different word while a corpus is read
TOKENS, DOCUMENTS, WORDS = "tokens.npy", "documents.parquet", "vocabulary.parquet"


@dataclass(frozen=True, eq=False)
class Corpus:
    """An encoded corpus: document z holds tokens[offsets[z]:offsets[z + 1]].

    Ids number the word `types` by falling count, ties by spelling, so a vocabulary is the first V of them and
    ids at or above V are rare words. `counts` are those of the types; `content_hash` names ids and texts.
    `tokens_sha256` is that of the file of tokens; for a corpus that was made in memory it is empty, and `sentence_file`
    None.
    """

    doc_ids: list[str]
    offsets: NDArray[np.int64]
    tokens: NDArray[np.uint32]
    types: Sequence[str]
    counts: NDArray[np.int64]
    content_hash: str
    sentence_file: SentenceFile | None = None
    tokens_sha256: str = ""

    def __len__(self) -> int:
        return len(self.doc_ids)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens of each document."""
        return np.diff(self.offsets)

    @cached_property
    def sentences(self) -> NDArray[np.uint64]:
        """Positions in `tokens` where a sentence begins; where that is not known, each document is one.

        Raises
        ------
        InputError
            The file is damaged, or missing as an earlier version made none.
        MismatchError
            It belongs to another corpus.

        """
        if self.sentence_file is None:
            return self.offsets[:-1][self.lengths > 0].astype(np.uint64)
        starts = self.sentence_file.read()
        check_sentences(starts, len(self.tokens), self.sentence_file.path)
        return starts

    def release(self) -> None:
        """Let go of the pages of `tokens` that were read, so that a pass over a long corpus does not fill memory."""
        release(self.tokens)

    @cached_property
    def number(self) -> dict[str, int]:
        """Index of each document id."""
        return {doc_id: z for z, doc_id in enumerate(self.doc_ids)}


def hash_documents(documents: Iterable[Document]) -> str:
    """Content hash of documents without encoding them: what `encode` would give."""
    digest = hashlib.sha256()
    for document in documents:
        _update(digest, document)
    return digest.hexdigest()


def encode(
    documents: Iterable[Document],
    tokenise: Tokeniser,
    folder: Path,
    *,
    vocabulary: Sequence[str] | None = None,
    known: Container[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Corpus:
    """Tokenise `documents`, write them with their sentences and metadata to `folder` and open them.

    `vocabulary` fixes the first ids (for a model that was trained elsewhere); `known` words come before all others,
    each kind by falling count (for vectors that were); `progress(documents, tokens)` is called now and then. Several
    processes cut the text into words, if there is much of it.

    Raises
    ------
    InputError
        There is not one word in the documents, or the folder cannot be written to.

    """
    from clif.corpus.metadata_file import MetadataWriter

    digest = hashlib.sha256()
    fixed = {word: n for n, word in enumerate(vocabulary or ())}
    # A word that is new takes the next number when it is asked for.
    number = defaultdict(count(len(fixed)).__next__, fixed)
    doc_ids: list[str] = []
    lengths: list[NDArray[np.int64]] = []
    total = 0
    with (
        whole_file(folder / "tokens.raw") as raw,
        tempfile.TemporaryFile(dir=folder) as sentences_raw,
        tempfile.TemporaryFile(dir=folder) as metadata_raw,
    ):
        metadata = MetadataWriter(metadata_raw)

        def texts() -> Iterator[str]:
            for document in documents:
                _update(digest, document)
                doc_ids.append(document.doc_id)
                metadata.add(document.metadata)
                yield document.text

        with raw.open("wb") as file, closing(numbered(texts(), tokenise, number)) as batches:
            for batch in batches:
                batch.tokens.tofile(file)
                sentences_raw.write((batch.sentences + np.uint64(total)).tobytes())
                lengths.append(batch.lengths)
                total += len(batch.tokens)
                _check_types(len(number))
                if progress:
                    progress(sum(map(len, lengths)), total)
        if not total:
            raise InputError(
                f"no words in {len(doc_ids)} documents",
                where="corpus",
                next="Check --text-field; a word is a run of letters unless --pretokenised is given.",
            )
        first = np.memmap(raw, dtype=np.uint32, mode="r", shape=(total,))
        types, counts, rank = _order(first, list(number), len(fixed), known)
        _write_tokens(folder / TOKENS, first, rank)
        del first
        belongs = {
            "corpus": digest.hexdigest(),
            "tokens": file_sha256(folder / TOKENS),
            "sentences": write_sentences(sentences_raw, folder / SENTENCES),
        }
        metadata.write(folder / METADATA, belongs)
    (folder / "tokens.raw").unlink(missing_ok=True)
    write_table(folder / DOCUMENTS, {"doc_id": doc_ids, "tokens": np.concatenate(lengths)}, belongs)
    write_table(folder / WORDS, {"word": types, "count": counts}, belongs)
    return open_corpus(folder)


def open_corpus(folder: Path) -> Corpus:
    """Open an encoded corpus; raises InputError for a damaged file, MismatchError if files do not fit."""
    documents, belongs = read_table(folder / DOCUMENTS, {"doc_id": str, "tokens": int})
    words, words_belong = read_table(folder / WORDS, {"word": str, "count": int})
    try:
        tokens = np.load(folder / TOKENS, mmap_mode="r", allow_pickle=False)
    except DAMAGE as error:
        raise InputError(
            f"cannot be read: {error}", where=str(folder / TOKENS), next="Train again with --force."
        ) from error
    offsets = np.concatenate([[0], np.cumsum(documents["tokens"])]).astype(np.int64)
    fits = belongs == words_belong and tokens.shape == (offsets[-1],) and tokens.dtype == np.uint32
    if not fits or file_sha256(folder / TOKENS) != belongs["tokens"]:
        raise MismatchError(
            f"{TOKENS}, {DOCUMENTS} and {WORDS} come from different corpora",
            where=str(folder),
            next="Train again with --force, or restore the files of one run.",
        )
    corpus = Corpus(
        doc_ids=list(documents["doc_id"]),
        offsets=offsets,
        tokens=tokens,
        types=words["word"],
        counts=np.asarray(words["count"], dtype=np.int64),
        content_hash=belongs["corpus"],
        sentence_file=SentenceFile(folder / SENTENCES, belongs.get("sentences")),
        tokens_sha256=belongs["tokens"],
    )
    check_corpus(corpus, folder)
    return corpus


def _update(digest: hashlib._Hash, document: Document) -> None:
    # Lengths in front keep ("ab", "c") and ("a", "bc") apart.
    for text in (document.doc_id, document.text):
        data = text.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)


def _check_types(types: int) -> None:
    """Raise InputError where different words no longer fit: they are what grows in memory while a corpus is read."""
    if types * A_TYPE > room():
        raise InputError(
            f"{types:,} different words take about {types * A_TYPE / 1e6:,.0f} MB, more than --memory allows",
            where="corpus",
            next="Raise --memory, leave out --keep-case, or clean the text of what are no words.",
        )


def _order(
    tokens: NDArray[np.uint32], words: list[str], fixed: int, known: Container[str] | None
) -> tuple[list[str], NDArray[np.int64], NDArray[np.uint32]]:
    """Types behind the `fixed` ones, `known` first, by falling count; their counts; and each old id's new id."""
    counts = np.zeros(len(words), dtype=np.int64)
    for start in range(0, len(tokens), FLUSH):
        counts += np.bincount(tokens[start : start + FLUSH], minlength=len(words))
        release(tokens)

    def key(n: int) -> tuple[bool, int, str]:
        return known is not None and words[n] not in known, -int(counts[n]), words[n]

    order = [*range(fixed), *sorted(range(fixed, len(words)), key=key)]
    rank = np.empty(len(words), dtype=np.uint32)
    rank[order] = np.arange(len(words), dtype=np.uint32)
    return [words[n] for n in order], counts[order], rank


def _write_tokens(path: Path, first: NDArray[np.uint32], rank: NDArray[np.uint32]) -> None:
    header = {
        "descr": np.lib.format.dtype_to_descr(np.dtype(np.uint32)),
        "fortran_order": False,
        "shape": first.shape,
    }
    with whole_file(path) as temporary, temporary.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for start in range(0, len(first), FLUSH):
            rank[first[start : start + FLUSH]].tofile(file)
            release(first)
