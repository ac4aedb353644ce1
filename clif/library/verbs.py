"""The verbs that take a model as it is, as functions for notebooks and scripts.

Each takes what `clif.train` returned, a Run, or the path of a run; a test as its name, the path of its TOML file, a
BiasTest or a mapping. `progress=True` shows how far the work is, on one line of stderr; without it they are silent.
Errors are those of `clif.errors`; their messages name options as the command line spells them.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from clif.auditing import audit_run
from clif.errors import UsageError
from clif.explaining import Explanation, explain_many
from clif.formats import Vectors, load_vectors, vectors_of
from clif.library.accepting import (
    AnyRun,
    Test,
    check_options,
    keywords_of,
    question_of,
    run_of,
    test_of,
    tests_of,
)
from clif.library.watching import watched
from clif.objectives import Audit
from clif.objectives import audit as audit_vectors
from clif.progress import Progress
from clif.ranking import Ranking, rank_many
from clif.reporting import Pictures, Report
from clif.reporting import plot as plot_run
from clif.reporting import report as report_run
from clif.run import Run

Watch = Progress | bool | None


def audit(
    model: AnyRun | Vectors,
    test: Test | Sequence[Test] = "weat",
    *,
    seeds: int = 1,
    ddof: int = 0,
    seed: int = 0,
    allow_pickle: bool = False,
    processes: int | None = None,
    progress: Watch = None,
) -> Audit:
    """Measure bias: every test that the vocabulary covers, with its permutation p-values.

    For WEAT, T is the effect size d = (mean over x in X of s(x) - mean over y in Y of s(y)) / deviation over X and Y
    of s, with s(w) = mean over a in A of cos(w, a) - mean over b in B of cos(w, b). It has no unit and lies between -2
    and 2 with `ddof=0`; positive: X goes with A and Y with B; 0: no association. p is the share of all divisions of
    the target words whose statistic is as large, exact where they can be counted, else sampled with `seed`.

    Parameters
    ----------
    model
        A model of clif, or vectors by themselves: gensim's KeyedVectors or Word2Vec, a data frame with a word a row,
        a mapping from words to vectors, or the path of a file of any common format (pickles with `allow_pickle`).
    test
        A test or several; "weat" stands for WEAT 1 to 10 and the three with gendered terms.
    seeds
        With more than 1, as many models of the run, which are trained if they are missing: each result then has their
        mean, deviation and 95% interval.

    Raises
    ------
    CoverageError
        The vocabulary covers none of the tests.
    UsageError, InputError
        A test is unknown, a number is out of its range, or vectors cannot be used.

    Source: Caliskan, Bryson, Narayanan, Science 2017; other kinds of tests name theirs.

    """
    asked = tests_of(test)
    run = _run_or_none(model)
    if run is None:
        found = (
            model if not isinstance(model, str | os.PathLike) else load_vectors(Path(model), allow_pickle=allow_pickle)
        )
        if seeds != 1:
            raise UsageError(
                "vectors are those of one training, and say nothing of other seeds",
                where="seeds",
                next="Give a model that clif trained, or leave out seeds.",
            )
        return audit_vectors(vectors_of(cast(Vectors, found)), asked, ddof=ddof, seed=seed)
    with watched(progress) as watch:
        return audit_run(run, asked, seeds=seeds, ddof=ddof, seed=seed, processes=processes, progress=watch)


def rank(model: AnyRun, test: Test | None = None, *, progress: Watch = None, **options: Any) -> Ranking:
    """Rank all documents by their influence on a bias.

    influence(z) = s . g_z, with s = (H + damp I)^-1 grad T and g_z the gradient of document z's share of the training
    loss: the predicted change of T, in T's own unit, when the document is removed. Negative influence on a positive
    bias means that removal reduces it. Rank 1 reduces |T| most, the last rank increases it most. The list is stored in
    the run, and taken from there when it is asked for again.

    Parameters
    ----------
    test
        One test; by default that of the newest ranking, else gender-career.
    options
        method        "block" (default: fast), "source", "unrolled", "clif", "gradient", ...; see METHODS.md
        measure       of the test's kind: "effect_size" (default for WEAT) or "mean_difference"
        unit          "document" (default), "sentence", "context" or "pair"; `top` bounds lists of the last three
        adaptive      choose so many first documents in chunks, with new influences after each
        broad         prefer documents that act on many of the "targets", or of the "attributes"
        wider         and on words beside them: "neighbours", "gender" or a TOML file of pairs
        ensemble      average over so many models; `confidence` says how sure a document must be to be removed
        damping, curvature, tolerance, dense, steps    of the solve; `strict` raises where it did not converge
        threads, cache    of the pass over the text; False computes anew what is stored

    Raises
    ------
    CoverageError
        The vocabulary does not cover the test.
    UsageError, MismatchError, ConvergenceError
        An option makes no sense, files of the run do not belong together, or a solve did not converge (`strict`).

    Source: Silva, Chopra, Gombolay, AISTATS 2022; Koh and Liang, ICML 2017.

    """
    check_options("rank", options, [name for name in keywords_of(rank_many) if name != "half"])
    run = run_of(model)
    with watched(progress) as watch:
        ranking = rank_many(run, [test_of(test)], progress=watch, **options)[0]
    return replace(ranking, corpus=run.corpus)


def explain(
    model: AnyRun, doc_id: str | int, test: Test | Ranking | None = None, *, progress: Watch = None, **options: Any
) -> Explanation:
    """Explain the influence of one document by its words: which pairs of them carry the bias or work against it.

    A document's influence is the sum over its training contexts of weight x (G_wc + B_w), what learning this pair
    there does to T; each word of the text gets half of every context it is part of. Unit and sign are those of `rank`.
    What is not said (`method`, `measure`, `damping`, `curvature`, `tolerance`) is taken from the ranking, if one is
    given instead of a test, else from the newest one of the test.

    Raises
    ------
    InputError
        There is no document of that id.
    CoverageError, UsageError, MismatchError
        As `rank`; or the method scores documents as a whole.

    """
    check_options("explain", options, keywords_of(explain_many))
    question, asked = question_of(test)
    asked.pop("unit", None)
    with watched(progress) as watch:
        return explain_many(run_of(model), [str(doc_id)], question, progress=watch, **{**asked, **options})[0]


def report(model: AnyRun, test: Test | None = None, *, out: Path | str | None = None, progress: Watch = None) -> Report:
    """Write all that a run holds as one HTML page that loads nothing: RUN/report.html unless `out` names another.

    Nothing is trained; documents are ranked if no ranking is stored.

    Raises
    ------
    UsageError, CoverageError, InputError, MismatchError
        The test is unknown or not covered, a file of the run is damaged, or `out` cannot be written.

    """
    with watched(progress) as watch:
        return report_run(run_of(model), test_of(test), out=out, progress=watch)


def plot(
    model: AnyRun, *kinds: str, test: Test | None = None, out: Path | str | None = None, progress: Watch = None
) -> Pictures:
    """Draw what a run holds, as SVG in RUN/pictures, or one kind to `out` (.svg or .png); a notebook shows it.

    Kinds: effect-sizes, influence, groups, retraining, verification, curve, tradeoffs, policies, words, convergence;
    without any, all that the run has.

    Raises
    ------
    UsageError, InputError
        A kind is unknown, or the run has nothing to show of it; `out` names one picture.

    """
    with watched(progress) as watch:
        return plot_run(run_of(model), test_of(test), kinds=kinds, out=out, progress=watch)


def _run_or_none(model: Any) -> Run | None:
    """The run that is meant, or None for vectors."""
    if isinstance(model, str | os.PathLike):
        return None if Path(model).is_file() else run_of(model)
    if isinstance(model, Run) or isinstance(getattr(model, "run", None), Run):
        return run_of(model)
    return None
