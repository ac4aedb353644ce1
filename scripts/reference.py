"""Write docs/reference.md from the code: `python scripts/reference.py`; with `--check` only say whether it is current.

Commands, options, kinds, methods, settings and exit codes are read from clif; what files, columns and keys mean, from
reference.toml beside this file.
"""

from __future__ import annotations

import inspect
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import click

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "reference.md"
COMMAND = "python scripts/reference.py"
MEANINGS: dict[str, Any] = tomllib.loads((ROOT / "scripts" / "reference.toml").read_text("utf-8"))
HEAD = f"""\
# Reference

Every command with its options, exit codes, the files of a run, columns, JSON keys, tests and methods. Made from the
code by `{COMMAND}`; a test says when it is out of date.

"""
EVERYWHERE = """\
Every command takes these three, which are not repeated below:

| option | |
|---|---|
| `--json` | one JSON object on stdout, and nothing else there |
| `-q`, `--quiet` | no messages and no progress on stderr; warnings and errors remain |
| `-h`, `--help` | what the command does, its options and an example |

Results go to stdout, messages, progress and the next sensible commands to stderr. Where `RUN` is left out it is
`./clif-run`. `NO_COLOR` in the environment turns colours off, `COLUMNS` sets the width.

Shell completion: add `eval "$(_CLIF_COMPLETE=bash_source clif)"` to `~/.bashrc` (zsh: `zsh_source` in `~/.zshrc`; fish:
`_CLIF_COMPLETE=fish_source clif | source` in its config).
"""
COMMON = {"as_json", "quiet"}
COLUMNS = {
    "rankings": "rankings/*.csv, and copies by --out", "documents": "documents.parquet",
    "vocabulary": "vocabulary.parquet", "sets": "verifications/*/sets.csv", "points": "tradeoffs/*/points.csv",
}  # fmt: skip


def page() -> str:
    """The whole of it."""
    from clif.cli import GROUPS, cli

    context = click.Context(cli, info_name="clif")
    parts = [HEAD + contents(GROUPS), "## Commands\n\n" + EVERYWHERE]
    for title, group in GROUPS.items():
        parts.append(f"*{title}*\n")
        for name in group:
            found = cli.get_command(context, name)
            assert found is not None
            parts.append(command(name, found, context))
    parts += [exit_codes(), settings(), tests(), methods(), files(), columns(), keys()]
    return "\n".join(parts).rstrip() + "\n"


def contents(groups: dict[str, dict[str, str]]) -> str:
    """A table of the commands, and the other sections."""
    rows = [f"| [`clif {name}`](#clif-{name}) | {says} |" for group in groups.values() for name, says in group.items()]
    others = [
        "Exit codes",
        "Settings of clif run",
        "Tests and kinds",
        "Methods",
        "Files of a run",
        "Columns",
        "JSON keys",
    ]
    links = ", ".join(f"[{title}](#{title.lower().replace(' ', '-')})" for title in others)
    return "\n".join(["| command | does |", "|---|---|", *rows, "", f"Then: {links}.", ""])


def command(name: str, found: click.Command, context: click.Context) -> str:
    """One command: usage, what it says of itself, options, example."""
    own = click.Context(found, info_name=name, parent=context)
    usage = " ".join(["clif", name, *found.collect_usage_pieces(own)])
    paragraphs = re.split(r"\n\s*\n", inspect.cleandoc(found.help or ""))
    text = "\n\n".join(" ".join(each.split()) for each in paragraphs)
    lines = [f"### clif {name}", "", f"`{usage}`", "", text, ""]
    options = [p for p in found.params if isinstance(p, click.Option) and p.name not in COMMON]
    if options:
        lines += ["| option | | default |", "|---|---|---|", *map(option, options), ""]
    example = re.sub("^Example: ", "", str(found.epilog))
    return "\n".join([*lines, f"Example: `{example}`", ""])


def option(parameter: click.Option) -> str:
    """A row: names and value, what it does, its default."""
    names = ", ".join(f"`{name}`" for name in sorted(parameter.opts, key=len))
    if not parameter.is_flag:
        shown = parameter.metavar or parameter.type.name.upper()
        names = re.sub("`$", f" {shown}`", names)
    says, default = parameter.help or "", ""
    if match := re.search(r"\s+\[(.*)\]$", says):
        says, default = says[: match.start()], match[1]
    elif parameter.show_default:
        default = f"`{parameter.default}`"
    return f"| {cell(names)} | {cell(says)} | {cell(default)} |"


def exit_codes() -> str:
    """What the tree of errors says."""
    from clif import errors

    rows = ["| 0 | done |"]
    found: dict[int, list[str]] = {}
    for kind in vars(errors).values():
        if isinstance(kind, type) and issubclass(kind, errors.ClifError) and kind is not errors.ClifError:
            found.setdefault(kind.exit_code, []).append(inspect.cleandoc(kind.__doc__ or "").split("\n")[0].rstrip("."))
    for code, says in sorted(found.items()):
        rows.append(f"| {code} | {cell('; '.join(dict.fromkeys(says)))} |")
    rows.append("| 130 | interrupted: the same command goes on where it stopped |")
    return "\n".join(["## Exit codes", "", "| code | |", "|---|---|", *rows, ""])


def settings() -> str:
    """The keys of a configuration, by section."""
    from clif.config import SCHEMA

    lines = [
        "## Settings of clif run", "",
        "A TOML file, as `configs/demo.toml`: `out` (folder of the run), `report` (false: no report at the end), and "
        "these sections, whose keys are the options of the commands. What is left out takes the option's default; "
        "paths are relative to the file, `out` to the current folder.", "",
        "| section | keys |", "|---|---|",
    ]  # fmt: skip
    lines += [f"| `[{name}]` | {', '.join(f'`{key}`' for key in known)} |" for name, known in SCHEMA.items()]
    return "\n".join([*lines, ""])


def tests() -> str:
    """What `--test` takes."""
    from clif.objectives import KINDS, OTHERS, PACKAGED, load_tests

    lines = ["## Tests and kinds", "", "Tests that come along, for `--test`; `weat` stands for the first 13:", ""]
    lines += ["| test | kind | sets | source |", "|---|---|---|---|"]
    for test in load_tests([*PACKAGED, *OTHERS]):
        labels = [test.labels[key] for key, words in test.sets.items() if words]
        lines.append(f"| `{test.name}` | {test.kind} | {cell(' / '.join(labels))} | {cell(test.source)} |")
    lines += ["", "A test of one's own is a TOML file with `name`, the sets of its kind, and if need be `kind`, "
              "`labels`, `language`, `source`, `[options]`:", ""]  # fmt: skip
    lines += ["| kind | measures | sets | by `--measure` | source |", "|---|---|---|---|---|"]
    for kind in KINDS.values():
        about = kind.to_dict()
        sets = ", ".join(about["sets"]) + ("; A and B in pairs" if kind.paired else "")
        says = kind.summary + ("" if kind.ranked else "; for audits only")
        measures = ", ".join(f"`{each}`" for each in kind.measures)
        lines.append(f"| `{kind.name}` | {cell(says)} | {sets} | {measures} | {cell(kind.source)} |")
    return "\n".join([*lines, ""])


def methods() -> str:
    """What `--method` takes."""
    from clif.influence.methods import METHODS, RECOMMENDED

    lines = ["## Methods", "", f"For `--method`; `{RECOMMENDED}` is the default. Those marked * give numbers to order "
             "by, not predictions. More in [METHODS.md](../clif/influence/METHODS.md).", ""]  # fmt: skip
    lines += ["| method | assumes | costs |", "|---|---|---|"]
    lines += [
        f"| `{each.name}`{'' if each.predicts else ' *'} | {cell(each.assumes)} | {cell(each.costs)} |"
        for each in METHODS.values()
    ]
    return "\n".join([*lines, ""])


def files() -> str:
    """What lies in the folder of a run."""
    lines = ["## Files of a run", "", "Everything opens without clif: CSV, Parquet, JSON, NumPy, safetensors, SVG.", ""]
    return "\n".join([*lines, *table("file", MEANINGS["files"]), ""])


def columns() -> str:
    """Columns of the tables."""
    lines = ["## Columns", ""]
    for name, meanings in MEANINGS["columns"].items():
        lines += [f"`{COLUMNS[name]}`", "", *table("column", meanings), ""]
    return "\n".join(lines)


def keys() -> str:
    """Keys of the objects that commands print."""
    lines = ["## JSON keys", "", "Changes are after minus before; null stands for what is not there.", ""]
    for name, meanings in MEANINGS["keys"].items():
        lines += [f"`clif {name.replace(':', ' --json`:', 1)}" if ":" in name else f"`clif {name} --json`", ""]
        lines += [*table("key", meanings), ""]
    lines.append("`clif import --json` has the keys of `clif train --json`.")
    return "\n".join([*lines, ""])


def table(head: str, meanings: dict[str, str]) -> list[str]:
    """Names and what they mean."""
    return [f"| {head} | |", "|---|---|", *(f"| `{name}` | {cell(says)} |" for name, says in meanings.items())]


def cell(text: str) -> str:
    """Text that can stand in a table."""
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    if "--check" in sys.argv[1:]:
        current = PAGE.exists() and PAGE.read_text("utf-8") == page()
        sys.exit(None if current else f"{PAGE.relative_to(ROOT)} is out of date: {COMMAND}")
    PAGE.write_text(page(), "utf-8")
    print(f"{PAGE.relative_to(ROOT)} written")
