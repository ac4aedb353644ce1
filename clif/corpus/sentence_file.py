"""The file that says where the sentences of a corpus begin."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from clif.errors import DAMAGE, InputError, MismatchError
from clif.manifest import file_sha256
from clif.storage.files import whole_file

SENTENCES = "sentences.npy"


@dataclass(frozen=True)
class SentenceFile:
    """Positions in tokens.npy of the first token of each sentence (uint64); `sha256` None: no such file was made."""

    path: Path
    sha256: str | None

    def read(self) -> NDArray[np.uint64]:
        """The positions, memory-mapped; raises InputError for a damaged file, MismatchError for another corpus's."""
        if self.sha256 is None:
            raise InputError(
                "this run was made by an earlier version of clif, which did not store where sentences begin",
                where=str(self.path.parent),
                next="Train again with --force.",
            )
        try:
            starts: NDArray[np.uint64] = np.load(self.path, mmap_mode="r", allow_pickle=False)
        except DAMAGE as error:
            raise InputError(
                f"cannot be read: {error}", where=str(self.path), next="Train again with --force."
            ) from error
        if file_sha256(self.path) != self.sha256:
            raise MismatchError(
                "holds the sentences of another corpus",
                where=str(self.path),
                next="Restore the file of this run, or train again with --force.",
            )
        return starts


def write_sentences(raw: BinaryIO, path: Path) -> str:
    """Write the numbers in `raw`, as array("Q") writes them, to `path`; returns the SHA-256 of the file.

    Raises
    ------
    InputError
        It cannot be written.

    """
    kind = np.dtype(np.uint64)
    header = {
        "descr": np.lib.format.dtype_to_descr(kind),
        "fortran_order": False,
        "shape": (raw.tell() // kind.itemsize,),
    }
    raw.seek(0)
    with whole_file(path) as temporary, temporary.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        shutil.copyfileobj(raw, file)
    return file_sha256(path)
