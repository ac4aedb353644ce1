"""The text of documents as they were written, or their tokens where that cannot be had any more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from clif.errors import ClifError
from clif.progress import Progress, silent
from clif.rereading import read_again
from clif.run import Run


@dataclass(frozen=True)
class DocumentText:
    """A document word by word: `words[i]` as written, with `gaps[i]` before it and the last gap at the end.

    `note` is None for the original text, else why these are the tokens joined by spaces.
    """

    words: tuple[str, ...]
    gaps: tuple[str, ...]
    note: str | None = None

    @property
    def plain(self) -> str:
        """The text in one piece."""
        return "".join(part for pair in zip(self.gaps, (*self.words, ""), strict=True) for part in pair)

    @classmethod
    def original(cls, text: str, spans: list[tuple[int, int]]) -> DocumentText:
        """Cut a text at the spans of its words."""
        ends = [0, *(place for span in spans for place in span), len(text)]
        parts = [text[start:end] for start, end in pairwise(ends)]
        return cls(tuple(parts[1::2]), tuple(parts[::2]))

    @classmethod
    def joined(cls, words: list[str], note: str) -> DocumentText:
        """Tokens with spaces between them."""
        return cls(tuple(words), ("", *[" "] * (len(words) - 1), "") if words else ("",), note)


def read_text(run: Run, document: int, progress: Progress = silent) -> DocumentText:
    """Read a document of the run's corpus again, as `read_texts` does."""
    return read_texts(run, [document], progress)[0]


def read_texts(run: Run, documents: Sequence[int], progress: Progress = silent) -> list[DocumentText]:
    """Read documents of the run's corpus again from where the corpus came from.

    A text counts as the original if it gives the tokens that the run holds. If it does not, or cannot be read, the
    tokens are given instead, with a note.
    """
    ids = [run.corpus.doc_ids[document] for document in documents]
    try:
        texts, missing = _find(run, ids, progress), "the source holds no document of this id now"
    except ClifError as error:
        place = f"{error.where}: " if error.where else ""
        texts, missing = {}, f"the source cannot be read now ({place}{error.what})"
    return [_text(run, document, texts.get(doc_id), missing) for document, doc_id in zip(documents, ids, strict=True)]


def _text(run: Run, document: int, text: str | None, missing: str) -> DocumentText:
    corpus = run.corpus
    start, end = corpus.offsets[document : document + 2]
    words = [corpus.types[token] for token in corpus.tokens[start:end]]
    if text is None:
        return DocumentText.joined(words, missing)
    spans = run.tokeniser.spans(text)
    if run.tokeniser(text) != words or len(spans) != len(words):
        return DocumentText.joined(words, "the source has changed since the run was made")
    return DocumentText.original(text, spans)


def _find(run: Run, doc_ids: Sequence[str], progress: Progress) -> dict[str, str]:
    """The texts of those that the source holds; it is read no further than to the last of them."""
    wanted, found = set(doc_ids), {}
    for document in read_again(run, progress):
        if document.doc_id in wanted:
            found[document.doc_id] = document.text
            if len(found) == len(wanted):
                break
    return found
