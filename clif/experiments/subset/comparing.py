"""Who won: at each k, in each case, and over all cases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from clif.experiments.outcome import Claim, Outcome
from clif.experiments.subset.choosing import ADAPTIVE, GREEDY, Case
from clif.experiments.subset.drawing import draw

ALIKE = 1e-5  # share of a change below which two are the same: what minimising leaves open is less, see `path`
LEVEL = 0.05
DRAWS = 2000  # of the bootstrap
Row = dict[str, Any]
Found = tuple[Case, Mapping[str, Any]]


def compare(found: Sequence[Found]) -> Outcome:
    """The outcome, from cases and what `Case.follow` gave for each way."""
    rows = [row for case, ways in found for row in _rows(case, ways)]
    cases = [_judge(case, ways) for case, ways in found]
    rates, over_all = _rates(rows), _over_all(cases)
    return Outcome(
        claims=[_claim(over_all, max(row["k"] for row in rows))],
        figures={"over_all": over_all, "cases": cases, "rates": rates},
        tables={"cases": [_briefly(case) for case in cases], "rates": rates, "steps": rows},
        pictures={"subset": draw(rows, rates)},
    )


def _rows(case: Case, ways: Mapping[str, Any]) -> Iterator[Row]:
    """What both ways had come to at each k; `gain` is how much further adaptive brought T, in one direction."""
    changes = {way: np.array(each["values"][1:]) - each["values"][0] for way, each in ways.items()}
    value = ways[GREEDY]["values"][0]
    sign = np.sign(value) or 1.0
    for number, (greedy, adaptive) in enumerate(zip(changes[GREEDY], changes[ADAPTIVE], strict=True)):
        tie = abs(adaptive - greedy) <= ALIKE * max(abs(greedy), abs(adaptive))
        gain = 0.0 if tie else float(sign * (greedy - adaptive))
        yield {
            "corpus": case.ground.name,
            "test": case.test.name,
            "measure": case.measure,
            "seed": case.seed,
            "k": (number + 1) * case.step,
            "value": value,
            GREEDY: float(greedy),
            ADAPTIVE: float(adaptive),
            "gain": gain,
            "won": 0.5 if tie else float(gain > 0),
        }


def _judge(case: Case, ways: Mapping[str, Any]) -> Row:
    """One line a case: changes of T at the last k, the share of the k at which adaptive won, and what it gained.

    `gain` is the mean gain over the k as a share of greedy's mean change; `path`, how far T at the last k is from where
    it comes if all go at once, as a share of greedy's change there.
    """
    rows = list(_rows(case, ways))
    gain, greedy = (np.array([row[name] for row in rows]) for name in ("gain", GREEDY))
    chosen = [set(ways[way]["documents"]) for way in (GREEDY, ADAPTIVE)]
    apart = max(abs(each["values"][-1] - each["again"]) for each in ways.values())
    return {
        **{name: rows[-1][name] for name in ("corpus", "test", "measure", "seed", "value", GREEDY, ADAPTIVE)},
        "winning_rate": float(np.mean([row["won"] for row in rows])),
        "gain": float(gain.mean() / np.abs(greedy).mean()),
        "in_common": len(chosen[0] & chosen[1]) / len(chosen[0]),
        "path": float(apart / abs(greedy[-1])),
    }


def _briefly(case: Row) -> Row:
    """What fits on a screen."""
    return {
        "case": f"{case['corpus']} {case['test']}, seed {case['seed']}",
        "measure": case["measure"].replace("_", " "),
        GREEDY: case[GREEDY],
        ADAPTIVE: case[ADAPTIVE],
        "wins": case["winning_rate"],
        "gain": case["gain"],
    }


def _rates(rows: Sequence[Row]) -> list[Row]:
    """Winning rate by corpus and k, over the cases."""
    won: dict[tuple[str, int], list[float]] = {}
    for row in rows:
        won.setdefault((row["corpus"], row["k"]), []).append(row["won"])
    return [
        {"corpus": corpus, "k": k, "cases": len(each), "winning_rate": float(np.mean(each))}
        for (corpus, k), each in won.items()
    ]


def _over_all(cases: Sequence[Row]) -> dict[str, Row]:
    """For each corpus, and for all if there are several: rates and gains with intervals, and a sign test."""
    corpora = list(dict.fromkeys(case["corpus"] for case in cases))
    groups = {name: [case for case in cases if case["corpus"] == name] for name in corpora}
    return {name: _sum_up(group) for name, group in (groups if len(groups) == 1 else {**groups, "all": cases}).items()}


def _sum_up(cases: Sequence[Row]) -> Row:
    """Means over cases with 95% bootstrap intervals; a case is one throw of the two-sided sign test, ties left out."""
    from scipy.stats import binomtest

    gain, rate = (np.array([case[name] for case in cases]) for name in ("gain", "winning_rate"))
    better, worse = int((gain > 0).sum()), int((gain < 0).sum())
    drawn = np.random.default_rng(0).integers(0, len(cases), (DRAWS, len(cases)))
    return {
        "cases": len(cases),
        "better": better,
        "worse": worse,
        "p_value": float(binomtest(better, better + worse).pvalue) if better + worse else 1.0,
        "winning_rate": float(rate.mean()),
        "winning_rate_ci95": np.quantile(rate[drawn].mean(1), [0.025, 0.975]).tolist(),
        "gain": float(gain.mean()),
        "gain_ci95": np.quantile(gain[drawn].mean(1), [0.025, 0.975]).tolist(),
    }


def _claim(over_all: Mapping[str, Row], most: int) -> Claim:
    parts = []
    for name, each in over_all.items():
        rate_low, rate_high = each["winning_rate_ci95"]
        low, high = each["gain_ci95"]
        parts.append(
            f"{name}: adaptive wins at {each['winning_rate']:.0%} of the k up to {most} ({rate_low:.0%} to "
            f"{rate_high:.0%}) and moves the test {each['gain']:+.1%} further ({low:+.1%} to {high:+.1%}), better in "
            f"{each['better']} and worse in {each['worse']} of {each['cases']} cases (sign test p = "
            f"{each['p_value']:.2g})"
        )
    total = list(over_all.values())[-1]
    return Claim(
        "Hu et al. 2024, https://arxiv.org/abs/2409.18153",
        "Influences do not add up, so documents chosen with new estimates after each removal move a model further than "
        "the top of one ranking.",
        f"Minimised again for every k. {'; '.join(parts)}.",
        total["better"] > total["worse"] if total["p_value"] < LEVEL else None,
    )
