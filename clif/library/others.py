"""What is done less often: groups of documents, vectors out, whole runs from a file, the papers' experiments."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from clif.config import RunConfig, load_config
from clif.experiments import experiment as do_experiment
from clif.experiments.outcome import Outcome
from clif.formats import export_vectors as write_vectors
from clif.library.accepting import AnyRun, run_of
from clif.library.verbs import Watch
from clif.library.watching import watched
from clif.model import SkipGram
from clif.pipeline import run_all as do_all
from clif.ranking import Groups, Ranking
from clif.ranking import by_field as add_up
from clif.run import Run


def by_field(ranking: Ranking, model: AnyRun, field: str) -> Groups:
    """Add up a ranking by a field of the documents, such as their source: where does the bias come from?

    The sum is in T's own unit, with the sign of `rank`; it is not a prediction for removing all of them at once.

    Raises
    ------
    UsageError, InputError, MismatchError
        It ranks no documents, these have no such field, or it belongs to another run.

    """
    return add_up(ranking, run_of(model), field)


def export_vectors(
    model: AnyRun | SkipGram, path: Path | str, *, format: str | None = None, matrix: str = "input"
) -> Path:
    """Write the vectors of a model for other tools, by the ending of `path`: .txt, .vec, .bin, .kv or .glove.

    Raises
    ------
    UsageError, InputError
        The format or the matrix ("input" or "output") is not known, or the file cannot be written.

    """
    skipgram = model if isinstance(model, SkipGram) else run_of(model).model
    return write_vectors(skipgram, Path(path), format=format, matrix=matrix)


def run_all(
    config: RunConfig | Path | str,
    *,
    out: Path | None = None,
    force: bool = False,
    progress: Watch = None,
    finished: Callable[[str, Any, Run], None] | None = None,
) -> dict[str, Any]:
    """Train, audit, rank and retrain as a TOML file says; each step that is done already is taken as it is.

    `finished(stage, result, run)` is called after each. Errors are those of the verbs.
    """
    read = config if isinstance(config, RunConfig) else load_config(Path(config))
    with watched(progress) as watch:
        return do_all(read, out=out, force=force, progress=watch, finished=finished)


def experiment(
    name: str,
    *,
    config: Path | str | None = None,
    changes: Mapping[str, Any] | Sequence[str] = (),
    out: Path | str | None = None,
    force: bool = False,
    progress: Watch = None,
) -> Outcome:
    """Do an experiment of the papers behind clif; see `clif.experiments.experiment` for options and errors."""
    with watched(progress) as watch:
        return do_experiment(name, config=config, changes=changes, out=out, force=force, progress=watch)
