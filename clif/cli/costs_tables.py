"""What a choice of documents costs others, and what became of what was to be kept, for the terminal."""

from __future__ import annotations

from typing import Any

from clif.cli.screen import Screen, number
from clif.showing.telling import DIGITS, may_change, plural

SHOWN = 5  # values of a field: those that lose most


def show_kept(screen: Screen, values: dict[str, Any]) -> None:
    """A table of the kept objectives, if there are any."""
    rows = []
    for kept in values["kept"]:
        digits = DIGITS.get(kept["measure"], 3)
        ends = [number(kept[name], digits, sign=True) for name in ("before", "predicted", "realised")]
        chance, before = kept["controls"]["mean"], kept["before"]
        by_chance = number(None if chance is None else chance - before, digits, sign=True)
        rows.append([kept["name"], ends[0], may_change(kept), *ends[1:], by_chance, "yes" if kept["holds"] else "no"])
    if not rows:
        return
    columns = ["kept", "before", "may change", "predicted", "realised", "random", "holds"]
    screen.text()
    screen.table("What was to be kept (effect sizes, rank correlations, loss in nats)", columns, rows)
    for kept in values["kept"]:
        held = kept.get("held_out")
        if held:
            known = f"; {held['left_out']:,} others stand in the corpus and were left out" if held["left_out"] else ""
            screen.text(f"{kept['name']}: per pair of words in {plural(held['documents'], 'document')}{known}.")


def show_costs(screen: Screen, values: dict[str, Any]) -> None:
    """Tables of what goes, by the values of fields and by the test's words."""
    costs = values["costs"]
    if costs is None:
        return
    alike = values["near_duplicates"]
    if alike is not None:
        screen.text(
            f"Near-duplicates (similarity {alike['similarity']:g} or more): {alike['documents_in_them']:,} "
            f"{values['unit']}s in {alike['units_of_several']:,} units; the chosen {values['unit']}s are "
            f"{alike['edited_units']:,} units."
        )
    rows = [["all", *_row(costs["documents"], costs["tokens"])]]
    for name, found in costs["fields"].items():
        losing = [row for row in found if row["tokens"]["lost"]]
        rows += [[f"{name} {row['value']}", *_row(row["documents"], row["tokens"])] for row in losing[:SHOWN]]
        rest = len(found) - min(len(losing), SHOWN)
        if rest:
            less = "1 other loses less" if rest == 1 else f"{rest:,} others lose less"
            rows.append([f"{name}: {less}", *[""] * 6])
    columns = ["", "documents", "left", "lost", "tokens", "left", "lost"]
    screen.text()
    screen.table("What it costs", columns, rows)
    rows = []
    for key, words in _sets(costs):
        most, counts = max(words["words"].items(), key=lambda each: _lost(*each[1]))
        worst = f"{most} {_lost(*counts):.0%}" if _lost(*counts) > 0 else "-"
        rows.append([key, f"{words['before']:,}", f"{words['after']:,}", f"{words['lost']:.1%}", worst])
    columns = ["words of", "occurrences", "left", "lost", "the word that loses most"]
    screen.table("The test's words in the text", columns, rows, (0, 4))


def costs_line(costs: dict[str, Any]) -> str:
    """In one line: the tokens that would go, and what loses most beside them."""
    sets = ", ".join(f"{key} {words['lost']:.1%}" for key, words in _sets(costs))
    line = f"They hold {costs['tokens']['lost']:.1%} of the tokens, and of the occurrences of the words of {sets}"
    worst = [(rows[0]["tokens"]["lost"], f"{name} {rows[0]['value']}") for name, rows in costs["fields"].items()]
    if worst:
        lost, where = max(worst)
        line += f"; {where} would lose most, {lost:.1%} of its tokens"
    return f"{line}."


def _sets(costs: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The sets that the test has."""
    return [(key, words) for key, words in costs["words"].items() if words["words"]]


def _row(*covers: dict[str, Any]) -> list[str]:
    return [cell for c in covers for cell in (f"{c['before']:,}", f"{c['after']:,}", f"{c['lost']:.1%}")]


def _lost(before: int, after: int) -> float:
    return (before - after) / before if before else 0.0
