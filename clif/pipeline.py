"""All verbs one after the other, as a configuration says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from clif.config import RunConfig
from clif.corpus.reading import ReadOptions
from clif.corpus.tokenising import Tokeniser
from clif.objectives import audit, load_tests
from clif.progress import Progress, silent
from clif.ranking import DEFAULT_TEST, rank
from clif.retraining import ZERO, retrain
from clif.run import Run
from clif.settings import TrainingSettings
from clif.training import train


def run_all(
    config: RunConfig,
    *,
    out: Path | None = None,
    force: bool = False,
    progress: Progress = silent,
    finished: Callable[[str, Any, Run], None] | None = None,
) -> dict[str, Any]:
    """Train, audit, rank and retrain; each step that is done already is taken as it is.

    `finished(stage, result, run)` is called after each of "train", "audit", "rank" and "retrain". Errors are those
    of the verbs.
    """
    reading = config.section("corpus")
    sources = reading.pop("corpus", ())
    tokeniser = Tokeniser(**{key: reading.pop(key) for key in ("keep_case", "pretokenised") if key in reading})
    settings = TrainingSettings.from_dict(config.section("train"))
    auditing, ranking, retraining = (config.section(name) for name in ("audit", "rank", "retrain"))
    # Looked up first: a misspelt name should not cost a training.
    tests = load_tests(auditing.pop("tests", ["weat"]))
    load_tests([ranking.get("test", DEFAULT_TEST)])

    results: dict[str, Any] = {}

    def done(stage: str, result: Any, run: Run) -> None:
        results[stage] = result.to_dict()
        if finished:
            finished(stage, result, run)

    trained = train(
        sources,
        out or config.out,
        settings,
        read=ReadOptions(**reading),
        tokeniser=tokeniser,
        force=force,
        progress=progress,
    )
    run = trained.run
    done("train", trained, run)
    done("audit", audit(run.model, tests, **auditing), run)
    ranked = rank(run, ranking.pop("test", DEFAULT_TEST), **ranking)
    done("rank", ranked, run)
    remove = retraining.pop("remove_top_k", None)
    amplify = retraining.pop("amplify_top_k", None)
    protect = retraining.pop("protect", None)
    done(
        "retrain",
        retrain(
            run,
            ranked.test,
            remove=ZERO if remove is None and amplify is None else remove,
            amplify=amplify,
            protect=Path(protect) if protect else None,
            holdout=retraining.pop("holdout_words", None),
            method=ranked.about["method"],
            measure=ranked.about["measure"],
            progress=progress,
            **retraining,
        ),
        run,
    )
    return results
