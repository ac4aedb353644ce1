"""Rank documents, sentences, contexts or pairs of words by their influence on a test, and keep the list in the run."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from clif import __version__
from clif.errors import ConvergenceError, UsageError
from clif.influence.joint import SolveSettings
from clif.influence.listing import top_contexts, top_pairs, top_sentences
from clif.influence.memory import check_memory, in_words
from clif.influence.methods import RECOMMENDED, Method, find_method
from clif.manifest import fingerprint
from clif.objectives import WEAT, BiasTest, definition, kind_of
from clif.objectives.frequency import frequency_of
from clif.progress import Progress, silent
from clif.ranking.adaptive import check_adaptive, lead_adaptively
from clif.ranking.broad import check_broad, lead_broadly
from clif.ranking.ensemble import UNCUT, Answers, check_ensemble, ensemble_seeds, list_documents, score_models
from clif.ranking.lists import Ranking, context_columns, pair_columns, sentence_columns, warnings_of
from clif.ranking.questions import bias_of, choose_test, make_problems
from clif.ranking.stored import find_stored, mark_newest, store
from clif.ranking.wider import check_wider, words_beside
from clif.run import Run
from clif.storage.leftovers import sweep

UNITS = ("document", "sentence", "context", "pair")
TOP = 10_000  # rows of a list of anything but documents


def rank(run: Run, test: str | BiasTest | None = None, **options: Any) -> Ranking:
    """Score every document of a run for one test and store the ranked list in the run; see `rank_many`."""
    return rank_many(run, [test], **options)[0]


def rank_many(
    run: Run,
    tests: Sequence[str | BiasTest | None],
    *,
    method: str = RECOMMENDED,
    measure: str | None = None,
    unit: str = "document",
    top: int | None = None,
    damping: float | None = None,
    curvature: str = "gn",
    tolerance: float = 1e-3,
    dense: bool = False,
    steps: int | None = None,
    strict: bool = False,
    threads: int | None = None,
    cache: bool = True,
    half: bool = False,
    ensemble: int | None = None,
    confidence: float | None = None,
    adaptive: int | None = None,
    broad: str | None = None,
    wider: str | Path | Mapping[str, Any] | None = None,
    progress: Progress = silent,
) -> list[Ranking]:
    """Rank for several tests at once: one count of the pairs, one set-up of the solves, one pass over the tokens.

    `measure` is the first of each test's kind if left out: the effect size, for WEAT.
    `top` bounds lists of anything but documents (default TOP); a list of documents always holds them all. A stored
    list of the same model, corpus, test and settings is taken as it is unless `cache` is false. `curvature`,
    `tolerance`, `dense` and `steps` are those of SolveSettings. `half` says that the test is half of another, whose
    other words are held out: fewer words a set will do, and the list is never what later commands mean by the newest
    ranking. `ensemble` models, the run's own and those of the seeds that follow, are averaged, and `confidence` says
    how sure a document must be to be removed (see `clif.ranking.ensemble`); models that are missing are trained.
    The first `adaptive` documents are chosen chunk by chunk, with new influences after each chunk (see
    `clif.influence.adaptive`). `broad`, "targets" or "attributes", prefers documents that act on many of these
    words of the test (see `clif.ranking.broad`), and `wider` on words beside them (see `clif.ranking.wider`).

    Raises
    ------
    UsageError
        The test, method, measure or unit is unknown, a number is out of its range, or the method has no such unit.
    CoverageError
        The vocabulary does not cover a test.
    MismatchError
        Files of the run do not belong together.
    ConvergenceError
        A solve stopped above the tolerance, and `strict` is set.

    """
    _one_of("unit", unit, UNITS)
    if damping is not None and not 0 < damping < float("inf"):
        raise UsageError(
            f"the damping must be positive and finite, got {damping}",
            where="--damping",
            next="Leave it out for 1 / (sum of the learning rates), or the penalty of the exact trainer.",
        )
    check_ensemble(ensemble, confidence, unit)
    check_adaptive(adaptive, method, unit, confidence)
    check_broad(broad, method, unit, adaptive, confidence)
    check_wider(wider, broad)
    chosen = find_method(method)
    if unit != "document" and not chosen.predicts:
        raise UsageError(
            "this method scores whole documents only",
            where="--method",
            next="Use --method block, clif or gradient.",
        )
    solving = SolveSettings(curvature, tolerance, dense, steps)
    limit = None if unit == "document" else top or TOP
    questions = [choose_test(run, test) for test in tests]
    measures = [kind_of(question).check_measure(measure) for question in questions]
    seeds = ensemble_seeds(run, ensemble)
    recipes = [
        {
            "test": question.to_dict(),
            "method": method,
            "measure": own,
            "unit": unit,
            "damping": damping if chosen.damped else None,
            "solving": solving if chosen.solves else None,
            "top": limit,
            "half": half,
            **({"seeds": seeds, "confidence": confidence} if ensemble else {}),
            **({"adaptive": adaptive} if adaptive else {}),
            **({"broad": broad} if broad else {}),
            **({"wider": words_beside(run, wider, question, broad)} if broad and wider else {}),
        }
        for question, own in zip(questions, measures, strict=True)
    ]
    paths = [_path(run, recipe, question) for recipe, question in zip(recipes, questions, strict=True)]
    marks = [
        fingerprint({**recipe, "test": definition(question), **run.identity, "clif": __version__})
        for recipe, question in zip(recipes, questions, strict=True)
    ]
    found = [find_stored(path, mark) if cache else None for path, mark in zip(paths, marks, strict=True)]
    for ranking in found:
        if ranking is not None:
            _check(ranking.about, strict)
            mark_newest(ranking.path)
    sweep(run.rankings, run.solves, run.checkpoints)
    missing = [n for n, ranking in enumerate(found) if ranking is None]
    if missing:
        problems = make_problems(run, [questions[n] for n in missing], measure, damping, half=half, progress=progress)
        copies = 2 * (ensemble or 1) if adaptive else 1  # the models as they are, and without what was chosen
        needed = check_memory(problems[0], chosen, solving, copies * len(problems))
        if chosen.solves:
            progress("memory", 0, None, in_words(needed))
        answers = score_models(
            run, problems, chosen, solving, seeds, cache=cache, parts=unit != "document", threads=threads,
            progress=progress,
        )  # fmt: skip
        for n, answer in zip(missing, answers, strict=True):
            about = {"confidence": None, **recipes[n], "identity": run.identity, "recipe": marks[n]}
            found[n] = _list(answer, chosen, solving, about, paths[n], threads, progress, strict=strict)
    return [ranking for ranking in found if ranking is not None]


def _list(
    answers: Answers,
    method: Method,
    solving: SolveSettings,
    recipe: dict[str, Any],
    path: Path,
    threads: int | None,
    progress: Progress,
    *,
    strict: bool,
) -> Ranking:
    """Make the list of what was scored, and store it."""
    problem, scores, began = answers.problems[0], answers.total(), time.perf_counter()
    unit, top, cut = recipe["unit"], recipe["top"], UNCUT
    if unit == "document":
        columns, cut = list_documents(answers, scores.influence, recipe["confidence"])
        if recipe.get("adaptive"):
            columns, cut = lead_adaptively(answers, columns, cut, recipe["adaptive"], method.name, threads, progress)
        if recipe.get("broad"):
            columns, cut = lead_broadly(
                answers, columns, cut, recipe["broad"], recipe.get("wider"), method, solving, threads, progress
            )
    elif unit == "sentence":
        columns = sentence_columns(problem, top_sentences(problem, scores.pairs, top, threads))
    elif unit == "context":
        columns = context_columns(problem, *top_contexts(problem, scores.pairs, top))
    else:
        columns = pair_columns(problem, top_pairs(problem, scores.pairs, top))
    solve = scores.attribution.solve
    bias = bias_of(problem)
    frequency = frequency_of(bias, problem.U, problem.vocabulary.counts) if isinstance(bias, WEAT) else None
    about = {
        "test": recipe["test"]["name"],
        "method": method.name,
        "measure": problem.measure,
        "unit": unit,
        "value": answers.value,
        "effect_size": answers.effect_size,
        "bound": bias.bound,
        "frequency": frequency.to_dict() if frequency else None,
        "asked_damping": recipe["damping"],
        "solving": solving.to_dict() if method.solves else None,
        "damping": problem.damp if method.damped else None,
        "curvature": solving.curvature if method.solves else None,
        "tolerance": solving.tolerance if method.solves else None,
        "residual": solve.residual if solve else None,
        "iterations": solve.iterations if solve else None,
        "converged": solve.converged if solve and method.solves else None,
        "noise_error": solve.noise_error if solve and method.solves else None,
        "solve_reused": solve.reused if solve and method.solves else None,
        "documents": len(problem.corpus),
        **cut,
        "ensemble": answers.to_dict(),
        "seconds": {
            "solve": round(scores.solve_seconds, 4),
            "score": round(scores.score_seconds, 4),
            "zero_crossing": round(time.perf_counter() - began, 4),
        },
        "cpu_seconds": round(scores.cpu_seconds, 4),
        "cpu": {"solve": round(scores.solve_cpu, 4), "score": round(scores.score_cpu, 4)},
        "training_cpu_seconds": round(answers.training_cpu, 4) if answers.many else None,
        "definition": recipe["test"],
        "adaptive": recipe.get("adaptive"),
        "broad": recipe.get("broad"),
        "wider": recipe.get("wider"),
        "half": recipe["half"],
        "identity": recipe["identity"],
        "recipe": recipe["recipe"],
    }
    _check(about, strict)
    ranking = Ranking(about, columns, path, warnings=tuple(warnings_of(about)))
    store(ranking)
    return ranking


def _one_of(name: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        raise UsageError(f"unknown {name} {value!r}", where=f"--{name}", next=f"Choose one of: {', '.join(known)}.")


def _path(run: Run, recipe: dict[str, Any], test: BiasTest) -> Path:
    """Where the list is kept: settings other than the defaults are named in it."""
    solving, damping = recipe["solving"], recipe["damping"]
    name = f"{test.name}.{recipe['method']}.{recipe['measure']}.{recipe['unit']}"
    if damping is not None:
        name += f".damping-{damping:g}"
    if solving is not None and solving != SolveSettings():
        name += f".solve-{fingerprint(solving)[:8]}"
    if "seeds" in recipe:
        name += f".ensemble-{len(recipe['seeds'])}"
        name += "" if recipe["confidence"] is None else f".confidence-{recipe['confidence']:g}"
    if "adaptive" in recipe:
        name += f".adaptive-{recipe['adaptive']}"
    if "broad" in recipe:
        name += f".broad-{recipe['broad']}"
    if "wider" in recipe:
        name += f".wider-{fingerprint(recipe['wider'])[:8]}"
    return run.rankings / f"{name}.csv"


def _check(about: dict[str, Any], strict: bool) -> None:
    if strict and about["converged"] is False:
        raise ConvergenceError(
            f"the solve stopped at a relative residual of {about['residual']:.2g}, above {about['tolerance']:.2g}",
            where=f"--method {about['method']}",
            next="Raise --steps or --tolerance, or leave out --strict.",
        )
