"""Counts on disk against counts in memory: the same bytes, whatever fits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers import corpus_of, random_problem
from hypothesis import given, settings
from hypothesis import strategies as st

from clif import spilling
from clif.counts import PairCounts, count_pairs
from clif.errors import InputError, UsageError
from clif.influence import layout
from clif.influence.joint import SolveSettings
from clif.influence.methods import METHODS
from clif.influence.scores import score_documents
from clif.room import LEAST, append, memory_limit, parse_size, room, said, scratch
from clif.spilling import bands, count_on_disk, counts_fit


def same(one: PairCounts, other: PairCounts) -> bool:
    return all(
        getattr(one, name).tobytes() == getattr(other, name).tobytes()
        and getattr(one, name).dtype == getattr(other, name).dtype
        for name in ("start", "column", "weight", "totals")
    )


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 9), max_size=25), min_size=1, max_size=12),
    st.integers(0, 10**6),
    st.integers(1, 4),
    st.integers(1, 30),
    st.sampled_from([np.float32, np.float64]),
)
def test_counts_on_disk_have_the_bytes_of_those_in_memory(documents, seed, fan, band, precision):
    corpus = corpus_of(documents, 10)
    keep = np.random.default_rng(seed).uniform(0.01, 1.0, 8)
    asked = corpus.tokens, corpus.offsets, keep, 3
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spilling, "FAN", fan)
        patch.setattr(spilling, "bands", lambda start: bands(start, band))
        on_disk = count_on_disk(*asked, precision=precision, block=30)
    in_memory = count_pairs(*asked, precision=precision, room=30)
    assert same(on_disk, in_memory)
    assert len(in_memory) == 0 or isinstance(on_disk.column, np.memmap)


@given(st.lists(st.integers(0, 9), max_size=20), st.integers(1, 15))
def test_bands_hold_all_rows_once_and_no_more_than_they_may(lengths, most):
    start = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    found = bands(start, most)
    assert [row for first, last in found for row in range(first, last)] == list(range(len(lengths)))
    assert all(start[last] - start[first] <= most or last == first + 1 for first, last in found)


@pytest.mark.parametrize("curvature", ["gn", "exact"])
def test_scores_by_counts_on_disk_have_the_bytes_of_those_in_memory(curvature, monkeypatch, tmp_path):
    def scored() -> np.ndarray:
        problem = random_problem(3, size=60, documents=30, longest=60)
        found = score_documents(problem, METHODS["clif"], SolveSettings(curvature, steps=8))
        mapped.append(isinstance(problem.pair_counts.column, np.memmap))
        return found.influence

    mapped: list[bool] = []
    expected = scored()
    monkeypatch.setattr("clif.influence.problem.counts_fit", lambda *_: False)
    monkeypatch.setattr(spilling, "bands", lambda start: bands(start, 50))
    monkeypatch.setattr(layout, "bands", lambda start, most: bands(start, 70))
    with memory_limit("64MB", tmp_path):
        assert scored().tobytes() == expected.tobytes()
    assert mapped == [False, True]
    assert not list(tmp_path.iterdir())


def test_pairs_are_listed_alike_from_disk(monkeypatch):
    def cells() -> list[tuple[bytes, ...]]:
        problem = random_problem(5, size=40, documents=20, longest=40)
        pairs = METHODS["clif"].find(problem, SolveSettings(steps=3), lambda _, solve: solve()).pairs
        return [tuple(np.asarray(part).tobytes() for part in cell) for cell in pairs.cells(100)]

    expected = cells()
    assert len(expected) > 3
    monkeypatch.setattr("clif.influence.problem.counts_fit", lambda *_: False)
    assert cells() == expected


def test_what_fits_is_decided_by_the_bound():
    with memory_limit("512MB"):
        assert not counts_fit(10**7, 10**5, 4)
        assert counts_fit(10**7, 50, 4)  # so few words cannot give many pairs
        assert counts_fit(1000, 10**5, 4)
        assert said() == room() == 512_000_000
    assert said() is None


@pytest.mark.parametrize(
    ("text", "size"),
    [("1GB", 10**9), ("512 mb", 512_000_000), ("1.5GiB", 3 << 29), ("64000000", LEAST), ("2g", 2 * 10**9)],
)
def test_sizes_are_read(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "much", "1XB", "-1GB", "nan", "1e9", "10MB", "0"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(UsageError, match=r"size|small") as caught, memory_limit(text):
        pass
    assert caught.value.where == "--memory"
    assert caught.value.next


def test_a_folder_that_is_gone_is_a_clear_error(tmp_path):
    with memory_limit(None, tmp_path / "gone"), pytest.raises(InputError, match="cannot write"):
        scratch()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_a_clear_error():
    with open("/dev/full", "wb") as full, pytest.raises(InputError, match="cannot write"):
        append(full, np.zeros(1 << 20))


def test_a_bound_may_be_a_number_of_bytes():
    with memory_limit(2 * LEAST):
        assert said() == 2 * LEAST
    for size in (0, 10**6, -(10**9)):
        with pytest.raises(UsageError, match=r"size|small"), memory_limit(size):
            pass
