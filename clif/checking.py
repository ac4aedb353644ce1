"""Is every file of a run as it was written? All checksums, read again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from clif.checks import check_keys
from clif.errors import ClifError, InputError
from clif.manifest import MANIFEST, RESULT, file_sha256, sums_of
from clif.progress import Progress, silent
from clif.run import Run
from clif.storage.files import read_json
from clif.storage.inside import inside
from clif.storage.seals import CHECKSUMS, read_seal

CHANGED, MISSING, UNREADABLE = "its checksum is another", "is missing", "cannot be read"
UNSEALED = "has lost its checksum"
_ANEW = "Restore it from a copy of the run, or train again with --force."
_REMOVE = "Remove it, and "  # of a file that is there
# How each kind of file comes back, the first that fits. Files of other names are not clif's.
_MENDING = (
    ("started.json", "Remove it."),
    ("report.html", "Make it again with `clif report`."),
    ("pictures/*.svg", "Make it again with `clif plot`."),
    ("checkpoints/*", "Remove it: it is made again when it is needed."),
    ("models/*.safetensors", "Remove it: it is trained again when it is needed."),
    ("solves/*.safetensors", "Remove it, and rank again."),
    ("rankings/*", "Remove it, and rank again."),
    ("retrains/models/*", "Remove it, and retrain: the rest is kept."),
    ("retrains/*/kept/*", "Remove it, and retrain: it is written again, no more."),
    ("retrains/*/removed/*", "Remove it, and retrain: it is written again, no more."),
    ("retrains/*", "Remove its folder, and retrain."),
    ("verifications/trainings/*", "Remove it, and verify again: it is trained anew, the rest is kept."),
    ("verifications/*", "Remove its folder, and verify again: no training is repeated."),
    ("tradeoffs/trainings/*", "Remove it, and compare again: it is trained anew, the rest is kept."),
    ("tradeoffs/*", "Remove its folder, and compare again: no training is repeated."),
)
_SEALED = (".json", ".safetensors", ".rows", ".html", ".svg")


@dataclass(frozen=True)
class Damage:
    """A file that is not as it was written: what is wrong with it, and how it comes back."""

    file: str
    what: str
    next: str


@dataclass(frozen=True)
class Checked:
    """What came of it: how many `files` are as they were written, those that are not, and those without a checksum."""

    run: Path
    files: int
    damaged: tuple[Damage, ...]
    unknown: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The result as plain values."""
        return {
            "run": str(self.run),
            "intact": not self.damaged,
            "files": self.files,
            "damaged": [asdict(damage) for damage in self.damaged],
            "unknown": list(self.unknown),
        }

    def check(self) -> None:
        """Raise InputError if a file is not as it was written."""
        if self.damaged:
            first = self.damaged[0]
            others = f", and {len(self.damaged) - 1} more" if len(self.damaged) > 1 else ""
            raise InputError(f"{first.what}{others}", where=str(self.run / first.file), next=first.next)


def check_run(run: Run, progress: Progress = silent) -> Checked:
    """Hold all files of a run against their checksums, which are in the files themselves or in those that name them.

    Files of others in the folder, and those of a run made before there were checksums, are listed as unknown.

    Raises
    ------
    InputError
        A file gives no checksums where they stand, or such of a file that is not in the run.

    """
    expected = dict(_expected(run))
    paths = {path.relative_to(run.path).as_posix(): path for path in sorted(run.path.rglob("*")) if path.is_file()}
    names = [name for name in sorted({*paths, *expected}) if "/." not in f"/{name}"]  # locks, and what is unfinished
    damaged, unknown, intact = [], [], 0
    for n, name in enumerate(names):
        progress("check", n, len(names), name)
        known, what = _judge(run, name, expected.get(name))
        if what:
            damaged.append(Damage(name, what, _mending(name, gone=what == MISSING)))
        elif known:
            intact += 1
        else:
            unknown.append(name)
    return Checked(run.path, intact, tuple(damaged), tuple(unknown))


def _expected(run: Run) -> Iterator[tuple[str, str]]:
    """Names of files from the run's folder, and the SHA-256 that the manifest, a result or a ranking says they have."""
    for path in sorted([run.path / MANIFEST, *run.path.glob(f"*/*/{RESULT}"), *run.rankings.glob("*.json")]):
        try:
            said = check_keys(read_json(path, _ANEW), {}, path, _ANEW)
        except ClifError:  # it is found to be damaged by itself
            continue
        if path.parent == run.rankings:
            said = {CHECKSUMS: {path.with_suffix(".csv").name: said.get("sha256", "")}}
        for name, sha256 in sums_of(said, path, _mending(path.relative_to(run.path).as_posix())).items():
            yield inside(path.parent, name, path).relative_to(run.path).as_posix(), sha256


def _judge(run: Run, name: str, expected: str | None) -> tuple[bool, str | None]:
    """Whether there is a checksum of a file, and what is wrong with it, if anything."""
    path = run.path / name
    try:
        if expected is not None:
            return True, None if file_sha256(path) == expected else CHANGED
        seal = read_seal(path) if path.suffix in _SEALED else None
    except FileNotFoundError:
        return True, MISSING
    except OSError as error:
        return True, f"{UNREADABLE}: {error.strerror or error}"
    if seal is not None:
        return True, None if seal.intact else CHANGED
    lost = CHECKSUMS in run.manifest and path.suffix in _SEALED and (name == MANIFEST or _mending(name) != _ANEW)
    return lost, UNSEALED if lost else None


def _mending(name: str, *, gone: bool = False) -> str:
    how = next((how for pattern, how in _MENDING if fnmatch(name, pattern)), _ANEW)
    rest = how.removeprefix(_REMOVE)
    return rest[0].upper() + rest[1:] if gone and rest != how else how
