"""What `clif retrain` shows beside the change itself: transfer, nearest neighbours, other tests."""

from __future__ import annotations

from typing import Any

from clif.cli.screen import Screen, number

DOUBTFUL = 0.05


def files_of(values: dict[str, Any]) -> str:
    """What lies in the folder of the result."""
    if "weights" in values["edited_corpus"]:
        return "weights.csv and result.json"
    if not values["edited_corpus"]["kept"]:
        return "result.json"
    removed = {"swap": "", "amplify": "", "sentences": ", removed sentences"}.get(values["edit"], ", removed documents")
    return f"Edited corpus{removed} and result.json"


def show_transfer(screen: Screen, values: dict[str, Any], digits: int) -> None:
    """A paragraph on the words that were held out."""
    kind = values["holdout_words"]
    if not kind:
        return
    halves, held, chance = values["halves"], values["held_out"], values["transfer_controls"]
    said = [
        f"Held-out {kind}{f', {len(halves)} halves' if len(halves) > 1 else ''}: the words that chose the documents "
        f"went {_from_to(values, digits)}, those that were held out {_from_to(held, digits)}.",
        f"Transfer {number(values['transfer'][kind])} of the change ({_interval(values)}); "
        f"predicted {number(values['predicted_transfer'])}.",
    ]
    if chance["runs"]:
        p = "too few for a p-value" if chance["p_value"] is None else f"p = {chance['p_value']:.2g}"
        mean, sd = number(chance["mean"], digits, sign=True), number(chance["sd"], digits)
        said.append(f"Random sets changed the held-out words by {mean} (sd {sd}, {len(chance['runs'])} runs): {p}.")
    doubtful = [
        f"the {words} words"
        for words, p in (("used", values["p_value"]), ("held-out", chance["p_value"]))
        if p is None or p > DOUBTFUL
    ]
    if doubtful:
        said.append(f"The change on {' and on '.join(doubtful)} cannot be told from chance.")
    screen.text()
    screen.text(" ".join(said))


def show_halves(screen: Screen, values: dict[str, Any], digits: int) -> None:
    """A table of the halves, if there are several."""
    halves = values["halves"]
    if len(halves) < 2:
        return
    rows = []
    for half in halves:
        edited = f"{half['edited']:,}"
        for words, part in (("used", half["used"]), ("held out", half["held_out"])):
            ends = [part["before"]["mean"], part["after"]["mean"], part["realised"], part["predicted"]]
            first = [str(half["half"]), edited] if words == "used" else ["", ""]
            rows.append([*first, words, *(number(value, digits, sign=True) for value in ends)])
    columns = ["half", f"{values['unit']}s", "words", "before", "after", "change", "predicted"]
    screen.text()
    screen.table("Half by half", columns, rows, (0, 2))


def show_neighbours(screen: Screen, values: dict[str, Any]) -> None:
    """A table of the nearest neighbours of some target words, before and after."""
    rows = []
    for word, about in values["neighbours"].items():
        label = f"{word} ({about['set']}{', held out' if about['held_out'] else ''})"
        rows += [[label, "before", ", ".join(about["before"])], ["", "after", ", ".join(about["after"])]]
    which = f"seed {values['seeds'][0]}" + (", half 1" if len(values["halves"]) > 1 else "")
    screen.table(f"Nearest neighbours of target words ({which})", ["", "", ""], rows, (0, 1, 2))


def show_others(screen: Screen, values: dict[str, Any]) -> None:
    """A table of the other tests, and of word similarity."""
    groups = ("before", "after", "controls")
    rows = [
        [name, *(number(row[group]["mean"], sign=True) for group in groups)] for name, row in values["tests"].items()
    ]
    quality = values["quality"]
    title = f"WordSim-353 ({quality['pairs']} pairs)"
    rows.append([title, *(number(quality[group]["mean"], 3) for group in groups)])
    own = "" if values.get("kind", "weat") == "weat" else f"; {values['test']}: by its own measure"
    screen.table(f"What else changed (effect sizes{own})", ["test", "before", "after", "random"], rows)


def _interval(values: dict[str, Any]) -> str:
    if values["transfer_ci95"]:
        low, high = values["transfer_ci95"]
        return f"95% interval {low:.2f} to {high:.2f}, {values['transfer_ci95_over']}"
    if values["transfer_ci95_over"]:
        return "no interval: the change on the used words may be none"
    return "no interval: one half, one seed"


def _from_to(row: dict[str, Any], digits: int) -> str:
    start, end = (number(row[name]["mean"], digits, sign=True) for name in ("before", "after"))
    return f"from {start} to {end}"


def show_trials(screen: Screen, values: dict[str, Any], digits: int) -> None:
    """A table of the numbers of documents, or sentences, that were tried on the way to a goal."""
    until = values.get("until")
    if not until:
        return
    counted = f"{until['unit']}s"
    rows = []
    for trial in until["trials"]:
        interval = trial["realised_ci95"]
        rows.append(
            [
                f"{trial[counted]:,}",
                f"{trial['tokens'] / values['tokens']:.2%}",
                number(trial["predicted"], digits, sign=True),
                number(trial["realised"], digits, sign=True),
                f"{interval[0]:+.{digits}f} to {interval[1]:+.{digits}f}" if interval else "-",
                "-" if trial["p_value"] is None else f"{trial['p_value']:.2g}",
                "yes" if trial["meets"] else "no",
            ]
        )
    columns = [counted, "tokens", "predicted", "realised", "95% interval", "p", "met"]
    screen.text()
    screen.table(f"Tried, for the goal of {until['goal']}", columns, rows)
