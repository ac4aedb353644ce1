"""The claims that are examined, in sentences made of figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from clif.experiments.outcome import Claim

SILVA = "Silva, Chopra and Gombolay 2022 (arXiv 2012.01685)"
KOH = "Koh and Liang 2017 (arXiv 1703.04730)"
AGARWAL = "Agarwal, Bullins and Hazan 2017 (arXiv 1602.03943), as Silva, Chopra and Gombolay 2022 use it"
ENOUGH, CLOSE = 0.99, 0.005


def make_claims(figures: dict[str, Any]) -> list[Claim]:
    """What the papers say, and what was found here."""

    def pearson(column: str, solver: str) -> Any:
        return np.array(figures[column][solver]["pearson"])

    def two_step(column: str, solver: str) -> Any:
        return np.array(figures["two_step"][column][solver]["pearson"])

    exact, cg, lissa = (pearson("cross", solver) for solver in ("exact", "cg", "lissa"))
    apart = float(np.abs(cg - exact).max())
    theirs = {column: two_step(column, "lissa") for column in ("cross", "matched", "released")}
    lead = theirs["cross"] - theirs["matched"]
    doubt = float(np.std(lead, ddof=1) / np.sqrt(len(lead))) if len(lead) > 1 else None
    seeds = f"{len(exact)} seeds" if len(exact) > 1 else "one seed"
    return [
        Claim(
            SILVA,
            "influence functions hold where the measure is another function than the training loss",
            f"at the minimum of a smooth objective, by the exact Hessian: Pearson {_span(exact)} over {seeds} between "
            f"predicted and realised changes, slope {np.mean(figures['cross']['exact']['slope']):.2f}; without "
            f"curvature (gradient dot product) {_span(pearson('cross', 'gradient'))}",
            bool(exact.min() >= ENOUGH),
        ),
        Claim(
            SILVA,
            "estimates across losses agree even better with retraining than those with matched losses",
            f"by their procedure and recursion: Pearson {_mean(theirs['cross'])} across losses, "
            f"{_mean(theirs['matched'])} with matched ones, a difference of {lead.mean():+.3f} (standard error "
            f"{'unknown' if doubt is None else f'{doubt:.3f}'}) over {seeds}; at the minimum by the exact Hessian: "
            f"{_mean(exact)} and {_mean(pearson('matched', 'exact'))}",
            None if doubt is None else bool(lead.mean() > 2 * doubt),
        ),
        Claim(
            SILVA,
            "the released code holds cross-loss predictions against networks that were retrained with labels",
            f"Pearson {_mean(theirs['released'])} against those, and {_mean(theirs['cross'])} against networks that "
            f"were retrained with the clustering loss, which is what the predictions are of",
        ),
        Claim(
            AGARWAL,
            "a recursion over single samples gives the solution without a solve",
            f"with the released scale, decay and single pass: Pearson {_span(lissa)} where the exact solution has "
            f"{_span(exact)}, and a slope of {np.mean(figures['cross']['lissa']['slope']):.2g} instead of 1",
            bool((exact - lissa).max() <= CLOSE),
        ),
        Claim(
            KOH,
            "conjugate gradients give the solution by products with the Hessian alone",
            f"the largest difference of Pearson from the exact solver is {apart:.1e}, the largest relative residual "
            f"{max(figures['cross']['cg']['residual']):.1e}",
            apart <= CLOSE,
        ),
    ]


def _span(values: Sequence[float]) -> str:
    low, high = f"{min(values):.4f}", f"{max(values):.4f}"
    return low if low == high else f"{low} to {high}"


def _mean(values: Sequence[float]) -> str:
    return f"{np.mean(values):.3f} (sd {np.std(values):.3f})"
