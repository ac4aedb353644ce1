"""The verbs as functions on a model, for notebooks and scripts.

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
    fields_of,
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
from clif.retraining import Request as RetrainRequest
from clif.retraining import RetrainResult
from clif.retraining import retrain as retrain_run
from clif.run import Run
from clif.tradeoffs import Request as TradeoffRequest
from clif.tradeoffs import TradeoffResult
from clif.tradeoffs import tradeoff as tradeoff_run
from clif.verification import Request as VerifyRequest
from clif.verification import VerifyResult
from clif.verification import verify as verify_run

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


def retrain(
    model: AnyRun, test: Test | Ranking | None = None, *, progress: Watch = None, **options: Any
) -> RetrainResult:
    """Edit the corpus by a ranking, train again from scratch, and compare: before, after, and random edits.

    Predicted and realised are changes of T, after minus before, in T's own unit: negative where a positive bias falls.
    Trainings of one seed differ in the edited documents alone; random sets hold as many tokens. The result gives the
    edited corpus as a data frame by `documents()`.

    Parameters
    ----------
    test
        A test, or a ranking of it by `rank`; by default that of the newest ranking.
    options
        One of
        remove        so many documents from the top, or "zero": as many as are predicted to bring T to zero
        until         what |T| shall come to, such as .2 or "p>0.05"; the smallest number is searched for
        amplify       repeat so many (`copies` times)
        swap          tell the text of so many of the other group, he for she (`pairs`: TOML file of these)
        and beside it
        weight        from 0 (default: removed) to below 1, what the documents still count for
        unit          "document" (default) or "sentence"
        goal          "reduce" or "increase" |T|
        seeds, controls    trainings of each set (3), and random sets (3)
        keep          "quality" (WordSim-353) or tests that shall stay, as ["quality", "weat1=.1"]
        cap           what may lose a share at most, as ["source=.2", "words=.3"]; `by`: fields whose losses are told
        near_duplicates    documents that are alike to this share go together
        holdout, halves    words that do not choose: "targets", "attributes" or "both"
        method, measure, damping, ranking, protect, processes    as the command's options

    Raises
    ------
    UsageError, CoverageError, MismatchError, InputError
        Options make no sense together, the test is not covered, or the corpus has changed since.

    """
    check_options("retrain", options, fields_of(RetrainRequest))
    question, asked = question_of(test)
    with watched(progress) as watch:
        return retrain_run(run_of(model), question, progress=watch, **{**asked, **options})


def verify(
    model: AnyRun,
    test: Test | Ranking | Sequence[Test] | None = None,
    *,
    progress: Watch = None,
    **options: Any,
) -> VerifyResult:
    """Hold predictions against what retraining does, on sets from both ends of the ranking and on random ones.

    Predicted and realised are changes of T, after minus before. Chosen and random sets are reported apart; LDS is the
    rank correlation over random subsets of the corpus (Ilyas et al., ICML 2022; Park et al., ICML 2023). What was
    stopped goes on where it was.

    Parameters
    ----------
    test
        One or several; a ranking gives its test, method and measure.
    options
        method        one or several, or "all"; `choose`: the one whose ranking chooses the sets
        sizes         documents in a chosen set; `random_sets` beside each; `random_shares`
        subsets, alpha    random subsets that keep the share alpha, for LDS (50, .5)
        seeds         trainings of each set (2)
        budget        of time, such as "20m"; what does not fit is left out
        gate          what must be reached, such as "pearson=.9": `check()` of the result raises
        measure, damping, steps, processes    as the command's options

    Raises
    ------
    UsageError, CoverageError, MismatchError, InputError
        An option makes no sense, a test is not covered, or files of the run do not belong together.

    """
    check_options("verify", options, fields_of(VerifyRequest))
    asked: dict[str, Any] = {}
    question: Any
    if isinstance(test, Ranking) or test is None:
        question, asked = question_of(test)
        asked.pop("unit", None)
    else:
        question = tests_of(test)
    with watched(progress) as watch:
        return verify_run(run_of(model), question, progress=watch, **{**asked, **options})


def tradeoff(
    model: AnyRun, test: Test | Ranking | None = None, *, progress: Watch = None, **options: Any
) -> TradeoffResult:
    """Hold bias against usefulness: what is left of both after removing ever more text, by several policies.

    Bias is T of the test; usefulness the rank correlation with WordSim-353, and the share of analogies answered right.
    Every point is retrained with the same seeds; what was trained is kept.

    Parameters
    ----------
    options
        policies      some of "clif", "keep", "random", "keyword", "debias" (all)
        shares        of the tokens that go (.01, .02, .05, .1, .2); `seeds` trainings of each point (3)
        keep          what the policy "keep" keeps ("quality")
        method, measure, pairs, analogies, processes    as the command's options

    Raises
    ------
    UsageError, CoverageError, MismatchError, InputError
        As `retrain`.

    """
    check_options("tradeoff", options, fields_of(TradeoffRequest))
    question, asked = question_of(test)
    measure = {"measure": asked["measure"]} if asked else {}
    with watched(progress) as watch:
        return tradeoff_run(run_of(model), question, progress=watch, **{**measure, **options})


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
