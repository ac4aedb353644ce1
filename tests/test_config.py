"""Configurations as TOML: every key is an option, every value has its type, paths start at the file."""

from __future__ import annotations

import tomllib
from pathlib import Path

import click
import pytest

from clif.cli import cli
from clif.config import SCHEMA, RunConfig, load_config
from clif.errors import UsageError
from clif.objectives import kind_of, load_tests
from clif.settings import TrainingSettings

ROOT = Path(__file__).parents[1]
COMMAND_OF = {"corpus": "train", "train": "train", "audit": "audit", "rank": "rank", "retrain": "retrain"}
TYPES = {"integer": int, "float": float, "boolean": bool}


def options(command: str) -> dict[str, click.Parameter]:
    found = cli.get_command(click.Context(cli), command)
    assert found is not None
    return {str(parameter.name): parameter for parameter in found.params}


def load(tmp_path: Path, text: str) -> RunConfig:
    path = tmp_path / "c.toml"
    path.write_text(text, "utf-8")
    return load_config(path)


@pytest.mark.parametrize("section", SCHEMA)
def test_every_key_is_an_option_of_its_command(section):
    known = options(COMMAND_OF[section])
    for key, types in SCHEMA[section].items():
        assert key in known
        if isinstance(known[key], click.Option) and not known[key].multiple:
            wanted = TYPES.get(known[key].type.name, str)
            assert wanted in types


def test_every_option_that_changes_a_result_is_a_key():
    not_settings = {"as_json", "quiet", "out", "force", "run", "target", "allow_pickle", "config"}
    # Of one list, of a file from elsewhere, of a run in pieces: `clif run` makes its own.
    not_settings |= {
        "unit",
        "by",
        "top",
        "no_cache",
        "ranking",
        "test",
        "method",
        "measure",
        "threads",
        "listing",
        "memory",
        "scheduler",
    }
    for section in ("train", "audit", "rank", "retrain"):
        keys = {*SCHEMA[section], *(SCHEMA["corpus"] if section == "train" else ())}
        assert set(options(section)) - keys <= not_settings
    assert {"test", "method", "measure"} <= set(SCHEMA["rank"])


# What differs from the defaults, or has one only where the test is known.
_OF_THE_DEMO = (("retrain", "remove_top_k"), ("rank", "test"), ("rank", "measure"))


def test_the_demonstration_says_the_defaults():
    config = load_config(ROOT / "configs" / "demo.toml")
    assert config.out == RunConfig().out == Path("clif-run")
    for section, values in config.sections.items():
        defaults = {name: parameter.default for name, parameter in options(COMMAND_OF[section]).items()}
        for key, value in values.items():
            if section in ("corpus", "audit") or (section, key) in _OF_THE_DEMO:
                continue
            assert value == defaults[key]
    (test,) = load_tests([config.section("rank")["test"]])
    assert config.section("rank")["measure"] == kind_of(test).measures[0]
    assert TrainingSettings.from_dict(config.section("train")) == TrainingSettings()
    assert config.section("corpus") == {"corpus": []}


def test_paths_start_at_the_file_and_out_at_the_current_folder(tmp_path):
    config = load(
        tmp_path,
        'out = "r"\n[corpus]\ncorpus = ["a.txt", "/b", "-"]\n[audit]\ntests = ["weat", "t.toml"]\n'
        '[rank]\ntest = "t.toml"\nwider = "w.toml"\n[retrain]\nprotect = "p.txt"\n',
    )
    assert config.out == Path("r")
    assert config.section("corpus") == {"corpus": [str(tmp_path / "a.txt"), "/b", "-"]}
    assert config.section("audit") == {"tests": ["weat", str(tmp_path / "t.toml")]}
    assert config.section("rank") == {"test": str(tmp_path / "t.toml"), "wider": str(tmp_path / "w.toml")}
    assert config.section("retrain") == {"protect": str(tmp_path / "p.txt")}
    named = {"test": "weat6", "wider": "gender"}
    assert load(tmp_path, '[rank]\ntest = "weat6"\nwider = "gender"\n').section("rank") == named


def test_paths_of_what_is_kept_start_at_the_file(tmp_path):
    config = load(
        tmp_path, '[retrain]\nkeep = ["quality=.02", "t.toml=.1", "judged.tsv", "weat1", "loss:held.txt=.01"]\n'
    )
    kept = ["quality=.02", f"{tmp_path / 't.toml'}=.1", str(tmp_path / "judged.tsv"), "weat1"]
    kept.append(f"loss:{tmp_path / 'held.txt'}=.01")
    assert config.section("retrain") == {"keep": kept}


def test_what_is_left_out_is_not_there(tmp_path):
    config = load(tmp_path, "")
    assert config == RunConfig()
    assert config.section("train") == {}


def test_a_section_is_a_copy(tmp_path):
    config = load(tmp_path, "[train]\ndim = 5\n")
    config.section("train")["dim"] = 6
    assert config.section("train") == {"dim": 5}


def test_a_byte_order_mark_is_passed_over(tmp_path):
    assert load(tmp_path, "\ufeff[train]\ndim = 5\n").section("train") == {"dim": 5}


@pytest.mark.parametrize(
    ("text", "what", "step"),
    [
        ("[trian]\n", "unknown section or key 'trian'", "Did you mean 'train'?"),
        ("dim = 5\n", "unknown section or key 'dim'", "Known: out, report, corpus"),
        ("train = 5\n", "unknown section or key 'train'", ""),
        ("[train]\nepoch = 5\n", "unknown key 'epoch' in [train]", "Did you mean 'epochs'?"),
        ("[rank]\ntop = 5\n", "unknown key 'top' in [rank]", "Known: test, method"),
        ("out = 5\n", "out must be a path in quotes", ""),
        ("report = 1\n", "report must be true or false", "Write report = false"),
        ("[train]\ndim = 5.0\n", "dim in [train] must be a whole number, got 5.0", ""),
        ("[train]\ndim = true\n", "dim in [train] must be a whole number, got True", ""),
        ('[train]\nsample = "0"\n', "sample in [train] must be a whole number or a number, got '0'", ""),
        ("[corpus]\nkeep_case = 1\n", "keep_case in [corpus] must be true or false, got 1", ""),
        ('[corpus]\ncorpus = "a.txt"\n', "corpus in [corpus] must be a list of texts in quotes", ""),
        ("[corpus]\ncorpus = [1]\n", "corpus in [corpus] must be a list of texts in quotes", ""),
        ("[retrain]\nremove_top_k = [1]\n", "remove_top_k in [retrain] must be a whole number or text in quotes", ""),
        ("[train\n", "is not TOML", ""),
        ("[train]\ndim = 5\ndim = 6\n", "is not TOML", ""),
    ],
)
def test_a_wrong_file_is_refused_with_the_place(tmp_path, text, what, step):
    with pytest.raises(UsageError) as caught:
        load(tmp_path, text)
    assert caught.value.what.startswith(what)
    assert caught.value.where == str(tmp_path / "c.toml")
    assert step in caught.value.next


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        load_config(tmp_path / "none.toml")


def test_every_key_may_be_given(tmp_path):
    examples = {int: "1", float: "0.5", str: '"x"', bool: "true", list: '["x"]'}
    text = "".join(
        f"[{section}]\n" + "".join(f"{key} = {examples[types[-1]]}\n" for key, types in keys.items())
        for section, keys in SCHEMA.items()
    )
    assert {name: set(values) for name, values in load(tmp_path, text).sections.items()} == {
        name: set(keys) for name, keys in SCHEMA.items()
    }
    assert tomllib.loads(text)
