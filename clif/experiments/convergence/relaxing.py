"""The assumptions, and how each is given up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clif.experiments.convergence import Settings

NONE = "none"
BAE = ("warm start", "proximity", "non-convergence", "linearisation", "solver")  # of Bae et al. 2022
GAPS = (*BAE, "curvature", "penalty", "stochastic")


@dataclass(frozen=True)
class Start:
    """Which model: that of a trainer with a seed and a penalty, stopped where its gradient is `tolerance` of the first.

    Of the paired trainer, `l2` and `tolerance` are None.
    """

    seed: int
    l2: float | None
    tolerance: float | None

    @property
    def name(self) -> str:
        """Name of its piece."""
        return f"paired-{self.seed}" if self.l2 is None else f"exact-{self.seed}-{self.l2:g}-{self.tolerance:g}"


@dataclass(frozen=True)
class Relaxation:
    """One way to predict and one way to retrain: all as in the base, but for what `gap` names.

    name       what is done otherwise
    gap        one of GAPS; NONE for the base
    model      where predictions are made
    by         how: "step" (one Newton step of all vectors), "block" (each word's own), "sum" (influences added up),
               "unrolled" (the derivative of the paired training)
    exact      by the Hessian, else by Gauss-Newton curvature
    damping    added to the penalty
    products   after which the solve stops, None: where its residual is that of the settings
    judge      the model that is trained again without the documents
    warm       from where it is, else from the start of its seed
    large      sets of the sizes `large`
    few        only as many random sets as `few`, for what takes long
    """

    name: str
    gap: str
    model: Start
    judge: Start
    by: str = "step"
    exact: bool = True
    damping: float = 0.0
    products: int | None = None
    warm: bool = True
    large: int = 0
    few: bool = False


def relaxations(settings: Settings) -> Iterator[Relaxation]:
    """The base first, then all that give up one assumption, by gap and from near to far."""
    base = Start(settings.seed, settings.l2, settings.tolerance)
    other = Start(settings.seed + 1, settings.l2, settings.tolerance)
    paired = Start(settings.seed, None, None)
    yield Relaxation("base", NONE, base, base)
    yield Relaxation("influences added up", "linearisation", base, base, by="sum")
    for size in settings.large:
        yield Relaxation(f"sets of {size}", "linearisation", base, base, large=size)
    for products in settings.products:
        yield Relaxation(f"{products} product{'s' * (products > 1)}", "solver", base, base, products=products)
    for damping in settings.dampings:
        yield Relaxation(f"damping of {damping:g}", "proximity", base, base, damping=damping)
    for gradient in settings.gradients:
        stopped = Start(settings.seed, settings.l2, gradient)
        yield Relaxation(f"stopped at {gradient:g}", "non-convergence", stopped, base)
    yield Relaxation("from the start", "warm start", base, base, warm=False, few=True)
    yield Relaxation("another seed", "warm start", base, other, few=True)
    yield Relaxation("Gauss-Newton", "curvature", base, base, exact=False)
    yield Relaxation("outputs held fixed", "curvature", base, base, by="block")
    for l2 in settings.penalties:
        weak = Start(settings.seed, l2, settings.tolerance)
        yield Relaxation(f"{l2:g}, not {settings.l2:g}", "penalty", weak, weak, few=True)
    yield Relaxation("paired, by block", "stochastic", paired, paired, by="block", warm=False)
    yield Relaxation("paired, by unrolled", "stochastic", paired, paired, by="unrolled", warm=False)
