"""A file that was changed says so: whichever bit of it was flipped."""

from __future__ import annotations

import hashlib
import json
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clif.errors import InputError
from clif.storage.files import check_seal, read_json, write_json, write_marked
from clif.storage.seals import EMPTY, read_seal, seal
from clif.storage.tensors import read_about, read_tensors, write_tensors

ABOUT = {"corpus": "c" * 64, "settings": {"dim": 2, "name": 'a "seal": "b'}}


def make(kind, folder):
    path = folder / f"file.{kind}"
    if kind == "json":
        write_json(path, {"a": [1, 2.5, "ü"], "b": None})
    elif kind == "safetensors":
        write_tensors(path, {"U": np.arange(6.0).reshape(3, 2), "C": np.ones((3, 2))}, ABOUT)
    elif kind == "svg":
        write_marked(path, "<svg><text>x</text></svg>")
    else:
        path.write_bytes(bytes(range(200)) * 3 + f"seal {EMPTY}".encode())
        seal(path)
    return path


def read(path):
    if path.suffix == ".json":
        return read_json(path, "Again.")
    if path.suffix == ".safetensors":
        arrays, about = read_tensors(path, "vectors", "Again.")
        return {name: array.tolist() for name, array in arrays.items()}, about
    check_seal(path, "Again.")
    return path.read_bytes()


@pytest.mark.parametrize("kind", ["json", "safetensors", "svg", "rows"])
def test_a_seal_is_the_sha256_of_the_file_with_zeros_in_its_place(tmp_path, kind):
    path = make(kind, tmp_path)
    found = read_seal(path)
    assert found.intact
    data = path.read_bytes()
    assert data.count(found.said.encode()) == 1
    assert hashlib.sha256(data.replace(found.said.encode(), EMPTY.encode())).hexdigest() == found.said


@pytest.mark.parametrize("kind", ["json", "safetensors", "svg", "rows"])
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_flipped_bit_is_believed(tmp_path_factory, kind, data):
    path = make(kind, tmp_path_factory.mktemp("sealed"))
    whole, value = path.read_bytes(), read(path)
    bit = data.draw(st.integers(0, 8 * len(whole) - 1))
    changed = bytearray(whole)
    changed[bit // 8] ^= 1 << bit % 8
    path.write_bytes(changed)
    found = read_seal(path)
    assert found is None or not found.intact
    try:
        again = read(path)
    except InputError as error:
        assert error.where == str(path)  # noqa: PT017
        assert error.next == "Again."  # noqa: PT017
    else:  # the word seal itself was hit, so it counts as a file of an earlier version; what it says is right
        assert found is None
        rest, about = (again, value) if kind == "json" else (again[1], value[1])
        assert {name: each for name, each in rest.items() if name in about} == about


def test_equal_values_give_equal_bytes_and_the_seal_is_not_among_them(tmp_path):
    assert make("json", tmp_path).read_bytes() == make("json", tmp_path).read_bytes()
    assert read_json(make("json", tmp_path), "") == {"a": [1, 2.5, "ü"], "b": None}
    assert read_about(make("safetensors", tmp_path), "vectors", "") == ABOUT


def test_a_value_that_was_changed_by_hand_is_refused_and_one_without_a_seal_is_not(tmp_path):
    path = make("json", tmp_path)
    text = path.read_text("utf-8")
    path.write_text(text.replace("2.5", "3.5"), "utf-8")
    with pytest.raises(InputError, match="was changed since clif wrote it"):
        read_json(path, "Again.")
    path.write_text(re.sub(r',\s*"seal": "\w+"', "", text), "utf-8")
    assert read_json(path, "Again.")["a"] == [1, 2.5, "ü"]
    write_json(path, [1, 2])  # no object: nowhere to put it
    assert json.loads(path.read_text("utf-8")) == [1, 2]
    with pytest.raises(ValueError, match="no place"):
        seal(path)
