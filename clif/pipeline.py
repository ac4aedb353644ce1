"""All verbs one after the other, as a configuration says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from clif.auditing import audit_run
from clif.config import RunConfig
from clif.corpus.reading import ReadOptions
from clif.corpus.tokenising import Tokeniser
from clif.influence.adaptive import ADAPTIVE
from clif.influence.methods import RECOMMENDED
from clif.objectives import check_ranked, load_tests
from clif.progress import Progress, silent
from clif.ranking import DEFAULT_TEST, check_ensemble, rank
from clif.reporting import report
from clif.retraining import ZERO, Request, retrain
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
    """Train, audit, rank, retrain and write the report; each step that is done already is taken as it is.

    `finished(stage, result, run)` is called after each of "train", "audit", "rank", "retrain" and "report"; the last is
    left out where the configuration says so. Errors are those of the verbs.
    """
    reading = config.section("corpus")
    sources = reading.pop("corpus", ())
    tokeniser = Tokeniser(**{key: reading.pop(key) for key in ("keep_case", "pretokenised") if key in reading})
    settings = TrainingSettings.from_dict(config.section("train"))
    auditing, ranking, retraining = (config.section(name) for name in ("audit", "rank", "retrain"))
    # Checked first: a misspelt name should not cost a training.
    question = ranking.pop("test", DEFAULT_TEST)
    tests = load_tests([*auditing.pop("tests", ["weat"]), question])
    measure = check_ranked(load_tests([question])[0]).check_measure(ranking.get("measure"))
    request = _request(retraining, {**ranking, "measure": measure})
    check_ensemble(ranking.get("ensemble"), ranking.get("confidence"))

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
    done("audit", audit_run(run, tests, progress=progress, **auditing), run)
    ranked = rank(run, question, progress=progress, **ranking)
    done("rank", ranked, run)
    done("retrain", retrain(run, ranked.test, progress=progress, **request), run)
    if config.report:
        done("report", report(run, ranked.test, progress=progress), run)
    return results


def _request(retraining: dict[str, Any], ranking: dict[str, Any]) -> dict[str, Any]:
    """Fields of a Request from the sections of a configuration; raises UsageError as Request does."""
    values = dict(retraining)
    request = {
        "remove": values.pop("remove_top_k", None),
        "amplify": values.pop("amplify_top_k", None),
        "swap": values.pop("swap_top_k", None),
        "protect": Path(values.pop("protect")) if "protect" in values else None,
        "holdout": values.pop("holdout_words", None),
        "method": ranking.get("method", RECOMMENDED),
        "measure": ranking["measure"],
        "damping": ranking.get("damping"),
        **values,
    }
    if (request.get("until") is not None or request.get("keep")) and request["method"] not in ADAPTIVE:
        request["method"] = None  # the list of such a method says nothing of what to remove together
    if all(request.get(name) is None for name in ("remove", "until", "amplify", "swap")):
        request["remove"] = ZERO
    Request(**request)
    return request
