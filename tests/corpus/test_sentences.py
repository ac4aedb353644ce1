"""Sentences: where they end, that they change no token, and the file that says where they begin."""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from array import array
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from helpers import corpus_of
from hypothesis import example, given, settings
from hypothesis import strategies as st

from clif.corpus import encoding
from clif.corpus.encoding import DOCUMENTS, WORDS, encode, open_corpus
from clif.corpus.reading import Document
from clif.corpus.sentence_file import SENTENCES, write_sentences
from clif.corpus.tokenising import Tokeniser
from clif.errors import InputError, MismatchError

TEXTS = ["One two. Three!", "", "Four", "1. 2. 3.", "Five six?\n\nSeven"]
STARTS = [0, 2, 3, 4, 6]
# Letters whose small form depends on what is around them, marks that compose, every kind of white space and of end.
LETTERS = ["Σ", "σ", "ΑΣ", "J\u030c", "I\u0307", "İ", "e", "\u0301", "e\u0301", "\u0338", "a", "B", "<"]
ENDS = [".", "!", "?", "…", "。", "！", "۔", "...", "'", '"', "”", ")"]
SPACES = [" ", "\n", "\r\n", "\n\n", "\t", "\u00a0", "\u2028", "\x1c", "\x85"]
pieces = st.sampled_from([*LETTERS, *ENDS, *SPACES])
any_text = st.lists(pieces, max_size=30).map("".join) | st.text(max_size=40)
tokenisers = st.builds(Tokeniser, keep_case=st.booleans(), pretokenised=st.booleans())


def split(text: str, **options: bool) -> list[str]:
    """Sentences that have words, each as its words with spaces between."""
    return [" ".join(words) for words in Tokeniser(**options).sentences(text) if words]


@settings(max_examples=500)
@given(text=any_text, tokenise=tokenisers)
@example(text="ΑΣ. Β", tokenise=Tokeniser())
@example(text="ΑΣ 。Β", tokenise=Tokeniser())
@example(text="a.\u0338 b", tokenise=Tokeniser())
def test_sentences_put_together_are_the_tokens_of_the_text(text, tokenise):
    assert list(chain.from_iterable(tokenise.sentences(text))) == tokenise(text)


def test_white_space_is_the_same_to_those_who_cut():
    spaces = [c for c in map(chr, range(sys.maxunicode + 1)) if c.isspace()]
    assert all(re.fullmatch(r"\s", c) and not c.split() for c in spaces)
    assert len(re.findall(r"\s", "".join(map(chr, range(sys.maxunicode + 1))))) == len(spaces)


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("A cat sat. A dog ran.", ["a cat sat", "a dog ran"]),
        ("Who? Me! Yes… No", ["who", "me", "yes", "no"]),
        ('He said "go." She went.', ["he said go", "she went"]),
        ("(He went.) [She stayed.] End", ["he went", "she stayed", "end"]),
        ("„Komm.“ Er kam.", ["komm", "er kam"]),
        ("« Va. » Elle alla.", ["va", "elle alla"]),
        ("What?! No... Yes", ["what", "no", "yes"]),
        ("It cost 3.50 at example.com today", ["it cost at example com today"]),
        ("我们走。他们来！好", ["我们走", "他们来", "好"]),
        ("「行く。」彼は", ["行く", "彼は"]),
        ("यह है। वह है॥ अंत", ["यह है", "वह है", "अंत"]),
        ("A heading\n\nA text that\nis wrapped. And\ngoes on", ["a heading", "a text that is wrapped", "and goes on"]),
        ("one\n \t\ntwo\r\n\r\nthree\r\nfour\n", ["one", "two", "three four"]),
        ("one.\n\n\n2. (3)\n\ntwo", ["one", "two"]),
        ("...", []),
        ("", []),
        ("one", ["one"]),
    ],
)
def test_where_sentences_end(text, sentences):
    assert split(text) == sentences


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("A cat sat . A dog ran .", ["A cat sat .", "A dog ran ."]),
        ("Mr. Fox ran . He", ["Mr. Fox ran .", "He"]),
        ("Who ?! Me ... 3 . 5", ["Who ?!", "Me ...", "3 .", "5"]),
        ("He said go .\" She", ["He said go .\"", "She"]),
        ("好 。 走", ["好 。", "走"]),
        ("one\ntwo\n\nthree . \n\n four", ["one two", "three .", "four"]),
        (". a", [".", "a"]),
        ("a .b c. d", ["a .b c. d"]),
        ("", []),
    ],
)  # fmt: skip
def test_pretokenised_sentences_end_at_a_token_that_is_a_mark(text, sentences):
    assert split(text, pretokenised=True) == sentences


@pytest.mark.parametrize("pretokenised", [False, True])
@pytest.mark.parametrize("unit", [".", '."', ' ."', "\n", "\n ", "。」", " .", "?!"])
def test_no_text_takes_long(unit, pretokenised):
    Tokeniser(pretokenised=pretokenised).sentences(unit * 200_000 + "x")


def encoded(texts, folder, **options):
    return encode([Document(f"d{z}", text, "", None) for z, text in enumerate(texts)], Tokeniser(**options), folder)


def test_a_corpus_knows_where_its_sentences_begin(tmp_path):
    made = encoded(TEXTS, tmp_path)
    assert made.sentences.tolist() == open_corpus(tmp_path).sentences.tolist() == STARTS
    assert np.load(tmp_path / SENTENCES).tolist() == STARTS
    assert made.sentences.dtype == np.uint64


@settings(max_examples=50, deadline=None)
@given(texts=st.lists(any_text, min_size=1, max_size=6), tokenise=tokenisers, flush=st.sampled_from([1, 3, 1 << 22]))
def test_a_document_begins_with_a_sentence_and_no_sentence_is_empty(texts, tokenise, flush):
    expected = [words for text in texts for words in tokenise.sentences(text) if words]
    if not expected:
        return
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoding, "FLUSH", flush)
        documents = [Document(f"d{z}", text, "", None) for z, text in enumerate(texts)]
        corpus = encode(documents, tokenise, Path(folder))
        starts = corpus.sentences.tolist()
        words = [corpus.types[token] for token in corpus.tokens]
    assert [words[a:b] for a, b in zip(starts, [*starts[1:], len(words)], strict=True)] == expected
    assert {int(start) for start, end in zip(corpus.offsets, corpus.offsets[1:], strict=False) if start < end} <= {
        *starts
    }


def test_documents_of_a_corpus_in_memory_are_single_sentences():
    corpus = corpus_of([[1, 2], [], [3], [], [4, 4, 4]])
    assert corpus.sentences.tolist() == [0, 2, 3]
    assert corpus.sentences.dtype == np.uint64


def test_the_file_is_not_opened_before_it_is_asked_for(tmp_path):
    encoded(TEXTS, tmp_path)
    (tmp_path / SENTENCES).unlink()
    corpus = open_corpus(tmp_path)
    with pytest.raises(InputError, match="cannot be read") as caught:
        _ = corpus.sentences
    assert caught.value.where == str(tmp_path / SENTENCES)


@pytest.mark.parametrize("content", [b"", b"nonsense", None])
def test_a_damaged_file_is_named(tmp_path, content):
    corpus = encoded(TEXTS, tmp_path)
    path = tmp_path / SENTENCES
    path.write_bytes(path.read_bytes()[:-7] if content is None else content)
    with pytest.raises(InputError, match="cannot be read") as caught:
        _ = corpus.sentences
    assert caught.value.where == str(path)


def test_the_sentences_of_another_corpus_are_refused(tmp_path):
    corpus = encoded(TEXTS, tmp_path / "mine")
    encoded([text.replace("!", ",") for text in [*TEXTS[1:], TEXTS[0]]], tmp_path / "other")
    shutil.copy(tmp_path / "other" / SENTENCES, tmp_path / "mine")
    with pytest.raises(MismatchError, match="sentences of another corpus"):
        _ = corpus.sentences


def test_a_run_of_an_earlier_version_opens_and_says_what_it_lacks(tmp_path):
    encoded(TEXTS, tmp_path)
    for name in (DOCUMENTS, WORDS):
        table = pq.read_table(tmp_path / name)
        kept = {key: value for key, value in table.schema.metadata.items() if key != b"sentences"}
        pq.write_table(table.replace_schema_metadata(kept), tmp_path / name)
    (tmp_path / SENTENCES).unlink()
    corpus = open_corpus(tmp_path)
    assert corpus.doc_ids == [f"d{z}" for z in range(len(TEXTS))]
    with pytest.raises(InputError, match="earlier version") as caught:
        _ = corpus.sentences
    assert "--force" in caught.value.next


def test_the_file_is_one_that_numpy_reads(tmp_path):
    for numbers in ([], [0], [0, 2**40, 2**63]):
        with tempfile.TemporaryFile() as raw:
            array("Q", numbers).tofile(raw)
            write_sentences(raw, tmp_path / SENTENCES)
        assert np.load(tmp_path / SENTENCES).tolist() == numbers
