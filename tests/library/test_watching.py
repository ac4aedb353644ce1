"""Progress is silent unless it is asked for, and then one line."""

from __future__ import annotations

import io

import pytest

from clif.library.watching import Line, watched
from clif.progress import silent


def test_nothing_is_said_unless_asked_for(capsys):
    for none in (None, False):
        with watched(none) as progress:
            assert progress is silent
    with watched(True) as progress:
        progress("train", 1, 4, "epoch 1")
    said = capsys.readouterr()
    assert said.out == ""
    assert "train 25%: epoch 1" in said.err


def test_own_progress_is_passed_on():
    def own(stage, done, total, note=""):
        pass

    with watched(own) as progress:
        assert progress is own


def test_a_line_is_written_over_and_remarks_stay():
    stream = io.StringIO()
    line = Line(stream)
    line("train", 1, 2, "a long note")
    line("train", 2, 2, "too soon after")
    line("plan", 0, None, "9 trainings\x1b[31m")
    line("rank", 0, None, "short")
    line.close()
    said = stream.getvalue()
    assert said.startswith("\rtrain 50%: a long note")
    assert "too soon" not in said
    assert "9 trainings\\x1b[31m\n" in said
    last = said.rsplit("\n", 1)[1]
    assert last == "\rrank: short\r" + " " * len("rank: short") + "\r"


def test_the_line_goes_even_if_the_work_fails(capsys):
    def fail():
        with watched(True) as progress:
            progress("train", 1, 2, "x")
            raise ValueError

    with pytest.raises(ValueError):
        fail()
    assert capsys.readouterr().err.endswith("\r")
