"""The methods by which documents are scored: one registry, one interface.

A method takes a Problem and gives an Attribution. Sign: the predicted change of T when the pair or document is removed.
`METHODS.md`, beside this file, says what each assumes and costs, with figures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from clif.errors import UsageError
from clif.influence import baselines, local
from clif.influence.attribution import Attribution
from clif.influence.joint import SolveSettings, Store, joint
from clif.influence.problem import Problem
from clif.influence.recording import unrolled_contexts
from clif.influence.released import released
from clif.influence.source import source
from clif.influence.turnover import turnover
from clif.influence.unrolled import unrolled

Attribute = Callable[[Problem, SolveSettings, Store], Attribution]


@dataclass(frozen=True)
class Method:
    """A method: what it assumes, what it costs, and how it attributes.

    `predicts` is false where the numbers are no predictions of a change of T. `solves` says that the settings of
    the joint solve matter; `damped`, that the damping does; `repeats`, that it needs a training that can be repeated.
    `sets` says how a set of documents is predicted: by the "sum" of influences, by a "newton" step on what remains, or
    by the "predictor" that the method brings. `contexts` attributes to contexts, where that takes a computation other
    than `attribute`.
    """

    name: str
    assumes: str
    costs: str
    attribute: Attribute
    predicts: bool = True
    solves: bool = False
    damped: bool = False
    repeats: bool = False
    sets: str = "sum"
    contexts: Attribute | None = None

    @property
    def finds_sets(self) -> bool:
        """Whether sets are predicted by what the method found, beside the influences."""
        return self.sets == "predictor"

    def find(self, problem: Problem, settings: SolveSettings, store: Store, *, parts: bool = False) -> Attribution:
        """What the method finds: for documents, or, with `parts`, for all that documents consist of."""
        attribute = self.contexts if parts and self.contexts else self.attribute
        return attribute(problem, settings, store)


def _plain(attribute: Callable[[Problem], Attribution]) -> Attribute:
    """A method that needs no settings and keeps nothing."""
    return lambda problem, _settings, _store: attribute(problem)


METHODS = {
    method.name: method
    for method in (
        Method(
            "block",
            "one exact d x d solve a test word; output vectors held fixed",
            "next to nothing",
            _plain(local.block),
            damped=True,
            sets="newton",
        ),
        Method(
            "clif",
            "input and output vectors of all words move together; Gauss-Newton or exact curvature",
            "some tens of products with the curvature",
            joint,
            solves=True,
            damped=True,
            sets="newton",
        ),
        Method(
            "kfac",
            "Kronecker-factored curvature of the test's rows",
            "one pass of counting",
            _plain(local.kfac),
            damped=True,
        ),
        Method(
            "source",
            "gradient flow through the epochs, the curvature of each at its own vectors; output vectors held fixed",
            "reading the vectors of each epoch; needs the paired trainer",
            _plain(source),
            repeats=True,
            sets="predictor",
        ),
        Method(
            "unrolled",
            "no approximation but linearity: the derivative of the run's own training, step by step",
            "some ten training runs, three for contexts; needs the paired trainer",
            unrolled,
            repeats=True,
            sets="predictor",
            contexts=unrolled_contexts,
        ),
        Method(
            "lissa",
            "as clif, by a scaled, damped recursion with a convergence check",
            "far more products than clif",
            partial(joint, by_lissa=True),
            solves=True,
            damped=True,
        ),
        Method(
            "lissa-released",
            "the recursion as research code released it: no negatives, no output vectors, never rescaled, one pass",
            "one pass, document by document",
            _plain(released),
            predicts=False,
        ),
        Method(
            "gradient",
            "no curvature: gradient dot product at the final model",
            "next to nothing",
            _plain(local.gradient),
        ),
        Method(
            "mirrored",
            "how each document's loss changes while the objective itself takes a few steps",
            "next to nothing",
            _plain(local.mirrored),
        ),
        Method(
            "representer",
            "the share of each document in the test's vectors at a regularised optimum",
            "some d x d solves a test word",
            _plain(local.representer),
            damped=True,
        ),
        Method(
            "turnover",
            "the dimensions that a document was kept out of tell what the model is without it",
            "a training run of its own",
            _plain(turnover),
            predicts=False,
        ),
        Method(
            "frequency",
            "baseline: how often the test's words occur in the document",
            "one pass",
            _plain(baselines.counting(baselines.frequency)),
            predicts=False,
        ),
        Method(
            "length",
            "baseline: tokens in the document",
            "nothing",
            _plain(baselines.counting(baselines.length)),
            predicts=False,
        ),
        Method(
            "random",
            "baseline: a number drawn by chance",
            "nothing",
            _plain(baselines.counting(baselines.random)),
            predicts=False,
        ),
    )
}
RECOMMENDED = "block"


def find_method(name: str) -> Method:
    """The method of that name; raises UsageError with the names there are."""
    try:
        return METHODS[name]
    except KeyError:
        raise UsageError(
            f"unknown method {name!r}", where="--method", next=f"Choose one of: {', '.join(METHODS)}."
        ) from None
