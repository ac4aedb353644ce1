"""One thread of BLAS: the same bits on any number of cores, and small products do not wait for threads."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from functools import lru_cache

from threadpoolctl import ThreadpoolController


def one_thread() -> AbstractContextManager[object]:
    """Compute with one thread within this block."""
    limited: AbstractContextManager[object] = _libraries(len(sys.modules)).limit(limits=1)
    return limited


@lru_cache(maxsize=1)
def _libraries(_modules: int) -> ThreadpoolController:
    """The libraries of this process that have threads: looking for them takes longer than most of what is computed.

    So it is done again only when more modules have been imported, which may have brought others.
    """
    return ThreadpoolController()
