"""How each kind of picture is drawn on a figure. Shapes and places say what colours say."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from clif.reporting.projection import project
from clif.retraining.curve import curve as draw_curve
from clif.showing.pictures import BLUE, COLOURS, GREY, ORANGE, RED
from clif.tradeoffs.picture import fill as draw_policies
from clif.verification.picture import scatter

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from clif.ranking.aggregation import Groups
    from clif.reporting.gathering import Measured
    from clif.retraining.words import MovedWords

ENDS = 8  # groups of each end
POINTS = 400  # of a long line
LINE = "#bbbbbb"
NUMBER_BINS = 24
AFTER = {
    "remove": "without them", "sentences": "without them", "weight": "with less weight", "amplify": "with copies",
    "swap": "with words swapped",
}  # fmt: skip
SETS = {"X": (BLUE, "o"), "Y": (ORANGE, "s"), "A": ("#009e73", "^"), "B": ("#cc79a7", "v")}


def label(text: str, longest: int = 26) -> str:
    """A text of a document or a test as a picture can hold it: no mathematics, no control characters, not too long."""
    text = "".join(c if c.isprintable() else "�" for c in text)
    text = text if len(text) <= longest else text[: longest - 1] + "…"
    return text.replace("$", r"\$")


def slug(text: str) -> str:
    """A part of a file name."""
    return re.sub(r"[^\w-]+", "-", text).strip("-") or "field"


def effect_sizes(figure: Figure, tests: Sequence[Measured]) -> None:
    """A row a test of WEAT: the run's own model, and the mean over the models with its interval."""
    axes = figure.add_subplot()
    places = np.arange(len(tests))[::-1]
    for place, one in zip(places, tests, strict=True):
        interval, mean = one.over_seeds.ci95, one.over_seeds.mean
        if interval and mean is not None:
            axes.plot(interval, [place, place], color=BLUE, linewidth=2, label="95% interval of the mean")
            axes.plot(mean, place, "|", color=BLUE, markersize=9, label="mean over the models")
        axes.plot(one.result.value, place, "o", color=RED, markersize=5, label="the run's own model")
    _rows(axes, [one.result.test for one in tests], places)
    axes.set_xlim(min(-2.05, axes.get_xlim()[0]), max(2.05, axes.get_xlim()[1]))
    axes.set_xlabel("effect size; 0: no bias")
    _legend(figure, axes)


def influence(figure: Figure, values: NDArray[np.float64], crossing: int | None) -> None:
    """Influence by rank; of a long list both ends in full and some between."""
    axes = figure.add_subplot()
    ranks = np.arange(1, len(values) + 1)
    if len(values) > POINTS:
        near = np.unique(np.geomspace(1, len(values) / 2, POINTS // 2).astype(int)) - 1
        kept = np.unique(np.r_[near, len(values) - 1 - near])
        ranks, values = ranks[kept], values[kept]
    axes.axhline(0, color=LINE, linewidth=0.8)
    axes.fill_between(ranks, values, 0, color=GREY, alpha=0.35, linewidth=0)
    axes.plot(ranks, values, color=BLUE, linewidth=1.4)
    if crossing:
        axes.axvline(crossing, color=RED, linestyle=":", linewidth=1.2, label=f"bias predicted nearest 0: {crossing:,}")
        axes.legend(loc="best")
    axes.set_xlabel("rank")
    axes.set_ylabel("influence")


@dataclass(frozen=True)
class Shown:
    """Groups as a picture has them: bars with names, or with numbers where the groups are numbers such as years."""

    names: list[str]
    sums: list[float]
    sign: int
    numbers: list[float] | None = None
    width: float = 0.0


def strongest(found: Groups, sign: int) -> Shown:
    """The first and last ENDS groups; where more groups than that all have numbers for names, sums over bins."""
    names, sums = [str(name) for name in found.columns["group"]], np.asarray(found.columns["influence"])
    if len(names) <= 2 * ENDS:
        return Shown(names, sums.tolist(), sign)
    numbers = _numbers(names)
    if numbers is None:
        rows = [*range(ENDS), *range(len(names) - ENDS, len(names))]
        return Shown([names[row] for row in rows], [float(sums[row]) for row in rows], sign)
    edges = _edges(numbers)
    totals, _ = np.histogram(numbers, edges, weights=sums)
    return Shown([], totals.tolist(), sign, edges[:-1].tolist(), float(edges[1] - edges[0]))


def _numbers(names: Sequence[str]) -> NDArray[np.float64] | None:
    try:
        found = np.array([float(name) for name in names])
    except ValueError:
        return None
    return found if np.isfinite(found).all() else None


def _edges(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Edges of about NUMBER_BINS bins at round numbers."""
    low, high = float(numbers.min()), float(numbers.max())
    rough = (high - low) / NUMBER_BINS
    power = 10.0 ** np.floor(np.log10(rough))
    width = float(next(step for step in (1, 2, 5, 10) if step * power >= rough) * power)
    first = np.floor(low / width) * width
    return np.asarray(first + width * np.arange(int((high - first) // width) + 2))


def size_of_groups(shown: Shown) -> tuple[float, float]:
    """In inches."""
    return (5.0, 2.4) if shown.numbers is not None else (5.0, 0.6 + 0.22 * len(shown.names))


def groups(figure: Figure, shown: Shown) -> None:
    """Bars from zero: one colour where removal is predicted to reduce the bias, another where it is not."""
    axes = figure.add_subplot()
    colours = [BLUE if shown.sign * value < 0 else ORANGE for value in shown.sums]
    if shown.numbers is not None:
        axes.axhline(0, color=LINE, linewidth=0.8)
        axes.bar(shown.numbers, shown.sums, width=0.9 * shown.width, align="edge", color=colours)
        axes.set_ylabel("sum of influence")
        return
    places = np.arange(len(shown.names))[::-1]
    axes.axvline(0, color=LINE, linewidth=0.8)
    axes.barh(places, shown.sums, color=colours, height=0.7)
    _rows(axes, shown.names, places, line=False)
    axes.set_xlabel("sum of influence")


def retraining(figure: Figure, values: Mapping[str, Any]) -> None:
    """Three rows of dots, one a run; a mark at the mean, a line for its 95% interval."""
    axes = figure.add_subplot()
    rows = [
        ("before", "before", GREY, "o"),
        ("after", "edited", BLUE, "D"),
        ("controls", "random sets", RED, "s"),
    ]
    names = {key: name for key, name, *_ in rows} | {"after": AFTER[values["edit"]]}
    rows = [row for row in rows if values[row[0]]["runs"]]
    places = np.arange(len(rows))[::-1]
    for place, (key, _, colour, mark) in zip(places, rows, strict=True):
        sample = values[key]
        runs = sample["runs"]
        # Dots of one row lie a little apart, in the order of the runs.
        apart = place + 0.22 * (np.arange(len(runs)) / max(1, len(runs) - 1) - 0.5) * (len(runs) > 1)
        axes.plot(runs, apart, mark, color=colour, markersize=4, alpha=0.6, linestyle="none")
        if sample["ci95"]:
            axes.plot(sample["ci95"], [place - 0.3] * 2, color=colour, linewidth=2)
        axes.plot(sample["mean"], place - 0.3, "|", color=colour, markersize=9)
    _rows(axes, [names[key] for key, *_ in rows], places)
    axes.set_ylim(-0.6, len(rows) - 0.5)
    low, high = axes.get_xlim()
    axes.set_xlim(min(low, -0.05 * (high - low)), max(high, 0.05 * (high - low)))
    axes.set_xlabel(values["measure"].replace("_", " ") + "; a dot a run, line: 95% interval of the mean")


def curve(figure: Figure, until: Mapping[str, Any]) -> None:
    """Bias against documents, or sentences, that went."""
    draw_curve(figure.add_subplot(), until)


def tradeoffs(figure: Figure, others: Mapping[str, Mapping[str, Any]]) -> None:
    """A row a test: its change by the edit with the interval, and by random sets."""
    axes = figure.add_subplot()
    places = np.arange(len(others))[::-1]
    for place, found in zip(places, others.values(), strict=True):
        if found["realised"] is None:
            continue
        if found["realised_ci95"]:
            axes.plot(found["realised_ci95"], [place, place], color=BLUE, linewidth=2, label="95% interval")
        axes.plot(found["realised"], place, "D", color=BLUE, markersize=5, label="by the edit")
        if found["controls"]["runs"]:
            chance = found["controls"]["mean"] - found["before"]["mean"]
            axes.plot(chance, place, "s", color=RED, markersize=4, fillstyle="none", label="by random sets")
    _rows(axes, list(others), places)
    axes.set_xlabel("change of the effect size")
    _legend(figure, axes)


def policies(figure: Figure, compared: Mapping[str, Any]) -> None:
    """Bias against usefulness, a line a policy."""
    draw_policies(figure, compared)


def verification(figure: Figure, sets: list[Mapping[str, Any]]) -> None:
    """Predicted against realised."""
    axes = figure.add_subplot(aspect="equal", adjustable="datalim")
    scatter(axes, sets)


def size_of_words(moved: MovedWords) -> tuple[float, float]:
    """As high as the map asks for, in inches."""
    before, after, _ = project(moved.before, moved.after)
    across, up = np.ptp(np.r_[before, after], axis=0)
    return (5.0, float(np.clip(0.9 + 4.2 * up / across if across else 3.0, 2.4, 5.0)))


def words(figure: Figure, moved: MovedWords) -> None:
    """Arrows from before to after; each set of the test has a shape of its own."""
    axes = figure.add_subplot(aspect="equal", adjustable="datalim")
    before, after, shown = project(moved.before, moved.after)
    for key, (colour, mark) in SETS.items():
        mine = [row for row, name in enumerate(moved.sets) if name == key]
        if not mine:
            continue
        axes.plot(*before[mine].T, mark, color=colour, markersize=4, linestyle="none", label=key)
        axes.plot(*after[mine].T, mark, color=colour, markersize=4, linestyle="none", fillstyle="none")
    for name, start, end in zip(moved.words, before, after, strict=True):
        axes.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": GREY, "linewidth": 0.6, "shrinkB": 2})
        axes.annotate(label(name, 14), start, xytext=(3, 2), textcoords="offset points", fontsize=6)
    axes.set_xlabel(f"first component; filled before, hollow after ({shown:.0%} of variance)")
    axes.set_ylabel("second component")
    _legend(figure, axes)


def convergence(figure: Figure, solves: Sequence[Mapping[str, Any]]) -> None:
    """A line a solve."""
    axes = figure.add_subplot()
    marks = "osD^v*x"
    for number, one in enumerate(solves):
        question, residuals = one["question"], one["report"]["residuals"]
        name = f"{question['test']['name']}, {question['method']} ({question['curvature']})"
        turn = number % len(COLOURS)
        axes.semilogy(
            np.arange(1, len(residuals) + 1), residuals, color=COLOURS[turn], marker=marks[turn], markersize=3,
            linewidth=1, label=label(name, 40),
        )  # fmt: skip
    axes.set_xlabel("products with the curvature")
    axes.set_ylabel("relative residual")
    axes.legend(loc="best")


def _rows(axes: Axes, names: Sequence[str], places: NDArray[np.int64], line: bool = True) -> None:
    """Names of the rows at the left, and a line at zero."""
    if line:
        axes.axvline(0, color=LINE, linewidth=0.8)
    axes.set_yticks(places, [label(name) for name in names])
    axes.set_ylim(-0.6, len(names) - 0.4)
    axes.grid(axis="y", visible=False)


def _legend(figure: Figure, axes: Axes) -> None:
    """Each name once, above the rows, where nothing can lie under it."""
    handles, names = axes.get_legend_handles_labels()
    once = dict(zip(names, handles, strict=True))
    figure.legend(once.values(), once.keys(), loc="outside upper left", ncols=4, fontsize=7.5)
