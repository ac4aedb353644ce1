"""The commands that made what a run holds, written out again from what was stored."""

from __future__ import annotations

import shlex
from dataclasses import fields
from pathlib import Path
from typing import Any

from clif.corpus.reading import ReadOptions
from clif.objectives import PACKAGED, BiasTest
from clif.reporting.gathering import Findings
from clif.reporting.results import Retraining, Verification
from clif.settings import TrainingSettings


def write_commands(findings: Findings) -> list[str]:
    """One line a command, in the order in which they are run beside the run's folder; files by their names alone."""
    name = shlex.quote(findings.name)
    lines = [_train(findings, name), f"clif audit {name} --test weat"]
    # Last the one that is shown: what a retraining does not say it takes from the newest.
    last = _rank(findings.ranking.about, name)
    lines += [line for about in findings.rankings if (line := _rank(about, name)) != last] + [last]
    lines += [_retrain(one, name) for one in findings.retrainings]
    lines += [_verify(one, name) for one in findings.verifications if one.values]
    return [*dict.fromkeys(lines), f"clif report {name}"]


def test_files(findings: Findings) -> dict[str, str]:
    """Tests that are not packaged, as the TOML files that the commands name."""
    definitions = [about["definition"] for about in (findings.ranking.about, *findings.rankings)]
    definitions += [one.definition for one in findings.retrainings if one.definition]
    own = [BiasTest.from_dict(one) for one in definitions if one["name"] not in PACKAGED]
    return {f"{test.name}.toml": _toml(test) for test in own}


def _train(findings: Findings, name: str) -> str:
    run = findings.run
    if run.imported:
        return f"clif import MODEL {_sources(run.sources)} --out {name}"
    read = {key: value for key, value in run.read_options.to_dict().items() if value != getattr(ReadOptions(), key)}
    tokens = run.manifest["corpus"]["tokens"]
    default = TrainingSettings()
    stored = run.settings.to_dict()
    settings = {
        field.name: stored[field.name]
        for field in fields(TrainingSettings)
        if field.name in stored and stored[field.name] != getattr(default, field.name)
    }
    return f"clif train{_sources(run.sources)}{_options({**read, **tokens, **settings})} --out {name}"


def _rank(about: dict[str, Any], name: str) -> str:
    solving = about.get("solving") or {}
    default = {"curvature": "gn", "tolerance": 1e-3, "dense": False, "steps": None}
    options = {
        "test": _test(about["definition"]["name"]),
        "method": about["method"],
        "measure": about["measure"],
        "damping": about.get("asked_damping"),
        **{key: value for key, value in solving.items() if value != default.get(key)},
        "ensemble": len(about["ensemble"]["seeds"]) if about.get("ensemble") else None,
        "confidence": about.get("confidence"),
        "adaptive": about.get("adaptive"),
    }
    return f"clif rank {name}{_options(options)}"


def _retrain(one: Retraining, name: str) -> str:
    values = one.values
    until = values["until"]
    halves = max(1, len(values["halves"]))
    file = Path(values["method"]).suffix != ""  # a list from a file
    options = {
        "test": _test(one.test),
        "until": until["goal"] if until else None,
        "remove-top-k": values["removed"] if values["removed"] and not until else None,
        "amplify-top-k": values["amplified"] or None,
        "copies": values["copies"],
        "goal": values["goal"] if values["goal"] != ("reduce" if values["removed"] else "increase") else None,
        "ranking": Path(values["method"]).name if file else None,
        "method": None if file else values["method"],
        "measure": values["measure"],
        "protect": "PROTECTED.txt" if values["protected"] else None,
        "holdout-words": values["holdout_words"],
        "halves": halves if halves > 1 else None,
        "seeds": len(values["seeds"]),
        "controls": one.sets // halves,
    }
    models = len(values["ensemble"] or [])
    after = f"  # after a ranking by {models} models" if models > 1 and not until else ""
    return f"clif retrain {name}{_options(options)}{after}"


def _verify(one: Verification, name: str) -> str:
    values: dict[str, Any] = one.values or {}
    sets = values["sets"]
    chosen = sorted({each["size"] for each in sets if each["kind"] in ("reduce", "increase")})
    shares = sorted({each["asked"] for each in sets if each["kind"] == "share"})
    alphas = sorted({each["asked"] for each in sets if each["kind"] == "subset"})
    random = sum(each["kind"] in ("random", "share") for each in sets)
    subsets = sum(each["kind"] == "subset" for each in sets)
    options = {
        "test": [_test(test) for test in one.tests],
        "method": list(dict.fromkeys(method for _, method in one.sets)),
        "choose": values["chosen_by"] if values["chosen_by"] != values["method"] else None,
        "measure": values["measure"],
        "sizes": ",".join(map(str, chosen)) or "none",
        "random-sets": random // max(1, len(chosen) + len(shares)),
        "random-shares": ",".join(f"{share:g}" for share in shares) or None,
        "alpha": alphas,
        "subsets": subsets // max(1, len(alphas)),
        "seeds": values["runs"],
    }
    return f"clif verify {name}{_options(options)}"


def _sources(paths: list[Path]) -> str:
    return "".join(f" {shlex.quote(path.name)}" for path in paths)


def _options(values: dict[str, Any]) -> str:
    """Options with values; those of None or False are left out, a list repeats its option."""
    said = ""
    for name, value in values.items():
        for each in value if isinstance(value, list) else [value]:
            if each is None or each is False:
                continue
            option = "--" + name.replace("_", "-")
            shown = f"{each:g}" if isinstance(each, float) else str(each)
            said += f" {option}" if each is True else f" {option} {shlex.quote(shown)}"
    return said


def _test(name: str) -> str:
    return name if name in PACKAGED else f"{name}.toml"


def _toml(test: BiasTest) -> str:
    """The test as a file that `--test` takes."""
    import json

    values = test.to_dict()
    lines = [f"{key} = {json.dumps(values[key], ensure_ascii=False)}" for key in ("name", "X", "Y", "A", "B")]
    lines += [f"{key} = {json.dumps(values[key], ensure_ascii=False)}" for key in ("language", "source") if values[key]]
    labels = [f"{key} = {json.dumps(label, ensure_ascii=False)}" for key, label in values["labels"].items()]
    return "\n".join([*lines, "", "[labels]", *labels, ""])
