from pathlib import Path

import numpy as np
import pytest

from clif.errors import InputError
from clif.influence.shelf import LEAST, Shelf, memory_to_use


@pytest.mark.parametrize("memory", [0, 700, 1 << 20])
def test_places_hold_what_is_put_there_whether_in_memory_or_on_disk(memory: int, tmp_path: Path):
    rng = np.random.default_rng(1)
    shelf = Shelf((4, 3), 6, np.float32, tmp_path, memory)
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
    on_disk = [isinstance(array, np.memmap) for number in range(4) for array in shelf.place(number, 1)]
    assert any(on_disk) == (memory < 1 << 20)
    assert all(on_disk) == (memory == 0)
    assert not list(tmp_path.iterdir())  # the files have no names


def test_what_grows_gives_its_memory_back():
    shelf = Shelf((4, 3), 6, np.float32, None, 4 * (6 * 100 + 2 * 12))
    for pairs in (10, 40, 60, 90):
        tape, *_ = shelf.place(0, pairs)
        assert not isinstance(tape, np.memmap)


def test_room_is_used_again(tmp_path: Path):
    shelf = Shelf((4, 3), 6, np.float64, tmp_path)
    places = shelf.place(0, 20), shelf.place(0, 18)
    assert all(np.shares_memory(*pair) for pair in zip(*places, strict=True))


def test_a_full_disk_is_an_error_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("clif.influence.shelf.os.posix_fallocate", full, raising=False)
    with pytest.raises(InputError, match="No space") as caught:
        Shelf((4, 3), 6, np.float32, tmp_path, 0).place(0, 20)
    assert caught.value.where == str(tmp_path)


def test_memory_to_use_is_a_share_of_what_is_free():
    assert memory_to_use() >= memory_to_use(1 << 60) == LEAST
