"""Pictures: whole SVG, the same bytes, what they show; and the map of words against another library."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from clif.cli.plot_command import NAMES
from clif.errors import InputError, UsageError
from clif.ranking.aggregation import Groups
from clif.reporting import KINDS, all_pictures, gather, plot
from clif.reporting.drawings import ENDS, groups, label, retraining, strongest
from clif.reporting.projection import project
from clif.reporting.svg import for_page
from clif.showing.pictures import drawing, svg


@pytest.fixture(scope="module")
def pictures(reported):
    return list(all_pictures(gather(reported.run)))


def test_a_run_that_went_through_everything_has_all_kinds_but_other_tests(pictures):
    assert {picture.kind for picture in pictures} == set(KINDS) - {"tradeoffs", "policies"}
    assert len({picture.name for picture in pictures}) == len(pictures)


def test_the_same_bytes_again_and_whole(pictures):
    for picture in {picture.kind: picture for picture in pictures}.values():
        text = picture.svg()
        assert text == picture.svg()
        ET.fromstring(text)
        element = ET.fromstring(for_page(text, "p1", picture.text))
        assert element.get("role") == "img"
        assert element.get("aria-label") == picture.text
        for each in element.iter():
            assert "style" not in each.attrib
            assert each.get("id", "p1-").startswith("p1-")


def table(names, sums):
    order = np.argsort(sums, kind="stable")
    return Groups("field", {"group": np.array(names, dtype=object)[order], "influence": np.array(sums)[order]})


@settings(deadline=None)
@given(st.lists(st.floats(-1, 1), min_size=1, max_size=2 * ENDS), st.sampled_from([-1, 1]))
def test_few_groups_are_shown_as_they_are(sums, sign):
    shown = strongest(table([f"g{n}" for n in range(len(sums))], sums), sign)
    assert shown.sums == sorted(sums)
    assert shown.numbers is None


@settings(deadline=None)
@given(st.lists(st.integers(1000, 3000), min_size=2 * ENDS + 1, max_size=80, unique=True), st.data())
def test_many_groups_with_numbers_are_summed_over_bins(years, data):
    sums = data.draw(st.lists(st.floats(-1, 1), min_size=len(years), max_size=len(years)))
    shown = strongest(table([str(year) for year in years], sums), 1)
    assert sum(shown.sums) == pytest.approx(sum(sums), abs=1e-9)
    assert shown.numbers[0] <= min(years)
    assert shown.numbers[-1] + shown.width > max(years)
    by_hand = [
        sum(value for year, value in zip(years, sums, strict=True) if low <= year < low + shown.width)
        for low in shown.numbers
    ]
    assert shown.sums == pytest.approx(by_hand, abs=1e-9)


def test_many_groups_with_names_are_shown_from_both_ends():
    sums = np.linspace(-1, 1, 50)
    shown = strongest(table([f"g{n}" for n in range(50)], sums), 1)
    assert shown.sums == pytest.approx([*sums[:ENDS], *sums[-ENDS:]])
    with drawing(4, 4) as figure:
        groups(figure, shown)
        bars = figure.axes[0].patches
        assert [bar.get_width() for bar in bars] == pytest.approx(shown.sums)
        assert bars[0].get_facecolor() != bars[-1].get_facecolor()


def test_a_retraining_shows_each_run():
    def sample(*runs):
        return {"runs": list(runs), "mean": float(np.mean(runs)) if runs else None, "ci95": None, "sd": None}

    values = {
        "before": sample(1.0, 1.1), "after": sample(0.2, 0.3), "controls": sample(), "measure": "effect_size",
        "edit": "remove",
    }  # fmt: skip
    with drawing(4, 2) as figure:
        retraining(figure, values)
        dots = [tuple(line.get_xdata()) for line in figure.axes[0].lines if len(line.get_xdata()) == 2]
    assert (1.0, 1.1) in dots
    assert (0.2, 0.3) in dots


def test_texts_of_documents_are_harmless_in_a_picture():
    assert label("$x^2$ \x00") == r"\$x^2\$ " + "�"
    assert label("a" * 50, 10) == "a" * 9 + "…"


@settings(deadline=None, max_examples=30)
@given(st.integers(3, 12), st.integers(3, 9), st.integers(0, 10_000))
def test_the_map_is_that_of_principal_components(n, d, seed):
    rng = np.random.default_rng(seed)
    before, after = rng.normal(size=(2, n, d))

    def units(vectors):
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    old, new, shown = project(before, after)
    model = PCA(2, svd_solver="full").fit(units(before))
    for mine, theirs in ((old, model.transform(units(before))), (new, model.transform(units(after)))):
        for axis in range(2):
            sign = np.sign(mine[:, axis] @ theirs[:, axis]) or 1.0
            np.testing.assert_allclose(mine[:, axis], sign * theirs[:, axis], atol=1e-9)
    assert shown == pytest.approx(model.explained_variance_ratio_.sum())


def test_vectors_without_length_stay_where_they_are():
    old, new, shown = project(np.zeros((3, 4)), np.zeros((3, 4)))
    assert not old.any()
    assert not new.any()
    assert shown == 0.0


def test_plot_writes_what_there_is_and_says_what_is_not(reported, tmp_path):
    run = reported.copy(tmp_path / "clif-run")
    made = plot(run)
    assert {kind: make.partition(",")[0] for kind, make in made.missing.items()} == {
        "tradeoffs": "clif retrain --remove-top-k 100",
        "policies": "clif tradeoff",
    }
    assert {path.suffix for _, path in made.paths} == {".svg"}
    assert all(path.parent == run.path / "pictures" and path.stat().st_size for _, path in made.paths)


def test_plot_writes_one_picture_where_it_is_told(reported, tmp_path):
    png = plot(reported.run, kinds=["verification"], out=tmp_path / "one.png")
    assert png.paths[0][1].read_bytes().startswith(b"\x89PNG")
    svg = plot(reported.run, kinds=["effect-sizes"], out=tmp_path / "one.svg")
    ET.parse(svg.paths[0][1])


def test_plot_refuses_what_it_cannot_do(reported, tmp_path, opened):
    with pytest.raises(UsageError, match="unknown kind"):
        plot(reported.run, kinds=["pie"])
    with pytest.raises(UsageError, match="names one picture"):
        plot(reported.run, out=tmp_path / "x.svg")
    with pytest.raises(UsageError, match="cannot tell a format"):
        plot(reported.run, kinds=["influence"], out=tmp_path / "x.pdf")
    with pytest.raises(InputError, match="nothing for a picture of curve"):
        plot(opened, kinds=["curve"])


def test_the_help_of_plot_names_all_kinds():
    assert NAMES.split(", ") == list(KINDS)


def test_names_in_scripts_that_the_font_lacks_stay_text_without_a_warning():
    shown = strongest(table(["日本語", "עברית"], [-1.0, 1.0]), 1)
    with drawing(4, 2) as figure:
        groups(figure, shown)
        assert "日本語" in svg(figure)
