"""Arrays with what is said of them, as safetensors: they cannot execute code, and are sealed (see `seals`)."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from clif.errors import DAMAGE, InputError
from clif.storage.files import cannot_write, check_seal, whole_file
from clif.storage.leftovers import temporary_prefix
from clif.storage.seals import EMPTY, KEY, seal

_ABOUT = "clif"  # one key: the order of several is not kept by the format


def write_tensors(path: Path, arrays: Mapping[str, np.ndarray], about: Mapping[str, Any]) -> None:
    """Write arrays by name; `about` holds no times, so equal arrays give equal bytes.

    Raises
    ------
    InputError
        The file cannot be written.

    """
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    text = json.dumps({**about, KEY: EMPTY}, sort_keys=True)
    with (
        whole_file(path) as temporary,
        # The library has a temporary name of its own beside the one that it is given: in a folder that `sweep` knows.
        tempfile.TemporaryDirectory(".tmp", temporary_prefix(path.name), path.parent) as folder,
    ):
        written = Path(folder) / "tensors"
        try:
            save_file({name: np.ascontiguousarray(a) for name, a in arrays.items()}, written, metadata={_ABOUT: text})
        except SafetensorError as error:  # which is what a full disk is to this library
            raise cannot_write(path, OSError(str(error))) from error
        written.replace(temporary)
        seal(temporary)


def read_tensors(path: Path, kind: str, next_step: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """All arrays by name, and what is said of them.

    Raises
    ------
    InputError
        With `next_step`: the file is missing, is no `kind` ("a model", "vectors"), or was changed since it was written.

    """
    with opened(path, kind, next_step) as (file, about):
        if about.pop(KEY, None) is not None:  # earlier versions of clif sealed nothing
            check_seal(path, next_step)
        return {name: file.get_tensor(name) for name in file.keys()}, about  # noqa: SIM118 (no mapping)


def read_about(path: Path, kind: str, next_step: str) -> dict[str, Any]:
    """What is said of arrays, without reading them; errors as `read_tensors`, but for a changed array."""
    with opened(path, kind, next_step) as (_, about):
        about.pop(KEY, None)
        return about


@contextmanager
def opened(path: Path, kind: str, next_step: str) -> Iterator[tuple[Any, dict[str, Any]]]:
    """The open file and what is said of it; what goes wrong in the block is a fault of the file."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            about: dict[str, Any] = json.loads((file.metadata() or {})[_ABOUT])
            about.get(KEY)  # or it is no object
            yield file, about
    except (*DAMAGE, SafetensorError) as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else error
        raise InputError(f"cannot be read as {kind}: {reason}", where=str(path), next=next_step) from error
