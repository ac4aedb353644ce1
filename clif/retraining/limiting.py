"""From a request to the limits of its choice, and from an order of documents to one that keeps them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clif.errors import UsageError
from clif.influence.adaptive import CHUNK, choose_adaptively
from clif.influence.groups import mean_value
from clif.influence.problem import Problem
from clif.influence.units import Units
from clif.objectives import Coverage
from clif.progress import Progress, silent
from clif.ranking import check_field
from clif.retraining.asking import Asked, Order
from clif.retraining.caps import Loads, load_caps
from clif.retraining.checking import ZERO
from clif.retraining.duplicates import near_duplicates
from clif.retraining.keeping import find_kept
from clif.retraining.kept import Kept
from clif.retraining.limits import Limits
from clif.retraining.request import Request
from clif.run import Run

MOST = 0.5  # share of the documents, or sentences, that are chosen at most, where no number is given
CHUNKS = 200  # in which they are chosen at the most


@dataclass(frozen=True, eq=False)
class Bounds:
    """What a request limits, before it is put to the models of a question.

    `parts` are what is chosen from, documents or sentences. `units` (parts,) are the near-duplicates among them, each
    by itself where none were asked for. Of a document that is `protected` (documents,) all parts stay.
    """

    request: Request
    parts: Units
    units: NDArray[np.int64]
    protected: NDArray[np.bool_]
    caps: Loads
    kept: Sequence[Kept]

    @classmethod
    def of(
        cls,
        run: Run,
        request: Request,
        coverage: Coverage,
        protected: NDArray[np.bool_],
        parts: Units,
        progress: Progress = silent,
    ) -> Bounds:
        """Errors are those of `check_field`, `load_caps`, `find_kept` and `near_duplicates`."""
        for field in request.by:  # they are needed at the end only, but a misspelt one should not cost a training
            check_field(run, field, "document")
        kept = find_kept(run, request.keeps, coverage.test) if request.keep else []
        alike = request.near_duplicates
        units = np.arange(len(parts)) if alike is None else near_duplicates(run.corpus, alike, parts.ends, progress)
        return cls(request, parts, units, protected, load_caps(run, request.caps, coverage, parts), kept)

    def put_to(self, problems: Sequence[Problem]) -> Limits:
        """The limits of a choice, with what is kept put to the models of these problems."""
        kept = [each.put_to(problems, self.parts) for each in self.kept]
        return Limits(self.units, self.protected[self.parts.document], self.caps, kept)

    def recipe(self) -> dict[str, Any]:
        """What a file name must tell apart; nothing where nothing is limited."""
        asked = {
            "keep": [kept.recipe for kept in self.kept],
            "caps": [str(cap) for cap in self.request.caps],
            "near_duplicates": self.request.near_duplicates,
            "by": list(self.request.by),
        }
        return {name: value for name, value in asked.items() if value}

    def about(self, edited: NDArray[np.int64]) -> dict[str, Any]:
        """What a result says of the limits, and of near-duplicates among the parts that are `edited`."""
        sizes = np.bincount(self.units)
        return {
            "caps": [{"name": cap.name, "share": cap.share} for cap in self.request.caps],
            "by": list(self.request.by),
            "near_duplicates": None
            if self.request.near_duplicates is None
            else {
                "similarity": self.request.near_duplicates,
                "units": len(sizes),
                "units_of_several": int((sizes > 1).sum()),
                "documents_in_them": int(sizes[sizes > 1].sum()),
                "edited_units": len(np.unique(self.units[edited])),
            },
        }


def limit_order(order: Order, problems: Sequence[Problem], asked: Asked, bounds: Bounds, progress: Progress) -> Order:
    """The order of documents, or sentences, that keeps the limits, whichever number of them is taken.

    Where nothing is limited it is `order` itself. Where something is kept, or the ranking chose in chunks what lowers
    |T|, parts are chosen anew, in chunks; else those that fit are taken from the order, units by the sum of their
    influences.

    Raises
    ------
    UsageError
        Nothing fits, or fewer than one is asked for.

    """
    request, parts = bounds.request, bounds.parts
    if not request.limited:
        return order
    limits = bounds.put_to(problems)
    number = request.remove if isinstance(request.remove, int) else None
    if number is not None and number < 1:
        raise UsageError(f"cannot choose {number} {parts.name}s", where=request.option, next="Give 1 or more.")
    if request.keep or (asked.adaptive and request.aim == "reduce" and not request.ranking):
        found = limits.holding(_in_chunks(parts, problems, asked.method, limits, number, progress))
    else:
        head = request.aim == "reduce"
        listed = order.units if head else order.units[::-1]
        place = np.full(len(parts), 0.0)
        left_out = np.ones(len(parts), dtype=np.bool_)
        left_out[listed] = False
        place[listed] = np.arange(len(listed)) - len(listed)  # below zero, the first lowest
        if order.influence is not None:
            place = (1.0 if head else -1.0) * np.sign(mean_value(problems)) * order.influence
        limits = Limits(limits.units, limits.protected | left_out, limits.caps)
        most = min(number or len(parts), len(parts) - 1)
        found = limits.pick(place, np.empty(0, dtype=np.int64), most, most)
        found = found if head else found[::-1]
    if not len(found):
        raise UsageError(
            f"no {parts.name} fits all limits",
            where="--keep, --cap, --near-duplicates",
            next="Allow a larger tolerance or share, or leave a limit out.",
        )
    return Order(found, None, order.influence, None if number is None else len(found), limits)


def _in_chunks(
    parts: Units, problems: Sequence[Problem], method: str, limits: Limits, number: int | None, progress: Progress
) -> NDArray[np.int64]:
    """So many parts, or, where no number is given, as many as bring the prediction to zero."""
    sign = np.sign(mean_value(problems)) or 1.0
    most = number or max(1, int(MOST * len(parts)))

    def enough(values: Sequence[float]) -> bool:
        return bool(sign * values[-1] <= 0)

    choice = choose_adaptively(
        problems, most, max(CHUNK, most // CHUNKS), method=method, units=parts, pick=limits.pick,
        enough=None if number else enough, progress=progress,
    )  # fmt: skip
    return choice.documents


def shortfall(request: Request, found: int) -> list[str]:
    """What is said where fewer documents, or sentences, fit the limits than were asked for."""
    if not request.limited or request.remove in (None, ZERO) or found >= int(request.remove or 0):
        return []
    done = f"given a weight of {request.weight:g}" if request.weight else "removed"
    return [
        f"{found:,} {request.unit}s are {done}, not {int(request.remove or 0):,}: the limits leave no others"
        + (" that help" if request.keep else "")
    ]
