"""Ranked lists as files: CSV, JSON Lines, Parquet, TREC runs."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from clif.checks import check_rows
from clif.errors import DAMAGE, InputError, MismatchError, UsageError
from clif.ranking.aggregation import Groups
from clif.ranking.lists import Ranking
from clif.run import Run
from clif.storage.cells import exact, inert
from clif.storage.files import to_json, whole_file

if TYPE_CHECKING:
    import pandas as pd

TEXTS = ("doc_id", "input", "output", "text")  # columns of texts
WRITERS = (".csv", ".jsonl", ".parquet", ".trec")


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
    if ending != ".trec":
        return _write_frame(frame, path, "doc_id" if "doc_id" in frame else "input")
    with whole_file(path) as temporary:
        temporary.write_text("".join(_trec_lines(ranking, frame)), encoding="utf-8")
    return path


def write_groups(groups: Groups, path: Path, top: int | None = None) -> Path:
    """Write groups of documents in the format of the ending of `path`: .csv, .jsonl or .parquet.

    Raises
    ------
    UsageError
        The ending is none of these.
    InputError
        The file cannot be written.

    """
    check_ending(path, unit="group")
    return _write_frame(groups.to_frame(top), path, "group")


def _write_frame(frame: pd.DataFrame, path: Path, names: str) -> Path:
    """Write a table whose rows are named by the column `names` as .csv, .jsonl or .parquet."""
    with whole_file(path) as temporary:
        if path.suffix == ".csv":
            # A lone carriage return in a name would stand bare, and end the row for those who read it.
            bare = any("\r" in name for name in frame[names])
            frame = _each_text(frame, inert)
            frame.to_csv(
                temporary, index=False, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC if bare else csv.QUOTE_MINIMAL
            )
        elif path.suffix == ".jsonl":
            # Not by pandas, which rounds to 15 places after the point: small influences are smaller than that.
            rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
            temporary.write_text("".join(to_json(row) + "\n" for row in rows), encoding="utf-8", newline="\n")
        else:
            frame.to_parquet(temporary, index=False)
    return path


def _each_text(frame: pd.DataFrame, change: Callable[[Any], Any]) -> pd.DataFrame:
    """The table with every text in its columns of texts changed."""
    texts = [name for name in (*TEXTS, "group") if name in frame]
    return frame.assign(**{name: frame[name].map(change) for name in texts})


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
            f"a TREC run lists documents, not {unit}s",
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


def read_table(path: Path, *columns: str) -> pd.DataFrame:
    """Read a ranked list back, by the ending of `path`; ids stay text.

    Raises
    ------
    InputError
        The file is missing, damaged, or lacks one of the `columns` (doc_id, unless told otherwise).

    """
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    ending = check_ending(path, "--ranking")
    texts = dict.fromkeys(TEXTS, str)
    try:
        if ending == ".csv":
            frame = pd.read_csv(path, dtype=texts, keep_default_na=False, na_values={"stderr": [""]})
            frame = _each_text(frame, exact)
        elif ending == ".jsonl":
            # Not by pandas, which takes some texts for numbers or dates.
            with path.open(encoding="utf-8-sig") as file:
                frame = pd.DataFrame.from_records([dict(json.loads(line)) for line in file if line.strip()])
        elif ending == ".parquet":
            check_rows(pq.read_metadata(path).num_rows, path.stat().st_size)
            frame = pd.read_parquet(path)
        else:
            names = ["test", "Q0", "doc_id", "rank", "score", "method"]
            frame = pd.read_csv(
                path, sep=r"\s+", names=names, dtype=texts, keep_default_na=False, quoting=csv.QUOTE_NONE
            )
    except (*DAMAGE, pa.ArrowException) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"cannot be read as a ranking: {reason}", where=str(path), next="Make it again with `clif rank`."
        ) from error
    wanted = columns or ("doc_id",)
    lacking = [column for column in wanted if column not in frame.columns]
    if lacking or not len(frame):
        raise InputError(
            f"holds no column {lacking[0]}" if lacking else "holds no rows",
            where=str(path),
            next=f"Give a list made by `clif rank`, or a table with a column {(lacking or wanted)[0]}.",
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
