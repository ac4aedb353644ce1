"""A run folder: the encoded corpus, the model trained on it, and what was made from them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from clif.corpus.encoding import Corpus, open_corpus
from clif.corpus.reading import ReadOptions
from clif.corpus.remote import Remote, Source, located
from clif.corpus.tokenising import Tokeniser
from clif.errors import InputError, MismatchError
from clif.files import read_json, whole_file
from clif.manifest import file_sha256
from clif.model import SkipGram
from clif.settings import EXACT, TrainingSettings
from clif.vocabulary import Vocabulary

DEFAULT_RUN = Path("clif-run")
MANIFEST, MODEL = "manifest.json", "model.safetensors"
CHECKPOINTS = "checkpoints"
FORMAT = 1
_AGAIN = "Train again with --force."
# What every manifest holds, by part.
_PARTS = {
    "settings": {field.name for field in fields(TrainingSettings)} - set(EXACT),
    "corpus": {"sources", "read", "tokens", "hash", "documents", "tokens_total", "split_documents"},
    "vocabulary": {"words", "types", "tokens"},
    "training": {"losses", "cpu_seconds"},
}


@dataclass(frozen=True, eq=False)
class Run:
    """An opened run folder; its parts are read when they are first used."""

    path: Path
    manifest: dict[str, Any]

    @cached_property
    def settings(self) -> TrainingSettings:
        """How the model was trained."""
        return TrainingSettings.from_dict(self.manifest["settings"])

    @property
    def imported(self) -> bool:
        """Whether the model was trained elsewhere and brought in."""
        return bool(self.manifest["training"].get("imported"))

    @cached_property
    def read_options(self) -> ReadOptions:
        """How the corpus was read."""
        return ReadOptions.from_dict(self.manifest["corpus"]["read"])

    @cached_property
    def tokeniser(self) -> Tokeniser:
        """How the corpus was tokenised."""
        return Tokeniser(**self.manifest["corpus"]["tokens"])

    @property
    def sources(self) -> list[Source]:
        """The files, folders and URLs that the corpus was read from; empty for the default corpus."""
        sources = [located(source) for source in self.manifest["corpus"]["sources"]]
        return [source if isinstance(source, Remote) else self.path / source for source in sources]

    @cached_property
    def corpus(self) -> Corpus:
        """The encoded corpus; raises MismatchError if it is not the one the model was trained on."""
        corpus = open_corpus(self.path)
        self._belongs("the encoded corpus", corpus.content_hash)
        return corpus

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The first V word types of the corpus, with the counts that training used."""
        size = self.manifest["vocabulary"]["words"]
        return Vocabulary(list(self.corpus.types[:size]), self.corpus.counts[:size])

    @cached_property
    def model(self) -> SkipGram:
        """The model; raises MismatchError if it was not trained on the corpus of this folder."""
        U, C, about = read_matrices(self.path / MODEL)
        self._belongs(f"the model {MODEL}", about.get("corpus", ""))
        if about != {"corpus": about["corpus"], "settings": self.manifest["settings"]}:
            raise MismatchError(
                f"the model {MODEL} was not trained with this run's settings on all of its corpus",
                where=str(self.path),
                next="Restore the file of this run, or train again with --force.",
            )
        return SkipGram(
            words=self.vocabulary.words,
            U=U,
            C=C,
            counts=self.vocabulary.counts,
            settings=self.settings,
            source=str(self.path),
        )

    @cached_property
    def identity(self) -> dict[str, str]:
        """What a file made from this run names, to be refused by any other run."""
        try:
            model = file_sha256(self.path / MODEL)
        except OSError as error:
            raise _no_model(self.path / MODEL, error) from error
        return {"model": model, "corpus": self.manifest["corpus"]["hash"]}

    @property
    def rankings(self) -> Path:
        """Folder of the stored rankings."""
        return self.path / "rankings"

    @property
    def solves(self) -> Path:
        """Folder of the stored solves."""
        return self.path / "solves"

    @property
    def models(self) -> Path:
        """Folder of the further models, which differ in their seed."""
        return self.path / "models"

    @property
    def checkpoints(self) -> Path:
        """Folder of the vectors after each epoch, of paired trainings with any seed."""
        return self.path / CHECKPOINTS

    @property
    def retrains(self) -> Path:
        """Folder of the retrainings."""
        return self.path / "retrains"

    @property
    def verifications(self) -> Path:
        """Folder of the verifications."""
        return self.path / "verifications"

    @property
    def tradeoffs(self) -> Path:
        """Folder of the trade-offs."""
        return self.path / "tradeoffs"

    def _belongs(self, what: str, content_hash: str) -> None:
        if content_hash != self.manifest["corpus"]["hash"]:
            raise MismatchError(
                f"{what} does not belong to this run's corpus",
                where=str(self.path),
                next="Restore the file of this run, or train again with --force.",
            )


def is_run(path: Path) -> bool:
    """Whether `path` is a run folder."""
    return (path / MANIFEST).is_file()


def open_run(path: Path | str | None = None) -> Run:
    """Open a run folder, ./clif-run unless told otherwise; raises InputError if there is none."""
    folder = Path(path or DEFAULT_RUN)
    if not is_run(folder):
        what = "this folder holds no run" if folder.is_dir() else "there is no run here"
        raise InputError(what, where=str(folder), next="Make one with `clif train`, or name the folder of a run.")
    manifest = read_json(folder / MANIFEST, "Train again with --force.")
    try:
        known = manifest["format"] == FORMAT and all(keys <= set(manifest[part]) for part, keys in _PARTS.items())
    except (TypeError, KeyError):
        known = False
    if not known:
        raise InputError(
            "not the manifest of a run that this version of clif reads",
            where=str(folder / MANIFEST),
            next="Train again with --force.",
        )
    return Run(folder, manifest)


def open_model(target: Path | str | None = None, *, allow_pickle: bool = False) -> SkipGram:
    """The model of a run folder, ./clif-run unless told otherwise, or of a file of vectors in any known format.

    Raises
    ------
    InputError
        There is no such file, or it cannot be read as vectors.

    """
    path = Path(target or DEFAULT_RUN)
    if target is None or path.is_dir():
        return open_run(path).model
    from clif.formats import load_vectors

    return load_vectors(path, allow_pickle=allow_pickle)


def open_trained(target: Path | str | None = None) -> Run:
    """Open a run for what needs the corpus and both matrices; raises InputError that says why vectors do not do."""
    path = Path(target or DEFAULT_RUN)
    if path.is_file():
        raise InputError(
            "is a file, not a run: ranking documents needs the corpus together with the input and output vectors that "
            "were trained on it, so a file of vectors can only be audited",
            where=str(path),
            next="Train with `clif train CORPUS`, or make a run of a full gensim model and its corpus "
            "with `clif import MODEL CORPUS`.",
        )
    return open_run(path)


def write_matrices(path: Path, U: np.ndarray, C: np.ndarray, about: dict[str, Any]) -> None:
    """Write both matrices as safetensors; `about` holds no times, so equal models give equal bytes."""
    from safetensors.numpy import save_file

    # One key: the order of several is not kept by the format.
    text = json.dumps(about, sort_keys=True)
    with whole_file(path) as temporary:
        save_file({"U": np.ascontiguousarray(U), "C": np.ascontiguousarray(C)}, temporary, metadata={"clif": text})


def read_matrices(path: Path, next_step: str = _AGAIN) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
    """Read U, C and what was written about them; raises InputError with `next_step` for a damaged file."""
    with _opened(path, next_step) as file:
        return file.get_tensor("U"), file.get_tensor("C"), _about(file)


def read_about(path: Path, next_step: str = _AGAIN) -> dict[str, Any]:
    """Read what was written about matrices, without them; raises InputError with `next_step` for a damaged file."""
    with _opened(path, next_step) as file:
        return _about(file)


@contextmanager
def _opened(path: Path, next_step: str) -> Iterator[Any]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            yield file
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise _no_model(path, error, next_step) from error


def _about(file: Any) -> dict[str, Any]:
    about: dict[str, Any] = json.loads((file.metadata() or {})["clif"])
    return about


def _no_model(path: Path, error: Exception, next_step: str = _AGAIN) -> InputError:
    reason = "no such file" if isinstance(error, FileNotFoundError) else error
    return InputError(f"cannot be read as a model: {reason}", where=str(path), next=next_step)
