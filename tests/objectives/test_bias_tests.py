"""Word sets: as published, and refused with a reason where they cannot make a test."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from plug_ins import install

import clif.objectives.bias_tests as module
from clif.errors import UsageError
from clif.objectives import OTHERS, PACKAGED, BiasTest, definition, load_tests

PUBLISHED = {
    "weat1": (25, 25, 25, 25),
    "weat2": (25, 25, 25, 25),
    "weat3": (32, 32, 25, 25),
    "weat4": (16, 16, 25, 25),
    "weat5": (16, 16, 8, 8),
    "weat6": (8, 8, 8, 8),
    "weat7": (8, 8, 8, 8),
    "weat8": (8, 8, 8, 8),
    "weat9": (6, 6, 7, 7),
    "weat10": (8, 8, 8, 8),
    "gender-career": (8, 8, 11, 11),
    "gender-science": (8, 8, 11, 11),
    "gender-math": (8, 8, 11, 11),
}

GOOD = 'name = "mine"\nX = ["a", "b"]\nY = ["c", "d"]\nA = ["e", "f"]\nB = ["g", "h"]\n'


def write(folder: Path, text: str | bytes, name: str = "mine.toml") -> str:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


@pytest.mark.parametrize("name", PACKAGED)
def test_packaged_sets_have_their_published_sizes_labels_and_source(name: str) -> None:
    (test,) = load_tests([name])
    assert tuple(len(words) for words in test.sets.values()) == PUBLISHED[name]
    assert test.name == name
    assert "Caliskan" in test.source
    assert all(len(label) > 1 for label in test.labels.values())


def test_every_packaged_file_has_a_name_and_every_name_a_file() -> None:
    files = {path.stem for path in Path(module.__file__).with_name("wordsets").glob("*.toml")}
    assert files == {*PACKAGED, *OTHERS}
    assert set(PACKAGED) == set(PUBLISHED)


def test_published_casing_and_the_two_lists_of_unpleasant_words_are_kept() -> None:
    one, three, eight = load_tests(["weat1", "weat3", "weat8"])
    assert three.X[:3] == ("Adam", "Harry", "Josh")
    assert {"NASA", "Einstein"} <= set(eight.X)
    assert set(one.B) - set(three.B) == {"agony", "prison"}
    assert set(three.B) - set(one.B) == {"bomb", "evil"}


def test_weat_stands_for_all_packaged_tests_in_order_and_repetitions_collapse() -> None:
    names = [test.name for test in load_tests(["weat6", "weat", "weat6", "WEAT1"])]
    assert names == ["weat6", *(name for name in PACKAGED if name != "weat6")]


def test_a_test_of_ones_own_survives_the_round_trip(tmp_path: Path) -> None:
    extra = 'language = "de"\nsource = "here"\n[labels]\nX = "first"\n'
    (test,) = load_tests([write(tmp_path, b"\xef\xbb\xbf" + (GOOD + extra).encode())])
    assert test.to_dict() == {
        "name": "mine",
        "X": ["a", "b"],
        "Y": ["c", "d"],
        "A": ["e", "f"],
        "B": ["g", "h"],
        "labels": {"X": "first", "Y": "Y", "A": "A", "B": "B"},
        "language": "de",
        "source": "here",
    }
    assert BiasTest(**test.to_dict()) == test
    assert hash(BiasTest(**test.to_dict())) == hash(test)


def test_a_file_needs_no_toml_ending(tmp_path: Path) -> None:
    assert load_tests([write(tmp_path, GOOD, "words")])[0].name == "mine"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (GOOD + 'Z = ["i"]', "unknown key 'Z'"),
        (GOOD.replace("name", "nmae"), "unknown key 'nmae'"),
        (GOOD.replace('B = ["g", "h"]', ""), "missing 'B'"),
        ("", "missing 'name', 'X', 'Y', 'A', 'B'"),
        ("name = ", "not valid TOML"),
        (b"name = '\xff'", "not valid TOML"),
        (GOOD.replace('"mine"', "3"), "name must be a string, got 3"),
        (GOOD.replace('["a", "b"]', '"ab"'), "X must be an array of strings"),
        (GOOD.replace('["a", "b"]', '["a", 1]'), "X must be an array of strings"),
        (GOOD + "labels = 'career'", "labels must be a table of strings"),
        (GOOD + "labels = {Z = 'career'}", "labels must be a table of strings"),
        (GOOD + "language = 1", "language must be a string"),
        (GOOD + "source = []", "source must be a string"),
        (GOOD.replace('["a", "b"]', "[]"), "set X has 0 words"),
        (GOOD.replace('["a", "b"]', '["a"]'), "set X has 1 word,"),
        (GOOD.replace('["a", "b"]', '["a", ""]'), "set X holds ''"),
        (GOOD.replace('["a", "b"]', '["a", " b"]'), "set X holds ' b'"),
        (GOOD.replace('["a", "b"]', '["a", "a"]'), "'a' stands twice in set X"),
        (GOOD.replace('["a", "b"]', '["\\u00e9", "e\\u0301"]'), "'é' stands twice in set X"),
        (GOOD.replace('["c", "d"]', '["a", "b"]'), "'a', 'b' stand in both X and Y"),
        (GOOD.replace('["g", "h"]', '["g", "e"]'), "'e' stands in both A and B"),
        (GOOD.replace('["g", "h"]', '["g", "a"]'), "'a' stands in both X and B"),
        (GOOD.replace('"mine"', '"../mine"'), "the name '../mine' cannot"),
        (GOOD.replace('"mine"', '""'), "the name '' cannot"),
    ],
)
def test_a_wrong_file_is_refused_with_the_reason_and_the_place(tmp_path: Path, text: str | bytes, says: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(UsageError) as error:
        load_tests([path])
    assert says in error.value.what
    assert error.value.where == path


@pytest.mark.parametrize("name", ["absent.toml", "x" * 5000 + ".toml"])
def test_a_missing_file_is_a_wrong_option(name: str) -> None:
    with pytest.raises(UsageError):
        load_tests([name])


def test_a_folder_named_as_a_test_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sets.toml").mkdir()
    with pytest.raises(UsageError, match="cannot be read"):
        load_tests([os.fspath(tmp_path / "sets.toml")])


@pytest.mark.parametrize(("name", "meant"), [("weat66", "weat6"), ("gender-carrer", "gender-career")])
def test_an_unknown_name_lists_the_known_ones_and_the_closest(name: str, meant: str) -> None:
    with pytest.raises(UsageError, match="unknown test") as error:
        load_tests([name])
    assert f"Did you mean {meant!r}?" in error.value.next
    assert ", ".join(PACKAGED) in error.value.next


@pytest.mark.parametrize("name", ["", ".", "x" * 5000, "a\0b"])
def test_odd_names_are_unknown_tests(name: str) -> None:
    with pytest.raises(UsageError, match="unknown test"):
        load_tests([name])


def test_two_different_tests_of_one_name_are_refused(tmp_path: Path) -> None:
    own = write(tmp_path, GOOD.replace("mine", "weat6"))
    with pytest.raises(UsageError, match="two different tests are named 'weat6'"):
        load_tests(["weat6", own])


@pytest.mark.parametrize("name", ["direct-career", "ripa-career"])
def test_packaged_pairs_are_the_ten_that_define_the_direction_of_gender(name: str) -> None:
    (test,) = load_tests([name])
    assert name == f"{test.kind}-career"
    assert test.X == load_tests(["weat6"])[0].A
    assert test.Y == ()
    assert dict(zip(test.B, test.A, strict=True)) == {
        **{"she": "he", "her": "his", "woman": "man", "Mary": "John", "herself": "himself"},
        **{"daughter": "son", "mother": "father", "gal": "guy", "girl": "boy", "female": "male"},
    }
    assert "Bolukbasi" in test.source


def test_a_test_of_weat_says_nothing_of_kinds_and_others_do(tmp_path: Path) -> None:
    # What is stored of tests of WEAT must stay what it was before there were kinds.
    assert {"kind", "options"}.isdisjoint(load_tests(["weat6"])[0].to_dict())
    own = 'name = "mine"\nkind = "direct"\nX = ["a"]\nA = ["e", "f"]\nB = ["g", "h"]\n[options]\nc = 2\n'
    (test,) = load_tests([write(tmp_path, own)])
    assert (test.kind, test.options, test.Y) == ("direct", {"c": 2}, ())
    assert BiasTest.from_dict(test.to_dict()) == test


PAIRS = 'name = "mine"\nkind = "ripa"\nX = ["a"]\nA = ["e", "f"]\nB = ["g", "h"]\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (PAIRS.replace("ripa", "rippa"), "unknown kind of test 'rippa'"),
        (PAIRS.replace('"ripa"', "3"), "unknown kind of test '3'"),
        (PAIRS.replace("ripa", "weat"), "missing 'Y'"),
        (PAIRS + 'Y = ["b"]', "a test of kind 'ripa' has no set Y"),
        (PAIRS.replace('X = ["a"]\n', ""), "missing 'X'"),
        (PAIRS.replace('X = ["a"]', "X = []"), "set X has 0 words, at least 1 is needed"),
        (PAIRS.replace('"g", "h"', '"g"'), "A has 2 words and B 1, but for kind 'ripa' they are pairs"),
        (PAIRS.replace("ripa", "sc-weat").replace('"g", "h"', '"g"'), "set B has 1 word, at least 2 are needed"),
        (PAIRS + "[options]\nc = 2", "kind 'ripa' has no option 'c'"),
        (PAIRS.replace("ripa", "direct") + "[options]\nc = 'two'", "options must be a table of numbers"),
    ],
)
def test_sets_that_do_not_fit_their_kind_are_refused(tmp_path: Path, text: str, says: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(UsageError) as error:
        load_tests([path])
    assert says in error.value.what
    assert error.value.where == path


def test_what_is_stored_of_a_plug_ins_test_is_read_without_the_plug_in() -> None:
    test = BiasTest.from_dict({"name": "mine", "X": ["a"], "Y": [], "A": ["b"], "B": [], "kind": "uninstalled"})
    assert BiasTest.from_dict(test.to_dict()) == test


def test_the_definition_in_a_result_of_a_plug_in_is_the_test_again(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    install(tmp_path, "lean", "")
    test = BiasTest("mine", X=("a",), A=("b",), B=("c",), kind="lean")
    stored = definition(test)
    assert stored["plugin"] == ["'lean' of clif-lean 1.2"]
    assert BiasTest.from_dict(stored) == test
