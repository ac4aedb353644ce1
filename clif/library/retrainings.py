"""The verbs that retrain, as functions for notebooks and scripts; they take what those of `verbs` take."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from clif.library.accepting import AnyRun, Test, check_options, fields_of, question_of, run_of, tests_of
from clif.library.verbs import Watch
from clif.library.watching import watched
from clif.ranking import Ranking
from clif.retraining import Request as RetrainRequest
from clif.retraining import RetrainResult
from clif.retraining import retrain as retrain_run
from clif.tradeoffs import Request as TradeoffRequest
from clif.tradeoffs import TradeoffResult
from clif.tradeoffs import tradeoff as tradeoff_run
from clif.verification import Request as VerifyRequest
from clif.verification import VerifyResult
from clif.verification import verify as verify_run


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
        protect       ids of documents that must stay, or a file of these, one a line
        method, measure, damping, ranking, processes    as the command's options

    Raises
    ------
    UsageError, CoverageError, MismatchError, InputError
        Options make no sense together, the test is not covered, or the corpus has changed since.

    """
    check_options("retrain", options, fields_of(RetrainRequest))
    question, asked = question_of(test)
    with watched(progress) as watch, _listed(options.pop("protect", None)) as protect:
        return retrain_run(run_of(model), question, progress=watch, protect=protect, **{**asked, **options})


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


@contextmanager
def _listed(doc_ids: Iterable[str] | str | os.PathLike[str] | None) -> Iterator[Path | None]:
    """The path of a file of ids, for as long as the block runs if the ids themselves are given."""
    if doc_ids is None or isinstance(doc_ids, str | os.PathLike):
        yield None if doc_ids is None else Path(doc_ids)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "protect"
        path.write_text("".join(f"{doc_id}\n" for doc_id in doc_ids), encoding="utf-8", newline="\n")
        yield path
