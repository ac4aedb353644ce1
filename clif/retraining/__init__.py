"""Retrain without (or with more of) the documents at the top of a ranking, and compare with chance.

Vocabulary, keep probabilities and noise stay those of the full corpus; documents that are left out still
count for the learning-rate schedule. So before and after differ in the documents alone. Every set is retrained
from scratch with the same seeds: as it is (before), edited (after), and with random sets of as many tokens (controls).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clif.corpus.encoding import hash_documents
from clif.corpus.reading import read_documents
from clif.corpus.writing import write_edited
from clif.errors import MismatchError, UsageError
from clif.influence.groups import predict_value, zero_crossing
from clif.influence.methods import RECOMMENDED
from clif.influence.problem import Problem
from clif.manifest import fingerprint, read_json, versions, write_json
from clif.objectives import PACKAGED, WEAT, BiasTest, cover, load_tests
from clif.progress import Progress, silent
from clif.quality import wordsim353
from clif.ranking import HALF_LEAST, choose_test, make_problem, newest_ranking, rank, read_order
from clif.retraining.edits import GOALS, UNEDITED, Edit, choose_edit, random_edit, read_protected
from clif.retraining.holdout import split_words
from clif.retraining.statistics import P_VALUE_TEST, Sample, permutation_within_seeds
from clif.retraining.trainings import Journal, Training, train_all
from clif.run import Run

ZERO = "zero"
Values = NDArray[np.float64]


@dataclass(frozen=True)
class RetrainResult:
    """What was edited, what was predicted and what came of it; see `to_dict` for the keys."""

    values: dict[str, Any]
    folder: Path
    reused: bool = False

    def to_dict(self) -> dict[str, Any]:
        """The result as plain values, as stored in `folder`/result.json."""
        return {**self.values, "reused": self.reused}


@dataclass(frozen=True, eq=False)
class Plan:
    """What a retraining is asked to do, with the question that chose its documents."""

    problem: Problem
    order: NDArray[np.int64]
    edit: Edit
    controls: list[Edit]
    seeds: list[int]
    about: dict[str, Any]


def retrain(
    run: Run,
    test: str | BiasTest | None = None,
    *,
    remove: int | str | None = None,
    amplify: int | None = None,
    copies: int = 1,
    goal: str | None = None,
    ranking: Path | None = None,
    method: str | None = None,
    measure: str | None = None,
    seeds: int = 3,
    controls: int = 3,
    protect: Path | None = None,
    holdout: str | None = None,
    processes: int | None = None,
    progress: Progress = silent,
) -> RetrainResult:
    """Edit the corpus by a ranking, retrain, and measure before, after and controls.

    `remove` is a number of documents or "zero", for the number at which the prediction is nearest zero;
    `amplify` documents get `copies` further copies. Test, method and measure default to those of the newest ranking.
    Realised and predicted are changes of T, after minus before; T is the measure that was ranked for.

    Raises
    ------
    UsageError
        Numbers, goal or combination of options make no sense.
    CoverageError, MismatchError, InputError
        As `rank`, and as the reading and writing of files raise them.

    """
    _check(remove, amplify, copies, goal, ranking, seeds, controls, holdout, processes)
    plan = _plan(run, test, remove, amplify, copies, goal, ranking, method, measure, seeds, controls, protect, holdout)
    folder = run.retrains / f"{plan.about['name']}.{fingerprint(_recipe(run, plan))[:8]}"
    if (folder / "result.json").exists():
        return _reused(folder, plan.about)
    _unchanged(run)
    journal = Journal(run)
    before = [journal.training(UNEDITED, seed) for seed in plan.seeds]
    after = [journal.training(plan.edit, seed) for seed in plan.seeds]
    chance = [[journal.training(edit, seed) for seed in plan.seeds] for edit in plan.controls]
    edited = [*after, *(training for row in chance for training in row)]
    train_all(run, [*before, *edited], progress, processes)
    copies_of = {run.corpus.doc_ids[z]: plan.edit.copies for z in plan.edit.documents}
    files = write_edited(run.sources, run.read_options, folder, copies_of)
    values = {
        **plan.about,
        **_measure(run, journal, plan, before, after, chance),
        "edited_corpus": {"kept": files.kept, "removed": files.removed},
        "folder": folder,
        "versions": versions(),
    }
    write_json(folder / "result.json", values)
    journal.forget(edited)
    return RetrainResult(read_json(folder / "result.json", "Retrain."), folder)


def _reused(folder: Path, about: dict[str, Any]) -> RetrainResult:
    """The stored result of the same retraining, with today's names of the ranking and of the folder."""
    values = read_json(folder / "result.json", "Remove it, and retrain.")
    files = {
        part: [str(folder / Path(path).relative_to(values["folder"])) for path in paths]
        for part, paths in values["edited_corpus"].items()
    }
    return RetrainResult({**values, **about, "edited_corpus": files, "folder": str(folder)}, folder, reused=True)


def _unchanged(run: Run) -> None:
    """Raise MismatchError if the corpus files are not those that were trained on: they are about to be edited."""
    if hash_documents(read_documents(run.sources, run.read_options)) != run.manifest["corpus"]["hash"]:
        raise MismatchError(
            "the corpus has changed since the model was trained",
            where=", ".join(map(str, run.sources)) or "the default corpus",
            next="Restore its files, or train again with --force.",
        )


def _check(
    remove: int | str | None,
    amplify: int | None,
    copies: int,
    goal: str | None,
    ranking: Path | None,
    seeds: int,
    controls: int,
    holdout: str | None,
    processes: int | None,
) -> None:
    if (remove is None) == (amplify is None):
        raise UsageError(
            "say what to do with the top documents",
            where="clif retrain",
            next="Give either --remove-top-k K or --amplify-top-k K.",
        )
    if isinstance(remove, str) and remove != ZERO:
        raise UsageError(
            f"{remove!r} is not a number of documents",
            where="--remove-top-k",
            next=f"Give a whole number, or {ZERO!r} for the number at which the prediction is nearest zero.",
        )
    least = {"--copies": (copies, 1), "--seeds": (seeds, 1), "--controls": (controls, 0), "--processes": (processes, 1)}
    for name, (value, bound) in least.items():
        if value is not None and value < bound:
            raise UsageError(f"must be at least {bound}, got {value}", where=name, next=f"Give {bound} or more.")
    if goal is not None and goal not in GOALS:
        raise UsageError(f"unknown goal {goal!r}", where="--goal", next=f"Choose one of: {', '.join(GOALS)}.")
    if holdout and ranking:
        raise UsageError(
            "a ranking from a file was made with all words, so none can be held out",
            where="--ranking, --holdout-words",
            next="Leave out one of the two options.",
        )


def _plan(
    run: Run,
    test: str | BiasTest | None,
    remove: int | str | None,
    amplify: int | None,
    copies: int,
    goal: str | None,
    ranking: Path | None,
    method: str | None,
    measure: str | None,
    seeds: int,
    controls: int,
    protect: Path | None,
    holdout: str | None,
) -> Plan:
    newest = newest_ranking(run)
    question = choose_test(run, test)
    if newest and newest.about["test"] == question.name and newest.test == question:
        method = method or newest.about["method"]
        measure = measure or newest.about["measure"]
    method, measure = method or RECOMMENDED, measure or "effect_size"
    used, held = question, None
    if holdout:
        used, held = split_words(cover(question, run.model.index), holdout, run.settings.seed)
    crossing = None
    if ranking:
        order = read_order(ranking, run)
        method = str(ranking)
    else:
        ranked = rank(run, used, method=method, measure=measure, half=held is not None)
        order = np.array([run.corpus.number[doc_id] for doc_id in ranked.doc_ids])
        crossing = ranked.about["zero_crossing"]
    problem = make_problem(run, used, measure, half=held is not None)
    protected = read_protected(protect, run.corpus)
    goal = goal or ("reduce" if amplify is None else "increase")
    kept_copies = 0 if amplify is None else 1 + copies
    warnings = []
    if amplify is not None:
        k = amplify
    elif remove == ZERO:
        k = _nearest_zero(problem, order, protected, goal)
    else:
        k = int(remove or 0)
        if goal == "reduce" and crossing is not None and k > crossing:
            warnings.append(
                f"removing {k} documents goes beyond {crossing}, where the prediction crosses zero: "
                "expect the bias to turn round"
            )
    edit = choose_edit(order, k, copies=kept_copies, goal=goal, protected=protected)
    seed = run.settings.seed
    word = "remove" if amplify is None else "amplify"
    about = {
        "name": f"{used.name}.{word}-{k}",
        "test": question.name,
        "measure": measure,
        "method": method,
        "goal": goal,
        "holdout_words": holdout,
        "removed": k if amplify is None else 0,
        "amplified": 0 if amplify is None else k,
        "copies": None if amplify is None else copies,
        "removed_tokens": edit.tokens(run.corpus) if amplify is None else 0,
        "tokens": len(run.corpus.tokens),
        "documents": len(run.corpus),
        "edited_tokens": edit.tokens(run.corpus),
        "zero_crossing": crossing,
        "protected": int(protected.sum()),
        "warnings": warnings,
        "definitions": {"used": used.to_dict(), "held_out": held.to_dict() if held else None},
    }
    return Plan(
        problem=problem,
        order=order,
        edit=edit,
        controls=[random_edit(run.corpus, edit, protected, seed, number) for number in range(controls)],
        seeds=[seed + number for number in range(seeds)],
        about=about,
    )


def _nearest_zero(problem: Problem, order: NDArray[np.int64], protected: NDArray[np.bool_], goal: str) -> int:
    free = order[~protected[order]]
    k = zero_crossing(problem, free, len(free)) if goal == "reduce" else None
    if k is None:
        raise UsageError(
            f"no number of removals is predicted to bring {problem.objective.coverage.test.name} to zero",
            where=f"--remove-top-k {ZERO}",
            next="Give a number of documents, or rank by another method or measure.",
        )
    return k


def _recipe(run: Run, plan: Plan) -> dict[str, Any]:
    return {
        **run.identity,
        "test": plan.about["definitions"],
        "measure": plan.about["measure"],
        "edit": plan.edit.name(),
        "controls": [edit.name() for edit in plan.controls],
        "seeds": plan.seeds,
    }


def _measure(
    run: Run,
    journal: Journal,
    plan: Plan,
    before: list[Training],
    after: list[Training],
    chance: list[list[Training]],
) -> dict[str, Any]:
    """Everything that is read off the retrained models, from one reading of each."""
    measure, index = plan.about["measure"], run.model.index
    main = plan.problem.objective
    held = plan.about["definitions"]["held_out"]
    others: dict[str, WEAT] = {}
    for test in [*load_tests(PACKAGED), plan.problem.objective.coverage.test]:
        coverage = cover(test, index)
        if coverage.reason is None:
            others[test.name] = WEAT(coverage)
    held_out = WEAT(cover(BiasTest.from_dict(held), index, HALF_LEAST)) if held else None

    def read(training: Training) -> dict[str, float | None]:
        U = journal.vectors(training)
        found: dict[str, float | None] = {
            name: weat.value(U[weat.rows].astype(np.float64)) for name, weat in others.items()
        }
        found["T"] = main.value(U[main.rows].astype(np.float64), measure)
        if held_out:
            found["held out"] = held_out.value(U[held_out.rows].astype(np.float64), measure)
        found["quality"] = wordsim353(U, index).spearman
        return found

    groups = {
        "before": [read(training) for training in before],
        "after": [read(training) for training in after],
        "controls": [read(training) for row in chance for training in row],
    }

    def samples(key: str) -> dict[str, Any]:
        columns = {
            name: [value for found in group if (value := found[key]) is not None] for name, group in groups.items()
        }
        row: dict[str, Any] = {name: Sample(tuple(values)).to_dict() for name, values in columns.items()}
        change = Sample(tuple(np.subtract(columns["after"], columns["before"]).tolist()))
        return {**row, "realised": change.mean, "realised_ci95": change.ci95}

    top = samples("T")
    table = np.array(top["controls"]["runs"]).reshape(len(chance), len(before))
    result: dict[str, Any] = {
        "seeds": plan.seeds,
        **top,
        "value": plan.problem.value,
        "predicted": predict_value(plan.problem, plan.edit.times(run.corpus)) - plan.problem.value,
        "p_value": permutation_within_seeds(np.array(top["after"]["runs"]), table),
        "p_value_test": P_VALUE_TEST,
        "control_sets": [
            {"documents": len(edit.documents), "tokens": edit.tokens(run.corpus)} for edit in plan.controls
        ],
        "tests": {name: samples(name) for name in others},
        "quality": {
            "measure": "Spearman correlation with WordSim-353",
            "pairs": wordsim353(run.model.U, index).pairs,
            **samples("quality"),
        },
        "transfer": {"targets": None, "attributes": None, "both": None},
    }
    if held_out:
        result["held_out"] = samples("held out")
        result["transfer"][plan.about["holdout_words"]] = _ratio(result["held_out"]["realised"], result["realised"])
    return result


def _ratio(held_out: float | None, used: float | None) -> float | None:
    """Change on words that were not used over change on those that were; None if those did not change."""
    return None if held_out is None or not used else held_out / used
