"""What a process that was killed leaves behind: temporary files and folders, which name the process that made them."""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import re
import shutil
from pathlib import Path

import psutil

_TEMPORARY = re.compile(r"\.(?P<host>[0-9a-f]{8})-(?P<pid>[0-9]+)\.[^.]*\.tmp$")
_LONGEST = 150  # bytes of a name that are kept in a temporary one: a file system takes 255


def temporary_prefix(name: str) -> str:
    """How the temporary names of `name` begin in this process: hidden, with the machine and the process in it."""
    kept = name if len(os.fsencode(name)) <= _LONGEST else hashlib.sha256(os.fsencode(name)).hexdigest()[:16]
    return f".{kept}.{_host()}-{os.getpid()}."


def sweep(*folders: Path, below: bool = False) -> None:
    """Remove the temporary files and folders of processes of this machine that are gone; with `below` at any depth.

    What another machine made in a shared folder is left alone, as nobody here knows whether it is at work.
    """
    for folder in folders:
        for left in folder.rglob(".*.tmp") if below else folder.glob(".*.tmp"):
            found = _TEMPORARY.search(left.name)
            if found and found["host"] == _host() and not _alive(int(found["pid"])):
                with contextlib.suppress(OSError):
                    shutil.rmtree(left) if left.is_dir() else left.unlink()


def _host() -> str:
    return hashlib.sha256(platform.node().encode("utf-8", "replace")).hexdigest()[:8]


def _alive(pid: int) -> bool:
    """Whether that process is at work; one with our own number is one before us, as we have made nothing yet."""
    if pid == os.getpid():
        return False
    try:
        # One that was killed has its number until somebody asks how it ended, which may be never.
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
    except psutil.Error:
        return True
