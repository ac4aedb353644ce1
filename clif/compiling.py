"""Compiled kernels: one way to compile, a cache that is never in the way, and word of it when it takes long."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from numba import njit

# Sums may be split over the lanes of the processor; nothing else of fast mathematics, which would drop NaNs.
_REASSOCIATE = {"reassoc", "contract", "nsz", "arcp"}
PATIENCE = 1.0  # seconds


def compiled(function: Callable[..., Any]) -> Any:
    """Compile a kernel that runs without Python's lock, and cache the machine code.

    The cache lies beside the module, in the user's cache folder where that is read-only, or in NUMBA_CACHE_DIR; where
    nothing can be written there is none.
    """
    try:
        return njit(nogil=True, fastmath=_REASSOCIATE, cache=True)(function)
    except RuntimeError:  # numba found no folder to write to
        return njit(nogil=True, fastmath=_REASSOCIATE)(function)


def warm_up(call: Callable[[], object], say: Callable[[str], None]) -> None:
    """Make `call`, which runs kernels on next to nothing; say so if it takes long, which means that they compile."""
    timer = threading.Timer(PATIENCE, say, ("Compiling the kernels, once on this machine ...",))
    timer.daemon = True
    timer.start()
    try:
        call()
    finally:
        timer.cancel()
