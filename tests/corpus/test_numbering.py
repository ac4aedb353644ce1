"""Words are numbered alike by one process and by several, also when one of these dies."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clif.corpus import numbering
from clif.corpus.documents import Document
from clif.corpus.encoding import encode
from clif.corpus.numbering import number_words, numbered
from clif.corpus.tokenising import Tokeniser
from clif.errors import InputError

TEXTS = [f"the {'cat sat. ' * (z % 3)}w{chr(97 + z % 26)} and {chr(97 + z * 7 % 26)}x" for z in range(60)]


def counter():
    number = defaultdict()
    number.default_factory = number.__len__
    return number


def put_together(batches):
    """Words of all texts, with where sentences begin and how long texts are."""
    tokens, starts, lengths, total = [], [], [], 0
    for batch in batches:
        tokens += batch.tokens.tolist()
        starts += (batch.sentences + np.uint64(total)).tolist()
        lengths += batch.lengths.tolist()
        total = len(tokens)
    return tokens, starts, lengths


@pytest.fixture
def several(monkeypatch):
    """Two processes from the second batch on, whatever this machine has."""
    monkeypatch.setattr(numbering, "BATCH", 100)
    monkeypatch.setattr(numbering, "ALONE", 1)
    monkeypatch.setattr(numbering, "cores", lambda: 2)


def test_several_processes_number_as_one_does(several):
    one, other = counter(), counter()
    whole = put_together([number_words(TEXTS, Tokeniser(), one)])
    parts = list(numbered(TEXTS, Tokeniser(), other))
    assert len(parts) > 5
    assert put_together(parts) == whole
    assert list(one) == list(other)
    assert not multiprocessing.active_children()


@given(texts=st.lists(st.text(alphabet="ab .\n\u00e9\ud800", max_size=12), max_size=12), size=st.integers(1, 30))
@settings(deadline=None)
def test_batches_change_no_number(texts, size):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(numbering, "BATCH", size)
        patch.setattr(numbering, "cores", lambda: 1)
        one, other = counter(), counter()
        whole = put_together([number_words(texts, Tokeniser(), one)])
        assert put_together(numbered(texts, Tokeniser(), other)) == whole
        assert list(one) == list(other)


def test_an_encoded_corpus_is_the_same_bytes(several, tmp_path, monkeypatch):
    documents = [Document(f"d{z}", text, "", None) for z, text in enumerate(TEXTS)]
    encode(documents, Tokeniser(), tmp_path / "several")
    monkeypatch.setattr(numbering, "cores", lambda: 1)
    encode(documents, Tokeniser(), tmp_path / "one")
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert names == sorted(path.name for path in (tmp_path / "several").iterdir())
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "several" / name).read_bytes()


def test_when_a_process_is_killed_its_texts_are_not_lost(several):
    one, other = counter(), counter()
    whole = put_together([number_words(TEXTS, Tokeniser(), one)])
    batches = numbered(TEXTS, Tokeniser(), other)
    parts = [next(batches), next(batches)]
    for child in multiprocessing.active_children():
        os.kill(child.pid, signal.SIGKILL)
    assert put_together([*parts, *batches]) == whole
    assert list(one) == list(other)


def test_an_error_while_reading_leaves_no_process(several, tmp_path):
    def documents():
        yield from (Document(f"d{z}", text, "", None) for z, text in enumerate(TEXTS))
        raise InputError("is damaged", where="x", next="y")

    with pytest.raises(InputError, match="is damaged"):
        encode(documents(), Tokeniser(), tmp_path)
    assert not multiprocessing.active_children()
    assert list(tmp_path.iterdir()) == []
