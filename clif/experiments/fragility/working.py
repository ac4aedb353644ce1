"""Cells of the grid, some at a time in processes of their own."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from clif.errors import InputError
from clif.experiments.folder import Pieces
from clif.processes import alone, follow_parent, stop
from clif.progress import Progress


def side_by_side(
    jobs: Mapping[str, Callable[[], Any]], processes: int, pieces: Pieces, progress: Progress
) -> dict[str, Any]:
    """What each job gives, by its name: kept pieces are read, the others computed and kept as soon as they are done.

    Raises
    ------
    InputError
        A process was killed.

    """
    waiting = [name for name in jobs if not pieces.has(name)]
    done = len(jobs) - len(waiting)
    progress("cells", done, len(jobs), f"{done} of {len(jobs)} cells")
    if min(processes, len(waiting)) > 1:
        pool = ProcessPoolExecutor(
            min(processes, len(waiting)), multiprocessing.get_context("spawn"), initializer=follow_parent
        )
        try:
            with alone():
                futures = {pool.submit(jobs[name]): name for name in waiting}
            for future in as_completed(futures):
                pieces.get(futures[future], future.result)
                done += 1
                progress("cells", done, len(jobs), f"{done} of {len(jobs)} cells")
        except BrokenProcessPool as error:
            raise InputError(
                "a process ended before its time: it was killed, usually for want of memory",
                where="clif experiment fragility",
                next="Run it again: what is done is kept. --set processes=1 needs less memory.",
            ) from error
        finally:
            stop(pool)
    found = {}
    for name, job in jobs.items():
        if not pieces.has(name):
            progress("cells", done, len(jobs), name)
            done += 1
        found[name] = pieces.get(name, job)
    progress("cells", len(jobs), len(jobs), f"{len(jobs)} of {len(jobs)} cells")
    return found
