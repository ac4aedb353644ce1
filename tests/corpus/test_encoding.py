"""Encoded corpora: what goes in comes out, ids are ordered, and files that do not fit are refused."""

from __future__ import annotations

import shutil
from collections import Counter

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clif.corpus import encoding, numbering
from clif.corpus.encoding import DOCUMENTS, TOKENS, WORDS, encode, hash_documents, open_corpus
from clif.corpus.metadata_file import METADATA
from clif.corpus.reading import Document
from clif.corpus.sentence_file import SENTENCES
from clif.corpus.tokenising import Tokeniser
from clif.errors import InputError, MismatchError

TEXTS = ["the cat sat on the mat", "", "a dog, the dog", "Cat?", "zebra ant"]
few_words = st.lists(st.sampled_from("abcdefgh"), max_size=12).map(" ".join)
any_text = st.text(max_size=30)
quick = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def documents(texts, prefix="d"):
    return [Document(f"{prefix}{z}", text, "", None) for z, text in enumerate(texts)]


def encoded(texts, folder, **options):
    return encode(documents(texts), Tokeniser(), folder, **options)


def words_of(corpus, z):
    return [corpus.types[token] for token in corpus.tokens[corpus.offsets[z] : corpus.offsets[z + 1]]]


@quick
@given(texts=st.lists(few_words | any_text, min_size=1, max_size=8))
def test_tokens_map_back_to_the_words_of_each_document(tmp_path, texts):
    tokenised = [Tokeniser()(text) for text in texts]
    if not any(tokenised):
        with pytest.raises(InputError, match="no words"):
            encoded(texts, tmp_path)
        return
    corpus = encoded(texts, tmp_path)
    assert [words_of(corpus, z) for z in range(len(corpus))] == tokenised
    assert corpus.lengths.tolist() == [len(words) for words in tokenised]
    assert corpus.doc_ids == [f"d{z}" for z in range(len(texts))]
    assert all(corpus.number[doc_id] == z for z, doc_id in enumerate(corpus.doc_ids))


@quick
@given(texts=st.lists(few_words, min_size=1, max_size=8).filter(lambda texts: any(texts)))
def test_types_come_by_falling_count_then_by_spelling(tmp_path, texts):
    corpus = encoded(texts, tmp_path)
    counted = Counter(" ".join(texts).split())
    assert corpus.types == sorted(counted, key=lambda word: (-counted[word], word))
    assert corpus.counts.tolist() == [counted[word] for word in corpus.types]


def test_an_opened_corpus_is_the_encoded_one(tmp_path):
    made, opened = encoded(TEXTS, tmp_path), open_corpus(tmp_path)
    for field in ("doc_ids", "types", "content_hash"):
        assert getattr(made, field) == getattr(opened, field)
    for field in ("offsets", "tokens", "counts"):
        assert np.array_equal(getattr(made, field), getattr(opened, field))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([TOKENS, DOCUMENTS, WORDS, METADATA, SENTENCES])


def test_the_order_of_documents_changes_no_id_of_a_word(tmp_path):
    forward = encoded(TEXTS, tmp_path / "forward")
    backward = encoded(TEXTS[::-1], tmp_path / "backward")
    assert forward.types == backward.types


def test_a_fixed_vocabulary_comes_first_and_as_it_is(tmp_path):
    fixed = ["dog", "unicorn", "the"]
    corpus = encoded(TEXTS, tmp_path, vocabulary=fixed)
    assert corpus.types[:3] == fixed
    assert corpus.counts[:3].tolist() == [2, 0, 3]
    assert corpus.types[3:] == ["cat", "a", "ant", "mat", "on", "sat", "zebra"]
    assert [words_of(corpus, z) for z in range(len(corpus))] == [Tokeniser()(text) for text in TEXTS]


def test_a_corpus_larger_than_the_buffers_is_encoded_alike(tmp_path, monkeypatch):
    whole = encoded(TEXTS, tmp_path / "whole")
    monkeypatch.setattr(encoding, "FLUSH", 3)
    monkeypatch.setattr(numbering, "BATCH", 20)
    pieces = encoded(TEXTS, tmp_path / "pieces")
    assert np.array_equal(whole.tokens, pieces.tokens)
    assert np.array_equal(whole.counts, pieces.counts)
    assert whole.types == pieces.types


def test_progress_ends_with_all_documents_and_tokens(tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr(numbering, "BATCH", 3 * 256)
    encoded(["a b"] * 300, tmp_path, progress=lambda *done: calls.append(done))
    assert calls == [(256, 512), (300, 600)]


def test_the_hash_is_known_without_encoding(tmp_path):
    assert encoded(TEXTS, tmp_path).content_hash == hash_documents(documents(TEXTS))


CHANGES = {
    "text": [Document("d0", "one", "", None), Document("d1", "twos", "", None)],
    "id": [Document("d0", "one", "", None), Document("d2", "two", "", None)],
    "order": [Document("d1", "two", "", None), Document("d0", "one", "", None)],
    "spacing": [Document("d0", "one ", "", None), Document("d1", "two", "", None)],
    "border": [Document("d0o", "ne", "", None), Document("d1", "two", "", None)],
    "fewer": [Document("d0", "one", "", None)],
    "surrogate": [Document("d0", "one\ud800", "", None), Document("d1", "two", "", None)],
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_hash_changes_with_an_id_or_a_text(change):
    assert hash_documents(CHANGES[change]) != hash_documents(documents(["one", "two"]))


def test_the_hash_does_not_know_where_a_document_was_read():
    moved = [Document("d0", "one", "a.txt:1", None), Document("d1", "two", "b.txt:9", {"raw": 1})]
    assert hash_documents(moved) == hash_documents(documents(["one", "two"]))


@pytest.mark.parametrize("name", [TOKENS, DOCUMENTS, WORDS])
@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"not what it should be"),
        lambda path: path.write_bytes(path.read_bytes()[:-7]),
        lambda path: path.write_bytes(path.read_bytes()[:40]),
    ],
    ids=["missing", "empty", "nonsense", "cut at the end", "cut at the head"],
)
def test_a_damaged_file_is_named(tmp_path, name, damage):
    encoded(TEXTS, tmp_path)
    damage(tmp_path / name)
    with pytest.raises(InputError, match="cannot be read") as caught:
        open_corpus(tmp_path)
    assert str(tmp_path / name) in str(caught.value)


def test_pickled_tokens_are_not_read(tmp_path):
    encoded(TEXTS, tmp_path)
    np.save(tmp_path / TOKENS, np.array([{}] * 13, dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="cannot be read"):
        open_corpus(tmp_path)


@pytest.mark.parametrize("name", [TOKENS, DOCUMENTS, WORDS])
def test_a_file_of_another_corpus_is_refused(tmp_path, name):
    encoded(TEXTS, tmp_path / "mine")
    encoded([*TEXTS, "more"], tmp_path / "other")
    shutil.copy(tmp_path / "other" / name, tmp_path / "mine" / name)
    with pytest.raises(MismatchError, match="different corpora"):
        open_corpus(tmp_path / "mine")


@pytest.mark.parametrize("name", [TOKENS, DOCUMENTS, WORDS])
def test_a_file_of_another_corpus_of_the_same_size_is_refused(tmp_path, name):
    encoded(TEXTS, tmp_path / "mine")
    encoded(TEXTS[::-1], tmp_path / "other")
    shutil.copy(tmp_path / "other" / name, tmp_path / "mine" / name)
    with pytest.raises(MismatchError, match="different corpora"):
        open_corpus(tmp_path / "mine")


def test_a_corpus_without_words_says_so(tmp_path):
    with pytest.raises(InputError, match="no words in 2 documents"):
        encoded(["123", "…"], tmp_path)
    assert not [path for path in tmp_path.iterdir() if path.suffix != ".raw"]


def test_a_folder_that_cannot_be_made_says_so(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write"):
        encoded(TEXTS, tmp_path / "file" / "run")
