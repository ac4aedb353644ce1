"""points.csv for a table, tradeoff.svg for a look: bias to the right, usefulness upwards, a line a policy."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clif.showing.pictures import BLUE, GREEN, GREY, ORANGE, PURPLE, RED, drawing, svg
from clif.storage.files import whole_file
from clif.tradeoffs.request import CLIF, DEBIAS, KEEP, KEYWORD, RANDOM

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TABLE, PICTURE = "points.csv", "tradeoff.svg"
READINGS = ("bias", "quality", "analogies")
COLUMNS = (
    "policy", "share", "documents", "tokens", "token_share",
    *(f"{name}_{part}" for name in READINGS for part in ("mean", "sd", "ci95_low", "ci95_high")),
    "runs", "front",
)  # fmt: skip
STYLES = {
    CLIF: (BLUE, "o", "-"),
    KEEP: (GREEN, "s", "-"),
    KEYWORD: (ORANGE, "^", "--"),
    RANDOM: (GREY, "v", ":"),
    DEBIAS: (RED, "D", ""),
}
# It often chooses what clif does, which shall be seen behind it.
HOLLOW: dict[str, Any] = {KEEP: {"markerfacecolor": "none", "markersize": 9, "markeredgewidth": 1.4}}
AXES = {"quality": "WordSim-353, Spearman", "analogies": "analogies answered right"}


def write_points(folder: Path, values: Mapping[str, Any]) -> None:
    """One row a policy and share, with an empty cell where there is no number."""
    with whole_file(folder / TABLE) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        kept = list(values["points"][0]["kept"])
        columns = [*COLUMNS, *(f"{name}_{part}" for name in kept for part in ("mean", "sd"))]
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        for point in values["points"]:
            row = {name: point[name] for name in COLUMNS if name in point}
            for name in READINGS:
                low, high = point[name]["ci95"] or (None, None)
                row |= {f"{name}_mean": point[name]["mean"], f"{name}_sd": point[name]["sd"]}
                row |= {f"{name}_ci95_low": low, f"{name}_ci95_high": high}
            for name in kept:
                row |= {f"{name}_{part}": point["kept"][name][part] for part in ("mean", "sd")}
            writer.writerow({**row, "runs": len(point["bias"]["runs"])})


def write_picture(folder: Path, values: Mapping[str, Any]) -> None:
    """The picture, of what there is a usefulness of."""
    with whole_file(folder / PICTURE) as temporary:
        temporary.write_text(draw(values), encoding="utf-8")


def draw(values: Mapping[str, Any]) -> str:
    """The picture as SVG, with a title."""
    with drawing(*size_of(values)) as figure:
        fill(figure, values)
        seeds = len(values["seeds"])
        title = f"{values['test']}: bias against usefulness, mean and sd of {seeds} seed{'s' * (seeds > 1)}"
        figure.axes[0].set_title(title.replace("$", r"\$"), fontsize=9, loc="left")
        return svg(figure)


def size_of(values: Mapping[str, Any]) -> tuple[float, float]:
    """In inches."""
    return 0.6 + 5.2 * len(_shown(values)), 4.6


def fill(figure: Figure, values: Mapping[str, Any]) -> None:
    """Bias against each measure of usefulness; bars are one deviation over the seeds to either side."""
    shown = _shown(values)
    for place, name in enumerate(shown, 1):
        axes = figure.add_subplot(1, len(shown), place)
        _panel(axes, values["points"], name)
        axes.set_xlabel(f"bias: {values['measure'].replace('_', ' ')}")
        axes.set_ylabel(AXES[name])
        if place == 1 and axes.get_legend_handles_labels()[0]:
            axes.legend(loc="best")


def useful(values: Mapping[str, Any]) -> bool:
    """Whether anything is known of usefulness: of few words neither similarity nor analogies are."""
    return any(point[name]["mean"] is not None for point in values["points"] for name in AXES)


def _shown(values: Mapping[str, Any]) -> list[str]:
    """What there is a usefulness of."""
    found = [name for name in AXES if all(point[name]["mean"] is not None for point in values["points"])]
    return found or ["quality"]


def _panel(axes: Axes, points: Sequence[Mapping[str, Any]], name: str) -> None:
    axes.axvline(0, color="#bbbbbb", linewidth=0.8)
    known = [point for point in points if point[name]["mean"] is not None]
    start = [point for point in known if point["policy"] not in STYLES]
    for policy, (colour, marker, line) in STYLES.items():
        mine = [point for point in known if point["policy"] == policy]
        if not mine:
            continue
        x, y = _means(mine, "bias"), _means(mine, name)
        if line:
            axes.plot(_means(start, "bias") + x, _means(start, name) + y, color=colour, linestyle=line, linewidth=1.2)
        axes.errorbar(
            x, y, xerr=_deviations(mine, "bias"), yerr=_deviations(mine, name), fmt=marker,
            color=colour, ecolor=(colour, 0.45), elinewidth=1, label=policy,
            **{"markersize": 5, **HOLLOW.get(policy, {})},
        )  # fmt: skip
        for point, across, up in zip(mine, x, y, strict=True):
            if point["share"] is not None:
                axes.annotate(
                    f"{point['token_share']:.0%}", (across, up), (4, 4), textcoords="offset points", fontsize=6.5,
                    color=colour,
                )  # fmt: skip
    if start:
        axes.errorbar(
            _means(start, "bias"), _means(start, name), xerr=_deviations(start, "bias"),
            yerr=_deviations(start, name), fmt="*", markersize=11, color=PURPLE, ecolor=(PURPLE, 0.45), label="before",
        )  # fmt: skip


def _means(points: Sequence[Mapping[str, Any]], name: str) -> list[float]:
    return [point[name]["mean"] for point in points]


def _deviations(points: Sequence[Mapping[str, Any]], name: str) -> list[float]:
    return [point[name]["sd"] or 0.0 for point in points]
