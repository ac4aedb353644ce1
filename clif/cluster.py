"""Work on a Dask cluster, where one is asked for; without one everything stays on this machine.

`with on_cluster("tcp://host:8786"):` is all that a caller says. What can be divided then asks `current_cluster()`:
scoring and counting by parts of the corpus, trainings one by one. A part is a function of its arguments and nothing
else, and results come back in the order of the parts, whoever made them and when: what is made of them does not depend
on how many workers there are, or on whether one was lost on the way. Workers write nothing; who asked does.

On one machine threads share the corpus for scoring, and processes train (`clif.training.pool`): a cluster of local
workers would only add copies.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from clif import __version__
from clif.errors import ClifError, InputError, MismatchError, UsageError
from clif.processes import cores

SECONDS = 30  # to wait for a scheduler, and for its first worker
_AGAIN = "Run the same command again when the scheduler answers: trainings that are done are kept."

_current: ContextVar[Cluster | None] = ContextVar("cluster", default=None)


def current_cluster() -> Cluster | None:
    """The cluster that work is to be done on, None for this machine."""
    return _current.get()


def places() -> int:
    """How many trainings are done at a time, where nobody says how many."""
    cluster = current_cluster()
    return cluster.threads if cluster else cores()


@contextmanager
def on_cluster(address: str | None) -> Iterator[None]:
    """Let the work of the block be done by a Dask cluster, `with clif.on_cluster("tcp://host:8786"):`.

    `address` is that of the scheduler; None: by this machine. Workers count pairs, score documents and train; solves
    are made here, and all files are written here. Scores and models are those of one machine but for rounding.

    Raises
    ------
    UsageError
        Dask is not installed, or this is no address.
    InputError
        There is no scheduler, or it has no worker.
    MismatchError
        The scheduler or a worker has another version of clif, or none.

    """
    if address is None:
        yield
        return
    with _connected(address) as client:
        cluster = Cluster(client, address)
        cluster.check()
        token = _current.set(cluster)
        try:
            yield
        finally:
            _current.reset(token)


class Cluster:
    """The workers of a Dask scheduler."""

    def __init__(self, client: Any, address: str) -> None:
        self._client = client
        self.address = address

    @property
    def threads(self) -> int:
        """How many tasks the workers do at a time, 1 at the least."""
        counts: dict[str, int] = self._client.nthreads()
        return max(1, sum(counts.values()))

    def map(self, function: Callable[..., Any], parts: Iterable[Any], *common: Any) -> Iterator[Any]:
        """Yield function(part, *common) in the order of the parts; only some are under way or waiting at a time.

        `function` must be one that workers can import. Raises InputError where workers are lost again and again, or the
        scheduler is; ClifErrors of the function as they are.
        """
        shared = [self._share(value) for value in common]
        waiting: deque[Any] = deque()
        ahead = 2 * self.threads + 2
        for part in parts:
            waiting.append(self._submit(function, part, *shared))
            if len(waiting) >= ahead:
                yield self._result(waiting.popleft())
        while waiting:
            yield self._result(waiting.popleft())

    def each(self, function: Callable[..., Any], parts: Iterable[Any], *common: Any) -> Iterator[tuple[Any, Any]]:
        """Yield part and function(part, *common) as they are done, in any order; errors as for `map`."""
        from distributed import as_completed

        shared = [self._share(value) for value in common]
        submitted = {self._submit(function, part, *shared): part for part in parts}
        done = as_completed(list(submitted), loop=self._client.loop)
        while submitted:
            with self._faults():
                future = next(done)
            part = submitted.pop(future)
            yield part, self._result(future)
            future.release()

    def all(self, holds: Callable[..., bool], *values: Any) -> bool:
        """Whether holds(*values) is true on every worker."""
        return all(found is True for found in self._client.run(holds, *values, on_error="return").values())

    def check(self) -> None:
        """Raise InputError if no worker comes, MismatchError if one, or the scheduler, has another version of clif."""
        try:
            self._client.wait_for_workers(1, timeout=SECONDS)
        except TimeoutError as error:
            raise InputError(
                "the scheduler has no worker",
                where=f"--scheduler {self.address}",
                next=f"Start some, on any machine that has clif: dask worker {self.address} --nthreads 1",
            ) from error
        found = {"scheduler": self._of_scheduler(), **self._client.run(_version, on_error="return")}
        for place, version in found.items():
            if version != __version__:
                raise MismatchError(
                    f"there is no clif {__version__}, but {version!r}",
                    where=place if place == "scheduler" else f"worker {place}",
                    next="Install the same clif for the scheduler and all workers, as in: pip install 'clif[dask]'",
                )

    def _of_scheduler(self) -> Any:
        try:
            return self._client.run_on_scheduler(_version)
        except Exception as error:  # whatever importing clif, or finding none, raises there
            return error

    def _share(self, value: Any) -> Any:
        """A value that workers fetch once, from each other too: not scattered, as it would be lost with its worker."""
        return self._submit(_same, value)

    def _submit(self, function: Callable[..., Any], *values: Any) -> Any:
        with self._faults():
            return self._client.submit(function, *values, pure=False)

    def _result(self, future: Any) -> Any:
        with self._faults():
            return future.result()

    @contextmanager
    def _faults(self) -> Iterator[None]:
        from concurrent.futures import CancelledError

        from distributed import KilledWorker
        from distributed.comm import CommClosedError

        where = f"--scheduler {self.address}"
        try:
            yield
        except ClifError:
            raise
        except KilledWorker as error:
            raise InputError(
                "one and the same piece of work ended several workers, usually for want of memory",
                where=where,
                next="Give workers more memory, or fewer threads each (dask worker --nthreads 1), and run it again.",
            ) from error
        except (CancelledError, CommClosedError, TimeoutError) as error:
            raise InputError("the scheduler was lost", where=where, next=_AGAIN) from error
        except MemoryError as error:
            raise InputError(
                "memory ran out on a worker", where=where, next="Use workers with more memory, or fewer threads each."
            ) from error


@contextmanager
def _connected(address: str) -> Iterator[Any]:
    where = f"--scheduler {address}"
    try:
        import dask
        from distributed import Client
    except ImportError as error:
        raise UsageError(
            "Dask is not installed",
            where=where,
            next="Install it (pip install 'clif[dask]'), or leave this option out.",
        ) from error
    # What goes wrong is said by our own errors; what is sent whole to the scheduler is meant to be there.
    for name in [name for name in logging.root.manager.loggerDict if name.partition(".")[0] == "distributed"]:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1PB"}):
        try:
            # Tried first without a Client: one that fails half made waits for a minute when the process ends.
            with ThreadPoolExecutor(1) as apart:  # a notebook has a loop of its own under way
                apart.submit(asyncio.run, _reach(address)).result()
            client = Client(address, timeout=SECONDS, set_as_default=False)
        except (ValueError, TypeError) as error:  # the latter: TLS without certificates
            raise UsageError(
                f"is not the address of a scheduler: {error}", where=where, next="Give one like tcp://host:8786."
            ) from error
        except (OSError, TimeoutError) as error:
            raise InputError(
                "no Dask scheduler answers there",
                where=where,
                next="Start one (dask scheduler), and take the address that it names.",
            ) from error
        try:
            yield client
        finally:
            client.close(timeout=2)


async def _reach(address: str) -> None:
    from distributed import Security
    from distributed.comm import connect

    answer = await connect(address, timeout=SECONDS, **Security().get_connection_args("client"))
    await answer.close()


def _version() -> str:
    return __version__


def _same(value: Any) -> Any:
    return value
