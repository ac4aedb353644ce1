"""Names and hashes are the same everywhere."""

from __future__ import annotations

import hashlib
import platform

import numpy as np

import clif
from clif.manifest import file_sha256, fingerprint, versions


def test_a_fingerprint_does_not_depend_on_the_order_of_keys():
    assert fingerprint({"a": 1, "b": [1, 2]}) == fingerprint({"b": np.array([1, 2]), "a": 1})
    assert fingerprint({"a": 1}) != fingerprint({"a": 2})
    assert fingerprint(["ü"]) == hashlib.sha256('["ü"]'.encode()).hexdigest()[:16]


def test_the_hash_of_a_file_is_that_of_its_bytes(tmp_path):
    (tmp_path / "file").write_bytes(b"x" * 100_000)
    assert file_sha256(tmp_path / "file") == hashlib.sha256(b"x" * 100_000).hexdigest()


def test_versions_name_what_touches_the_numbers():
    found = versions()
    assert found["clif"] == clif.__version__
    assert found["python"] == platform.python_version()
    assert found["numpy"] == np.__version__
    assert {"gensim", "numba", "scipy", "torch"} <= set(found)
