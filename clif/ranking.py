"""Ranked lists of documents or contexts: make them, store them in the run, write copies, read them back."""

from __future__ import annotations

import csv
import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from clif.errors import InputError, MismatchError, UsageError
from clif.influence.groups import zero_crossing
from clif.influence.methods import RECOMMENDED, find_method
from clif.influence.problem import Problem
from clif.influence.scores import score_documents, top_contexts
from clif.manifest import fingerprint, read_json, to_json, whole_file, write_json
from clif.objectives import MEASURES, WEAT, BiasTest, cover, load_tests, uncovered_error
from clif.run import Run

if TYPE_CHECKING:
    import pandas as pd

DEFAULT_TEST = "gender-career"
UNITS = ("document", "context")
TOP_CONTEXTS = 10_000
SATURATION = 1.5
HALF_LEAST = 2  # words that each set of half a test needs; whole tests need more
WRITERS = (".csv", ".jsonl", ".parquet", ".trec")
DOCUMENT_COLUMNS = ("rank", "doc_id", "influence", "stderr", "tokens")
CONTEXT_COLUMNS = (
    "rank", "doc_id", "influence", "stderr", "weight", "position", "input", "output", "distance",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Ranking:
    """A ranked list. Rank 1: removal reduces |T| most; the last rank: it increases |T| most.

    `influence` is the predicted change of T when the document (or context) is removed; `value` is T of the
    model; `zero_crossing` is the number of first documents whose removal is predicted to bring T nearest
    zero, None if none does. `columns` holds the table by column, in rank order.
    """

    about: dict[str, Any]
    columns: dict[str, NDArray[Any]]
    path: Path
    reused: bool = False
    warnings: tuple[str, ...] = field(default=())

    @property
    def test(self) -> BiasTest:
        """The test that was ranked for, as it was then."""
        return BiasTest.from_dict(self.about["definition"])

    @property
    def doc_ids(self) -> list[str]:
        """Document ids in rank order."""
        return list(self.columns["doc_id"])

    @property
    def influence(self) -> NDArray[np.float64]:
        """Influence in rank order."""
        return np.asarray(self.columns["influence"])

    def __len__(self) -> int:
        return len(self.columns["rank"])

    def to_frame(self, top: int | None = None) -> pd.DataFrame:
        """The list as a data frame, in rank order."""
        import pandas as pd

        frame = pd.DataFrame(self.columns)
        return frame if top is None else frame.head(top)

    def to_dict(self) -> dict[str, Any]:
        """What the list is, without its rows."""
        hidden = ("definition", "half", "identity", "recipe")
        kept = {key: value for key, value in self.about.items() if key not in hidden}
        return {**kept, "ranking": str(self.path), "reused": self.reused, "warnings": list(self.warnings)}


def rank(
    run: Run,
    test: str | BiasTest | None = None,
    *,
    method: str = RECOMMENDED,
    measure: str = "effect_size",
    unit: str = "document",
    top: int | None = None,
    damping: float | None = None,
    cache: bool = True,
    half: bool = False,
) -> Ranking:
    """Score every document of a run for one test and store the ranked list in the run.

    `top` bounds a list of contexts (default TOP_CONTEXTS); a list of documents always holds them all. A stored
    list of the same model, corpus, test and settings is taken as it is unless `cache` is false. `half` says that
    the test is half of another, whose other words are held out: HALF_LEAST words a set will do, and the list is
    never what later commands mean by the newest ranking.

    Raises
    ------
    UsageError
        The test, method, measure or unit is unknown, or the damping is not positive and finite.
    CoverageError
        The vocabulary does not cover the test.
    MismatchError
        Files of the run do not belong together.

    """
    if unit not in UNITS:
        raise UsageError(f"unknown unit {unit!r}", where="--unit", next=f"Choose one of: {', '.join(UNITS)}.")
    if measure not in MEASURES:
        raise UsageError(
            f"unknown measure {measure!r}", where="--measure", next=f"Choose one of: {', '.join(MEASURES)}."
        )
    if damping is not None and not 0 < damping < float("inf"):
        raise UsageError(
            f"the damping must be positive and finite, got {damping}",
            where="--damping",
            next="Leave it out for 1 / (sum of the learning rates).",
        )
    chosen = find_method(method)
    question = choose_test(run, test)
    limit = TOP_CONTEXTS if unit == "context" and top is None else top
    recipe = {
        "test": question.to_dict(),
        "method": method,
        "measure": measure,
        "unit": unit,
        "damping": damping,
        "top": limit if unit == "context" else None,
        "half": half,
    }
    name = f"{question.name}.{method}.{measure}.{unit}"
    if damping is not None:
        name += f".damping-{damping:g}"
    path = run.rankings / f"{name}.csv"
    mark = fingerprint({**recipe, **run.identity})
    if cache and (found := _stored(path, mark)):
        os.utime(path.with_suffix(".json"))  # it is the newest ranking again
        return found
    problem = make_problem(run, question, measure, damping, half=half)
    scores = score_documents(problem, chosen)
    sign = np.sign(problem.value)
    order = np.argsort(sign * scores.influence, kind="stable")
    crossing, began = None, time.perf_counter()
    if unit == "document":
        columns = _document_columns(problem, scores.influence, order)
        crossing = zero_crossing(problem, order, limit=int((sign * scores.influence < 0).sum()))
    else:
        columns = _context_columns(problem, *top_contexts(problem, scores, limit))
    about = {
        "test": question.name,
        "method": method,
        "measure": measure,
        "unit": unit,
        "value": problem.value,
        "effect_size": problem.objective.value(problem.E),
        "damping": problem.damp if chosen.solve and method != "gradient" else None,
        "residual": scores.residual,
        "documents": len(problem.corpus),
        "zero_crossing": crossing,
        "seconds": {
            "solve": round(scores.solve_seconds, 4),
            "score": round(scores.score_seconds, 4),
            "zero_crossing": round(time.perf_counter() - began, 4),
        },
        "cpu_seconds": round(scores.cpu_seconds, 4),
        "definition": question.to_dict(),
        "half": half,
        "identity": run.identity,
        "recipe": mark,
    }
    ranking = Ranking(about, columns, path, warnings=tuple(_warnings(about)))
    write_ranking(ranking, path)
    write_json(path.with_suffix(".json"), about)
    return ranking


def choose_test(run: Run, test: str | BiasTest | None) -> BiasTest:
    """The test asked for, else that of the newest stored ranking, else DEFAULT_TEST."""
    if isinstance(test, BiasTest):
        return test
    if test is None:
        newest = newest_ranking(run)
        if newest:
            return newest.test
    tests = load_tests([test or DEFAULT_TEST])
    if len(tests) != 1:
        raise UsageError(
            f"{test!r} names {len(tests)} tests; documents are ranked for one",
            where="--test",
            next=f"Choose one of: {', '.join(t.name for t in tests)}.",
        )
    return tests[0]


def make_problem(
    run: Run, test: BiasTest, measure: str, damping: float | None = None, *, half: bool = False
) -> Problem:
    """The question of `test` put to a run's model; raises CoverageError if the vocabulary lacks its words."""
    model = run.model
    assert model.C is not None
    coverage = cover(test, model.index, HALF_LEAST) if half else cover(test, model.index)
    if coverage.reason:
        raise uncovered_error([coverage], where=str(run.path))
    return Problem(run.corpus, run.vocabulary, run.settings, model.U, model.C, WEAT(coverage), measure, damping)


def newest_ranking(run: Run) -> Ranking | None:
    """The stored ranking of documents that was made or used last; None if there is none of this model."""
    paths = sorted(run.rankings.glob("*.json"), key=lambda path: (path.stat().st_mtime_ns, path.name))
    for path in reversed(paths):
        about = _read_about(path)
        whole = about.get("unit") == "document" and not about.get("half") and path.with_suffix(".csv").is_file()
        if whole and about.get("identity") == run.identity:
            return _open(path.with_suffix(".csv"), about)
    return None


def _stored(path: Path, mark: str) -> Ranking | None:
    side = path.with_suffix(".json")
    if not (side.is_file() and path.is_file()):
        return None
    about = _read_about(side)
    return _open(path, about) if about.get("recipe") == mark else None


def _read_about(path: Path) -> dict[str, Any]:
    about = read_json(path, "Remove it, and rank again.")
    if not isinstance(about, dict):
        raise InputError("says nothing about a ranking", where=str(path), next="Remove it, and rank again.")
    return about


def _open(path: Path, about: dict[str, Any]) -> Ranking:
    frame = read_table(path)
    documents = about["unit"] == "document"
    if tuple(frame) != (DOCUMENT_COLUMNS if documents else CONTEXT_COLUMNS) or (
        documents and len(frame) != about["documents"]
    ):
        raise InputError(
            "is not the whole list that was stored here", where=str(path), next="Remove it, and rank again."
        )
    columns = {name: frame[name].to_numpy() for name in frame.columns}
    return Ranking(about, columns, path, reused=True, warnings=tuple(_warnings(about)))


def _warnings(about: dict[str, Any]) -> list[str]:
    if about["measure"] == "effect_size" and abs(about["value"]) > SATURATION:
        return [
            f"|effect size| is {abs(about['value']):.2f}: near its bound of 2 it hardly shows who carries the bias. "
            "Rank with --measure mean_difference."
        ]
    return []


def _document_columns(
    problem: Problem, influence: NDArray[np.float64], order: NDArray[np.int64]
) -> dict[str, NDArray[Any]]:
    corpus = problem.corpus
    return {
        "rank": np.arange(1, len(order) + 1),
        "doc_id": np.array(corpus.doc_ids, dtype=object)[order],
        "influence": influence[order],
        "stderr": np.full(len(order), np.nan),
        "tokens": corpus.lengths[order],
    }


def _context_columns(problem: Problem, contexts: Any, influence: NDArray[np.float64]) -> dict[str, NDArray[Any]]:
    words = np.array(problem.vocabulary.words, dtype=object)
    return {
        "rank": np.arange(1, len(contexts) + 1),
        "doc_id": np.array(problem.corpus.doc_ids, dtype=object)[contexts.document],
        "influence": influence,
        "stderr": np.full(len(contexts), np.nan),
        "weight": contexts.weight,
        "position": contexts.position,
        "input": words[contexts.input],
        "output": words[contexts.output],
        "distance": contexts.output_position - contexts.position,
    }


def write_ranking(ranking: Ranking, path: Path, top: int | None = None) -> Path:
    """Write a list in the format of the ending of `path`: .csv, .jsonl, .parquet or .trec.

    TREC run lines are `test Q0 doc_id rank score method`; the score falls with the rank, as its readers
    expect: -sign(T) x influence.

    Raises
    ------
    UsageError
        The ending is none of these, or the format cannot hold the list.
    InputError
        The file cannot be written.

    """
    ending = check_ending(path, unit=ranking.about["unit"])
    frame = ranking.to_frame(top)
    with whole_file(path) as temporary:
        if ending == ".csv":
            # A lone carriage return in an id would stand bare, and end the row for those who read it.
            bare = any("\r" in doc_id for doc_id in frame["doc_id"])
            frame.to_csv(
                temporary, index=False, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC if bare else csv.QUOTE_MINIMAL
            )
        elif ending == ".jsonl":
            # Not by pandas, which rounds to 15 places after the point: small influences are smaller than that.
            rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
            temporary.write_text("".join(to_json(row) + "\n" for row in rows), encoding="utf-8", newline="\n")
        elif ending == ".parquet":
            frame.to_parquet(temporary, index=False)
        else:
            temporary.write_text("".join(_trec_lines(ranking, frame)), encoding="utf-8")
    return path


def check_ending(path: Path, option: str = "--out", unit: str = "document") -> str:
    """The ending of a ranking's file, given by `option`; raises UsageError if no writer has it, or not for `unit`."""
    if path.suffix not in WRITERS:
        raise UsageError(
            f"cannot tell a format from the ending {path.suffix!r}",
            where=f"{option} {path}",
            next=f"Use one of: {', '.join(WRITERS)}.",
        )
    if path.suffix == ".trec" and unit != "document":
        raise UsageError(
            "a TREC run lists documents, not contexts",
            where=f"{option} {path}",
            next="Use .csv, .jsonl or .parquet.",
        )
    return path.suffix


def _trec_lines(ranking: Ranking, frame: pd.DataFrame) -> list[str]:
    spaced = next((doc_id for doc_id in frame["doc_id"] if doc_id.split() != [doc_id]), None)
    if spaced is not None:
        raise UsageError(
            f"the document id {spaced!r} holds white space, which a TREC run cannot",
            where="--out",
            next="Use .csv, .jsonl or .parquet.",
        )
    test, method, sign = ranking.about["test"], ranking.about["method"], np.sign(ranking.about["value"])
    return [
        f"{test} Q0 {row.doc_id} {row.rank} {-sign * row.influence:.9g} clif-{method}\n" for row in frame.itertuples()
    ]


def read_table(path: Path) -> pd.DataFrame:
    """Read a ranked list back, by the ending of `path`; ids stay text.

    Raises
    ------
    InputError
        The file is missing, damaged, or lacks the column doc_id.

    """
    import pandas as pd

    ending = check_ending(path, "--ranking")
    texts = {"doc_id": str, "input": str, "output": str}
    try:
        if ending == ".csv":
            frame = pd.read_csv(path, dtype=texts, keep_default_na=False, na_values={"stderr": [""]})
        elif ending == ".jsonl":
            # Not by pandas, which takes some texts for numbers or dates.
            with path.open(encoding="utf-8-sig") as file:
                frame = pd.DataFrame.from_records([dict(json.loads(line)) for line in file if line.strip()])
        elif ending == ".parquet":
            frame = pd.read_parquet(path)
        else:
            names = ["test", "Q0", "doc_id", "rank", "score", "method"]
            frame = pd.read_csv(
                path, sep=r"\s+", names=names, dtype=texts, keep_default_na=False, quoting=csv.QUOTE_NONE
            )
    except (OSError, TypeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"cannot be read as a ranking: {reason}", where=str(path), next="Make it again with `clif rank`."
        ) from error
    if "doc_id" not in frame.columns or not len(frame):
        raise InputError(
            "holds no column doc_id" if "doc_id" not in frame.columns else "holds no documents",
            where=str(path),
            next="Give a list made by `clif rank`, or a table with a column doc_id.",
        )
    return frame


def read_order(path: Path, run: Run) -> NDArray[np.int64]:
    """Documents of the run in the order of a ranking's file.

    Raises
    ------
    InputError
        The file cannot be read, or names a document twice.
    MismatchError
        It names a document that the run's corpus does not hold.

    """
    doc_ids = [str(doc_id) for doc_id in read_table(path)["doc_id"]]
    number = run.corpus.number
    strange = [doc_id for doc_id in doc_ids if doc_id not in number]
    if strange:
        raise MismatchError(
            f"{len(strange)} of its {len(doc_ids)} documents are not in the run's corpus, such as {strange[0]!r}",
            where=str(path),
            next="Give a ranking of this run, or name its run.",
        )
    order = np.array([number[doc_id] for doc_id in doc_ids])
    if len(np.unique(order)) < len(order):
        raise InputError(
            "names a document more than once",
            where=str(path),
            next="Give a ranking of documents, not contexts.",
        )
    return order
