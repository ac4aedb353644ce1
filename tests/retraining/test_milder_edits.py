"""Sentences and swapped words as edits: names, what they do to a corpus, random ones beside them, word lists."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from helpers import Starts, corpus_of
from hypothesis import given
from hypothesis import strategies as st

from clif.corpus.change import OUTSIDE
from clif.corpus.spans import Spans
from clif.errors import InputError, UsageError
from clif.influence.units import Documents, Sentences
from clif.manifest import fingerprint
from clif.objectives import load_tests
from clif.objectives.word_pairs import WordPairs
from clif.retraining import Request, asking
from clif.retraining.asking import Asked
from clif.retraining.editors import Editor
from clif.retraining.edits import UNEDITED, Cut, Edit
from clif.retraining.swapping import Partners, Swap, styled


def with_sentences(texts, starts):
    return replace(corpus_of(texts), sentence_file=Starts(np.array(starts, dtype=np.uint64)))


CORPUS = with_sentences([[0, 1, 2, 3], [], [4, 0, 1], [2, 2]], [0, 2, 4, 6, 7])
NONE = np.zeros(4, dtype=bool)


def test_names_of_edits_of_documents_are_those_of_stored_trainings():
    """Journals hold trainings under these names: they must not change."""
    assert Edit(np.array([2, 0]), 0).name() == "43c748d5819f38c1"
    assert Edit(np.array([2, 0]), 3).name() == fingerprint({"documents": [0, 2], "copies": 3})
    assert UNEDITED.name() == fingerprint({"documents": [], "copies": 1})


def test_edits_that_differ_have_names_that_differ():
    spans, documents = Spans.of(CORPUS), np.array([0, 2])
    edits = [
        Edit(documents, 0),
        Edit(documents, 0.5),
        Edit(documents, 2),
        Cut.of(spans, np.array([0, 2])),
        Cut.of(spans, np.array([0, 3])),
        Swap(documents, 1, np.array([0]), np.array([1], dtype=np.uint32), ("b",)),
        Swap(documents, 1, np.array([0]), np.array([2], dtype=np.uint32), ("c",)),
        UNEDITED,
    ]
    assert len({edit.name() for edit in edits}) == len(edits)
    assert [edit.kind for edit in edits[:6]] == ["remove", "weight", "amplify", "sentences", "sentences", "swap"]
    assert Cut.of(spans, np.array([2, 0])).name() == edits[3].name()


def test_a_half_is_taken_out_by_a_half():
    edit = Edit(np.array([0, 3]), 0.5)
    assert edit.counts(CORPUS).tolist() == [0.5, 1, 1, 0.5]
    assert edit.times(CORPUS).tolist() == [0.5, 0, 0, 0.5]
    assert edit.added_up(CORPUS, np.array([1.0, 10, 100, 4])) == 2.5
    assert not len(edit.change(CORPUS).places)


def test_a_cut_takes_tokens_out_and_leaves_documents():
    edit = Cut.of(Spans.of(CORPUS), np.array([3, 0, 2]))
    assert edit.documents.tolist() == [0, 2]
    assert edit.size == 3
    assert edit.tokens(CORPUS) == 5
    text = edit.change(CORPUS).text(CORPUS)
    assert text.tokens.tolist() == [OUTSIDE, OUTSIDE, 2, 3, OUTSIDE, OUTSIDE, OUTSIDE, 2, 2]
    assert text.lengths.tolist() == CORPUS.lengths.tolist()
    assert edit.counts(CORPUS).tolist() == [1] * 4
    assert edit.added_up(CORPUS, np.array([1.0, 2, 4, 8, 16])) == 13
    assert UNEDITED.change(CORPUS).text(CORPUS) is CORPUS


# Random ones


@given(st.integers(0, 1000), st.integers(1, 11))
def test_random_sentences_hold_as_many_tokens_and_none_of_protected_documents(seed, k):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 6, (8, 4))
    corpus = with_sentences([[0] * int(n) for n in lengths.sum(1)], np.cumsum([0, *lengths.ravel()[:-1]]))
    units = Sentences(corpus)
    editor = Editor(corpus, units, lambda s: Cut.of(units.spans, s), units.lengths, "--remove-top-k", False)
    protected = rng.random(8) < 0.3
    protected[0] = False
    free = 4 * int((~protected).sum())
    if k > free:
        return
    edit = editor.choose(rng.permutation(32), k, head=True, protected=protected)
    other = editor.random(edit, protected, seed, 0)
    assert edit.size == k
    for each in (edit, other):
        assert not protected[each.documents].any()
    assert abs(other.tokens(corpus) - edit.tokens(corpus)) <= 2 or other.size == 1
    assert other.name() == editor.random(edit, protected, seed, 0).name()


def test_something_stays_of_a_corpus():
    units = Sentences(CORPUS)
    editor = Editor(CORPUS, units, lambda s: Cut.of(units.spans, s), units.lengths, "--remove-top-k", False)
    with pytest.raises(UsageError, match="nothing to train on"):
        editor.choose(np.arange(5), 5, head=True, protected=NONE)
    with pytest.raises(UsageError, match="cannot choose 6 of 5 sentences"):
        editor.choose(np.arange(5), 6, head=True, protected=NONE)
    most = editor.choose(np.arange(5), 4, head=False, protected=NONE)
    assert most.sentences.tolist() == [4, 3, 2, 1]
    assert editor.random(most, NONE, 1, 1).size < 5
    halved = Editor(CORPUS, Documents(CORPUS), lambda z: Edit(z, 0.5), CORPUS.lengths, "--remove-top-k", True)
    assert halved.choose(np.arange(4), 4, head=True, protected=NONE).size == 4


# Words that are swapped


def listed(tmp_path, text):
    path = tmp_path / "pairs.toml"
    path.write_text(text, encoding="utf-8")
    return WordPairs.read(path)


def test_pairs_go_both_ways_and_others_one_way(tmp_path):
    found = listed(tmp_path, 'pairs = [["He", "she"], ["his", "her"]]\none_way = [["him", "her"]]')
    assert found.partner == {"he": "she", "she": "he", "his": "her", "her": "his", "him": "her"}
    assert found.name == "pairs"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('pairs = [["he", "she"], ["him", "she"]]', "'she' has the partners"),
        ('pairs = [["he", "he"]]', "'he' has the partners"),
        ('pairs = [["he"]]', "not an array of two words"),
        ('pairs = [["police man", "she"]]', "not an array of two words"),
        ('pairs = "he she"', "not an array of two words"),
        ("pairs = []", "holds no pairs"),
        ('pair = [["he", "she"]]', "unknown key 'pair'"),
    ],
)
def test_what_is_no_list_of_pairs_is_refused(tmp_path, text, what):
    with pytest.raises(UsageError, match=what) as caught:
        listed(tmp_path, text)
    assert "pairs.toml" in caught.value.where


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    for text in ("pairs = [", None):
        with pytest.raises(InputError, match="cannot be read"):
            listed(tmp_path, text) if text else WordPairs.read(tmp_path / "missing.toml")


def test_the_packaged_pairs_are_of_one_word_each_and_say_whence_they_come():
    found = WordPairs.read()
    assert "Bolukbasi" in found.source
    assert found.partner["she"] == "he"
    assert found.partner["him"] == "her"
    assert found.partner["her"] == "his"
    one_way = {word for word, other in found.partner.items() if found.partner[other] != word}
    assert one_way == {"him"}
    assert len(found.partner) == 2 * 39 + 1


@pytest.mark.parametrize(
    ("word", "expected"), [("he", "she"), ("He", "She"), ("HE", "SHE"), ("hE", "She"), ("H", "She")]
)
def test_capitals_are_those_of_the_word(word, expected):
    assert styled("she", word) == expected


def test_the_name_tells_partners_apart_that_the_corpus_lacks(tmp_path):
    corpus = words_of("he man")
    swaps = [
        Partners.find(listed(tmp_path, f'pairs = [["man", "{other}"]]'), corpus, len(corpus.types)).swap(np.array([0]))
        for other in ("lady", "girl", "lady")
    ]
    names = [swap.name() for swap in swaps]
    assert names[0] == names[2] != names[1]


def words_of(*texts):
    types = ["he", "she", "man", "rare", "King", "queen", "Queen"]
    made = corpus_of([[types.index(word) for word in text.split()] for text in texts], len(types))
    return replace(made, types=types)


def test_words_become_their_partners_and_those_without_one_in_the_vocabulary_leave(tmp_path):
    corpus = words_of("he man rare she", "he he", "King man queen")
    text = 'pairs = [["he", "she"], ["man", "woman"], ["king", "queen"]]\none_way = [["rare", "she"]]'
    pairs = listed(tmp_path, text)
    partners = Partners.find(pairs, corpus, 3)
    assert partners.dropped == ("man",)  # those of King and queen were not in the vocabulary before
    edit = partners.swap(np.array([2, 0]))
    assert edit.change(corpus).text(corpus).tokens.tolist() == [1, OUTSIDE, 1, 0, 0, 0, 6, OUTSIDE, OUTSIDE]
    assert edit.tokens(corpus) == 7
    assert partners.counts(corpus).tolist() == [4, 2, 3]
    assert edit.added_up(corpus, np.ones(3)) is None


def test_swapping_twice_is_not_swapping(tmp_path):
    corpus = words_of("he man she", "she rare", "he")
    partners = Partners.find(listed(tmp_path, 'pairs = [["he", "she"]]'), corpus, 4)
    edit = partners.swap(np.array([0, 1]))
    once = edit.change(corpus).text(corpus)
    assert once.tokens.tolist() == [1, 2, 0, 0, 3, 0]
    assert edit.change(once).text(once).tokens.tolist() == corpus.tokens.tolist()


def test_a_list_that_the_vocabulary_knows_nothing_of_is_refused(tmp_path):
    pairs = listed(tmp_path, 'pairs = [["rare", "seldom"]]')
    with pytest.raises(UsageError, match="no word of 'pairs' is in the vocabulary"):
        Partners.find(pairs, words_of("he rare"), 3)


def test_documents_without_such_words_make_no_edit_and_no_random_set(tmp_path):
    corpus = words_of("he man", "rare man", "she he he", "man", "she she")
    partners = Partners.find(listed(tmp_path, 'pairs = [["he", "she"]]'), corpus, 3)
    units = Documents(corpus)
    editor = Editor(corpus, units, partners.swap, partners.counts(corpus), "--swap-top-k", True)
    nobody = np.zeros(5, dtype=bool)
    with pytest.raises(UsageError, match="nothing to edit in these 2 documents") as caught:
        editor.choose(np.array([1, 3, 0]), 2, head=True, protected=nobody)
    assert caught.value.where == "--swap-top-k"
    like = editor.choose(np.array([1, 3, 2]), 3, head=True, protected=nobody)
    for number in range(10):
        drawn = editor.random(like, nobody, 0, number)
        assert set(drawn.documents.tolist()) <= {0, 2, 4}
        assert abs(drawn.tokens(corpus) - 3) <= 1


# What is asked for


@pytest.mark.parametrize(
    ("options", "where"),
    [
        ({"remove": 3, "weight": 1.0}, "--weight"),
        ({"remove": 3, "weight": -0.1}, "--weight"),
        ({"remove": 3, "weight": float("nan")}, "--weight"),
        ({"remove": 3, "weight": 0.5, "unit": "sentence"}, "--weight, --unit"),
        ({"swap": 3, "weight": 0.5}, "--weight"),
        ({"swap": 3, "unit": "sentence"}, "--unit"),
        ({"amplify": 3, "unit": "sentence"}, "--unit"),
        ({"remove": 3, "unit": "context"}, "--unit"),
        ({"remove": 3, "pairs": "x.toml"}, "--pairs"),
        ({"swap": 3, "copies": 2}, "--copies"),
        ({"swap": 3, "remove": 3}, "clif retrain"),
    ],
)
def test_edits_that_make_no_sense_are_refused(options, where):
    with pytest.raises(UsageError) as caught:
        Request(**options)
    assert caught.value.where == where


@pytest.mark.parametrize(
    ("options", "kind", "aim", "head"),
    [
        ({"remove": 3}, "remove", "reduce", True),
        ({"remove": 3, "goal": "increase"}, "remove", "increase", False),
        ({"remove": 3, "weight": 0.5}, "weight", "reduce", True),
        ({"until": 0.2, "unit": "sentence"}, "sentences", "reduce", True),
        ({"swap": 3}, "swap", "reduce", True),
        ({"amplify": 3, "copies": 2}, "amplify", "increase", True),
        ({"amplify": 3, "goal": "reduce"}, "amplify", "reduce", False),
    ],
)
def test_a_request_says_what_is_done_and_from_which_end(options, kind, aim, head):
    request = Request(**options)
    assert (request.edit, request.aim, request.from_head) == (kind, aim, head)
    assert request.stand == {"weight": 0.5, "amplify": 1 + options.get("copies", 1)}.get(kind, 0)


def test_sentences_are_not_ranked_in_an_ensemble_and_that_is_said(monkeypatch):
    test = load_tests(["weat6"])[0]
    about = {"method": "block", "measure": "effect_size", "asked_damping": None, "confidence": 0.9, "adaptive": 10}
    newest = SimpleNamespace(test=test, models=3, about=about)
    monkeypatch.setattr(asking, "newest_ranking", lambda run: newest)
    monkeypatch.setattr(asking, "choose_test", lambda run, asked: test)
    of_documents = Asked.of(None, None, Request(remove=3))
    of_sentences = Asked.of(None, None, Request(remove=3, unit="sentence"))
    assert (of_documents.ensemble, of_documents.adaptive, of_documents.warnings) == (3, 10, ())
    assert (of_sentences.ensemble, of_sentences.adaptive, of_sentences.confidence) == (None, None, None)
    assert "not in the 3 of the newest ranking" in of_sentences.warnings[0]
