"""Parts of a corpus cover it, in whole blocks, and give its tokens whether they are sent or read."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import corpus_of
from hypothesis import given
from hypothesis import strategies as st

from clif.corpus import parts
from clif.corpus.documents import Document
from clif.corpus.encoding import DOCUMENTS, TOKENS, encode
from clif.corpus.parts import blocks_of, finds, folder_of, in_passes, parts_of
from clif.corpus.tokenising import Tokeniser
from clif.errors import InputError

LENGTHS = st.lists(st.integers(0, 9), max_size=30)


def corpus_with(lengths):
    return corpus_of([list(range(length)) for length in lengths], 10)


@given(LENGTHS, st.integers(1, 20))
def test_blocks_cover_the_documents_and_keep_to_their_size(lengths, size):
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    blocks = blocks_of(offsets, size)
    assert [document for first, last in blocks for document in range(first, last)] == list(range(len(lengths)))
    for first, last in blocks:
        assert offsets[last] - offsets[first] <= size or last - first == 1


@given(LENGTHS, st.integers(1, 20), st.integers(1, 4), st.integers(1, 5))
def test_parts_are_made_of_whole_blocks_whoever_cuts_them(lengths, size, most, threads):
    corpus = corpus_with(lengths)
    parts = list(parts_of(corpus, threads, size, most, by_path=False))
    whole = [tuple(corpus.offsets[list(block)]) for block in blocks_of(corpus.offsets, size)]
    again = [tuple(part.start + part.offsets[list(block)]) for part in parts for block in blocks_of(part.offsets, size)]
    assert again == whole
    assert all(len(blocks_of(part.offsets, size)) <= most for part in parts)
    held = [part.tokens() for part in parts]
    assert np.array_equal(np.concatenate([*held, np.empty(0, np.uint32)]), corpus.tokens)


def test_tokens_are_read_where_the_run_is_seen(opened):
    corpus = opened.corpus
    assert folder_of(corpus) == opened.path.absolute()
    parts = list(parts_of(corpus, 1, 1000, 1, by_path=True))
    assert len(parts) > 1
    assert all(part.held is None for part in parts)
    assert np.array_equal(np.concatenate([part.tokens() for part in parts]), corpus.tokens)
    assert not parts[0].tokens().flags.writeable


def test_tokens_in_memory_only_are_sent():
    corpus = corpus_with([3, 4])
    assert folder_of(corpus) is None
    (part,) = parts_of(corpus, 1, by_path=True)
    assert np.array_equal(part.tokens(), corpus.tokens)


@pytest.mark.parametrize("name", [DOCUMENTS, TOKENS])
def test_a_run_that_is_not_there(opened, name):
    part = next(parts_of(opened.corpus, 1, by_path=True))
    (opened.path / name).unlink()
    with pytest.raises(InputError, match="cannot be read on this worker"):
        part.tokens()


def test_another_run_at_that_place(made, opened):
    import shutil

    part = next(parts_of(opened.corpus, 1, by_path=True))
    for name in (DOCUMENTS, TOKENS):
        shutil.copy(made.other_run / name, opened.path / name)
    with pytest.raises(InputError, match="another run lies there"):
        part.tokens()


def test_the_same_text_tokenised_otherwise_is_not_taken_for_what_was_opened_before(tmp_path):
    """Workers live longer than runs: one that is replaced lies at the same place, with the hash of the same texts."""
    documents = [Document(str(n), text) for n, text in enumerate(["B a b. A", "a B a c"])]
    for tokenise in (Tokeniser(), Tokeniser(keep_case=True)):
        corpus = encode(documents, tokenise, tmp_path)
        (part,) = parts_of(corpus, 1, by_path=True)
        assert finds(part.folder, part.sha256)
        assert np.array_equal(part.tokens(), corpus.tokens)
        assert len(corpus.types) == (3 if not tokenise.keep_case else 5)


@pytest.mark.parametrize("chosen", [None, [0, 3, 4, 9]])
def test_passes_give_every_document_once_and_let_go_between_them(monkeypatch, chosen):
    corpus, let_go = corpus_of([[0] * 5] * 10, 1), []
    monkeypatch.setattr(type(corpus), "release", lambda _: let_go.append(len(let_go)))
    monkeypatch.setattr(parts, "PASSED", 20)
    documents = None if chosen is None else np.array(chosen)
    found = []
    for some in in_passes(corpus, documents):
        assert len(let_go) == len(found)
        found.append(some.tolist())
    assert found == ([[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]] if chosen is None else [chosen])
    assert len(let_go) == len(found)


def test_documents_of_a_long_corpus_that_lie_apart_count_for_what_is_mapped_around_them(monkeypatch):
    monkeypatch.setattr(parts, "LONG", 10)
    monkeypatch.setattr(parts, "STRETCH", 15)
    monkeypatch.setattr(parts, "PASSED", 40)
    corpus = corpus_of([[0] * 5] * 10, 1)
    assert [some.tolist() for some in in_passes(corpus, np.array([0, 3, 4, 9]))] == [[0, 3], [4, 9]]
