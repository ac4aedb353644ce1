"""Coverage: casing fallback, what suffices, what meets in one row."""

from __future__ import annotations

import pytest

from clif.objectives import BiasTest, cover, load_tests
from clif.objectives.coverage import uncovered_error


def letters(X: str, Y: str = "klmn", A: str = "pqrs", B: str = "tuvw", **about: dict[str, str]) -> BiasTest:
    return BiasTest("mine", tuple(X), tuple(Y), tuple(A), tuple(B), **about)


def index(words: str | list[str]) -> dict[str, int]:
    return {word: row for row, word in enumerate(words)}


def test_words_rows_and_missing_are_told_by_set() -> None:
    coverage = cover(letters("abcde"), index("wvutsrqpnmlkecba"))
    assert coverage.reason is None
    assert coverage.words["X"] == ("a", "b", "c", "e")
    assert coverage.rows["X"].tolist() == [15, 14, 13, 12]
    assert coverage.missing == {"X": ("d",), "Y": (), "A": (), "B": ()}


@pytest.mark.parametrize(
    ("asked", "held"),
    [("Adam", "adam"), ("adam", "Adam"), ("NASA", "Nasa"), ("Nasa", "NASA"), ("Élan", "e\u0301lan")],
)
def test_casing_and_unicode_form_fall_back(asked: str, held: str) -> None:
    test = BiasTest("mine", (asked, "b", "c", "d"), *(tuple(words) for words in ("klmn", "pqrs", "tuvw")))
    coverage = cover(test, index([held, *"bcdklmnpqrstuvw"]))
    assert coverage.reason is None
    assert coverage.words["X"][0] == held


def test_the_exact_form_comes_first() -> None:
    coverage = cover(load_tests(["weat6"])[0], index(["bill", "BILL", "Bill"]))
    assert coverage.words["X"] == ("Bill",)


def test_words_of_one_set_that_meet_count_once_and_are_not_missing() -> None:
    coverage = cover(letters("aAbcd"), index("abcdklmnpqrstuvw"))
    assert coverage.words["X"] == ("a", "b", "c", "d")
    assert coverage.missing["X"] == ()
    assert coverage.reason is None


@pytest.mark.parametrize(("Y", "B", "sets"), [("Almno", "tuvw", "X and of Y"), ("klmn", "tuvwA", "X and of B")])
def test_words_of_two_sets_that_meet_leave_the_test_uncovered(Y: str, B: str, sets: str) -> None:
    reason = cover(letters("abcd", Y=Y, B=B), index("abcdklmnopqrstuvw")).reason
    assert reason == f"words of {sets} are the same in this vocabulary: a"


def test_four_words_and_half_of_the_set_are_needed() -> None:
    rest = "klmnpqrstuvw"
    assert cover(letters("abcdefgh"), index("abcd" + rest)).reason is None
    assert cover(letters("abcdefghi"), index("abcd" + rest)).reason == (
        "set X keeps 4 of its 9 words, at least half needed, missing: e, f, g, h, i"
    )
    assert cover(letters("abcde", labels={"X": "first"}), index("abc" + rest)).reason == (
        "set X (first) keeps 3 of its 5 words, at least 4 needed, missing: d, e"
    )
    assert cover(letters("abc"), index("abc" + rest)).reason == ("set X keeps 3 of its 3 words, at least 4 needed")
    assert cover(letters("abc"), index("abc" + rest), least=3).reason is None


def test_the_error_names_tests_and_words() -> None:
    coverages = [cover(test, {}) for test in load_tests(["weat6", "weat7"])]
    text = str(uncovered_error(coverages, where="vectors.txt"))
    assert "(weat6, weat7)" in text
    assert "missing: John, Paul" in text
    assert coverages[0].reason.count("keeps 0 of its 8 words") == 4
