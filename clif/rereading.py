"""The corpus of a run, read again from where it came from.

A run names the files of its corpus, wherever they are. If somebody else made the run these may be any files of this
machine, so what is read outside of the run folder is said. Nothing of it is used unless it gives what the run holds.
"""

from __future__ import annotations

from collections.abc import Iterator

from clif.corpus.documents import Document
from clif.corpus.reading import read_documents
from clif.corpus.remote import Remote
from clif.progress import Progress
from clif.run import Run

STAGE = "sources"


def read_again(run: Run, progress: Progress) -> Iterator[Document]:
    """The documents of a run's corpus; errors are those of `read_documents`, and of `Run.sources`."""
    sources = run.sources
    outside = [str(path) for path in sources if isinstance(path, Remote) or not path.is_relative_to(run.path)]
    if outside:
        progress(STAGE, 0, None, f"Reading the corpus again, from {', '.join(outside)}")
    return read_documents(sources, run.read_options)
