"""Settings of a whole run as one TOML file; every key has the name of the command's option."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clif.corpus.remote import is_url
from clif.errors import UsageError
from clif.storage.toml_file import read_toml

# Sections and keys, with the type that each value must have.
SCHEMA: Mapping[str, Mapping[str, tuple[type, ...]]] = {
    "corpus": {
        "corpus": (list,), "format": (str,), "text_field": (str,), "id_field": (str,), "split": (str,),
        "side": (str,), "encoding": (str,), "keep_case": (bool,), "pretokenised": (bool,),
    },
    "train": {
        "trainer": (str,), "dim": (int,), "window": (int,), "negative": (int,), "epochs": (int,),
        "min_count": (int,), "sample": (int, float), "alpha": (int, float), "min_alpha": (int, float),
        "ns_exponent": (int, float), "seed": (int,), "workers": (int,), "l2": (int, float), "tolerance": (int, float),
    },
    "audit": {"tests": (list,), "ddof": (int,), "seed": (int,), "seeds": (int,)},
    "rank": {
        "test": (str,), "method": (str,), "measure": (str,), "damping": (int, float), "curvature": (str,),
        "tolerance": (float,), "dense": (bool,), "steps": (int,), "strict": (bool,),
        "ensemble": (int,), "confidence": (int, float), "adaptive": (int,), "broad": (str,), "wider": (str,),
    },
    "retrain": {
        "remove_top_k": (int, str), "until": (int, float, str), "amplify_top_k": (int,), "copies": (int,),
        "swap_top_k": (int,), "pairs": (str,), "weight": (int, float), "unit": (str,),
        "goal": (str,), "damping": (int, float), "seeds": (int,),
        "controls": (int,), "protect": (str,), "holdout_words": (str,), "halves": (int,), "processes": (int,),
        "keep": (list,), "cap": (list,), "near_duplicates": (int, float), "by": (list,),
    },
}  # fmt: skip


@dataclass(frozen=True)
class RunConfig:
    """What `clif run` does: values by section; what is left out takes the default of the command's option.

    `report`: whether it ends with a report.
    """

    out: Path = Path("clif-run")
    report: bool = True
    sections: dict[str, dict[str, Any]] = field(default_factory=dict)

    def section(self, name: str) -> dict[str, Any]:
        """Values of one section."""
        return dict(self.sections.get(name, {}))


def load_config(path: Path) -> RunConfig:
    """Read a configuration; paths in it are relative to its folder, but `out` to the current one.

    Raises
    ------
    UsageError
        The file is missing, is not TOML, or holds an unknown key or a value of another type.

    """
    try:
        values = read_toml(path)
    except OSError as error:
        raise UsageError(
            f"cannot be read: {error.strerror or error}", where=str(path), next="Name a TOML file by --config."
        ) from error
    except ValueError as error:
        raise UsageError(f"is not TOML: {error}", where=str(path), next="Mend the line that is named.") from error
    out = values.pop("out", "clif-run")
    if not isinstance(out, str):
        raise UsageError("out must be a path in quotes", where=str(path), next='Write out = "folder".')
    report = values.pop("report", True)
    if not isinstance(report, bool):
        raise UsageError("report must be true or false", where=str(path), next="Write report = false for none.")
    for name, section in values.items():
        known = SCHEMA.get(name)
        if known is None or not isinstance(section, dict):
            raise _unknown(f"section or key {name!r}", name, ["out", "report", *SCHEMA], path)
        for key, value in section.items():
            if key not in known:
                raise _unknown(f"key {key!r} in [{name}]", key, list(known), path)
            _check_type(f"{key} in [{name}]", value, known[key], path)
    sections = {name: _relative(name, section, path.parent) for name, section in values.items()}
    return RunConfig(Path(out), report, sections)


def _unknown(what: str, name: str, known: list[str], path: Path) -> UsageError:
    close = difflib.get_close_matches(name, known, 1)
    hint = f"Did you mean {close[0]!r}? " if close else ""
    return UsageError(f"unknown {what}", where=str(path), next=f"{hint}Known: {', '.join(known)}.")


def _check_type(what: str, value: Any, types: tuple[type, ...], path: Path) -> None:
    fits = isinstance(value, types) and (bool in types or not isinstance(value, bool))
    if fits and isinstance(value, list):
        fits = all(isinstance(item, str) for item in value)
    if not fits:
        names = {int: "a whole number", float: "a number", str: "text in quotes", bool: "true or false"}
        wanted = " or ".join(names.get(kind, "a list of texts in quotes") for kind in types)
        raise UsageError(f"{what} must be {wanted}, got {value!r}", where=str(path), next=f"Write {wanted} there.")


def _relative(name: str, section: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Paths of one section, taken from the folder of the configuration."""

    def path(value: str) -> str:
        return value if value == "-" or is_url(value) else str(folder / value)

    section = dict(section)
    if name == "corpus" and "corpus" in section:
        section["corpus"] = [path(value) for value in section["corpus"]]
    if name == "audit" and "tests" in section:
        section["tests"] = [path(value) if value.endswith(".toml") else value for value in section["tests"]]
    for option in ("test", "wider"):
        if name == "rank" and str(section.get(option, "")).endswith(".toml"):
            section[option] = path(section[option])
    for option in ("protect", "pairs"):
        if name == "retrain" and option in section:
            section[option] = path(section[option])
    if name == "retrain" and "keep" in section:
        section["keep"] = [_kept(value, path) for value in section["keep"]]
    return section


def _kept(value: str, path: Callable[[str], str]) -> str:
    """NAME[=TOLERANCE], where NAME may be a file, or loss:FILE."""
    loss = "loss:"  # as `clif.retraining.keeping` reads it, which is too heavy to be imported for that
    if value.startswith(loss):
        return loss + path(value.removeprefix(loss))
    return path(value) if _is_file(value) else value


def _is_file(kept: str) -> bool:
    """Whether NAME[=TOLERANCE] names a file."""
    return kept.partition("=")[0].lower().endswith((".toml", ".tsv", ".csv", ".txt"))
