"""What a retraining came to, and what it left of the corpus, as data frames."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clif.corpus.reading import read_documents
from clif.corpus.sources import find_files
from clif.errors import UsageError
from clif.retraining.edits import WEIGHT
from clif.run import open_run

if TYPE_CHECKING:
    import pandas as pd

GROUPS = ("before", "after", "controls")
PARTS = ("kept", "removed")


def trainings_frame(values: Mapping[str, Any]) -> pd.DataFrame:
    """One row a training: group, set, seed and value; runs are stored set by set, and seed by seed."""
    import pandas as pd

    seeds = values["seeds"]
    rows = [
        (group, place // len(seeds), seeds[place % len(seeds)], value)
        for group in GROUPS
        for place, value in enumerate(values[group]["runs"])
    ]
    return pd.DataFrame(rows, columns=["group", "set", "seed", "value"])


def documents_frame(values: Mapping[str, Any], folder: Path, part: str) -> pd.DataFrame:
    """The documents of a part of the edited corpus; errors are those of `RetrainResult.documents`."""
    import pandas as pd

    if part not in PARTS:
        raise UsageError(f"unknown part {part!r}", where="documents", next=f"Choose one of: {', '.join(PARTS)}.")
    if values["edit"] == WEIGHT or len(values["halves"]) > 1:
        raise UsageError(
            "this retraining wrote no edited corpus: "
            + ("documents only have another weight" if values["edit"] == WEIGHT else "words were held out"),
            where=str(folder),
            next="Look at weights.csv there, or retrain with another edit.",
        )
    run = open_run(folder.parent.parent)
    # Files of a folder are named by their place in it, so the edited folder is read as a whole.
    folders = any(file.in_folder for file in find_files(run.sources))
    paths = [folder / part] if folders else [Path(path) for path in values["edited_corpus"][part]]
    found = read_documents(paths, run.read_options) if values["edited_corpus"][part] else ()
    rows = [{**document.metadata, "doc_id": document.doc_id, "text": document.text} for document in found]
    fields = [name for name in dict.fromkeys(key for row in rows for key in row) if name not in ("doc_id", "text")]
    return pd.DataFrame(rows, columns=["doc_id", "text", *fields])
