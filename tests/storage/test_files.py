"""Files appear whole or not at all, and JSON is plain."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clif.errors import InputError
from clif.storage.files import parents_of, read_json, to_json, whole_file, write_json


class LostPower(BaseException):
    """Nothing that a caller expects."""


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, LostPower])
@pytest.mark.parametrize("old", [None, "old"])
def test_nothing_is_left_of_a_file_that_could_not_be_finished(tmp_path, error, old):
    path = tmp_path / "file.txt"
    if old:
        path.write_text(old)
    with pytest.raises(error), whole_file(path) as temporary:  # noqa: PT012
        temporary.write_text("half")
        raise error
    assert [p.name for p in tmp_path.iterdir()] == (["file.txt"] if old else [])
    assert not old or path.read_text() == old


def test_a_reader_sees_the_old_file_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")
    with whole_file(path) as temporary:
        temporary.write_text("half")
        assert temporary.parent == tmp_path  # so that the renaming is atomic
        assert path.read_text() == "old"
        temporary.write_text("whole")
    assert path.read_text() == "whole"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_has_the_rights_that_any_new_file_has(tmp_path):
    before = os.umask(0o027)
    try:
        with whole_file(tmp_path / "file.txt") as temporary:
            temporary.write_text("x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file.txt").stat().st_mode) == 0o640


def test_folders_are_made_for_a_file_and_go_with_it(tmp_path):
    (tmp_path / "there").mkdir()
    path = tmp_path / "there" / "new" / "deep" / "file.txt"
    with pytest.raises(ValueError, match="no"), whole_file(path):
        raise ValueError("no")
    assert list(tmp_path.rglob("*")) == [tmp_path / "there"]
    with whole_file(path) as temporary:
        temporary.write_text("x")
    assert path.read_text() == "x"


def test_folders_that_hold_something_else_stay(tmp_path):
    with pytest.raises(ValueError, match="no"), parents_of(tmp_path / "a" / "b" / "file"):  # noqa: PT012
        (tmp_path / "a" / "other").write_text("x")
        raise ValueError("no")
    assert sorted(tmp_path.rglob("*")) == [tmp_path / "a", tmp_path / "a" / "other"]


@pytest.mark.parametrize("path", ["file/below", "file/below/deep", "/proc/clif/file", "x" * 300])
def test_where_nothing_can_be_written_the_path_is_named(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("x")
    with pytest.raises(InputError, match="cannot write") as caught, whole_file(Path(path)):
        raise AssertionError
    assert caught.value.where == path
    assert Path("file").read_text() == "x"
    assert list(Path().iterdir()) == [Path("file")]


def test_a_full_disk_is_reported(tmp_path):
    with pytest.raises(InputError, match="cannot write: No space left"), whole_file(tmp_path / "f"):
        raise OSError(28, "No space left on device")
    assert list(tmp_path.iterdir()) == []


@dataclass
class Plain:
    value: int

    def to_dict(self) -> dict[str, Any]:
        return {"value": self.value}


def test_json_holds_numbers_lists_and_paths_as_plain_values(tmp_path):
    value = {"a": np.float32(0.5), "b": np.arange(3), "c": Path("x/ü"), "d": Plain(3), "e": np.bool_(True), "f": None}
    path = tmp_path / "value.json"
    write_json(path, value)
    assert read_json(path, "") == {"a": 0.5, "b": [0, 1, 2], "c": "x/ü", "d": {"value": 3}, "e": True, "f": None}
    assert "ü" in path.read_text("utf-8")
    assert path.read_text("utf-8").endswith("}\n")
    assert json.loads(to_json(value)) == read_json(path, "")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object()])
def test_what_is_no_json_is_not_written(tmp_path, value):
    with pytest.raises((ValueError, TypeError)):
        write_json(tmp_path / "value.json", {"a": value})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"{'a': 1}"])
def test_damaged_json_is_named_with_the_next_step(tmp_path, content):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(InputError, match="cannot be read as JSON") as caught:
        read_json(tmp_path / "a.json", "Do this.")
    assert (caught.value.where, caught.value.next) == (str(tmp_path / "a.json"), "Do this.")
    with pytest.raises(InputError):
        read_json(tmp_path / "none.json", "Do this.")


@pytest.mark.parametrize("content", ["[]", "7", "null", '"a"'])
def test_json_that_is_no_object_is_none_of_clifs(tmp_path, content):
    (tmp_path / "a.json").write_text(content, "utf-8")
    with pytest.raises(InputError, match="no object") as caught:
        read_json(tmp_path / "a.json", "Do this.")
    assert (caught.value.where, caught.value.next) == (str(tmp_path / "a.json"), "Do this.")
