"""Which question a document is explained for, and whether the newest stored ranking answered it."""

from __future__ import annotations

from dataclasses import dataclass

from clif.errors import UsageError
from clif.influence.joint import SolveSettings
from clif.influence.methods import RECOMMENDED, Method, find_method
from clif.objectives import BiasTest, kind_of
from clif.ranking import Ranking, choose_test, newest_ranking
from clif.run import Run


@dataclass(frozen=True, eq=False)
class Asked:
    """A test, a method with its settings, and the stored list that was made by them, if that is the newest.

    `models` says over how many models the newest list averages, if it is of this question but not of one model.
    """

    test: BiasTest
    method: Method
    measure: str
    damping: float | None
    solving: SolveSettings
    stored: Ranking | None
    models: int = 1


def choose_question(
    run: Run,
    test: str | BiasTest | None,
    method: str | None,
    measure: str | None,
    damping: float | None,
    curvature: str | None,
    tolerance: float | None,
) -> Asked:
    """Fill what is not said from the newest stored ranking of the same test, else from the defaults of `rank`.

    Settings of the method come from that ranking only if it was made by the same method.
    """
    if damping is not None and not 0 < damping < float("inf"):
        raise UsageError(
            f"the damping must be positive and finite, got {damping}",
            where="--damping",
            next="Leave it out for 1 / (sum of the learning rates).",
        )
    newest = newest_ranking(run)
    question = choose_test(run, test)
    said = newest.about if newest and newest.test == question else {}
    chosen = find_method(method or said.get("method", RECOMMENDED))
    measure = kind_of(question).check_measure(measure or said.get("measure"))
    made = said if said.get("method") == chosen.name else {}
    damping = damping if damping is not None else made.get("asked_damping")
    default = SolveSettings()
    solving = SolveSettings(
        curvature or made.get("curvature") or default.curvature,
        tolerance or made.get("tolerance") or default.tolerance,
    )
    same = bool(made) and made["measure"] == measure
    if chosen.damped:
        same = same and made["asked_damping"] == damping
    if chosen.solves:
        same = same and (made["curvature"], made["tolerance"]) == (solving.curvature, solving.tolerance)
    ensemble = made.get("ensemble") if same else None
    if ensemble:
        return Asked(question, chosen, measure, damping, solving, None, len(ensemble["seeds"]))
    return Asked(question, chosen, measure, damping, solving, newest if same else None)
