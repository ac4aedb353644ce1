"""Files of a corpus at URLs (s3://, gs://, https:// and what else fsspec knows), read as they stream in.

Nothing is kept: what needs the texts again reads them again. fsspec and what it needs for a protocol are extras of
clif, and are imported when a URL is given.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast
from urllib.parse import urlsplit

from clif.errors import InputError

EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gs", "gcs": "gs", "http": "http", "https": "http"}
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_GLOB = re.compile(r"[*\[]")
_BUFFER = 1 << 20
CHECK = "Check the address, the network, and that you may read it."


@dataclass(frozen=True)
class Remote:
    """A file or folder at a URL, with as much of a `Path` as reading a corpus asks for."""

    url: str

    def __str__(self) -> str:
        return self.url

    @property
    def name(self) -> str:
        """Last part of the address, without what a web server is asked beside it."""
        path = urlsplit(self.url).path if EXTRAS.get(self._protocol) == "http" else self.url
        return PurePosixPath(path).name or urlsplit(self.url).netloc

    @property
    def parents(self) -> tuple[Path, ...]:
        """No folders of this machine."""
        return ()

    def resolve(self) -> Remote:
        """Itself."""
        return self

    def absolute(self) -> Remote:
        """Itself."""
        return self

    @property
    def size(self) -> int:
        """Bytes; 0 where the other side does not tell. Raises OSError."""
        with _as_os_errors():
            filesystem, path = self._place()
            return int(filesystem.size(path) or 0)

    def open(self, _mode: str = "rb") -> BinaryIO:
        """Open it for reading from the beginning to the end; raises OSError, also while it is read."""
        with _as_os_errors():
            filesystem, path = self._place()
            # Servers that cannot send parts of a file can send it whole: in blocks of "as it comes".
            how = {"block_size": 0} if EXTRAS.get(self._protocol) == "http" else {}
            return cast(BinaryIO, io.BufferedReader(_Stream(filesystem.open(path, "rb", **how)), _BUFFER))

    def files(self) -> list[tuple[str, Remote, bool]]:
        """Name, place and whether it is of a folder, of the file, or those that match a pattern or lie in a folder.

        By sorted path; without hidden ones. Raises InputError if there is none.
        """
        with _as_input_errors(self.url):
            filesystem, path = self._place()
            web = EXTRAS.get(self._protocol) == "http"
            if _GLOB.search(path):
                matches = [found for found in filesystem.glob(path) if not filesystem.isdir(found)]
                found = [self._sibling(filesystem, match) for match in sorted(matches)]
                files = [(each.name, each, False) for each in found]
            elif not web and filesystem.isdir(path):
                inside = sorted(filesystem.find(path))
                names = [str(PurePosixPath(match).relative_to(PurePosixPath(path))) for match in inside]
                files = [
                    (name, self._sibling(filesystem, match), True)
                    for name, match in zip(names, inside, strict=True)
                    if not any(part.startswith(".") for part in PurePosixPath(name).parts)
                ]
            else:
                if not web and not filesystem.exists(path):
                    raise FileNotFoundError(path)
                return [(self.name, self, False)]
        if not files:
            raise InputError("no file is there, or matches this", where=self.url, next="Check the address.")
        return files

    @property
    def _protocol(self) -> str:
        return self.url.partition("://")[0].lower()

    def _place(self) -> tuple[Any, str]:
        """The file system and the path in it; raises InputError for what is not installed."""
        extra = EXTRAS.get(self._protocol)
        install = f"pip install 'clif[{extra}]'" if extra else "pip install fsspec, and what it names for this protocol"
        try:
            import fsspec
        except ImportError as error:
            raise InputError("fsspec is not installed, which reads URLs", where=self.url, next=install) from error
        try:
            place: tuple[Any, str] = fsspec.core.url_to_fs(self.url)
        except ImportError as error:
            raise InputError(f"a package is missing: {error}", where=self.url, next=install) from error
        except ValueError as error:
            raise InputError(
                f"cannot be read as a URL: {error}", where=self.url, next="Use s3://, gs://, https:// or a path."
            ) from error
        return place

    @staticmethod
    def _sibling(filesystem: Any, path: str) -> Remote:
        return Remote(str(filesystem.unstrip_protocol(path)))


Source = Path | Remote


def is_url(text: str) -> bool:
    """Whether a source begins like a URL."""
    return _URL.match(text) is not None


def located(source: str | Source) -> Source:
    """A URL as a Remote, all else as a Path."""
    if isinstance(source, Remote):
        return source
    return Remote(source) if isinstance(source, str) and is_url(source) else Path(source)


class _Stream(io.RawIOBase):
    """A file of a network whose faults are OSErrors, whatever its library raises."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with _as_os_errors():
            found: bytes = self._file.read(len(buffer))
        buffer[: len(found)] = found
        return len(found)

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


@contextmanager
def _as_os_errors() -> Iterator[None]:
    try:
        yield
    except InputError:
        raise
    except FileNotFoundError as error:
        raise OSError("there is no such file") from error
    except Exception as error:  # each library of a protocol has a tree of its own
        raise OSError(str(error) or type(error).__name__) from error


@contextmanager
def _as_input_errors(where: str) -> Iterator[None]:
    try:
        with _as_os_errors():
            yield
    except OSError as error:
        raise InputError(f"cannot be read: {error}", where=where, next=CHECK) from error
