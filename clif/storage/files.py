"""Files are written whole or not at all, say by themselves whether they are still as written, and JSON is plain."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from clif.errors import InputError
from clif.storage.leftovers import temporary_prefix
from clif.storage.seals import CHECKSUMS, EMPTY, KEY, read_seal, seal


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a temporary name beside `path`; when the block ends well, sync it, rename it to `path`, and sync the folder.

    After a loss of power there is the old file or the new one.

    Raises
    ------
    InputError
        The folder cannot be written to, or the disk is full.

    """
    with parents_of(path):
        try:
            with contextlib.suppress(FileNotFoundError):
                path.lstat()  # a name that the file system cannot have is found out before the work
            handle, name = tempfile.mkstemp(prefix=temporary_prefix(path.name), suffix=".tmp", dir=path.parent)
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
            sync_folder(path.parent)
        except OSError as error:
            raise cannot_write(path, error) from error
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on disk, where the system can open a folder for that; raises OSError."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        # Some network file systems do not sync folders, and need not.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF):
            raise
    finally:
        os.close(handle)


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
    """Write `value` as indented JSON, whole or not at all; an object is sealed (see `seals`)."""
    sealed = isinstance(value, Mapping)
    text = to_json({**value, KEY: EMPTY} if sealed else value, indent=2) + "\n"
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
        if sealed:
            seal(temporary)


def write_marked(path: Path, text: str) -> None:
    """Write a page or a picture, HTML or SVG, whole or not at all; it is sealed in a comment at its end."""
    with whole_file(path) as temporary:
        # Half of a pair of surrogates, which JSON can hold, is no character.
        temporary.write_bytes(f"{text.rstrip()}\n<!-- seal {EMPTY} -->\n".encode("utf-8", "replace"))
        seal(temporary)


def read_json(path: Path, next_step: str) -> dict[str, Any]:
    """Read an object from a JSON file; InputError with `next_step` if it is missing, damaged, or not as sealed."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"cannot be read as JSON: {reason}", where=str(path), next=next_step) from error
    if not isinstance(value, dict):
        raise InputError("does not hold what clif stores there: no object", where=str(path), next=next_step)
    if value.pop(KEY, None) is not None or CHECKSUMS in value:
        check_seal(path, next_step)
    return value


def check_seal(path: Path, next_step: str) -> None:
    """Raise InputError with `next_step` if a file is not what was sealed, or its seal cannot be read."""
    try:
        found = read_seal(path)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", where=str(path), next=next_step) from error
    if found is None or not found.intact:
        raise changed(path, next_step)


def changed(path: Path, next_step: str) -> InputError:
    """Explain a file whose checksum is not the one that it had when it was written."""
    return InputError(
        "is damaged, or was changed since clif wrote it: its checksum is another", where=str(path), next=next_step
    )


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
