"""The corpus as a retraining edited it, written for others to use."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

import numpy as np

from clif.corpus.documents import Document
from clif.corpus.layouts import Revise, Revision
from clif.corpus.revising import cut_text, replace_words
from clif.corpus.spans import Spans
from clif.corpus.writing import write_edited
from clif.errors import MismatchError
from clif.retraining.edits import WEIGHT, Cut, Edit
from clif.retraining.swapping import Swap, styled
from clif.run import Run
from clif.storage.cells import inert
from clif.storage.files import whole_file

WEIGHTS = "weights.csv"


def write_corpus(run: Run, folder: Path, edit: Edit) -> dict[str, list[Path]]:
    """Write what stays to `folder`/kept and what goes to `folder`/removed, in the format of the input; the files.

    Of sentences, `kept` holds the documents without them and `removed` each sentence under the id of its document, #
    and its number there, from 1. Of swapped words, `kept` holds the documents with their partners, capitals as they
    were. A corpus holds no weights, so those go to `folder`/weights.csv (doc_id, weight), and the corpus is not copied.

    Raises
    ------
    MismatchError
        A text does not give the tokens that the run holds.
    InputError
        As `write_edited`.

    """
    ids = run.corpus.doc_ids
    if edit.kind == WEIGHT:
        path = folder / WEIGHTS
        with whole_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("doc_id", "weight"))
            writer.writerows((inert(ids[z]), edit.copies) for z in edit.documents)
        return {"kept": [], "removed": [], "weights": [path]}
    revise: Revise | None = None
    if isinstance(edit, Cut):
        revise = _cutting(run, edit)
    elif isinstance(edit, Swap):
        revise = _swapping(run, edit)
    copies = {} if revise else {ids[z]: int(edit.copies) for z in edit.documents}
    files = write_edited(run.sources, run.read_options, folder, copies, revise)
    return {"kept": files.kept, "removed": files.removed}


def _cutting(run: Run, edit: Cut) -> Revise:
    spans = Spans.of(run.corpus)
    gone: dict[str, set[int]] = defaultdict(set)
    for s in edit.sentences.tolist():
        gone[run.corpus.doc_ids[spans.document[s]]].add(int(spans.number[s]))

    def revise(document: Document) -> Revision | None:
        if document.doc_id not in gone:
            return None
        _check(run, document)
        z = run.corpus.number[document.doc_id]
        own = slice(*np.searchsorted(spans.document, [z, z + 1]).tolist())
        return cut_text(run.tokeniser, document.text, spans.lengths[own].tolist(), gone[document.doc_id])

    return revise


def _swapping(run: Run, edit: Swap) -> Revise:
    corpus = run.corpus
    edited = {corpus.doc_ids[z] for z in edit.documents.tolist()}
    partner = dict(zip(edit.old.tolist(), edit.partners, strict=True))

    def revise(document: Document) -> Revision | None:
        if document.doc_id not in edited:
            return None
        _check(run, document)
        z = corpus.number[document.doc_id]
        tokens = corpus.tokens[corpus.offsets[z] : corpus.offsets[z + 1]].tolist()

        def other(n: int, word: str) -> str | None:
            found = partner.get(tokens[n])
            return None if found is None else styled(found, word)

        return replace_words(run.tokeniser, document.text, other)

    return revise


def _check(run: Run, document: Document) -> None:
    z = run.corpus.number[document.doc_id]
    if len(run.tokeniser.spans(document.text)) != run.corpus.lengths[z]:
        raise MismatchError(
            "the words of this document cannot be told apart in its text as they are in the run",
            where=document.place,
            next="Protect it by --protect, or train with --pretokenised on the tokens.",
        )
