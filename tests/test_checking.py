"""clif check: one flipped bit in any file of a run is found and named."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from conftest import retrain_here

from clif.checking import check_run
from clif.errors import ClifError
from clif.objectives import load_tests
from clif.ranking import newest_ranking, rank
from clif.reporting import plot, report
from clif.retraining import retrain
from clif.run import open_run, open_trained


@pytest.fixture(scope="module")
def full(made, tmp_path_factory):
    """A run with files of many kinds; tests put back what they change."""
    run = open_run(shutil.copytree(made.run, tmp_path_factory.mktemp("checked") / "clif-run"))
    with pytest.MonkeyPatch.context() as patch:
        retrain_here(patch)
        rank(run, str(made.test), method="clif", measure="mean_difference")
        retrain(run, str(made.test), remove=10, seeds=2, controls=1, method="block", measure="mean_difference")
    report(run)
    plot(run)
    return run


def files(run):
    return [path for path in sorted(run.path.rglob("*")) if path.is_file()]


def flip(path: Path, place: int) -> bytes:
    whole = path.read_bytes()
    changed = bytearray(whole)
    changed[place] ^= 1
    path.write_bytes(changed)
    return whole


def test_a_run_as_it_was_written_is_intact(full):
    found = check_run(full)
    assert found.damaged == found.unknown == ()
    assert found.files == len(files(full)) > 25
    kinds = {path.suffix for path in files(full)}
    assert kinds == {".npy", ".parquet", ".safetensors", ".json", ".csv", ".html", ".svg", ".jsonl"}
    found.check()


@pytest.mark.parametrize("share", [0.02, 0.5, 0.97])
def test_one_flipped_bit_in_any_file_is_found_and_named(full, share):
    for path in files(full):
        whole = flip(path, int(share * path.stat().st_size))
        try:
            if path.name == "manifest.json":
                with pytest.raises(ClifError) as caught:
                    open_run(full.path)
                assert caught.value.where == str(path)
            else:
                found = check_run(full)
                (damage,) = [each for each in found.damaged if each.file == path.relative_to(full.path).as_posix()]
                # Of a file that names others, these are then unknown; nothing else is blamed.
                assert len(found.damaged) == 1 or path.name == "result.json"
                assert damage.next
                with pytest.raises(ClifError) as caught:
                    found.check()
                assert caught.value.exit_code == 1
        finally:
            path.write_bytes(whole)
    assert check_run(full).damaged == ()


@pytest.mark.parametrize(
    "name", ["manifest.json", "model.safetensors", "tokens.npy", "documents.parquet", "vocabulary.parquet"]
)
def test_no_ranking_is_made_of_what_is_damaged(full, made, name):
    """A wrong result is never given: the commands that read a file say which it is."""
    path = full.path / name
    whole = flip(path, int(0.6 * path.stat().st_size))
    try:
        with pytest.raises(ClifError, match=rf"{name}|{full.path}"):
            rank(open_trained(full.path), str(made.test), cache=False)
    finally:
        path.write_bytes(whole)


@pytest.mark.parametrize("pattern", ["retrains/*/result.json", "retrains/*/words.safetensors", "retrains/*/removed/*",
                                     "rankings/*.csv", "rankings/*.json", "metadata.parquet"])  # fmt: skip
def test_no_page_is_made_of_what_is_damaged(full, made, pattern):
    path = newest_ranking(full).path if pattern == "rankings/*.csv" else next(iter(sorted(full.path.glob(pattern))))
    whole, page = flip(path, int(0.6 * path.stat().st_size)), (full.path / "report.html").read_bytes()
    try:
        with pytest.raises(ClifError) as caught:
            report(full)
        assert path.name in str(caught.value)
        assert (full.path / "report.html").read_bytes() == page
    finally:
        path.write_bytes(whole)


def test_what_is_missing_or_strange_is_said(full, made, clif):
    table = next(full.rankings.glob("*.csv"))
    whole = table.read_bytes()
    table.unlink()
    (full.path / "notes.txt").write_text("mine")
    try:
        found = check_run(full)
        (gone,) = found.damaged
        assert (gone.file, gone.what, gone.next) == (f"rankings/{table.name}", "is missing", "Rank again.")
        assert found.unknown == ("notes.txt",)
        done = clif("check", full.path)
        assert done.code == 1
        assert table.name in done.out
        assert "Rank again" in done.err
        assert "notes.txt" in done.err
    finally:
        table.write_bytes(whole)
        (full.path / "notes.txt").unlink()
    done = clif("check", full.path, "--json").json()
    assert done["intact"] is True
    assert done["damaged"] == []
    assert load_tests([str(made.test)])  # the test itself lies elsewhere
