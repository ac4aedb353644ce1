"""The tree of errors: exit codes, messages, and the way through a worker process."""

from __future__ import annotations

import ast
import pickle
import re
from pathlib import Path

import pytest

from clif import errors
from clif.errors import ClifError

CODES = {
    "ClifError": 1, "UsageError": 2, "InputError": 1, "CoverageError": 3, "ConvergenceError": 4,
    "MismatchError": 5, "GateError": 6,
}  # fmt: skip
CLASSES = {name: kind for name, kind in vars(errors).items() if isinstance(kind, type)}


def test_every_error_has_the_exit_code_that_the_tree_says():
    assert {name: kind.exit_code for name, kind in CLASSES.items()} == CODES
    drawn = re.findall(r"^[├└─ ]*(\w+Error) +(\d) ", errors.__doc__ or "", re.M)
    assert {name: int(code) for name, code in drawn} == CODES


def test_all_are_caught_as_one():
    assert all(issubclass(kind, ClifError) for kind in CLASSES.values())


def test_a_message_says_what_where_and_what_next():
    error = errors.InputError("is empty", where="a.txt:3", next="Fill it.")
    assert str(error) == "a.txt:3: is empty\n  next: Fill it."
    assert str(errors.UsageError("no", next="Yes.")) == "no\n  next: Yes."


def test_every_error_that_is_raised_says_where_and_what_next():
    for path in sorted(Path(errors.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CLASSES:
                assert {"where", "next"} <= {keyword.arg for keyword in node.keywords}, f"{path}:{node.lineno}"


@pytest.mark.parametrize("kind", CLASSES.values())
@pytest.mark.parametrize("where", [None, "here"])
def test_an_error_comes_whole_out_of_another_process(kind, where):
    error = pickle.loads(pickle.dumps(kind("what", where=where, next="next", details=["this", "that"])))
    assert type(error) is kind
    assert (error.what, error.where, error.next, error.details) == ("what", where, "next", ("this", "that"))
    assert str(error).endswith("what\n  this\n  that\n  next: next")
