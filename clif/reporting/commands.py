"""The commands that made what a run holds, written out again from what was stored."""

from __future__ import annotations

import json
import shlex
from dataclasses import fields
from pathlib import Path
from typing import Any

from clif.corpus.reading import ReadOptions
from clif.corpus.remote import Remote, Source
from clif.objectives import OTHERS, PACKAGED, SETS, BiasTest
from clif.objectives.word_pairs import DEFAULT
from clif.ranking.wider import FROM_MODEL
from clif.reporting.gathering import Findings
from clif.reporting.results import Retraining, Tradeoff, Verification
from clif.retraining.edits import AMPLIFY, REMOVE, SENTENCES, SWAP, WEIGHT
from clif.retraining.keeping import QUALITY
from clif.settings import TrainingSettings

KNOWN = (*PACKAGED, *OTHERS)
# The option that says how many, by edit.
TOP = {
    REMOVE: "remove-top-k", WEIGHT: "remove-top-k", SENTENCES: "remove-top-k", AMPLIFY: "amplify-top-k",
    SWAP: "swap-top-k",
}  # fmt: skip


def write_commands(findings: Findings) -> list[str]:
    """One line a command, in the order in which they are run beside the run's folder; files by their names alone."""
    name = shlex.quote(findings.name)
    lines = [_train(findings, name), _audit(findings, name)]
    # Last the one that is shown: what a retraining does not say it takes from the newest.
    last = _rank(findings.ranking.about, name)
    lines += [line for about in findings.rankings if (line := _rank(about, name)) != last] + [last]
    lines += [_retrain(one, name) for one in findings.retrainings]
    lines += [_verify(one, name) for one in findings.verifications if one.values]
    lines += [_tradeoff(one, name) for one in findings.tradeoffs]
    return [*dict.fromkeys(lines), f"clif report {name}"]


def test_files(findings: Findings) -> dict[str, str]:
    """Tests that are not packaged, as the TOML files that the commands name."""
    return {f"{test.name}.toml": _toml(test) for test in findings.tests if test.name not in KNOWN}


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


def _audit(findings: Findings, name: str) -> str:
    own = [test.name for test in findings.tests if test.name not in PACKAGED]
    return f"clif audit {name}{_options({'test': ['weat', *map(_test, own)]})}"


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
        "broad": about.get("broad"),
        "wider": _wider((about.get("wider") or {}).get("name")),
    }
    return f"clif rank {name}{_options(options)}"


def _retrain(one: Retraining, name: str) -> str:
    values = one.values
    until = values["until"]
    halves = max(1, len(values["halves"]))
    file = Path(values["method"]).suffix != ""  # a list from a file
    edit, alike = values["edit"], values["near_duplicates"]
    options = {
        "test": _test(one.test),
        "until": until["goal"] if until else None,
        TOP[edit]: None if until else values["asked"] or values["edited"],
        "unit": values["unit"] if values["unit"] != "document" else None,
        "weight": values["weight"],
        "copies": values["copies"],
        "pairs": _pairs(values["swapped_pairs"]),
        "goal": values["goal"] if values["goal"] != ("increase" if edit == AMPLIFY else "reduce") else None,
        "ranking": Path(values["method"]).name if file else None,
        "method": None if file else values["method"],
        "measure": values["measure"],
        "protect": "PROTECTED.txt" if values["protected"] else None,
        "keep": [f"{_keep(kept)}={kept['tolerance']}" for kept in values["kept"]],
        "cap": [f"{cap['name']}={cap['share']:g}" for cap in values["caps"]],
        "near-duplicates": alike["similarity"] if alike else None,
        "by": values["by"],
        "holdout-words": values["holdout_words"],
        "halves": halves if halves > 1 else None,
        "seeds": len(values["seeds"]),
        "controls": one.sets // halves,
    }
    models = len(values["ensemble"] or [])
    order = {
        "ensemble": models if models > 1 and not (until or values["kept"]) else None,
        "adaptive": values["adaptive"],
        "broad": values["broad"],
        "wider": _wider(values["wider"]),
    }
    after = f"  # after clif rank{said}" if (said := _options(order)) else ""
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


def _tradeoff(one: Tradeoff, name: str) -> str:
    values = one.values
    options = {
        "test": _test(one.test),
        "measure": values["measure"],
        "shares": ",".join(f"{share:g}" for share in values["shares"]),
        "seeds": len(values["seeds"]),
        "policies": ",".join(values["policies"]),
        "keep": [Path(keep).name for keep in values["keep"] if values["keep"] != [QUALITY]],
        "method": values["method"],
        **{part: Path(file).name for part, file in values["files"].items() if file},
    }
    return f"clif tradeoff {name}{_options(options)}"


def _keep(kept: dict[str, Any]) -> str:
    """What was kept as an option names it: a test, or what people judged of pairs of words."""
    return _test(kept["name"]) if kept.get("definition") else str(kept["name"])


def _pairs(swapped: dict[str, Any] | None) -> str | None:
    """The file of the pairs, None where they are those that come with clif."""
    file = (swapped or {}).get("file")
    return Path(file).name if file else None


def _wider(name: str | None) -> str | None:
    """Neighbours, or pairs by their name: those that come with clif, or a file that is named like them."""
    return name if name in (None, FROM_MODEL, DEFAULT.stem) else f"{name}.toml"


def _sources(sources: list[Source]) -> str:
    names = (str(source) if isinstance(source, Remote) else source.name for source in sources)
    return "".join(f" {shlex.quote(name)}" for name in names)


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
    return name if name in KNOWN else f"{name}.toml"


def _toml(test: BiasTest) -> str:
    """The test as a file that `--test` takes."""
    values = test.to_dict()
    keys = ["name", *(key for key in SETS if values[key])]
    keys += [key for key in ("language", "source", "kind") if values.get(key)]
    lines = [_line(key, values[key]) for key in keys]
    lines += ["", "[labels]", *(_line(key, label) for key, label in values["labels"].items() if values[key])]
    if test.options:
        lines += ["", "[options]", *(_line(key, value) for key, value in test.options.items())]
    return "\n".join([*lines, ""])


def _line(key: str, value: Any) -> str:
    """A key and its value; JSON's strings, arrays and numbers are TOML's too."""
    return f"{key} = {json.dumps(value, ensure_ascii=False)}"
