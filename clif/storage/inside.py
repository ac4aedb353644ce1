"""Names in a run folder that was sent by someone: they lead to files of that folder, and to no others."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from clif.errors import InputError

LONGEST = 200  # characters of a name that are shown


def inside(folder: Path, name: str | Path, said_by: Path) -> Path:
    """`folder`/`name`, where `name` is a relative path that the file `said_by` holds.

    Raises
    ------
    InputError
        It leads out of the folder: by .., from the root, or by a link. Or no file can have this name.

    """
    what = f"leads out of {folder}"
    try:
        path = folder / name
        out = Path(name).is_absolute() or not path.resolve().is_relative_to(folder.resolve())
        with suppress(FileNotFoundError, NotADirectoryError):
            path.lstat()
    except (OSError, ValueError, RuntimeError) as error:  # NUL, a name too long, links in a circle
        out, what = True, f"can be none: {getattr(error, 'strerror', None) or error}"
    if out:
        raise InputError(
            f"names the file {str(name)[:LONGEST]!r}, which {what}",
            where=str(said_by),
            next="clif writes no such names: do not use this folder unless you know who changed it.",
        )
    return path


def moved(folder: Path, path: object, was: object, said_by: Path) -> Path:
    """The file that was `path` when its folder was `was`, where the folder is now; errors are those of `inside`."""
    try:
        name = Path(str(path)).relative_to(str(was))
    except ValueError:
        name = Path("..") / str(path)
    return inside(folder, name, said_by)
