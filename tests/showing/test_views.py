"""How results show themselves: escaped, short, and the same at a prompt and in a notebook."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clif.showing.charts import scatter, strip
from clif.showing.views import Bar, Line, Marked, Table, View, Word

TAGS = {"div", "style", "p", "table", "caption", "thead", "tbody", "tr", "th", "td", "svg", "path", "rect", "mark", "u"}
HOSTILE = '"><img src=x onerror=alert(1)>\x1b[31m\u202e<script>alert(1)</script>'


class Reader(HTMLParser):
    """Collects tags, attributes and text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.names: set[str] = set()
        self.said = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.names |= {name for name, _ in attrs}

    def handle_data(self, data):
        self.said += data


def everywhere(text: str) -> View:
    table = Table([text, "number"], [[text, "1"], [text, Bar(-1.0, 2.0)]], title=text)
    return View(text, [Line(text), Line(text, note=True), table, Marked([Word(text, text, -2, tested=True)], text)])


@given(st.text(max_size=40))
def test_no_text_becomes_markup(text):
    found = Reader(everywhere(text).html())
    assert found.tags <= TAGS
    assert not {name for name in found.names if name.startswith("on") or name in ("src", "href")}


def test_hostile_text_is_shown_as_it_is_written():
    view = everywhere(HOSTILE)
    assert "<script>alert(1)</script>" in Reader(view.html()).said
    assert "\x1b" not in view.html()
    assert "\u202e" not in view.html()
    assert "\x1b" not in view.text()
    assert "\\x1b[31m" in view.text()


def test_a_table_stands_in_columns_without_its_bars():
    table = Table(["name", "value", ""], [["a", "1.5", Bar(1.5, 2)], ["long", "-12", Bar(-12, 12)]])
    assert table.text() == "name  value\na       1.5\nlong    -12"
    assert table.html().count("<svg") == 2


@pytest.mark.parametrize(("value", "start", "width"), [(1.0, 40, 19), (-2.0, 2, 38), (5.0, 40, 38), (0.0, 40, 0)])
def test_a_bar_is_as_long_as_its_share_of_the_limit(value, start, width):
    assert f'x="{start:.1f}" y="2" width="{width:.1f}"' in Bar(value, 2.0).html()


def test_words_are_marked_by_sign_as_well_as_colour():
    marked = Marked([Word("", "he", -2, tested=True), Word(" ", "ran", 1), Word(" ", "home")], ".")
    assert marked.text() == "[--he*] [+ran] home."
    assert '<mark class="clif-m2">−−<u>he</u></mark> <mark class="clif-p1">+ran</mark> home.' in marked.html()


def test_a_strip_has_a_dot_a_training_and_a_scatter_one_a_set():
    assert strip({"before": [1.0, 1.2], "after": [0.1], "at random": []}, "d").made.count("<circle") == 3
    assert scatter([(1.0, 1.1), (-0.5, -0.4)], [(0.0, 0.1)]).made.count("<circle") == 3
    assert strip({"before": []}, "d").made == scatter([], []).made == ""
    assert "<b>" not in strip({"<b>": [1.0]}, "<b>").made
