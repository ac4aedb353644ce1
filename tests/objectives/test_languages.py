"""Tests in other languages than English: packaged ones, and words beyond ASCII."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest

from clif.corpus.tokenising import Tokeniser
from clif.errors import CoverageError
from clif.model import SkipGram
from clif.objectives import PACKAGED, BiasTest, audit, cover, load_tests
from clif.objectives.bias_tests import GROUPS, LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
def test_groups_of_other_languages_are_loaded_with_their_source(language):
    tests = load_tests([f"weathub-{language}"])
    assert [test.name for test in tests] == list(LANGUAGES[language])
    for test in tests:
        assert test.language == language
        assert "CC BY 4.0" in test.source
        assert "Mukherjee" in test.source
        for words in test.sets.values():
            assert len(words) >= 6
            assert all(Tokeniser()(word) == [word.lower()] for word in words)  # one word each, as a corpus is cut


def test_the_english_group_stays_as_it_was():
    assert GROUPS["weat"] == PACKAGED
    assert not any("weathub" in name for name in PACKAGED)
    assert {test.language for test in load_tests(["weat"])} == {"en"}


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("keep_case", [False, True])
def test_words_of_a_german_text_are_found(form, keep_case):
    (test,) = load_tests(["weathub6-de"])
    text = unicodedata.normalize(form, " ".join(word for words in test.sets.values() for word in words))
    words = Tokeniser(keep_case=keep_case)(text)
    coverage = cover(test, {word: row for row, word in enumerate(words)})
    assert coverage.reason is None
    assert not any(coverage.missing.values())


def test_sharp_s_is_found_where_it_was_folded():
    test = BiasTest("s", ("Straße", "Fuß"), ("Maß", "Spaß"), ("groß", "süß"), ("weiß", "heiß"))
    folded = {word.casefold(): row for row, word in enumerate(w for words in test.sets.values() for w in words)}
    coverage = cover(test, folded, least=2)
    assert coverage.words["X"] == ("strasse", "fuss")
    assert not any(coverage.missing.values())


def test_turkish_words_are_cut_and_looked_up_alike():
    """Lower case is Unicode's: I becomes i and İ an i with a dot above, in the corpus and in the test."""
    test = BiasTest("t", ("İstanbul", "Isparta"), ("Iğdır", "İzmir"), ("kız", "ışık"), ("oğlan", "çocuk"))
    words = Tokeniser()("İstanbul Isparta Iğdır İzmir kız ışık oğlan çocuk")
    coverage = cover(test, {word: row for row, word in enumerate(words)}, least=2)
    assert not any(coverage.missing.values())
    assert coverage.words["X"][1] == "isparta"


def test_a_corpus_in_another_language_is_asked_about():
    rng = np.random.default_rng(0)
    model = SkipGram([f"wort{n}" for n in range(50)], rng.normal(size=(50, 4)).astype(np.float32))
    with pytest.raises(CoverageError) as caught:
        audit(model, "weathub-de")
    assert "is the text in the language of the test (de)?" in caught.value.next
    some = load_tests(["weat6"])[0]
    half = SkipGram([*some.X, *some.Y], rng.normal(size=(16, 4)).astype(np.float32))
    with pytest.raises(CoverageError) as caught:
        audit(half, "weat6")
    assert "language" not in caught.value.next
