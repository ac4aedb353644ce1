"""Two folders with the outputs of clif: do they hold the same files with the same bytes?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

# What a clock said, and whether a solve was made or taken: about how a file was made, and so another each time. Only
# manifest.json and the JSON files of rankings hold such keys; they are compared without them, and without the seal,
# which is the checksum of the file with them.
PASSING = ("cpu_seconds", "seconds", "cpu", "training_cpu_seconds", "solve_reused", "seal")


def contents(folder: Path) -> dict[str, bytes]:
    """All files below `folder`, hidden ones as well, by name."""
    files = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    return {name: _content(path) for name, path in files.items()}


def differing(one: dict[str, bytes], other: dict[str, bytes]) -> list[str]:
    """Names of files that only one of them has, or that differ."""
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def _content(path: Path) -> bytes:
    data = path.read_bytes()
    if path.name == "manifest.json" or (path.parent.name == "rankings" and path.suffix == ".json"):
        return json.dumps(_lasting(json.loads(data)), sort_keys=False).encode()
    return data


def _lasting(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {key: _lasting(each) for key, each in value.items() if key not in PASSING}
