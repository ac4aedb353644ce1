"""BLAS computes with one thread where it is asked to, and as before afterwards."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

from clif import threads
from clif.threads import one_thread

LATER = """
import json
from threadpoolctl import threadpool_info
from clif.threads import one_thread
said = []
def ask():
    with one_thread():
        said.append([library["num_threads"] for library in threadpool_info()])
import numpy
ask()
import torch
torch.set_num_threads(2)
ask()
print(json.dumps(said))
"""


def numbers() -> list[int]:
    return [library["num_threads"] for library in threadpool_info()]


def test_there_is_one_thread_within_and_what_there_was_afterwards():
    assert np.ones(3).sum() == 3
    with threadpool_limits(2):
        before = numbers()
        with one_thread():
            assert set(numbers()) == {1}
            with one_thread():
                pass
            assert set(numbers()) == {1}
        assert numbers() == before


def test_libraries_are_looked_for_once_as_long_as_nothing_is_imported():
    with one_thread():
        pass
    found = threads._libraries.cache_info().misses
    for _ in range(5):
        with one_thread():
            pass
    assert threads._libraries.cache_info().misses == found


def test_a_library_that_comes_later_is_limited_too():
    said = json.loads(subprocess.check_output([sys.executable, "-c", LATER], text=True))
    assert len(said[0]) < len(said[1])
    assert {number for numbers in said for number in numbers} == {1}
