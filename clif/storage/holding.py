"""One process at a time: a lock on a file, which the system lets go when the process ends, and word of who holds it."""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from clif.errors import ClifError, InputError
from clif.storage.files import cannot_write, read_json, write_json
from clif.storage.leftovers import sweep


@contextmanager
def held(lock: Path, doing: str, where: Path, next_step: str) -> Iterator[None]:
    """Hold the lock file while the block runs; it is removed at the end.

    lock   its folder is made if it is missing; who holds it is in a file beside it
    doing  what an error says that the other process does, about `where`

    Raises
    ------
    InputError
        Another process holds it, said with its number, its command and since when; or the file cannot be written.

    """
    holder = lock.with_name(f"{lock.name}.holder")
    try:
        own = _acquire(lock)
    except Timeout as error:
        raise InputError(
            f"another process is {doing}{_who(holder)}", where=str(where), next=f"Wait until it is done, or {next_step}"
        ) from error
    except OSError as error:
        raise cannot_write(where, error) from error
    try:
        sweep(lock.parent)
        # Who it is helps others to understand, but is not worth failing for.
        with contextlib.suppress(ClifError):
            write_json(holder, {"pid": os.getpid(), "command": _command(), "since": _now()})
        yield
    finally:
        for path in (holder, lock):  # removed while it is held: see `_acquire`
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
        own.release()


def _acquire(path: Path) -> FileLock:
    """The lock on the file that has this name now: a holder that was quicker may have removed the one we opened."""
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        before = _inode(path)
        lock = FileLock(path, timeout=0)
        lock.acquire()
        if before is not None and before == _inode(path):
            return lock
        lock.release()


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return None


def _who(holder: Path) -> str:
    try:
        said = read_json(holder, "")
        return f" (process {said['pid']}, `{said['command']}`, since {said['since']})"
    except (ClifError, KeyError, TypeError):
        return ""


def _command() -> str:
    return shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])[:200] if sys.argv and sys.argv[0] else "python"


def _now() -> str:
    return datetime.now().astimezone().isoformat(" ", "seconds")
