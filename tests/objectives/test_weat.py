"""WEAT against a slow computation by hand, its gradients against torch and finite differences."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clif.errors import CoverageError, InputError, UsageError
from clif.objectives import MEASURES, WEAT, BiasTest, Coverage, cover

SIZES = (5, 7, 4, 6)


def coverage_of(sizes: tuple[int, ...] = SIZES, least: int = 2) -> Coverage:
    words = [tuple(f"{key}{number}" for number in range(size)) for key, size in zip("xyab", sizes, strict=True)]
    # Rows in reverse, so that a confusion of rows with positions cannot pass.
    index = {word: row for row, word in enumerate(reversed([word for set_ in words for word in set_]))}
    return cover(BiasTest("made", *words), index, least=least)


def vectors(sizes: tuple[int, ...] = SIZES, dim: int = 6, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(sum(sizes), dim)) * rng.uniform(0.1, 3, size=(sum(sizes), 1))


def by_hand(E: np.ndarray, sizes: tuple[int, ...], ddof: int) -> tuple[list[float], float, float]:
    """Associations, difference of means and effect size in plain Python."""

    def cosine(u: list[float], v: list[float]) -> float:
        dot = math.fsum(p * q for p, q in zip(u, v, strict=True))
        return dot / math.sqrt(math.fsum(p * p for p in u)) / math.sqrt(math.fsum(q * q for q in v))

    def mean(values: list[float]) -> float:
        return math.fsum(values) / len(values)

    rows = [list(map(float, row)) for row in E]
    X, Y, A, B = (rows[sum(sizes[:k]) : sum(sizes[: k + 1])] for k in range(4))
    s = [mean([cosine(w, a) for a in A]) - mean([cosine(w, b) for b in B]) for w in X + Y]
    difference = mean(s[: len(X)]) - mean(s[len(X) :])
    variance = math.fsum((value - mean(s)) ** 2 for value in s) / (len(s) - ddof)
    return s, difference, difference / math.sqrt(variance)


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.tuples(*[st.integers(2, 9)] * 4),
    dim=st.integers(2, 30),
    seed=st.integers(0, 10**6),
    ddof=st.sampled_from([0, 1]),
)
def test_equals_the_computation_by_hand(sizes: tuple[int, ...], dim: int, seed: int, ddof: int) -> None:
    E = vectors(sizes, dim, seed)
    weat = WEAT(coverage_of(sizes), ddof)
    s, difference, effect = by_hand(E, sizes, ddof)
    np.testing.assert_allclose(weat.associations(E), s, rtol=0, atol=1e-12)
    assert weat.value(E, "mean_difference") == pytest.approx(difference, abs=1e-12)
    assert weat.value(E) == pytest.approx(effect, rel=1e-12, abs=1e-12)
    assert weat.effect_size(np.array(s)) == pytest.approx(effect, rel=1e-12, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(size=st.integers(2, 9), seed=st.integers(0, 10**6), dim=st.integers(2, 5))
def test_effect_size_stays_within_two_and_changes_sign_with_the_sets(size: int, seed: int, dim: int) -> None:
    sizes = (size,) * 4
    E = vectors(sizes, dim, seed)
    weat = WEAT(coverage_of(sizes))
    value = weat.value(E)
    assert abs(value) <= 2 + 1e-12
    X, Y, A, B = np.split(E, 4)
    assert weat.value(np.vstack([Y, X, A, B])) == pytest.approx(-value)
    assert weat.value(np.vstack([X, Y, B, A])) == pytest.approx(-value)


def test_positive_where_x_goes_with_a() -> None:
    weat = WEAT(coverage_of((2, 2, 2, 2)))
    E = np.repeat([[1.0, 0.1], [0.1, 1.0], [1.0, 0.0], [0.0, 1.0]], 2, axis=0)
    assert weat.value(E) == pytest.approx(2)


def test_rows_and_words_go_together() -> None:
    weat = WEAT(coverage_of())
    assert weat.words[:2] == ("x0", "x1")
    assert weat.rows.tolist() == list(range(sum(SIZES)))[::-1]
    assert (weat.n_X, weat.n_Y) == SIZES[:2]


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("ddof", [0, 1])
def test_value_and_gradient_agree_with_torch(measure: str, ddof: int) -> None:
    import torch

    weat, E = WEAT(coverage_of(), ddof), vectors()
    tensor = torch.tensor(E, requires_grad=True)
    value = weat.torch_value(tensor, measure)
    value.backward()
    assert value.item() == pytest.approx(weat.value(E, measure), abs=1e-13)
    np.testing.assert_allclose(weat.gradient(E, measure), tensor.grad.numpy(), rtol=0, atol=1e-10)
    single = weat.torch_value(torch.tensor(E, dtype=torch.float32), measure).item()
    assert single == pytest.approx(weat.value(E, measure), abs=1e-5)


@pytest.mark.parametrize("measure", MEASURES)
def test_gradient_agrees_with_finite_differences(measure: str) -> None:
    weat, E, step = WEAT(coverage_of()), vectors(), 1e-5
    numeric = np.zeros_like(E)
    for place in np.ndindex(*E.shape):
        up, down = E.copy(), E.copy()
        up[place] += step
        down[place] -= step
        numeric[place] = (weat.value(up, measure) - weat.value(down, measure)) / (2 * step)
    np.testing.assert_allclose(weat.gradient(E, measure), numeric, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("measure", MEASURES)
def test_part_gradients_join_into_the_gradient(measure: str) -> None:
    import torch

    weat, E = WEAT(coverage_of(), 1), vectors()
    parts = weat.part_gradients(E)
    slope = weat.join_gradient(weat.associations(E), measure)
    np.testing.assert_allclose(np.einsum("p,pnd->nd", slope, parts), weat.gradient(E, measure), atol=1e-13)
    units = torch.nn.functional.normalize
    n = weat.n_X + weat.n_Y

    def associations(T: torch.Tensor) -> torch.Tensor:
        cosines = units(T[:n]) @ units(T[n:]).T
        return cosines[:, : SIZES[2]].mean(1) - cosines[:, SIZES[2] :].mean(1)

    jacobian = torch.autograd.functional.jacobian(associations, torch.tensor(E))
    np.testing.assert_allclose(parts, jacobian.numpy(), rtol=0, atol=1e-12)


def test_gradient_is_orthogonal_to_each_vector() -> None:
    # The length of a vector does not matter to WEAT.
    weat, E = WEAT(coverage_of()), vectors()
    np.testing.assert_allclose(np.einsum("nd,nd->n", weat.gradient(E), E), 0, atol=1e-14)


@pytest.mark.parametrize("bad", [0.0, np.nan])
def test_a_vector_without_direction_is_named(bad: float) -> None:
    import torch

    weat, E = WEAT(coverage_of()), vectors()
    E[6] = bad
    for attempt in (weat.value, weat.gradient, lambda E: weat.torch_value(torch.tensor(E))):
        with pytest.raises(InputError, match="vector of 'y1' is zero or not finite"):
            attempt(E)


def test_equal_associations_have_no_effect_size_but_a_difference() -> None:
    import torch

    weat, E = WEAT(coverage_of()), vectors()
    E[: weat.n_X + weat.n_Y] = E[0]
    for attempt in (weat.value, weat.gradient, lambda E: weat.torch_value(torch.tensor(E))):
        with pytest.raises(InputError, match="do not differ"):
            attempt(E)
    assert weat.value(E, "mean_difference") == pytest.approx(0, abs=1e-13)


def test_wrong_settings_are_refused() -> None:
    weat = WEAT(coverage_of())
    with pytest.raises(UsageError, match="unknown measure 'cohen'"):
        weat.value(vectors(), "cohen")
    for ddof in (-1, 12):
        with pytest.raises(UsageError, match="degrees of freedom"):
            WEAT(coverage_of(), ddof)
    with pytest.raises(CoverageError, match="keeps 3 of its 3 words"):
        WEAT(coverage_of((3, 4, 4, 4), least=4))
