"""The picture: well formed, and points where they belong."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clif.verification.picture import KINDS, MARGIN, SIDE, draw

SPACE = "{http://www.w3.org/2000/svg}"


def one(kind="reduce", predicted=0.1, realised=0.2, half=None):
    return {"kind": kind, "documents": 5, "predicted": predicted, "realised": realised, "half_width": half}


def circles(drawn):
    """Places of the points, without those of the legend."""
    found = [circle for circle in ET.fromstring(drawn).iter(f"{SPACE}circle") if len(circle)]
    return [(float(circle.get("cx")), float(circle.get("cy"))) for circle in found]


change = st.floats(-3, 3).map(lambda value: round(value, 4))


@given(st.lists(st.builds(one, st.sampled_from(sorted(KINDS)), change, change), min_size=1, max_size=9))
def test_points_on_the_line_are_predictions_that_came_true(sets):
    points = circles(draw({"sets": sets}, "t"))
    assert len(points) == len(sets)
    drawn = [each for kind in reversed(KINDS) for each in sets if each["kind"] == kind]
    for (x, y), each in zip(points, drawn, strict=True):
        right, up = x - MARGIN, SIDE + MARGIN / 2 - y
        assert -0.1 <= right <= SIDE + 0.1
        assert -0.1 <= up <= SIDE + 0.1
        if each["predicted"] == each["realised"]:
            assert right == pytest.approx(up, abs=0.11)
        elif abs(each["predicted"] - each["realised"]) > 0.05:
            assert (right < up) == (each["predicted"] < each["realised"])


def test_bars_are_as_long_as_they_are_wide():
    narrow, wide = (draw({"sets": [one(half=half), one(predicted=1.0)]}, "t") for half in (0.1, 0.2))
    lengths = [
        [float(line.get("x2")) - float(line.get("x1")) for line in ET.fromstring(drawn).iter(f"{SPACE}line")
         if line.get("stroke-opacity")]
        for drawn in (narrow, wide)
    ]  # fmt: skip
    assert [len(each) for each in lengths] == [1, 1]
    assert lengths[1][0] / lengths[0][0] == pytest.approx(2, rel=0.15)


def test_names_cannot_break_it_and_no_change_can_be_drawn():
    drawn = draw({"sets": [one(predicted=0.0, realised=0.0)]}, "<b>&")
    assert "&lt;b&gt;&amp;" in drawn
    assert len(circles(drawn)) == 1
    assert "random" not in drawn
