"""Bias against usefulness: what each way to lower a bias pays for it.

Documents are left out by several policies until they hold some shares of the tokens, and every set is retrained with
the same seeds. `clif` removes what its adaptive choice names, `keep` the same while word similarity, or another
objective, is predicted to stay; `random` and `keyword` (the documents with the largest share of the test's words) are
what one does without influences; `debias` takes the bias direction out of the trained vectors, without retraining.

Bias is T of the test; usefulness the rank correlation with WordSim-353, and the share of analogies that are answered
right (Mikolov et al. 2013). What else `keep` keeps is measured for all policies. A point is on the front where no other
has both less bias and a higher rank correlation.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clif import __version__
from clif.checks import as_stored
from clif.errors import InputError
from clif.manifest import RESULT, check_file, file_sha256, fingerprint, store_result
from clif.objectives import BiasTest, cover, definition, uncovered_error
from clif.progress import Progress, silent
from clif.retraining.keeping import find_kept
from clif.run import Run
from clif.showing.views import Shown, View
from clif.storage.files import read_json
from clif.tradeoffs.comparing import compare, settle, words_of_pairs
from clif.tradeoffs.picture import TABLE, write_picture, write_points
from clif.tradeoffs.request import KEEP, POLICIES, Request
from clif.training.pool import held

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["POLICIES", "Request", "TradeoffResult", "tradeoff"]


@dataclass(frozen=True, repr=False)
class TradeoffResult(Shown):
    """What each policy came to; see `to_dict` for the keys."""

    values: dict[str, Any]
    folder: Path
    reused: bool = False

    def to_dict(self) -> dict[str, Any]:
        """The result as plain values, as stored in `folder`/result.json."""
        return {**self.values, "folder": str(self.folder), "reused": self.reused}

    def to_frame(self) -> pd.DataFrame:
        """The table that is stored in `folder`/points.csv: one row a policy and share."""
        import pandas as pd

        check_file(self.folder, TABLE, self.values, "Remove its folder, and compare again.")
        return pd.read_csv(self.folder / TABLE)

    def view(self) -> View:
        """A row a policy and share."""
        from clif.tradeoffs.view import view_of

        return view_of(self)


def tradeoff(
    run: Run, test: str | BiasTest | None = None, *, progress: Progress = silent, **options: Any
) -> TradeoffResult:
    """Compare policies by retraining; `options` are the fields of `Request`.

    The test defaults to that of the newest ranking, from which nothing else is taken: the method is `source` for a run
    whose training can be gone through once more, and `block` for others. What was trained is kept, so a comparison that
    was stopped goes on where it was.

    Raises
    ------
    UsageError
        An option makes no sense.
    CoverageError
        The vocabulary does not cover the test, or what is kept.
    InputError
        Another process works here, a file cannot be read or written, or a training process was killed.
    MismatchError
        Files of the run do not belong together.

    """
    request = Request(**options)
    asked = settle(run, test, request)
    coverage = cover(asked.question, run.vocabulary.index)
    if coverage.reason:
        raise uncovered_error([coverage], where=str(run.path))
    # Files are named by what they hold, as it may change.
    kept = find_kept(run, request.keeps, asked.question) if KEEP in request.policies else []
    recipe = {
        **run.identity,
        "test": definition(asked.question),
        "method": asked.method,
        "damping": asked.damping,
        "measure": asked.measure,
        "clif": __version__,
        **{name: getattr(request, name) for name in ("shares", "seeds", "policies", "keep")},
        "kept": [each.recipe for each in kept],
        "pairs": words_of_pairs(run, coverage, request),
        "analogies": None if request.analogies is None else _hash(request.analogies),
    }
    folder = run.tradeoffs / f"{asked.question.name}.{fingerprint(recipe)[:8]}"
    reused = (folder / RESULT).exists()
    if not reused:
        with held(run.tradeoffs, run, "comparing"):
            values = compare(run, asked, coverage, request, kept, progress)
            write_points(folder, values)
            write_picture(folder, values)
            store_result(folder, values)
    return _result(folder, reused)


def _result(folder: Path, reused: bool) -> TradeoffResult:
    """What is stored in `folder`; raises InputError for what cannot be shown, as nothing that clif stored."""
    again = "Remove it, and compare again."
    result = TradeoffResult(read_json(folder / RESULT, again), folder, reused)
    with as_stored(folder / RESULT, again):
        result.view()
    return result


def _hash(path: Path) -> str:
    try:
        return file_sha256(path)
    except OSError as error:
        raise InputError(
            f"cannot be read: {error.strerror or error}", where=str(path), next="Give a text file of questions."
        ) from error
