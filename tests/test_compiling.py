"""Kernels compile where nothing can be written, and long compiling is said."""

from __future__ import annotations

import time

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


def test_only_what_takes_long_is_said(monkeypatch: pytest.MonkeyPatch):
    said: list[str] = []
    monkeypatch.setattr(compiling, "PATIENCE", 0.05)
    warm_up(lambda: None, said.append)
    time.sleep(0.1)
    assert not said
    warm_up(lambda: time.sleep(0.2), said.append)
    assert len(said) == 1
    assert "ompiling" in said[0]


def test_an_error_while_compiling_is_passed_on_and_nothing_is_said(monkeypatch: pytest.MonkeyPatch):
    said: list[str] = []
    monkeypatch.setattr(compiling, "PATIENCE", 0.05)
    with pytest.raises(ZeroDivisionError):
        warm_up(lambda: 1 / 0, said.append)
    time.sleep(0.1)
    assert not said
