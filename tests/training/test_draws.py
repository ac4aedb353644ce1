"""Random numbers by hash: as written down, spread evenly, and drawn from the noise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from slow_training import GOLDEN as SLOW_GOLDEN
from slow_training import mix, slow_key, slow_table

from clif.training.draws import GOLDEN, alias_table, draw_reach, draw_word, hash_one, hashed, is_kept, name_keys

NUMBERS = st.integers(0, 2**64 - 1)
KEYS = name_keys("test", 1, [str(n) for n in range(20_000)])


@settings(deadline=None)
@given(NUMBERS)
def test_the_hash_is_that_of_splitmix64(x):
    assert int(hashed(np.array([x], dtype=np.uint64))[0]) == int(hash_one(np.uint64(x))) == mix(x)


def test_the_hash_gives_the_numbers_of_the_reference():
    """The first numbers of splitmix64 with the seed 1234567, from its public test vectors."""
    states = np.uint64(1234567) + np.arange(1, 6, dtype=np.uint64) * GOLDEN
    assert hashed(states).tolist() == [
        6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821,
    ]  # fmt: skip


@settings(deadline=None)
@given(st.sampled_from(["word", "document"]), st.integers(0, 2**32 - 1), st.text(max_size=10))
def test_keys_are_hashes_of_purpose_seed_and_name(purpose, seed, name):
    assert name_keys(purpose, seed, [name]).tolist() == [slow_key(purpose, seed, name)]


def test_keys_depend_on_each_part_and_on_nothing_else():
    names = ["a", "b", "", "日本", "\ud800"]  # the last is half of a character, as JSON may hold
    keys = name_keys("word", 1, names)
    assert keys.dtype == np.uint64
    assert len({*keys.tolist(), *name_keys("word", 2, names).tolist(), *name_keys("document", 1, names).tolist()}) == 15
    assert np.array_equal(name_keys("word", 1, names[::-1]), keys[::-1])
    assert name_keys("word", 1, []).shape == (0,)


def test_draws_of_neighbouring_places_are_even_and_know_nothing_of_each_other():
    """Each bit of the numbers is set in half of them, and agrees with its neighbour's in half."""
    for x in (KEYS, hashed(KEYS[0] + np.arange(20_000, dtype=np.uint64) * GOLDEN), hashed(KEYS + np.uint64(1))):
        bits = np.unpackbits(x.view(np.uint8)).reshape(len(x), 64)
        for each in (bits, bits[1:] ^ bits[:-1]):
            z = (each.mean(0) - 0.5) * 2 * np.sqrt(len(each))
            assert np.abs(z).max() < 4.5
    assert int(GOLDEN) == SLOW_GOLDEN


@pytest.mark.parametrize("chance", [0.0, 1e-3, 0.3, 0.9, 1.0])
def test_tokens_are_kept_by_their_chance(chance):
    kept = np.mean([is_kept(key, chance) for key in KEYS])
    assert kept == pytest.approx(chance, abs=4.5 * np.sqrt(chance * (1 - chance) / len(KEYS)))


@pytest.mark.parametrize("window", [1, 2, 5, 10_000])
def test_windows_reach_evenly_from_1_to_the_largest(window):
    reach = np.array([draw_reach(key, window) for key in KEYS])
    assert reach.min() >= 1
    assert reach.max() <= window
    if window > 1:
        found = np.bincount(np.minimum((reach - 1) * 5 // window, 4), minlength=min(window, 5))
        expected = np.bincount(np.arange(window) * 5 // window, minlength=len(found)) * len(KEYS) / window
        assert stats.chisquare(found[expected > 0], expected[expected > 0]).pvalue > 1e-4


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(1e-6, 1), min_size=1, max_size=40))
def test_the_table_is_the_one_that_is_written_down(weights):
    q = np.array(weights) / np.sum(weights)
    threshold, alias = alias_table(q)
    assert (threshold.tolist(), alias.tolist()) == slow_table(q.tolist())


@pytest.mark.parametrize("size", [1, 2, 37, 1000])
def test_the_table_draws_from_the_noise(size):
    q = np.random.default_rng(size).random(size) ** 4 + 1e-9
    q /= q.sum()
    threshold, alias = alias_table(q)
    stays = (threshold.astype(float) + 1) / 2**32
    drawn = stays / size + np.bincount(alias, (1 - stays) / size, minlength=size)
    np.testing.assert_allclose(drawn, q, atol=1e-8 / size)


def test_words_are_drawn_as_the_table_says():
    q = np.array([0.5, 0.3, 0.15, 0.05])
    table = alias_table(q)
    found = np.bincount([draw_word(key, *table) for key in KEYS], minlength=4)
    assert stats.chisquare(found, q * len(KEYS)).pvalue > 1e-4
    assert draw_word(np.uint64(0), *table) == 0
    assert draw_word(np.uint64(2**64 - 1), *table) in range(4)
