"""P-values against brute force, under the null, and sampled against exact."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from math import comb, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clif.errors import InputError
from clif.objectives import WEAT, BiasTest, cover, permutation_p_values
from clif.objectives.permutation import _partitions


def brute(s: list[Fraction], n_X: int) -> tuple[float, float]:
    def statistic(chosen: tuple[int, ...]) -> Fraction:
        inside = sum(s[place] for place in chosen)
        return inside / n_X - (sum(s) - inside) / (len(s) - n_X)

    observed = statistic(tuple(range(n_X)))
    values = [statistic(chosen) for chosen in combinations(range(len(s)), n_X)]
    one = sum(value >= observed for value in values)
    two = sum(abs(value) >= abs(observed) for value in values)
    return one / len(values), two / len(values)


@settings(max_examples=150, deadline=None)
@given(
    # A coarse grid makes ties, which rounding must not break; the step has no exact binary form.
    grid=st.lists(st.integers(-8, 8), min_size=2, max_size=11),
    data=st.data(),
)
def test_exact_equals_brute_force_with_ties_and_unequal_sizes(grid: list[int], data: st.DataObject) -> None:
    n_X = data.draw(st.integers(1, len(grid) - 1))
    result = permutation_p_values(np.array(grid) / 10, n_X)
    assert (result.one_sided, result.two_sided) == brute([Fraction(value, 10) for value in grid], n_X)
    assert (result.kind, result.standard_error) == ("exact", None)
    assert result.partitions == comb(len(grid), n_X)


@pytest.mark.parametrize("n_X", [6, 8, 10])
def test_exact_equals_brute_force_on_sixteen_words(n_X: int) -> None:
    s = np.random.default_rng(n_X).normal(size=16)
    s[:n_X] += 0.4
    result = permutation_p_values(s, n_X)
    assert (result.one_sided, result.two_sided) == brute([Fraction(value) for value in s], n_X)


def test_exact_for_small_against_large_sets() -> None:
    s = np.random.default_rng(3).normal(size=44)
    centred = s - s.mean()
    sums = centred[np.array(list(combinations(range(44), 3)))].sum(axis=1)
    observed = centred[:3].sum()
    result = permutation_p_values(s, 3)
    assert result.one_sided == np.mean(sums >= observed - 1e-12)
    assert result.two_sided == np.mean(np.abs(sums) >= abs(observed) - 1e-12)
    mirrored = permutation_p_values(-np.roll(s, -3), 41)
    assert (mirrored.one_sided, mirrored.two_sided) == (result.one_sided, result.two_sided)


def test_a_perfect_split_is_one_partition_in_all() -> None:
    s = np.repeat([0.3, -0.1], 16) + np.linspace(0, 0.01, 32)
    result = permutation_p_values(s, 16)
    assert result.one_sided == 1 / comb(32, 16)
    assert result.two_sided == 2 / comb(32, 16)


def test_constant_associations_are_extreme_nowhere() -> None:
    result = permutation_p_values(np.full(12, 0.1), 6)
    assert (result.one_sided, result.two_sided) == (1, 1)


def test_null_draws_fall_under_five_percent_as_often_as_they_should() -> None:
    words = [tuple(f"{key}{number}" for number in range(8)) for key in "xyab"]
    weat = WEAT(cover(BiasTest("null", *words), {word: row for row, word in enumerate(sum(words, ()))}))
    rng = np.random.default_rng(20170414)
    results = [permutation_p_values(weat.associations(rng.normal(size=(32, 20))), 8) for _ in range(10_000)]
    assert 0.044 < np.mean([result.one_sided < 0.05 for result in results]) < 0.056
    assert 0.044 < np.mean([result.two_sided < 0.05 for result in results]) < 0.056


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("n_X", [6, 8])
def test_sampled_agrees_with_exact(seed: int, n_X: int) -> None:
    s = np.random.default_rng(seed).normal(size=16)
    s[:n_X] += 0.3
    exact = permutation_p_values(s, n_X)
    sampled = permutation_p_values(s, n_X, seed=seed, most=1, draws=5000)
    assert (sampled.kind, sampled.partitions) == ("sampled", 5000)
    p, total = sampled.one_sided, comb(16, n_X)
    expected = sqrt(p * (1 - p) / 5000 * (total - 5000) / (total - 1))
    assert sampled.standard_error == pytest.approx(expected)
    assert abs(p - exact.one_sided) <= 4 * expected
    assert sampled == permutation_p_values(s, n_X, seed=seed, most=1, draws=5000)
    assert sampled != permutation_p_values(s, n_X, seed=seed + 1, most=1, draws=5000)


@pytest.mark.parametrize(("n", "size", "draws"), [(16, 8, 12_000), (11, 3, 165), (50, 25, 3000), (70, 5, 3000)])
def test_sampled_partitions_differ_keep_their_size_and_hold_the_observed(n: int, size: int, draws: int) -> None:
    bits = np.unpackbits(_partitions(n, size, 7, draws), axis=1, count=n)
    assert bits.shape == (draws, n)
    assert (bits.sum(axis=1) == size).all()
    assert len(np.unique(bits, axis=0)) == draws
    assert bits[0].tolist() == [1] * size + [0] * (n - size)


def test_every_word_is_drawn_as_often() -> None:
    shares = np.unpackbits(_partitions(50, 25, 0, 20_000), axis=1, count=50).mean(axis=0)
    assert abs(shares - 0.5).max() < 5 * 0.5 / sqrt(20_000)


def test_large_sets_are_sampled_and_the_observed_counts_itself() -> None:
    s = np.repeat([1.0, -1.0], 25) + np.linspace(0, 0.1, 50)
    result = permutation_p_values(s, 25, draws=2000)
    assert (result.kind, result.one_sided, result.partitions) == ("sampled", 1 / 2000, 2000)


def test_few_partitions_are_counted_though_sampling_was_asked() -> None:
    assert permutation_p_values(np.arange(8.0), 4, most=1, draws=70).kind == "exact"


@pytest.mark.parametrize(("s", "n_X"), [([0.1, np.nan, 0.2], 1), ([0.1, 0.2], 2), ([0.1, 0.2], 0), ([], 0)])
def test_unusable_associations_are_refused(s: list[float], n_X: int) -> None:
    with pytest.raises(InputError, match="no p-value"):
        permutation_p_values(np.array(s), n_X)
