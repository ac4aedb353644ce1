"""Predicted against realised: retrain without sets of documents, and hold every prediction against what came of it.

Each set is retrained with R paired seeds, the run's own and those that follow. The realised change of T is that of the
edited training less the unedited one of the same seed; the predicted one is made on the unedited model of that seed.
Means over the seeds are compared, and each run with its own prediction.

- *targeted* sets, from both ends of a ranking: what a user acts on (after Brunet et al. 2019);
- *random* sets of as many tokens: is the ranking better than chance, and do predictions hold for all documents?
- random *subsets* of the corpus: the linear datamodeling score (Ilyas et al. 2022, Park et al. 2023).

One training measures all tests. What was measured is kept in RUN/verifications/trainings, so that no set is retrained
twice, whatever test or method is verified on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clif.checks import as_stored
from clif.errors import GateError
from clif.manifest import RESULT, check_file
from clif.objectives import BiasTest
from clif.progress import Progress, silent
from clif.run import Run
from clif.showing.views import Shown, View
from clif.storage.cells import exact
from clif.storage.files import read_json
from clif.training.pool import held
from clif.verification.files import COLUMNS, SETS, tests_of, write_result
from clif.verification.gates import Gate
from clif.verification.planning import ask
from clif.verification.request import ALL, Request
from clif.verification.results import verify_now
from clif.verification.trainings import Journal

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ALL", "Request", "VerifyResult", "verify"]

_AGAIN = "Remove it, and verify again."


@dataclass(frozen=True, repr=False)
class VerifyResult(Shown):
    """What was predicted and what came of it; `gates` says which of those asked for were passed."""

    values: dict[str, Any]
    folder: Path
    gates: tuple[dict[str, Any], ...] = ()
    reused: bool = False

    def to_dict(self) -> dict[str, Any]:
        """The result as plain values: what is stored in `folder`/result.json, with gates and folder."""
        return {**self.values, "gates": list(self.gates), "folder": str(self.folder), "reused": self.reused}

    def to_frame(self) -> pd.DataFrame:
        """The table that is stored in `folder`/sets.csv: one row a test, method, set and seed."""
        import pandas as pd

        check_file(self.folder, SETS, self.values, "Remove its folder, and verify again.")
        texts = ("test", "method", "kind", "set")
        empty = {name: [""] for name in COLUMNS if name not in texts}
        types = dict.fromkeys(texts, str)
        frame = pd.read_csv(self.folder / SETS, dtype=types, keep_default_na=False, na_values=empty)
        return frame.assign(**{name: frame[name].map(exact) for name in texts})

    def view(self) -> View:
        """Methods side by side, and predicted against realised changes."""
        from clif.verification.view import view_of

        return view_of(self)

    def check(self) -> None:
        """Raise GateError if a gate was not passed."""
        failed = [gate for gate in self.gates if not gate["passed"]]
        if failed:
            said = "; ".join(f"{gate['gate']}, {gate['test']}: {_figures(gate['values'])}" for gate in failed)
            raise GateError(
                f"{len(failed)} of {len(self.gates)} gates not passed ({said})",
                where=str(self.folder),
                next="Look at sets.csv and scatter.svg there; try another --method, smaller --sizes or more --seeds.",
            )


def verify(
    run: Run,
    test: str | BiasTest | Sequence[str | BiasTest | None] | None = None,
    *,
    progress: Progress = silent,
    **options: Any,
) -> VerifyResult:
    """Verify predictions by retraining; `options` are the fields of `Request`.

    One or several tests; by default that of the newest ranking. A verification that was stopped goes on where it was,
    and ends with the same result. Gates are judged, but it is `VerifyResult.check` that raises.

    Raises
    ------
    UsageError
        An option makes no sense, the run was imported, or nothing fits into the budget.
    CoverageError
        The vocabulary does not cover a test.
    MismatchError
        Files of the run do not belong together.
    InputError
        Another process verifies in this run, a file cannot be read or written, or a training process was killed.

    """
    request = Request(**options)
    several = test is not None and not isinstance(test, str | BiasTest)
    question = ask(run, list(test) if several else [test], request)  # type: ignore[arg-type, list-item]
    folder = question.folder(run, request)
    reused = (folder / RESULT).exists()
    if not reused:
        journal = Journal(run, question.tests)
        with held(run.verifications, run, "verifying"):
            write_result(folder, verify_now(run, question, request, journal, folder, progress))
    return _result(folder, request.gates, reused)


def _result(folder: Path, gates: Sequence[Gate], reused: bool) -> VerifyResult:
    """What is stored in `folder`; raises InputError for what cannot be shown, as nothing that clif stored."""
    values = read_json(folder / RESULT, _AGAIN)
    with as_stored(folder / RESULT, _AGAIN):
        judged = tuple(gate.judge(name, found) for name, found in tests_of(values) for gate in gates)
        result = VerifyResult(values, folder, judged, reused)
        result.view()
    return result


def _figures(values: Sequence[float | None]) -> str:
    return ", ".join("not measured" if value is None else f"{value:.3g}" for value in values)
