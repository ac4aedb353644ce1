"""The picture: well formed, and points where they belong."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clif.showing.pictures import drawing
from clif.verification.picture import KINDS, draw, scatter


def one(kind="reduce", predicted=0.1, realised=0.2, half=None):
    return {"kind": kind, "documents": 5, "predicted": predicted, "realised": realised, "half_width": half}


def axes_of(sets):
    with drawing(4, 4) as figure:
        axes = figure.add_subplot()
        scatter(axes, sets)
        return axes


change = st.floats(-3, 3)


@settings(deadline=None)  # the first picture loads the fonts
@given(st.lists(st.builds(one, st.sampled_from(sorted(KINDS)), change, change), min_size=1, max_size=9))
def test_points_are_predicted_to_the_right_and_realised_upwards(sets):
    axes = axes_of(sets)
    points = [tuple(map(float, place)) for group in axes.containers for place in group.lines[0].get_xydata()]
    assert sorted(points) == sorted((each["predicted"], each["realised"]) for each in sets)
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert sorted(names) == sorted({KINDS[each["kind"]][1] for each in sets})
    low, high = axes.transData.transform([(0, 0), (1, 1)])
    assert (low < high).all()


def test_bars_are_as_long_as_predictions_are_uncertain():
    axes = axes_of([one(half=0.2), one(predicted=1.0), one("subset", half=0.3)])
    lengths = [
        float(segment[1][0] - segment[0][0])
        for group in axes.containers
        for bars in group.lines[2]
        for segment in bars.get_segments()
    ]
    assert sorted(lengths) == [0.0, 0.0, pytest.approx(0.4)]


def test_names_cannot_break_it_and_no_change_can_be_drawn():
    drawn = draw({"sets": [one(predicted=0.0, realised=0.0)]}, "<b>& $x$")
    assert ET.fromstring(drawn) is not None
    assert "&lt;b&gt;&amp; $x$" in drawn


def test_the_same_figures_give_the_same_bytes():
    sets = {"sets": [one(half=0.1), one("random", -0.1, 0.3)]}
    assert draw(sets, "t") == draw(sets, "t")
