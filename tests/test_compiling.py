"""Kernels compile where nothing can be written, give the same bytes as from the cache, and long compiling is said."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from clif import compiling
from clif.compiling import compiled, warm_up


def twice(x):
    return 2 * x


def test_a_kernel_computes_and_caches():
    kernel = compiled(twice)
    assert kernel(21) == 42
    assert kernel.stats.cache_path


def test_where_no_folder_can_be_written_to_a_kernel_goes_without_a_cache(monkeypatch: pytest.MonkeyPatch):
    real = compiling.njit

    def njit(**options):
        if options.get("cache"):
            raise RuntimeError("cannot cache function 'twice': no locator available")
        return real(**options)

    monkeypatch.setattr(compiling, "njit", njit)
    assert compiled(twice)(21) == 42


TRAIN = """
import hashlib, numpy as np
from helpers import corpus_of
from trainings import vocabulary_of
from clif.settings import TrainingSettings
from clif.training.paired import train_paired
rng = np.random.default_rng(0)
corpus = corpus_of([rng.integers(0, 200, 70) for _ in range(500)], 200)
found = train_paired(corpus, vocabulary_of(corpus), TrainingSettings(epochs=2, sample=0))
print(hashlib.sha256(found.U.tobytes() + found.C.tobytes()).hexdigest())
"""


def test_the_process_that_compiles_gets_the_bytes_of_those_that_find_the_kernels_in_the_cache(tmp_path: Path):
    places = [str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": os.pathsep.join(places)}
    command = [sys.executable, "-c", TRAIN]
    first, second = (subprocess.check_output(command, env=environment, text=True) for _ in range(2))
    assert any(tmp_path.rglob("*.nbi"))
    assert first == second


def test_only_what_takes_long_is_said(monkeypatch: pytest.MonkeyPatch):
    said: list[str] = []
    monkeypatch.setattr(compiling, "PATIENCE", 0.05)
    warm_up(lambda: None, said.append)
    time.sleep(0.1)
    assert not said
    warm_up(lambda: time.sleep(0.2), said.append)
    assert len(said) == 1
    assert "compiled" in said[0]


def test_an_error_while_compiling_is_passed_on_and_nothing_is_said(monkeypatch: pytest.MonkeyPatch):
    said: list[str] = []
    monkeypatch.setattr(compiling, "PATIENCE", 0.05)
    with pytest.raises(ZeroDivisionError):
        warm_up(lambda: 1 / 0, said.append)
    time.sleep(0.1)
    assert not said
