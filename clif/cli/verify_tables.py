"""How a verification is shown: the methods side by side, the sets one by one, and what they mean in words."""

from __future__ import annotations

from typing import Any

from clif.cli.screen import Screen, at, number

NAMES = {"reduce": "to reduce", "increase": "to increase", "random": "random", "share": "random"}
SEEDS = 5  # to go on with, where fewer leave much to chance


def show(screen: Screen, result: Any, run: Any) -> None:
    """Print a VerifyResult."""
    values = result.to_dict()
    for warning in values["warnings"]:
        screen.warn(warning)
    if screen.result(values):
        return
    if values["reused"]:
        screen.say("This verification was done already.")
    digits = 2 if values["measure"] == "effect_size" else 4
    tests = [(values["test"], values), *values["tests"].items()]
    for test, found in tests:
        _show_test(screen, test, found, values, digits)
    for each in values["skipped"]:
        screen.say(f"Not for this run: {each['method']} ({each['reason']}).")
    if values["left_out"]:
        screen.say("Some sets were left out to fit into the budget; a larger --budget goes on with what is done.")
    for gate in values["gates"]:
        said = ", ".join("not measured" if value is None else f"{value:.3g}" for value in gate["values"])
        screen.text(f"Gate {gate['gate']}, {gate['test']}: {said}, {'passed' if gate['passed'] else 'NOT passed'}.")
    screen.say(f"Result, table and picture: {values['folder']}", whole=True)
    hints = []
    if values["runs"] < SEEDS:
        hints.append(f"clif verify{at(run.path)} --seeds {min(SEEDS, 2 * values['runs'])}")
    largest = max((one["size"] for one in values["sets"] if one["kind"] == "reduce"), default=10)
    screen.next(*hints, f"clif retrain{at(run.path)} --remove-top-k {largest}")


def _show_test(screen: Screen, test: str, found: dict[str, Any], values: dict[str, Any], digits: int) -> None:
    value = found["value"]
    measure = values["measure"].replace("_", " ")
    sd = "" if value["sd"] is None else f", sd {number(value['sd'], digits)}"
    count = found["targeted"]["points"], found["random"]["points"]
    screen.table(
        f"{test}: predicted against realised ({measure} {value['mean']:+.{digits}f}{sd})",
        ["method", "pearson", "slope", "rms error", "random", "same run", "LDS"],
        [_method_row(name, each, digits) for name, each in [(values["method"], found), *found["methods"].items()]],
    )
    screen.text(f"Pearson, slope and error on {count[0]} chosen sets; 'random': Pearson on {count[1]} random ones;")
    screen.text("'same run': Pearson on chosen sets, each run with its own prediction; LDS: rank")
    screen.text("correlation over random subsets of the corpus.")
    _scores(screen, found)
    screen.text()
    mean = f", mean of {values['runs']} runs" if values["runs"] > 1 else ""
    head = f"{test}: sets chosen by {values['chosen_by']}, predicted by {values['method']}{mean}"
    columns = ["removed", "documents", "tokens", "predicted", "±", "realised"]
    screen.table(head, columns, _set_rows(found["sets"], digits))
    _sentences(screen, found, values, digits)
    screen.text()


def _method_row(name: str, found: dict[str, Any], digits: int) -> list[str]:
    targeted = found["targeted"]
    scores = _list(found["lds"])
    return [
        name,
        number(targeted["pearson"], 3),
        number(targeted["slope"]),
        number(targeted["rms"], digits + 1),
        number(found["random"]["pearson"], 3),
        number(found["same_run"]["targeted"]["pearson"], 3),
        " ".join(number(score["spearman"]) for score in scores) or "-",
    ]


def _scores(screen: Screen, found: dict[str, Any]) -> None:
    """What the ranks over random subsets rest on."""
    for score in _list(found["lds"]):
        line = f"LDS on {score['subsets']} subsets that keep {score['alpha']:g} of the documents"
        if score["ci95"]:
            line += f": 95% interval {number(score['ci95'][0])} to {number(score['ci95'][1])}"
        if score["ceiling"] is not None:
            line += f"; ceiling {number(score['ceiling'])}"
        screen.text(line + ".")


def _set_rows(sets: list[dict[str, Any]], digits: int) -> list[list[str]]:
    """A row for each chosen set, and one for the random ones of each size together."""
    rows: list[list[str]] = []
    for size in sorted({one["size"] for one in sets if one["kind"] in NAMES}):
        alike = [one for one in sets if one["size"] == size]
        for kind in ("reduce", "increase"):
            rows += [_set_row(one, digits) for one in alike if one["kind"] == kind]
        random = [one for one in alike if one["kind"] in ("random", "share")]
        if random:
            rows.append(_random_row(random, digits))
    return rows


def _set_row(one: dict[str, Any], digits: int) -> list[str]:
    return [
        NAMES[one["kind"]],
        f"{one['documents']:,}",
        f"{one['tokens']:,}",
        number(one["predicted"], digits, sign=True),
        number(one["half_width"], digits),
        number(one["realised"], digits, sign=True),
    ]


def _random_row(sets: list[dict[str, Any]], digits: int) -> list[str]:
    count = len(sets)
    low, high = min(one["realised"] for one in sets), max(one["realised"] for one in sets)
    ends = [number(low, digits, sign=True), number(high, digits, sign=True)]
    widths = [one["half_width"] for one in sets if one["half_width"] is not None]
    return [
        f"random, {count} sets" if count > 1 else "random",
        f"{sum(one['documents'] for one in sets) / count:,.0f}",
        f"{sum(one['tokens'] for one in sets) / count:,.0f}",
        number(sum(one["predicted"] for one in sets) / count, digits, sign=True),
        number(max(widths), digits) if widths else "-",
        " to ".join(ends) if count > 1 else ends[0],
    ]


def _sentences(screen: Screen, found: dict[str, Any], values: dict[str, Any], digits: int) -> None:
    """What the figures mean, in plain words."""
    coverage, signs, winning = found["coverage"], (found["signs"]["targeted"] or {}), found["winning"]
    if winning["of"]:
        screen.text(
            f"In {winning['won']} of {winning['of']} cases the chosen set moved the bias further than every random set."
        )
    if signs.get("agreement") is not None:
        line = f"The sign was predicted for {signs['agreement']:.0%} of the chosen sets"
        if signs["agreement_beyond_noise"] is not None:
            line += f" ({signs['agreement_beyond_noise']:.0%} of those that moved more than the noise)"
        screen.text(line + ".")
    if coverage["targeted"] is not None:
        held = f"{coverage['targeted']:.0%} of the chosen sets"
        held += "" if coverage["random"] is None else f" and {coverage['random']:.0%} of the random ones"
        screen.text(f"± is a {coverage['level']:.0%} bar, fitted to sets of other sizes; it held for {held}.")
    change, source = found["detectable"]["change"], found["detectable"]["source"]
    if change is None:
        screen.text("One run of each set cannot be told from noise: --seeds 2 at the least.")
    else:
        screen.text(
            f"Smallest change that {values['runs']} retrainings can detect: {number(change, digits)} (by the {source})."
        )
    _gap(screen, found["gap"], digits)


def _gap(screen: Screen, gap: dict[str, float | None], digits: int) -> None:
    parts = {
        "sum of influences against the set's own prediction": gap["linearisation"],
        "unrolled against the limit of training": gap["unrolled_versus_limit"],
        "seeds among themselves": gap["seeds"],
    }
    said = [f"{name} {number(value, digits + 1)}" for name, value in parts.items() if value is not None]
    if gap["solver"] is not None:
        said.append(f"relative residual of the solve {gap['solver']:.1e}")
    if said:
        screen.text(f"Where errors come from (rms on chosen sets): {'; '.join(said)}.")


def _list(scores: Any) -> list[dict[str, Any]]:
    return scores if isinstance(scores, list) else [scores] if scores else []
