"""Files are written whole or not at all, and JSON is plain."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from clif.errors import InputError


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a temporary name beside `path`; when the block ends well, sync it and rename it to `path`.

    Raises
    ------
    InputError
        The folder cannot be written to, or the disk is full.

    """
    with parents_of(path):
        try:
            handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
            os.close(handle)
        except OSError as error:
            raise cannot_write(path, error) from error
        temporary = Path(name)
        try:
            yield temporary
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            temporary.chmod(0o666 & ~_umask())
            temporary.replace(path)
        except OSError as error:
            raise cannot_write(path, error) from error
        finally:
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def parents_of(path: Path) -> Iterator[None]:
    """Make the folders above `path`; if the block fails, those that were made for it go again.

    Raises
    ------
    InputError
        They cannot be made.

    """
    made: list[Path] = []
    try:
        try:
            made = [folder for folder in path.parents if not folder.exists()]
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot_write(path, error) from error
        yield
    except BaseException:
        for folder in made:
            with contextlib.suppress(OSError):
                folder.rmdir()
        raise


def cannot_write(path: Path, error: OSError) -> InputError:
    """Explain a file that cannot be written."""
    blocked = isinstance(error, (FileExistsError, NotADirectoryError))
    return InputError(
        "cannot write: a part of the path is a file" if blocked else f"cannot write: {error.strerror or error}",
        where=str(path),
        next="Check that you may write there and that there is space, or name another place where --out is an option.",
    )


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON, whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_text(to_json(value, indent=2) + "\n", encoding="utf-8")


def read_json(path: Path, next_step: str) -> Any:
    """Read a JSON file; raises InputError with `next_step` if it is missing or damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"cannot be read as JSON: {error}", where=str(path), next=next_step) from error


def to_json(value: Any, indent: int | None = None) -> str:
    """JSON of `value` with NumPy scalars and arrays as plain numbers and lists; NaN is not allowed."""
    return json.dumps(value, indent=indent, ensure_ascii=False, default=plain, allow_nan=False)


def plain(value: Any) -> Any:
    """A value that JSON does not know as one that it does; raises TypeError if there is none."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "to_dict"):
        return value.to_dict()
    raise TypeError(f"{type(value).__name__} is not JSON")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
