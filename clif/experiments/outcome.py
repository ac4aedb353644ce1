"""What came out of an experiment: which claim was examined, the figures, tables and pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Claim:
    """A claim of a paper, or of clif, and what was found.

    source   who says so: authors, year, and where it can be read
    says     the claim, in one sentence
    found    what came out here, in one sentence with its figures
    holds    whether it held here; None where the claim is not one that holds or falls by this experiment
    """

    source: str
    says: str
    found: str
    holds: bool | None = None

    def to_dict(self) -> dict[str, Any]:
        """As a dict that JSON can hold."""
        return {"source": self.source, "says": self.says, "found": self.found, "holds": self.holds}


@dataclass(frozen=True)
class Outcome:
    """Claims; `figures` for result.json; tables (rows with the same keys) and pictures (SVG) by name."""

    claims: Sequence[Claim]
    figures: Mapping[str, Any]
    tables: Mapping[str, Rows] = field(default_factory=dict)
    pictures: Mapping[str, str] = field(default_factory=dict)

    def to_frame(self, table: str) -> Any:
        """One of the tables as a pandas DataFrame."""
        import pandas as pd

        return pd.DataFrame(list(self.tables[table]))
