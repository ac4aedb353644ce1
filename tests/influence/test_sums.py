"""Sums on disk are those of memory, however the rows come and wherever the files are parted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clif.influence.sums import Sums


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    seed=st.integers(0, 10**6),
    edges=st.lists(st.integers(0, 40), max_size=4),
    parts=st.integers(0, 4),
    precision=st.sampled_from([np.float32, np.float64]),
)
def test_they_are_those_of_memory(seed, edges, parts, precision, tmp_path):
    rng = np.random.default_rng(seed)
    rows = [(rng.integers(0, 40, n), rng.normal(size=n), rng.integers(1, 9, n)) for n in rng.integers(0, 60, parts)]
    expected, times = np.zeros(40), np.zeros(40, dtype=int)
    with Sums(np.sort(np.array(edges, dtype=np.int64)), tmp_path, precision) as sums:
        for key, value, count in rows:
            sums.add(key, value, count)
            np.add.at(expected, key, value.astype(precision))
            np.add.at(times, key, count)
        blocks = list(sums.totals())
    key = np.concatenate([np.empty(0, dtype=int), *(block[0] for block in blocks)])
    assert np.array_equal(key, np.flatnonzero(times))
    assert len(blocks) <= len(edges) + 1
    if blocks:
        assert np.array_equal(np.concatenate([block[1] for block in blocks]), times[key])
        assert np.concatenate([block[2] for block in blocks]) == pytest.approx(expected[key], rel=1e-12, abs=1e-12)
    assert not list(tmp_path.iterdir())


def test_a_missing_folder_is_no_obstacle(tmp_path: Path):
    with Sums(np.empty(0, dtype=np.int64), tmp_path / "none") as sums:
        sums.add(np.array([3, 3]), np.array([1.0, 2.0]))
        ((key, times, value),) = sums.totals()
    assert (key.tolist(), times.tolist(), value.tolist()) == ([3], [2], [3.0])
    assert not list(tmp_path.iterdir())
