"""Retrain without (or with less or more of) the top of a ranking, or with its words swapped; compare with chance.

An edit removes documents, weighs them less, or repeats them, takes out sentences, or swaps words (see `edits` and
`swapping`). Every set is retrained from scratch with the same seeds and by the trainer of the run: as it is (before),
edited (after), and with random sets of as many tokens (controls). Vocabulary, keep probabilities and noise stay those
of the full corpus, and documents that are left out still count for the learning-rate schedule. The rest is the
trainer's:

paired  Nothing else changes. Every choice is a hash of seed, epoch, document and position, so the documents that stay
        keep their order, draws and learning rates, and a repeated one keeps its first pass: before and after of one
        seed differ in the documents alone. Controls say what becomes of the bias when any such set goes.
gensim  Random numbers come from one stream, so an edit changes the draws for all documents that follow it: runs of one
        seed share little but their start, and even an innocent removal moves the bias. Learning rates stay what they
        were to within one batch of 10,000 words.
exact   Nothing is drawn but the start, which is the same: before and after are minima of losses that differ in the
        documents alone. They need not lie near each other, as a loss that is not convex has several.

Where words are held out, half of them choose the documents and both halves are measured (see `holdout`, `transfer`).
Several halves have documents and random sets of their own, and share the unedited trainings.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clif.checks import as_stored
from clif.corpus.encoding import hash_documents
from clif.errors import MismatchError
from clif.manifest import RESULT, check_file, store_result, versions
from clif.objectives import BiasTest
from clif.progress import Progress, silent
from clif.rereading import read_again
from clif.retraining.checking import ZERO
from clif.retraining.curve import write_curve
from clif.retraining.measuring import measure_all
from clif.retraining.planning import Plan, find_bounds, make_plan, name_of_goal, seek_documents
from clif.retraining.request import Request
from clif.retraining.trainings import Journal, train_all
from clif.retraining.words import write_words
from clif.retraining.written import write_corpus
from clif.run import Run
from clif.showing.views import Shown, View
from clif.storage.files import read_json
from clif.storage.inside import moved

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ZERO", "Request", "RetrainResult", "retrain"]


@dataclass(frozen=True, repr=False)
class RetrainResult(Shown):
    """What was edited, what was predicted and what came of it; see `to_dict` for the keys."""

    values: dict[str, Any]
    folder: Path
    reused: bool = False

    def to_dict(self) -> dict[str, Any]:
        """The result as plain values, as stored in `folder`/result.json."""
        return {**self.values, "reused": self.reused}

    def to_frame(self) -> pd.DataFrame:
        """One row a training: `group` (before, after, controls), `set`, `seed` and `value`, the measure of the test.

        `set` numbers the sets of documents from 0: those of the controls, and those of each half of the words.
        """
        from clif.retraining.frames import trainings_frame

        return trainings_frame(self.values)

    def documents(self, part: str = "kept") -> pd.DataFrame:
        """The edited corpus: the documents that were "kept", or those that were "removed", with all of their fields.

        Columns are `doc_id`, `text` and the other fields. Sentences that were removed have ids such as "a#2".

        Raises
        ------
        UsageError
            There is no such part, or it was not written: where documents only have another weight, or words were
            held out.
        InputError
            A file cannot be read.

        """
        from clif.retraining.frames import documents_frame

        return documents_frame(self.values, self.folder, part)

    def view(self) -> View:
        """Before, after and random sets; predicted beside realised."""
        from clif.retraining.view import view_of

        return view_of(self)


def retrain(
    run: Run, test: str | BiasTest | None = None, *, progress: Progress = silent, **options: Any
) -> RetrainResult:
    """Edit the corpus by a ranking, retrain, and measure before, after and controls.

    `options` are the fields of `Request`: `remove` (with `weight` or `unit`), `until` (with `unit`), `amplify` (with
    `copies`) or `swap` (with `pairs`), `goal`, `ranking`, `method`, `measure`, `damping`, `seeds`, `controls`,
    `protect`, `holdout`, `halves`, `processes`, `keep`, `cap`, `by`, `near_duplicates`. The test defaults to that of
    the newest ranking. Realised and predicted are changes of T, after minus before; T is the measure that was ranked
    for. After a ranking by an ensemble the prediction is the mean over its models; one with a confidence gives its sure
    documents. With `until` documents are chosen anew, and so many of them as are needed (see `seeking`).

    Of several halves of the words, everything is pooled, intervals have the half as their unit, counts of documents and
    tokens are means, and no edited corpus is written; `halves` in the result holds each half by itself.

    Raises
    ------
    UsageError
        Numbers, goal or combination of options make no sense.
    MismatchError
        The corpus has changed since the model was trained, or files of the run do not belong together.
    CoverageError, InputError
        As `rank`, and as the reading and writing of files raise them.

    """
    request, journal = Request(**options), Journal(run)
    sought, folder, bounds = None, None, find_bounds(run, test, request, progress)
    if request.until is not None:
        folder = run.retrains / name_of_goal(run, test, request, bounds)
        stored = _stored(folder)
        if stored:
            journal.tidy()
            return stored
        _unchanged(run, progress)
        with journal.held():
            sought = seek_documents(run, test, request, bounds, journal, progress)
    plan = make_plan(run, test, request, progress, sought, bounds)
    if folder is None:
        folder = run.retrains / plan.name(run)
        if (folder / RESULT).exists():
            journal.tidy()
            return _reused(run, folder, plan, progress)
    _unchanged(run, progress)
    trainings = journal.trainings([choice.edits for choice in plan.choices], plan.seeds)
    with journal.held():
        train_all(run, [*trainings.before, *trainings.of_edits()], progress, request.processes)
        values = {
            **plan.about,
            **measure_all(run, journal, plan, trainings),
            "edited_corpus": _write_corpus(run, folder, plan),
            "folder": folder,
            "versions": versions(),
        }
        write_words(folder, plan, journal, trainings)
        if plan.about["until"]:
            title = f"{values['test']}: {values['measure'].replace('_', ' ')}, until {plan.about['until']['goal']}"
            write_curve(folder, plan.about["until"], title)
        with journal.forgetting(folder, [*trainings.of_edits(), *(sought.trainings if sought else [])]):
            store_result(folder, values)
    return RetrainResult(read_json(folder / RESULT, "Retrain."), folder)


def _write_corpus(run: Run, folder: Path, plan: Plan) -> dict[str, list[Path]]:
    """Of the one choice that was made; those of several halves are for judging, and none of them is the corpus."""
    if len(plan.choices) > 1:
        return {"kept": [], "removed": []}
    return write_corpus(run, folder, plan.choices[0].edit)


def _reused(run: Run, folder: Path, plan: Plan, progress: Progress) -> RetrainResult:
    """The stored result of the same retraining, with today's names of the ranking and of the folder."""
    values = read_json(folder / RESULT, "Remove it, and retrain.")
    files = _files(folder, values)
    if not all(path.exists() for paths in files.values() for path in paths):
        _unchanged(run, progress)
        files = _write_corpus(run, folder, plan)
    return _again(folder, {**values, **plan.about}, files)


def _stored(folder: Path) -> RetrainResult | None:
    """The stored result of a retraining to the same goal, if it says all that is said now and its files are there."""
    if not (folder / RESULT).exists():
        return None
    values = read_json(folder / RESULT, "Remove it, and retrain.")
    if "edit" not in values:
        return None
    files = _files(folder, values)
    if not all(path.exists() for paths in files.values() for path in paths):
        return None
    return _again(folder, values, files)


def _files(folder: Path, values: dict[str, Any]) -> dict[str, list[Path]]:
    """The edited corpus, where the folder is now."""
    with as_stored(folder / RESULT, "Remove it, and retrain."):
        return {
            part: [moved(folder, path, values["folder"], folder / RESULT) for path in paths]
            for part, paths in values["edited_corpus"].items()
        }


def _again(folder: Path, values: dict[str, Any], files: dict[str, list[Path]]) -> RetrainResult:
    for path in (path for paths in files.values() for path in paths):
        check_file(
            folder, path.relative_to(folder).as_posix(), values, "Remove it, and retrain: it is written again, no more."
        )
    shown = {part: [str(path) for path in paths] for part, paths in files.items()}
    result = RetrainResult({**values, "edited_corpus": shown, "folder": str(folder)}, folder, reused=True)
    with as_stored(folder / RESULT, "Remove it, and retrain."):
        result.view()  # what cannot be shown is nothing that clif stored
    return result


def _unchanged(run: Run, progress: Progress) -> None:
    """Raise MismatchError if the corpus files are not those that were trained on: they are about to be edited."""
    if hash_documents(read_again(run, progress)) != run.manifest["corpus"]["hash"]:
        raise MismatchError(
            "the corpus has changed since the model was trained",
            where=", ".join(map(str, run.sources)) or "the default corpus",
            next="Restore its files, or train again with --force.",
        )
