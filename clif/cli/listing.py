"""What clif audit --list shows: tests, kinds, plug-ins."""

from __future__ import annotations

from textwrap import wrap
from typing import Any

from clif.cli.screen import Screen

INDENT = " " * 4


def show_list(screen: Screen) -> None:
    """Print them all; no plug-in is imported."""
    from clif.objectives import KINDS, OTHERS, PACKAGED, installed, load_tests

    tests = load_tests([*PACKAGED, *OTHERS])
    plug_ins = installed()
    values: dict[str, Any] = {
        "tests": [
            {"test": test.name, "kind": test.kind, "labels": _labels(test), "source": test.source} for test in tests
        ],
        "kinds": [kind.to_dict() for kind in KINDS.values()],
        "plugins": [plug_in.to_dict() for plug_in in plug_ins],
    }
    if screen.result(values):
        return
    screen.table(
        "Tests, for --test",
        ["test", "kind", "sets"],
        [[test.name, test.kind, _sets(test)] for test in tests],
        texts=(0, 1, 2),
    )
    screen.text("weat stands for the first 13 of them. A test of your own is a TOML file: kind = one of these.")
    screen.text()
    for kind in KINDS.values():
        about = kind.to_dict()
        screen.text(f"{kind.name}: {kind.summary}.")
        pairs = ", A and B in pairs" if kind.paired else ""
        options = "".join(f"; option {name} = {value:g}" for name, value in kind.options.items())
        ranked = "" if kind.ranked else "; for audits only"
        sets, measures = ", ".join(about["sets"]), ", ".join(kind.measures)
        for line in (f"sets {sets}{pairs}; measures {measures}{options}{ranked}", kind.source):
            for part in wrap(line, screen.out.width, initial_indent=INDENT, subsequent_indent=INDENT):
                screen.text(part)
    screen.text()
    screen.text("Plug-ins:" if plug_ins else "Plug-ins: none installed.")
    for plug_in in plug_ins:
        screen.text(f"  {plug_in.name} (package {plug_in.package} {plug_in.version})")


def _labels(test: Any) -> dict[str, str]:
    return {key: test.labels[key] for key, words in test.sets.items() if words}


def _sets(test: Any) -> str:
    labels = _labels(test)
    targets, attributes = (
        " / ".join(labels[key] for key in keys if key in labels) for keys in (("X", "Y"), ("A", "B"))
    )
    return f"{targets} with {attributes}"
