"""Small versions of scripts/crash and scripts/determinism: commands that are killed, and surroundings."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[1] / "scripts"


def run(script, *options):
    done = subprocess.run(
        [sys.executable, SCRIPTS / f"{script}.py", "--json", *options], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_killed_commands_end_with_the_same_bytes():
    found = run("crash", "--kills", "2", "--documents", "150")
    assert (found["kills"], found["same"]) == (6, 6)
    assert [each["stage"] for each in found["stages"]] == ["train", "rank", "retrain"]
    assert all(0 < each["median_moment"] < 1 for each in found["stages"])


def test_surroundings_change_no_byte():
    found = run("determinism", "--quick", "--runs", "2", "--documents", "150")
    assert (found["runs"], found["same"]) == (2, 2)
    assert found["files"] > 10


def test_what_differs_is_seen(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(SCRIPTS)
    same_bytes = importlib.import_module("same_bytes")
    monkeypatch.delitem(sys.modules, "same_bytes")
    manifest = {"training": {"cpu_seconds": 1.0, "losses": [2.0]}, "seal": "x"}
    files = {"a": b"1", ".hidden": b"2", "rankings/r.csv": b"3"}
    for folder, seconds in (("one", 1.0), ("two", 2.0)):
        (tmp_path / folder / "rankings").mkdir(parents=True)
        for name, data in files.items():
            (tmp_path / folder / name).write_bytes(data)
        manifest["training"]["cpu_seconds"] = seconds
        (tmp_path / folder / "manifest.json").write_text(json.dumps(manifest))
    one, two = (same_bytes.contents(tmp_path / name) for name in ("one", "two"))
    assert same_bytes.differing(one, two) == []
    (tmp_path / "two" / ".hidden").write_bytes(b"4")
    (tmp_path / "two" / "more").write_bytes(b"")
    manifest["training"]["losses"] = [3.0]
    (tmp_path / "two" / "manifest.json").write_text(json.dumps(manifest))
    assert same_bytes.differing(one, same_bytes.contents(tmp_path / "two")) == [".hidden", "manifest.json", "more"]


@pytest.mark.parametrize("script", ["crash", "determinism"])
def test_the_scripts_set_up_and_begin(script):
    text = (SCRIPTS / script).read_text("utf-8")
    assert "setup" in text
    assert f"python scripts/{script}.py" in text
