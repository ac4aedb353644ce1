"""Hard debiasing does what it says."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import made_test

from clif.errors import CoverageError, UsageError
from clif.objectives import WEAT, cover
from clif.tradeoffs.debiasing import hard_debias, pairs_of, read_pairs


def made(seed, dim=8):
    return np.random.default_rng(seed).normal(size=(30, dim))


@pytest.mark.parametrize("seed", range(3))
def test_neutral_words_are_as_near_to_the_one_of_a_pair_as_to_the_other(seed):
    U, pairs = made(seed), [(0, 1), (2, 3), (4, 5)]
    found = hard_debias(U, pairs, np.arange(6))
    assert np.linalg.norm(found, axis=1) == pytest.approx(np.ones(30))
    for first, second in pairs:
        assert found[6:] @ found[first] == pytest.approx(found[6:] @ found[second], abs=1e-12)
    apart = found[[0, 2, 4]] - found[[1, 3, 5]]
    assert np.linalg.matrix_rank(apart, tol=1e-9) == 1


def test_the_direction_is_the_first_component_of_the_pairs():
    U, pairs = made(1), [(0, 1), (2, 3)]
    units = U / np.linalg.norm(U, axis=1, keepdims=True)
    centred = np.vstack([units[[a, b]] - units[[a, b]].mean(0) for a, b in pairs])
    values, axes = np.linalg.eigh(centred.T @ centred)
    found = hard_debias(U, pairs, np.arange(4))
    assert values[-1] > values[-2]
    assert found[4:] @ axes[:, -1] == pytest.approx(np.zeros(26), abs=1e-12)
    # The words of a pair stay on their own sides.
    for a, b in pairs:
        assert np.sign((found[a] - found[b]) @ axes[:, -1]) == np.sign((units[a] - units[b]) @ axes[:, -1])


def test_definitional_words_outside_of_pairs_stay():
    U = made(2)
    found = hard_debias(U, [(0, 1), (2, 3)], np.array([0, 1, 2, 3, 9]))
    assert found[9] == pytest.approx(U[9] / np.linalg.norm(U[9]))


def test_the_tests_own_pairs_leave_no_association():
    index = {f"w{n}": n for n in range(30)}
    test = made_test(list(index), (4, 4, 4, 4))
    coverage = cover(test, index)
    pairs = pairs_of(coverage)
    assert pairs[0] == ("w8", "w12")
    found = hard_debias(made(3), [(index[a], index[b]) for a, b in pairs], np.arange(8, 16))
    weat = WEAT(coverage)
    assert weat.associations(found[weat.rows]) == pytest.approx(np.zeros(8), abs=1e-12)


def test_pairs_of_ones_own(tmp_path):
    path, index = tmp_path / "pairs.toml", {"she": 0, "he": 1, "her": 2, "his": 3}
    path.write_text('pairs = [["she", "he"], ["her", "his"], ["gal", "guy"]]', encoding="utf-8")
    assert read_pairs(path, index) == (("she", "he"), ("her", "his"))
    path.write_text('pairs = [["she", "he"]]', encoding="utf-8")
    with pytest.raises(CoverageError, match="too few"):
        read_pairs(path, index)
    for text in ("pairs = [", 'pairs = ["he"]', 'pairs = [["he", "he"]]', "other = 1"):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(UsageError):
            read_pairs(path, index)
