"""The packages import in the order of the work, and nothing imports the command line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import clif

ROOT = Path(clif.__file__).parent
ORDER = (
    *("errors", "storage", "showing", "cluster", "corpus", "vocabulary", "pairs", "model"),
    *("training", "objectives", "influence", "ranking", "explaining", "retraining", "verification"),
    *("tradeoffs", "reporting", "library", "cli"),
)
IMPORT = re.compile(r"^\s*from clif\.(\w+)", re.M)


@pytest.mark.parametrize("name", ORDER)
def test_imports_run_one_way(name):
    place = ORDER.index(name)
    files = [ROOT / f"{name}.py"] if (ROOT / f"{name}.py").exists() else [*(ROOT / name).rglob("*.py")]
    assert files
    for file in files:
        upwards = set(IMPORT.findall(file.read_text("utf-8"))) & set(ORDER[place + 1 :])
        assert not upwards, file
