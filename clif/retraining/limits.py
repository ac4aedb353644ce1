"""What bounds a choice of documents, or sentences: units that go as a whole, caps, and objectives that shall stay.

Each cap and each kept objective is a sum over the chosen units, a, that must stay between two numbers:

    choose units with the lowest sum of scores        low <= a(chosen) <= high for each cap and objective

Units are taken one after the other, by what they do for the test, where they fit; so every beginning of the choice
keeps the limits, however many documents of it are removed. Where something is kept, a unit that fits may spend what
better ones need. So a linear programme in which units can be taken in part (HiGHS, by SciPy) is asked first: the units
that it takes come before the others, and all come by their score and the price of what they spend, its dual solution,

    score + prices . a

of which only those below zero are taken: the others do not help. Kept objectives are estimated anew for
each chunk, as the scores are. What is said of documents here holds for sentences too, where these are chosen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array, vstack

from clif.retraining.caps import Loads
from clif.retraining.kept import Foreseen

WANTED = 0.5  # share in which a unit is taken by the linear programme to come first
MARGIN = 0.9  # of a tolerance is used in choosing, as a chunk is chosen by estimates without it

Integers = NDArray[np.int64]
Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Limits:
    """The limits of a choice: `units` (documents,) numbers the unit of each document, from 0.

    A unit with a document that is `protected` (documents,) stays.
    """

    units: Integers
    protected: NDArray[np.bool_]
    caps: Loads
    kept: Sequence[Foreseen] = ()

    @classmethod
    def free(cls, free: NDArray[np.bool_]) -> Limits:
        """No limits but that only what is `free` may go, each by itself."""
        n = len(free)
        return cls(np.arange(n), ~free, Loads([], csr_array((0, n)), np.empty(0)))

    def pick(self, score: Values, chosen: Integers, most: int, left: int) -> Integers:
        """The documents that follow those `chosen`: units with the lowest scores (documents,), added up, that fit.

        It stops at `most` documents, or the first that goes beyond, but never takes more than `left`.
        """
        taken = np.zeros(len(self._sizes), dtype=np.bool_)
        taken[self.units[chosen]] = True
        costs: Values = np.bincount(self.units, score, len(self._sizes)).astype(np.float64)
        limits, low, high = self._left(chosen)
        candidates = np.flatnonzero(self._free & ~taken & (self._sizes <= left))
        wanted = np.ones(len(costs), dtype=np.bool_)
        if self.kept and len(candidates):
            share, prices = _relaxed(costs, limits, low, high, self._sizes, candidates, most)
            wanted[candidates] = share > WANTED
            costs = costs + prices @ limits
            candidates = candidates[costs[candidates] < 0]
        order = candidates[np.argsort(costs[candidates], kind="stable")]
        orders = [order[wanted[order]], order[~wanted[order]]]
        found = self._fitting(orders, limits, low, high, most, left)
        return np.concatenate([np.empty(0, dtype=np.int64), *(self._members(unit) for unit in found)])

    def whole(self, order: Integers, count: int) -> int:
        """The least number of documents, `count` or more, at which this order of whole units can be cut."""
        while 0 < count < len(order) and self.units[order[count - 1]] == self.units[order[count]]:
            count += 1
        return count

    def holding(self, order: Integers) -> Integers:
        """The order, without as much of its end as takes a kept objective beyond its tolerance, by the prediction.

        The last chunks were chosen by estimates of what each of their documents does alone.
        """
        step, count = 1, len(order)
        while count > 0 and not all(each.kept.holds(each.change(order[:count])) for each in self.kept):
            count = max(0, count - step)
            while count and self.whole(order, count) != count:
                count -= 1
            step *= 2
        return order[:count]

    @cached_property
    def _sizes(self) -> Integers:
        return np.bincount(self.units)

    @cached_property
    def _free(self) -> NDArray[np.bool_]:
        """Units that may go."""
        return np.asarray(np.bincount(self.units, self.protected) == 0)

    @cached_property
    def _sorted(self) -> tuple[Integers, Integers]:
        """Documents by unit, and where each unit starts."""
        return np.argsort(self.units, kind="stable"), np.concatenate([[0], np.cumsum(self._sizes)])

    def _members(self, unit: int) -> Integers:
        documents, starts = self._sorted
        return documents[starts[unit] : starts[unit + 1]]

    @cached_property
    def _of_documents(self) -> csr_array:
        """From sums over documents to sums over units, (documents, units)."""
        n = len(self.units)
        return csr_array((np.ones(n), (np.arange(n), self.units)), shape=(n, len(self._sizes)))

    def _left(self, chosen: Integers) -> tuple[csc_array, Values, Values]:
        """What each unit adds to what is limited, (limits, units), and how far that may still fall or rise.

        What is beyond its limit already, as estimates are made anew, may come back, but not go further.
        """
        spent = np.asarray(self.caps.loads[:, chosen].sum(axis=1)).ravel()
        rows: list[Any] = [self.caps.loads]
        low, high = [np.full(len(spent), -np.inf)], [self.caps.budgets - spent]
        for each in self.kept:
            change, influence = each.beyond(chosen)
            rows.append(csr_array(influence[None]))
            low.append(np.array([min(MARGIN * each.kept.low - change, 0.0)]))
            high.append(np.array([max(MARGIN * each.kept.high - change, 0.0)]))
        matrix = csc_array(vstack(rows) @ self._of_documents)
        return matrix, np.concatenate(low), np.concatenate(high)

    def _fitting(
        self, orders: Sequence[Integers], limits: csc_array, low: Values, high: Values, most: int, left: int
    ) -> list[int]:
        """Go through one order after the other and take what fits; again, while what was taken made room for others."""
        found: list[int] = []
        count, now, waiting = 0, np.zeros(len(low)), list(orders)
        while waiting:
            order = waiting.pop(0)
            passed = []
            for unit in order.tolist():
                if count >= most:
                    return found
                part = slice(limits.indptr[unit], limits.indptr[unit + 1])
                rows = limits.indices[part]
                then = now[rows] + limits.data[part]
                if count + self._sizes[unit] > left or (then > high[rows]).any() or (then < low[rows]).any():
                    passed.append(unit)
                    continue
                now[rows] = then
                found.append(unit)
                count += int(self._sizes[unit])
            if self.kept and len(passed) < len(order):
                waiting.insert(0, np.array(passed, dtype=np.int64))
        return found


def _relaxed(
    costs: Values, limits: csc_array, low: Values, high: Values, sizes: Integers, candidates: Integers, most: int
) -> tuple[Values, Values]:
    """The best choice of `most` documents that may be split: the share of each of the `candidates`, and what a unit of
    each limit is worth, (limits,)."""
    from scipy.optimize import linprog

    own: Any = limits[:, candidates]
    upper, lower = np.isfinite(high), np.isfinite(low)
    A: Any = csr_array(vstack([own[upper], -own[lower], csr_array(sizes[candidates][None].astype(np.float64))]))
    b = np.concatenate([high[upper], -low[lower], [max(most, sizes[candidates].min())]])
    # In units of the largest, as the solver's tolerances are absolute.
    scale = np.abs(costs[candidates]).max() or 1.0
    by = np.maximum(abs(A).max(axis=1).toarray().ravel(), 1e-300)
    A.data /= np.repeat(by, np.diff(A.indptr))
    solved = linprog(costs[candidates] / scale, A, b / by, bounds=(0, 1), method="highs")
    prices = np.zeros(len(low))
    share = np.zeros(len(candidates))
    if solved.status == 0:
        share = np.asarray(solved.x)
        found = -solved.ineqlin.marginals * scale / by
        prices[upper] += found[: upper.sum()]
        prices[lower] -= found[upper.sum() : -1]
    return share, prices
