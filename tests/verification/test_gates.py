"""Gates: how they are read, and what passes."""

from __future__ import annotations

import math

import pytest

from clif.errors import UsageError
from clif.verification.gates import FIGURES, parse_gate

FOUND = {
    "targeted": {"pearson": 0.95, "spearman": 0.9, "slope": 1.1, "rms": 0.02},
    "random": {"pearson": None, "spearman": 0.4, "slope": 0.5, "rms": 0.01},
    "coverage": {"level": 0.9, "targeted": 1.0, "random": 0.8, "subset": None},
    "lds": {"alpha": 0.5, "spearman": 0.6},
}


@pytest.mark.parametrize(
    ("text", "group", "figure", "low", "high"),
    [
        ("pearson=.9", "targeted", "pearson", 0.9, math.inf),
        ("targeted.spearman=0.5", "targeted", "spearman", 0.5, math.inf),
        ("random.rms=.05", "random", "rms", -math.inf, 0.05),
        ("slope=.8:1.2", "targeted", "slope", 0.8, 1.2),
        ("rms=0:1e-2", "targeted", "rms", 0, 0.01),
        ("random.coverage=.9", "random", "coverage", 0.9, math.inf),
        ("lds=.5", None, "lds", 0.5, math.inf),
        (" pearson = .9 ", "targeted", "pearson", 0.9, math.inf),
    ],
)
def test_gates_are_read(text, group, figure, low, high):
    gate = parse_gate(text)
    assert (gate.group, gate.figure, gate.low, gate.high, gate.text) == (group, figure, low, high, text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("pearson", "no value"), ("pearson=", "''"), ("pearson=high", "'high'"), ("pearson=nan", "'nan'"),
        ("r=.9", "unknown gate 'r'"), ("all.pearson=.9", "unknown gate"), ("random.lds=.5", "unknown gate"),
        ("slope=1", "from one number to another"), ("slope=1.2:.8", "ends before it begins"), ("=.9", "unknown gate"),
        ("pearson=.9:", "''"), ("", "no value"), ("rms=inf", "'inf'"),
    ],
)  # fmt: skip
def test_what_is_no_gate_is_refused_with_an_example(text, says):
    with pytest.raises(UsageError, match=says) as caught:
        parse_gate(text)
    assert caught.value.where == f"--gate {text}"
    assert "slope=.8:1.2" in caught.value.next


@pytest.mark.parametrize(
    ("text", "passed"),
    [
        ("pearson=.95", True), ("pearson=.96", False), ("slope=.8:1.2", True), ("slope=.8:1", False),
        ("rms=.02", True), ("rms=.01", False), ("random.rms=.01", True), ("random.spearman=.5", False),
        ("random.pearson=-1", False), ("coverage=.9", True), ("random.coverage=.9", False), ("lds=.6", True),
        ("lds=.7", False),
    ],
)  # fmt: skip
def test_gates_are_judged(text, passed):
    judged = parse_gate(text).judge("weat6", FOUND)
    assert judged["passed"] is passed
    assert (judged["gate"], judged["test"], len(judged["values"])) == (text, "weat6", 1)


def test_every_share_kept_must_pass():
    several = {**FOUND, "lds": [{"spearman": 0.6}, {"spearman": 0.3}]}
    assert parse_gate("lds=.3").judge("t", several) == {
        "gate": "lds=.3", "test": "t", "values": [0.6, 0.3], "passed": True,
    }  # fmt: skip
    assert not parse_gate("lds=.5").judge("t", several)["passed"]
    assert parse_gate("lds=.5").judge("t", {**FOUND, "lds": None})["values"] == [None]


def test_the_message_names_every_figure():
    with pytest.raises(UsageError) as caught:
        parse_gate("nothing=1")
    assert all(figure in caught.value.next for figure in FIGURES)
