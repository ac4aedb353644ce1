from pathlib import Path

import numpy as np
import pytest

from clif.influence.shelf import LEAST, Shelf, memory_to_use


@pytest.mark.parametrize("memory", [0, 700, 1 << 20])
def test_places_hold_what_is_put_there_whether_in_memory_or_on_disk(memory: int, tmp_path: Path):
    rng = np.random.default_rng(1)
    with Shelf((4, 3), 6, np.float32, tmp_path, memory) as shelf:
        for sizes in ((5, 20, 3), (40, 1, 0, 7)):  # the second time one grows and one is new
            given = []
            for number, pairs in enumerate(sizes):
                place = shelf.place(number, pairs)
                assert [array.shape for array in place] == [(pairs, 6), (4, 3), (4, 3)]
                given.append([rng.normal(size=array.shape).astype(np.float32) for array in place])
                for array, values in zip(place, given[-1], strict=True):
                    array[:] = values
            for number, (pairs, values) in enumerate(zip(sizes, given, strict=True)):
                assert all(map(np.array_equal, shelf.place(number, pairs), values))
        assert bool([path for path in tmp_path.rglob("*") if path.is_file()]) == (memory < 1 << 20)
    assert not list(tmp_path.iterdir())


def test_room_is_used_again(tmp_path: Path):
    with Shelf((4, 3), 6, np.float64, tmp_path) as shelf:
        tape, first, second = shelf.place(0, 20)
        again = shelf.place(0, 18)
        assert all(np.shares_memory(*pair) for pair in zip((tape, first, second), again, strict=True))


def test_a_full_disk_is_an_error_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("clif.influence.shelf.os.posix_fallocate", full, raising=False)
    with Shelf((4, 3), 6, np.float32, tmp_path, 0) as shelf, pytest.raises(OSError, match="No space"):
        shelf.place(0, 20)


def test_memory_to_use_is_a_share_of_what_is_free():
    assert memory_to_use() >= LEAST
