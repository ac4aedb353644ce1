"""The vector instructions against NumPy, for rows that fill no register, one, and several and a part."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clif.compiling import Fixed, compiled
from clif.influence.rows import carry_back, step_back


@compiled
def undo(dim, count, U, input_at, C, output_at, steps, scale, u, outputs):
    step_back(dim, count, U, input_at, C, output_at, steps, scale, u, outputs)


@compiled
def carry(dim, count, U_bar, input_at, C_bar, output_at, lane_at, steps, slopes, u, outputs, found):
    carry_back(dim, count, U_bar, input_at, C_bar, output_at, lane_at, steps, slopes, u, outputs, found)


SHAPES = [(1, 1), (3, 2), (16, 6), (25, 3), (100, 6)]
TOLERANCE = {np.float32: 2e-6, np.float64: 1e-14}


@pytest.mark.parametrize("kind", TOLERANCE)
@pytest.mark.parametrize(("dim", "count"), SHAPES)
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000))
def test_an_update_is_undone(kind, dim, count, seed):
    rng = np.random.default_rng(seed)
    U, C = rng.normal(size=(2, 9, dim)).astype(kind)
    steps = rng.uniform(-0.2, 0.2, count).astype(kind)
    w, targets = 4, rng.permutation(9)[:count]
    before = U.copy(), C.copy()
    U[w] += steps @ C[targets]
    C[targets] += steps[:, None] * before[0][w]
    u, outputs = np.empty(dim, kind), np.empty((count, dim), kind)
    scale = kind(1 / (1 - np.sum(steps.astype(float) ** 2)))
    undo(
        Fixed(dim), Fixed(count), U.reshape(-1), w * dim, C.reshape(-1), targets * dim, steps, scale, u,
        outputs.reshape(-1),
    )  # fmt: skip
    tolerance = {"rtol": 0, "atol": 10 * TOLERANCE[kind]}
    np.testing.assert_allclose(U, before[0], **tolerance)
    np.testing.assert_allclose(C, before[1], **tolerance)
    assert np.array_equal(u, U[w])
    assert np.array_equal(outputs, C[targets])


@pytest.mark.parametrize("kind", TOLERANCE)
@pytest.mark.parametrize(("dim", "count"), SHAPES)
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000), lanes=st.integers(1, 3))
def test_an_adjoint_is_carried_back(kind, dim, count, seed, lanes):
    rng = np.random.default_rng(seed)
    U_bar, C_bar = rng.normal(size=(2, 9, lanes, dim)).astype(kind)
    steps, slopes = rng.uniform(-0.5, 0.5, (2, count)).astype(kind)
    u, outputs = rng.normal(size=dim).astype(kind), rng.normal(size=(count, dim)).astype(kind)
    w, targets, m = 4, rng.permutation(9)[:count], lanes - 1
    exact = U_bar.astype(float), C_bar.astype(float)
    g_bar = outputs.astype(float) @ exact[0][w, m] + exact[1][targets, m] @ u.astype(float)
    pulls = slopes * g_bar
    moved = steps @ exact[1][targets, m] + pulls @ outputs
    exact[1][targets, m] += steps[:, None] * exact[0][w, m] + pulls[:, None] * u
    exact[0][w, m] += moved
    found = np.empty(count, kind)
    carry(
        Fixed(dim), Fixed(count), U_bar.reshape(-1), (w * lanes + m) * dim, C_bar.reshape(-1), targets * lanes * dim,
        m * dim, steps, slopes, u, outputs.reshape(-1), found,
    )  # fmt: skip
    tolerance = {"rtol": 0, "atol": 100 * TOLERANCE[kind]}
    np.testing.assert_allclose(found, g_bar, **tolerance)
    np.testing.assert_allclose(U_bar, exact[0], **tolerance)
    np.testing.assert_allclose(C_bar, exact[1], **tolerance)
