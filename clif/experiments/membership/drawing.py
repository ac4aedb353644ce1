"""Pictures: T before and after beside random sets, and each word's neighbourhood before and after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clif.experiments.membership.asking import Question
from clif.experiments.membership.comparing import Results
from clif.experiments.membership.removing import TOP
from clif.showing.pictures import BLUE, GREEN, GREY, ORANGE, RED, drawing, svg

Places = NDArray[np.float64]


def draw(questions: Sequence[Question], results: Results) -> dict[str, str]:
    """All pictures by name."""
    pictures = {"before-and-after": draw_changes(questions, results)}
    for question, found in zip(questions, results.neighbourhoods, strict=True):
        pictures[f"neighbourhood-{question.slug}"] = draw_neighbourhood(question, found, results.words)
    return pictures


def draw_changes(questions: Sequence[Question], results: Results) -> str:
    """A row a question and a panel a measure: T of every model trained, those of random sets as small dots."""
    measures = list(dict.fromkeys(question.measure for question in questions))
    rows = [[q for q, each in enumerate(questions) if each.measure == measure] for measure in measures]
    with drawing(7.2, 1.5 + 0.62 * len(questions)) as figure:
        panels = figure.subplots(len(measures), 1, squeeze=False, height_ratios=[len(own) + 0.6 for own in rows])[:, 0]
        for panel, measure, own in zip(panels, measures, rows, strict=True):
            for line, q in enumerate(own):
                _draw_row(panel, line, results, q)
            panel.set_yticks(range(len(own)), [questions[q].name for q in own])
            panel.set_ylim(len(own) - 0.4, -0.6)
            panel.set_xlabel(f"{measure} in the models of each seed")
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=3)
        return svg(figure)


def _draw_row(panel: Any, line: int, results: Results, q: int) -> None:
    """The legend is made from the first row: each kind of dots is named there."""
    before = results.before[:, q]
    tops = [each for each in results.of(q) if each.kind == TOP]
    # Random sets by their change, as they belong to models of several seeds.
    dots = [("without random documents", before.mean() + tops[0].chance, GREY, ".", 0.18)]
    dots += [("with all documents", before, BLUE, "o", 0.0)]
    dots += [
        (f"without the top {each.number}", each.after, colour, "D", -0.18)
        for each, colour in zip(tops, np.resize([ORANGE, RED], len(tops)), strict=True)
    ]
    dots += [("without the same words", results.same(q).after, GREEN, "^", 0.18)]
    for label, values, colour, marker, shift in dots:
        name = label if line == 0 else None
        panel.scatter(values, np.full(len(values), line + shift), s=22, color=colour, marker=marker, label=name)


def draw_neighbourhood(question: Question, found: Mapping[str, Any], words: Sequence[str]) -> str:
    """Both panels have the same axes; a word's colour says what it is to the word that is asked about."""
    places = np.array(found["places"])
    low, high = places.min((0, 1)), places.max((0, 1))
    room = np.maximum(0.06 * (high - low), 1e-3)
    kinds = {
        "the word": (RED, found["rows"][:1]),
        "held against it": (ORANGE, [row for row in found["rows"][1:] if words[row] in question.others]),
        "its neighbours": (BLUE, found["nearest"][0]),
        "its neighbours afterwards": (GREEN, found["nearest"][1]),
    }
    colours = {row: colour for colour, rows in reversed(kinds.values()) for row in rows}
    with drawing(8.4, 4.8) as figure:
        panels = figure.subplots(1, 2, sharex=True, sharey=True)
        for panel, title, spots in zip(panels, ("with all documents", "without the top ones"), places, strict=True):
            panel.set_title(title)
            panel.set_xlim(low[0] - room[0], high[0] + 5 * room[0])  # names stand to the right
            panel.set_ylim(low[1] - room[1], high[1] + 2 * room[1])
            heights = stacked(spots, np.array([5 * room[0], 0.7 * room[1]]))
            for row, (x, y), height in zip(found["rows"], spots.tolist(), heights.tolist(), strict=True):
                panel.plot([x, x + room[0] / 2], [y, height], color=GREY, linewidth=0.4)
                panel.scatter([x], [y], s=16, color=colours[row])
                panel.text(x + room[0] / 2, height, words[row], color=colours[row], fontsize=8, va="center")
        handles = [panels[0].scatter([], [], s=16, color=colour, label=kind) for kind, (colour, _) in kinds.items()]
        figure.legend(handles=handles, loc="outside upper center", ncols=len(kinds))
        share = 100 * found["shown"]
        figure.supxlabel(f"{question.name}: two principal components, {share:.0f}% of the neighbours' variance")
        return svg(figure)


def stacked(spots: Places, size: Places) -> Places:
    """Heights (n,) for labels of this size (2,) at spots (n, 2), each as low as it can be without lying on another."""
    heights = spots[:, 1].copy()
    order = np.argsort(heights, kind="stable")
    for n, own in enumerate(order):
        for other in sorted(order[:n], key=lambda each: heights[each]):
            beside = abs(spots[own, 0] - spots[other, 0]) < size[0]
            if beside and abs(heights[own] - heights[other]) < size[1]:
                heights[own] = heights[other] + size[1]
    return heights
