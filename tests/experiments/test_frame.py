"""The frame of experiments: settings, pieces that are kept, what is written; with an experiment made for it."""

from __future__ import annotations

import json
import sys
import tomllib
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import clif
from clif.cli import cli
from clif.errors import InputError, MismatchError, UsageError
from clif.experiments import EXPERIMENTS, experiment
from clif.experiments.folder import Pieces
from clif.experiments.outcome import Claim, Outcome
from clif.experiments.settings import read_settings

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Settings:
    seeds: int = 3
    share: float = 0.5
    name: str = "a"
    sizes: tuple[int, ...] = (1, 2)
    loud: bool = False

    def __post_init__(self):
        if self.seeds < 1:
            raise UsageError("no seeds", where="--set seeds", next="Give 1 or more.")


calls: list[str] = []


def examine(settings, pieces, progress):
    def square(n):
        calls.append(f"square {n}")
        if settings.name == f"stop at {n}":
            raise KeyboardInterrupt
        return n**2

    values = [pieces.get(f"square-{n}", lambda n=n: square(n)) for n in range(settings.seeds)]
    progress("made", len(values), len(values))
    return Outcome(
        [Claim("Someone 2000", "squares grow", f"they come to {values}", True)],
        {"values": values},
        {"squares": [{"n": n, "square": value} for n, value in enumerate(values)]},
        {"picture": "<svg/>"},
    )


@pytest.fixture(autouse=True)
def made(monkeypatch):
    module = ModuleType("clif.experiments.made")
    module.Settings, module.examine = Settings, examine
    monkeypatch.setitem(sys.modules, "clif.experiments.made", module)
    monkeypatch.setitem(EXPERIMENTS, "made", "An experiment for tests.")
    calls.clear()


def test_everything_is_written_and_nothing_is_done_twice(tmp_path):
    outcome = experiment("made", out=tmp_path)
    assert calls == ["square 0", "square 1", "square 2"]
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["figures"] == {"values": [0, 1, 4]}
    assert result["claims"][0]["holds"] is True
    assert result["settings"] == {**asdict(Settings()), "sizes": [1, 2]}
    table = pd.read_csv(tmp_path / "squares.csv")
    assert table.equals(outcome.to_frame("squares"))
    assert (tmp_path / "picture.svg").read_text().startswith("<svg/>")
    experiment("made", out=tmp_path)
    assert len(calls) == 3


def test_what_was_interrupted_goes_on_and_ends_alike(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        experiment("made", out=tmp_path / "a", changes={"name": "stop at 2"})
    assert len(calls) == 3
    whole = experiment("made", out=tmp_path / "b", changes={"name": "stop at 9"})
    calls.clear()
    with pytest.raises(KeyboardInterrupt):
        experiment("made", out=tmp_path / "a", changes={"name": "stop at 2"})
    assert calls == ["square 2"]
    assert whole.figures == {"values": [0, 1, 4]}


def test_other_settings_are_refused_unless_forced(tmp_path):
    experiment("made", out=tmp_path)
    with pytest.raises(MismatchError, match="other settings"):
        experiment("made", out=tmp_path, changes={"seeds": 2})
    calls.clear()
    experiment("made", out=tmp_path, changes={"seeds": 2}, force=True)
    assert len(calls) == 2
    assert json.loads((tmp_path / "result.json").read_text())["figures"] == {"values": [0, 1]}


def test_two_processes_do_not_work_in_one_folder(tmp_path):
    with Pieces.open(tmp_path, "made", Settings()), pytest.raises(InputError, match="another process"):
        experiment("made", out=tmp_path)


def test_a_damaged_piece_is_named(tmp_path):
    experiment("made", out=tmp_path)
    (tmp_path / "pieces" / "square-1.json").write_text("{")
    with pytest.raises(InputError, match="cannot be read as JSON") as error:
        experiment("made", out=tmp_path)
    assert "square-1.json" in str(error.value)


def test_settings_come_from_defaults_file_and_changes_in_this_order(tmp_path):
    path = tmp_path / "made.toml"
    path.write_text("seeds = 5\nshare = 1\nsizes = [3]\n", encoding="utf-8")
    found = read_settings(Settings, path, ["seeds=7", "name=two words", "loud=true"])
    assert found == Settings(seeds=7, share=1.0, name="two words", sizes=(3,), loud=True)
    assert isinstance(found.share, float)


@given(st.builds(Settings, seeds=st.integers(1), name=st.text("abc ", min_size=1), loud=st.booleans()))
def test_settings_survive_as_changes(settings):
    assert read_settings(Settings, None, asdict(settings)) == settings


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("seed=1", "Did you mean 'seeds'"),
        ("seeds=many", "cannot be 'many'"),
        ("seeds=1.5", "cannot be 1.5"),
        ("loud=1", "cannot be 1"),
        ("sizes=[1, 'a']", "sizes cannot be"),
        ("seeds", "no setting"),
        ("seeds=0", "no seeds"),
    ],
)
def test_bad_settings_are_explained(change, said):
    with pytest.raises(UsageError) as error:
        read_settings(Settings, None, [change])
    assert said in str(error.value)


def test_bad_files_and_names_are_explained(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        read_settings(Settings, tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("seeds =")
    with pytest.raises(UsageError, match="is not TOML"):
        read_settings(Settings, tmp_path / "bad.toml")
    with pytest.raises(UsageError, match="unknown experiment 'mug'"):
        clif.experiment("mug")


def test_the_command_shows_claims_and_tables_and_lists_experiments(tmp_path):
    out = ["--out", str(tmp_path)]
    shown = CliRunner().invoke(cli, ["experiment", "made", *out])
    assert shown.exit_code == 0, shown.output
    assert "squares grow" in shown.output
    assert "holds here: they come to [0, 1, 4]" in shown.output
    found = CliRunner().invoke(cli, ["experiment", "made", *out, "--json"])
    assert json.loads(found.stdout)["figures"] == {"values": [0, 1, 4]}
    listed = CliRunner().invoke(cli, ["experiment"])
    assert "An experiment for tests." in listed.output
    assert set(json.loads(CliRunner().invoke(cli, ["experiment", "--json"]).stdout)["experiments"]) == set(EXPERIMENTS)


@pytest.mark.parametrize("name", sorted(EXPERIMENTS))
def test_each_experiment_has_its_settings_in_configs(name):
    module = __import__(f"clif.experiments.{name}", fromlist=["Settings"])
    written = tomllib.loads((ROOT / "configs" / f"{name}.toml").read_text("utf-8"))
    assert set(written) == {each.name for each in fields(module.Settings)}
    assert read_settings(module.Settings, ROOT / "configs" / f"{name}.toml") == module.Settings()
