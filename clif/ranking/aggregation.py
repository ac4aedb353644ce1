"""Sum the influence of documents by a field of their metadata: which sources carry the bias."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from clif.corpus.metadata import as_text
from clif.errors import MismatchError, UsageError
from clif.ranking.lists import Ranking
from clif.run import Run
from clif.showing.views import Shown, View

if TYPE_CHECKING:
    import pandas as pd

GROUP_COLUMNS = ("rank", "group", "documents", "tokens", "influence", "stderr", "per_million_tokens")
NONE = "(none)"


@dataclass(frozen=True, eq=False, repr=False)
class Groups(Shown):
    """Groups of documents by the value of `field`. Rank 1: the documents whose removal reduces |T| most, added up.

    `columns` holds the table by column, in rank order. `influence` is the plain sum over the documents of a
    group, which is not the predicted change when all of them are removed at once: influences do not add up.
    """

    field: str
    columns: dict[str, NDArray[Any]]

    def __len__(self) -> int:
        return len(self.columns["rank"])

    def to_frame(self, top: int | None = None) -> pd.DataFrame:
        """The groups as a data frame, in rank order."""
        import pandas as pd

        frame = pd.DataFrame(self.columns)
        return frame if top is None else frame.head(top)

    def view(self) -> View:
        """Both ends of the list."""
        from clif.ranking.view import view_of_groups

        return view_of_groups(self)

    def to_dict(self) -> dict[str, Any]:
        """The groups as plain values, None where a number is not known."""
        frame = self.to_frame().astype(object)
        return {"field": self.field, "rows": frame.where(frame.notna(), None).to_dict("records")}


def by_field(ranking: Ranking, run: Run, field: str) -> Groups:
    """Sum a ranking of the run's documents by a field of their metadata, as text; without a value: NONE.

    Groups come by sign(T) x sum, rising, as documents do; ties by what comes first in the corpus.

    Raises
    ------
    UsageError
        It is a ranking of contexts.
    InputError
        The documents have no such field, or the run was made by a version that kept none.
    MismatchError
        The ranking or the metadata belong to another corpus.

    """
    _check_unit(ranking.about["unit"])
    corpus = run.corpus
    if set(ranking.doc_ids) != corpus.number.keys():
        raise MismatchError(
            "does not list the documents of this run",
            where=str(ranking.path),
            next="Give a ranking that was made of this run.",
        )
    influence = np.empty(len(corpus))
    influence[[corpus.number[doc_id] for doc_id in ranking.doc_ids]] = ranking.influence
    names, group = group_documents(run, field)
    sums = np.bincount(group, influence)
    tokens = np.bincount(group, corpus.lengths).astype(np.int64)
    per_token = np.divide(sums, tokens, out=np.full(len(sums), np.nan), where=tokens > 0)
    order = np.argsort(np.sign(ranking.about["value"]) * sums, kind="stable")
    columns = (
        np.arange(1, len(order) + 1),
        np.array(names, dtype=object)[order],
        np.bincount(group)[order],
        tokens[order],
        sums[order],
        np.full(len(order), np.nan),
        1e6 * per_token[order],
    )
    return Groups(field, dict(zip(GROUP_COLUMNS, columns, strict=True)))


def group_documents(run: Run, field: str) -> tuple[list[str], NDArray[np.int64]]:
    """Values of a field as text, in the order of their first document, and which of them each document has.

    Errors are those of `read_metadata`.
    """
    from clif.corpus.metadata_file import read_metadata

    numbers: dict[str, int] = {}
    values = read_metadata(run.path, [field], run.corpus.content_hash)[field]
    group = np.array([numbers.setdefault(_name(value), len(numbers)) for value in values], dtype=np.int64)
    return list(numbers), group


def check_field(run: Run, field: str, unit: str) -> None:
    """Raise what `by_field` would for this field and unit of a ranking, before the ranking is made."""
    from clif.corpus.metadata_file import check_fields

    _check_unit(unit)
    check_fields(run.path, [field], run.manifest["corpus"]["hash"])


def _check_unit(unit: str) -> None:
    if unit != "document":
        raise UsageError(
            f"only documents are grouped by a field, not {unit}s",
            where="--by",
            next="Leave out --by or --unit.",
        )


def _name(value: str | float | None) -> str:
    missing = value is None or value != value  # a number that is none
    return NONE if missing else as_text(value)
