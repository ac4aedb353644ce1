"""Held-out words: two tests from one, without a shared word among those that are halved."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clif.errors import CoverageError, UsageError
from clif.objectives import SETS, BiasTest, cover, load_tests
from clif.retraining.holdout import HOLDOUTS, split_halves, split_words

sizes = st.tuples(*[st.integers(4, 11)] * 4)


def coverage_of(sizes=(8, 8, 8, 8), missing=()):
    sets = {key: tuple(f"{key}{n}".lower() for n in range(size)) for key, size in zip(SETS, sizes, strict=True)}
    known = [word for words in sets.values() for word in words if word not in missing]
    test = BiasTest("made", **sets, labels={"X": "art"}, language="de", source="by hand")
    return cover(test, {word: row for row, word in enumerate(known)})


@given(sizes, st.sampled_from(sorted(HOLDOUTS)), st.integers(0, 10**6))
def test_halves_share_no_word_and_leave_none_out(sizes, kind, seed):
    coverage = coverage_of(sizes)
    used, held = split_words(coverage, kind, seed)
    for key, size in zip(SETS, sizes, strict=True):
        words, left, right = coverage.words[key], used.sets[key], held.sets[key]
        if key not in HOLDOUTS[kind]:
            assert left == right == words
            continue
        assert not set(left) & set(right)
        assert sorted(left + right) == sorted(words)
        assert len(left) - len(right) == size % 2
        # In the order of the test.
        assert sorted(left, key=words.index) == list(left)
        assert sorted(right, key=words.index) == list(right)


@given(st.sampled_from(sorted(HOLDOUTS)), st.integers(0, 10**6))
def test_a_seed_gives_one_split(kind, seed):
    assert split_words(coverage_of(), kind, seed) == split_words(coverage_of(), kind, seed)


def test_seeds_give_different_splits_and_every_word_is_held_out_about_half_the_time():
    halves = [split_words(coverage_of(), "targets", seed)[1] for seed in range(200)]
    assert len({half.X for half in halves}) > 20
    for word in coverage_of().words["Y"]:
        assert 60 < sum(word in half.Y for half in halves) < 140


def test_targets_attributes_and_both_are_what_they_say():
    assert {kind: "".join(keys) for kind, keys in HOLDOUTS.items()} == {
        "targets": "XY", "attributes": "AB", "both": "XYAB",
    }  # fmt: skip


def test_the_halves_say_what_they_are():
    used, held = split_words(coverage_of(), "both", 5)
    assert (used.name, held.name) == ("made.both-5.used", "made.both-5.held-out")
    assert used.labels == held.labels == {"X": "art", "Y": "Y", "A": "A", "B": "B"}
    assert (used.language, held.source) == ("de", "by hand")


def test_words_that_the_vocabulary_lacks_are_in_neither_half():
    used, held = split_words(coverage_of(missing=["x0", "x5", "a1"]), "targets", 0)
    assert sorted(used.X + held.X) == ["x1", "x2", "x3", "x4", "x6", "x7"]
    assert used.A == held.A == ("a0", "a2", "a3", "a4", "a5", "a6", "a7")


@pytest.mark.parametrize("name", ["weat1", "weat6", "gender-career"])
def test_the_packaged_tests_can_be_halved(name):
    (test,) = load_tests([name])
    index = {word: row for row, word in enumerate(word for words in test.sets.values() for word in words)}
    coverage = cover(test, index)
    used, held = split_words(coverage, "both", 1)
    for half in (used, held):
        assert cover(half, index, least=2).reason is None


def test_too_few_words_are_not_halved():
    coverage = coverage_of((4, 5, 4, 4), missing=["y0", "y1"])
    with pytest.raises(CoverageError, match="set Y has 3 words") as caught:
        split_words(coverage, "targets", 0)
    assert caught.value.where == "test 'made'"
    split_words(coverage, "attributes", 0)


def test_an_unknown_kind_is_answered_with_the_known_ones():
    with pytest.raises(UsageError, match="'names'") as caught:
        split_words(coverage_of(), "names", 0)
    assert "targets, attributes, both" in caught.value.next


# Several halves.


@given(sizes, st.sampled_from(sorted(HOLDOUTS)), st.integers(0, 10**6), st.integers(1, 6))
def test_halves_come_in_complementary_pairs(sizes, kind, seed, halves):
    coverage = coverage_of(sizes)
    found = split_halves(coverage, kind, seed, halves)
    assert len(found) == halves
    assert found[0] == split_words(coverage, kind, seed)
    for (used, held), (used_then, held_then) in zip(found[::2], found[1::2], strict=False):
        assert (used_then.sets, held_then.sets) == (held.sets, used.sets)
    for used, held in found:
        for key in HOLDOUTS[kind]:
            assert sorted(used.sets[key] + held.sets[key]) == sorted(coverage.words[key])
    assert len({tuple(used.sets.values()) for used, _ in found}) == halves
    assert len({test.name for split in found for test in split}) == 2 * halves


@given(sizes, st.sampled_from(sorted(HOLDOUTS)), st.integers(0, 10**6), st.integers(1, 3))
def test_over_complementary_pairs_every_word_is_used_as_often_as_it_is_held_out(sizes, kind, seed, pairs):
    coverage = coverage_of(sizes)
    found = split_halves(coverage, kind, seed, 2 * pairs)
    for key in HOLDOUTS[kind]:
        for word in coverage.words[key]:
            assert sum(word in used.sets[key] for used, _ in found) == pairs
            assert sum(word in held.sets[key] for _, held in found) == pairs


def test_more_halves_go_on_from_fewer():
    few, many = (split_halves(coverage_of(), "both", 3, halves) for halves in (3, 6))
    assert many[:3] == few
    assert split_halves(coverage_of(), "both", 3, 1) == [split_words(coverage_of(), "both", 3)]


def test_all_ways_to_halve_are_found_and_no_more():
    small = coverage_of((4, 4, 4, 4))
    found = split_halves(small, "targets", 0, 36)  # 6 halves of X with 6 of Y
    assert len({tuple(used.sets.values()) for used, _ in found}) == 36
    with pytest.raises(UsageError, match="can be halved in 36 ways") as caught:
        split_halves(small, "targets", 0, 37)
    assert caught.value.where == "--halves 37"
    assert "36 or fewer" in caught.value.next


def test_halves_are_refused_as_one_split_is():
    with pytest.raises(CoverageError, match="set Y has 3 words"):
        split_halves(coverage_of((4, 5, 4, 4), missing=["y0", "y1"]), "targets", 0, 2)
    with pytest.raises(UsageError, match="'names'"):
        split_halves(coverage_of(), "names", 0, 2)
