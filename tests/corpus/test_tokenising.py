"""Words out of text."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from clif.corpus.tokenising import Tokeniser
from clif.errors import UsageError


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("The cat's 2nd_try-out", ["the", "cat", "s", "nd", "try", "out"]),
        ("naïve Straße ΟΔΟΣ", ["naïve", "straße", "οδος"]),
        ("cafe\u0301", ["café"]),
        ("\u0301 mark without a letter", ["mark", "without", "a", "letter"]),
        # Letters with marks that have no code point of their own stay one word.
        ("किताब x\u0323\u0303y", ["किताब", "x\u0323\u0303y"]),
        # J with a caron has no single code point, its small letter has one.
        ("J\u030cA", ["\u01f0a"]),
        ("日本語、中文", ["日本語", "中文"]),
        ("\ud800a", ["a"]),
    ],
)
def test_words_are_letters_with_their_marks_in_lower_case(text, words):
    assert Tokeniser()(text) == words


def test_case_can_be_kept():
    assert Tokeniser(keep_case=True)("Bush fires; Étude") == ["Bush", "fires", "Étude"]


def test_pretokenised_text_is_split_at_white_space_and_nothing_else():
    text = " it 's  -LRB- 3.5\tNew_York\u2028cafe\u0301 "
    assert Tokeniser(pretokenised=True)(text) == ["it", "'s", "-LRB-", "3.5", "New_York", "cafe\u0301"]


@given(st.text(), st.booleans())
@example("I\u0307stanbul ΑΣ'Σ ſ K", False)
def test_words_tokenise_to_themselves(text, keep_case):
    tokenise = Tokeniser(keep_case)
    words = tokenise(text)
    assert tokenise(" ".join(words)) == words


@given(st.text())
def test_equivalent_spellings_give_the_same_words(text):
    tokenise = Tokeniser()
    assert tokenise(unicodedata.normalize("NFD", text)) == tokenise(unicodedata.normalize("NFC", text))


@given(st.text(st.characters(max_codepoint=127)))
def test_the_shortcut_for_ascii_changes_nothing(text):
    # A letter outside of ASCII at the end forces the long way.
    assert [*Tokeniser()(text), "é"] == Tokeniser()(text + " é")


@given(st.text(), st.booleans(), st.booleans())
@example("I\u0307stanbul ΑΣ'Σ ſ K J\u030cA \u212b", False, False)
@example("cafe\u0301 1\u0301 \u1100\u1161 \u0958", True, False)
@example("a\x1cb\u2028 c", False, True)
def test_spans_find_each_word_where_it_is_written(text, keep_case, pretokenised):
    tokenise = Tokeniser(keep_case, pretokenised)
    spans = tokenise.spans(text)
    assert spans == sorted(spans)
    written = [text[start:end] for start, end in spans]
    # Case apart: a capital sigma becomes one of two small letters by what is around it.
    assert [_folded(word) for word in written] == [_folded(word) for word in tokenise(text)]


def _folded(word):
    return unicodedata.normalize("NFC", word.lower()).replace("ς", "σ")


def test_spans_keep_punctuation_out():
    text = '"Ab, cé" d.'
    assert [text[start:end] for start, end in Tokeniser().spans(text)] == ["Ab", "cé", "d"]
    assert [text[start:end] for start, end in Tokeniser(pretokenised=True).spans(text)] == ['"Ab,', 'cé"', "d."]


def test_settings_go_to_a_manifest_and_back():
    tokenise = Tokeniser(keep_case=True)
    assert Tokeniser.from_dict(tokenise.to_dict()) == tokenise
    with pytest.raises(UsageError, match="stem"):
        Tokeniser.from_dict({"stem": True})
