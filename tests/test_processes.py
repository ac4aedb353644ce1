"""Workers that are stopped have ended, and other processes of the caller have not."""

from __future__ import annotations

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor

import pytest

from clif.processes import alone, follow_parent, stop

SPAWN = multiprocessing.get_context("spawn")


def pool_at_work() -> ProcessPoolExecutor:
    pool = ProcessPoolExecutor(2, SPAWN, follow_parent)
    with alone():
        first, *_ = [pool.submit(len, "a"), *(pool.submit(time.sleep, 600) for _ in range(3))]
    assert first.result() == 1
    return pool


# At several moments: a worker may be between two jobs, in one, or still starting.
@pytest.mark.parametrize("pause", [0, 0.05, 0.2])
def test_stopped_workers_have_ended(pause: float) -> None:
    with alone():
        other = SPAWN.Process(target=time.sleep, args=(600,))
        other.start()
    try:
        pool = pool_at_work()
        time.sleep(pause)
        stop(pool)
        assert multiprocessing.active_children() == [other]
    finally:
        other.kill()
        other.join()


def test_a_pool_may_be_stopped_twice() -> None:
    pool = pool_at_work()
    stop(pool)
    stop(pool)
    with pytest.raises(RuntimeError):
        pool.submit(len, "a")
