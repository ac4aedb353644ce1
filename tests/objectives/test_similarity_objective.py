"""Word similarity as an objective, against SciPy, torch and finite differences."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata, spearmanr

from clif.errors import CoverageError, InputError, UsageError
from clif.objectives import Similarity
from clif.quality import similarity


def made(seed, words=15, pairs=40, dim=6, temperature=0.05, ties=True):
    rng = np.random.default_rng(seed)
    index = {f"w{n}": 3 * n + 1 for n in range(words)}
    asked = rng.permutation(list(combinations(range(words), 2)))[:pairs]  # none twice: their order would be rounding
    human = rng.integers(0, 10, pairs).astype(float) if ties else rng.random(pairs)
    judged = [(f"w{a}", f"w{b}", h) for (a, b), h in zip(asked, human, strict=True)]
    U = rng.normal(size=(3 * words + 2, dim))
    found = Similarity.of(judged, index, temperature)
    return found, U[found.rows], judged, index, U


@pytest.mark.parametrize("seed", range(4))
def test_spearman_is_that_of_scipy_and_of_the_reported_quality(seed):
    found, E, judged, index, U = made(seed)
    s = found.associations(E)
    assert found.value(E, "spearman") == pytest.approx(spearmanr(s, found.human).statistic, abs=1e-12)
    assert found.value(E, "spearman") == pytest.approx(similarity(U, index, judged).spearman, abs=1e-12)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_the_smooth_correlation_tends_to_spearmans(seed):
    found, E, *_ = made(seed, ties=False)
    colder = Similarity(found.rows, found.pairs, found.human, 1e-9)
    assert colder.value(E) == pytest.approx(found.value(E, "spearman"), abs=1e-6)
    assert found.value(E) != pytest.approx(found.value(E, "spearman"), abs=1e-6)


def test_smooth_ranks_keep_their_sum():
    found, E, *_ = made(1)
    ranks = 0.5 + found._steps(found.associations(E)).sum(1)
    assert ranks.sum() == pytest.approx(rankdata(np.arange(found.parts)).sum())


def by_torch(found, E):
    E = torch.tensor(E, requires_grad=True)
    units = E / E.norm(dim=1, keepdim=True)
    left, right = torch.tensor(found.pairs).T
    s = (units[left] * units[right]).sum(1)
    ranks = torch.sigmoid((s[:, None] - s) / found.temperature).sum(1)
    human = torch.tensor(rankdata(found.human))
    T = torch.corrcoef(torch.stack([ranks, human]))[0, 1]
    T.backward()
    return T.item(), E.grad.numpy()


@pytest.mark.parametrize("temperature", [0.02, 0.3])
@pytest.mark.parametrize("seed", range(3))
def test_value_and_gradient_are_those_of_autograd(seed, temperature):
    found, E, *_ = made(seed, temperature=temperature)
    value, gradient = by_torch(found, E)
    assert found.value(E) == pytest.approx(value, abs=1e-12)
    assert found.gradient(E) == pytest.approx(gradient, rel=1e-8, abs=1e-11)
    parts = np.einsum("p,pnd->nd", found.join_gradient(found.associations(E)), found.part_gradients(E))
    assert parts == pytest.approx(gradient, rel=1e-8, abs=1e-11)


def test_a_word_beside_itself_has_no_gradient():
    found, E, *_ = made(3)
    pairs = np.array([[0, 0], *found.pairs[1:]])
    alone = Similarity(found.rows, pairs, found.human)
    assert np.abs(alone.pull_back(E, np.eye(alone.parts)[0])).max() < 1e-15


def test_what_cannot_be_measured_is_said():
    found, E, *_ = made(1)
    with pytest.raises(UsageError, match="no gradient"):
        found.gradient(E, "spearman")
    with pytest.raises(UsageError, match="unknown measure"):
        found.value(E, "effect_size")
    with pytest.raises(InputError, match="no direction"):
        found.value(np.zeros_like(E))
    with pytest.raises(InputError, match="same"):
        found.value(np.ones_like(E))
    with pytest.raises(CoverageError, match="2 pairs"):
        Similarity.of([("a", "b", 1.0), ("b", "a", 2.0), ("c", "a", 3.0)], {"a": 0, "b": 1})
