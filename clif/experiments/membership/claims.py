"""What the papers say, and what was found."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from clif.experiments.membership.asking import Question
from clif.experiments.membership.comparing import Results
from clif.experiments.outcome import Claim

FAR = 3.0  # deviations of random sets
AGREED = 0.9  # correlation, over LEAST sets or more
LEAST = 4

SILVA = "Silva, Chopra, Gombolay 2022, arXiv 2012.01685"
BRUNET = "Brunet, Alkalay-Houlihan, Anderson, Zemel 2019, arXiv 1810.03611"


def make_claims(questions: Sequence[Question], results: Results) -> list[Claim]:
    """The claims, with sentences made of the figures."""
    return [_membership(questions, results), _prediction(results), _more_than_text(questions, results)]


def _membership(questions: Sequence[Question], results: Results) -> Claim:
    tops = [results.largest(q) for q in range(len(questions))]
    far = [each for each in tops if each.apart is not None and each.apart < -FAR]
    first, question = tops[0], questions[0]
    distance = "all alike" if first.apart is None else f"{abs(first.apart):.1f} deviations away"
    return Claim(
        SILVA,
        "Cross-loss influence names the documents that make a word a member of its cluster.",
        f"Without {first.number} documents ({100 * first.tokens / results.total[1]:.2f}% of the tokens, "
        f"{100 * first.own:.0f}% of the occurrences of {question.word}) the {question.measure} of {question.name!r} "
        f"goes from {results.before[:, 0].mean():.3f} to {first.after.mean():.3f}, a change of {first.realised:+.3f} "
        f"where {len(first.chance)} random sets of as many tokens or more make {first.chance.mean():+.4f} "
        f"(sd {first.chance.std(ddof=1):.4f}): {distance}, p = {first.p_value:.3f}. "
        f"More than {FAR:.0f} deviations below random sets: {len(far)} of {len(tops)} questions.",
        len(far) == len(tops),
    )


def _prediction(results: Results) -> Claim:
    """Changes in units of T before, so that cosines and distances can be taken together."""
    before = results.before.mean(0)
    predicted = np.array([each.predicted / before[each.question] for each in results.compared])
    realised = np.array([each.realised / before[each.question] for each in results.compared])
    says = "What influence predicts for the removal of documents comes true when a model is trained without them."
    if len(predicted) < LEAST or min(np.ptp(predicted), np.ptp(realised)) == 0:
        pairs = ", ".join(f"{p:+.3f} and {r:+.3f}" for p, r in zip(predicted, realised, strict=True))
        found = f"Predicted and realised changes, as shares of what they change: {pairs}; too few to be compared."
        return Claim(BRUNET, says, found)
    alike = float(np.corrcoef(predicted, realised)[0, 1])
    slope = float(predicted @ realised / (predicted @ predicted))
    return Claim(
        BRUNET,
        says,
        f"Over {len(predicted)} sets (chosen by influence, or holding the same words), in other models than those in "
        f"which they were chosen: Pearson {alike:.3f} between the predicted and the realised change, each as a share "
        f"of what it changes; the realised is {slope:.2f} times the predicted.",
        alike >= AGREED,
    )


def _more_than_text(questions: Sequence[Question], results: Results) -> Claim:
    pairs = [(results.largest(q), results.same(q)) for q in range(len(questions))]
    clear = [top for top, same in pairs if top.changes.max() < same.changes.min()]
    shares = ", ".join(
        f"{questions[top.question].name} {top.realised:+.3f} against {same.realised:+.3f} "
        f"({100 * top.own:.0f}% and {100 * same.own:.0f}% of the word)"
        for top, same in pairs
    )
    return Claim(
        "clif",
        "Influence does more than the deletion of as much text that holds the same words.",
        f"Change without documents chosen by influence against that without as many tokens of documents that hold the "
        f"words: {shares}. With every seed further: {len(clear)} of {len(pairs)} questions.",
        len(clear) == len(pairs),
    )
