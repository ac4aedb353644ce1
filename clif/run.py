"""A run folder: the encoded corpus, the model trained on it, and what was made from them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from clif.checks import check_manifest, check_matrices
from clif.corpus.encoding import DOCUMENTS, WORDS, Corpus, open_corpus
from clif.corpus.reading import ReadOptions
from clif.corpus.remote import Remote, Source, located
from clif.corpus.tokenising import Tokeniser
from clif.errors import DAMAGE, InputError, MismatchError
from clif.manifest import MANIFEST, check_file, file_sha256
from clif.model import SkipGram
from clif.settings import EXACT, TrainingSettings
from clif.storage import tensors
from clif.storage.files import read_json
from clif.storage.inside import inside
from clif.storage.tensors import read_tensors, write_tensors
from clif.vocabulary import Vocabulary

DEFAULT_RUN = Path("clif-run")
MODEL = "model.safetensors"
CHECKPOINTS = "checkpoints"
LOCK = ".lock"  # in those folders of a run where one process works at a time
FORMAT = 1
_AGAIN = "Train again with --force."
_RESTORE = "Restore the file of this run, or train again with --force."
_KIND = "a model"
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
        """The files, folders and URLs that the corpus was read from; empty for the default corpus.

        Relative ones lie in the run; raises InputError for one that leads out of it.
        """
        sources, said_by = [located(source) for source in self.manifest["corpus"]["sources"]], self.path / MANIFEST
        return [
            source if isinstance(source, Remote) or source.is_absolute() else inside(self.path, source, said_by)
            for source in sources
        ]

    @cached_property
    def corpus(self) -> Corpus:
        """The encoded corpus; raises MismatchError if it is not the one the model was trained on."""
        corpus = open_corpus(self.path)
        self._belongs("the encoded corpus", corpus.content_hash)
        for name in (DOCUMENTS, WORDS):  # tokens and sentences are checked by what these say of them
            check_file(self.path, name, self.manifest, _RESTORE)
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
        self._belongs(f"the model {MODEL}", about.get("corpus"))
        if about != {"corpus": about["corpus"], "settings": self.manifest["settings"]}:
            raise MismatchError(
                f"the model {MODEL} was not trained with this run's settings on all of its corpus",
                where=str(self.path),
                next=_RESTORE,
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
            reason = "no such file" if isinstance(error, FileNotFoundError) else error
            raise InputError(
                f"cannot be read as {_KIND}: {reason}", where=str(self.path / MODEL), next=_AGAIN
            ) from error
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
    def locks(self) -> list[Path]:
        """The locks of those who work on the run for long."""
        return [folder / LOCK for folder in (self.models, self.retrains, self.verifications, self.tradeoffs)]

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

    def _belongs(self, what: str, content_hash: object) -> None:
        if content_hash != self.manifest["corpus"]["hash"]:
            raise MismatchError(
                f"{what} does not belong to this run's corpus",
                where=str(self.path),
                next=_RESTORE,
            )


def replaced(folder: Path) -> Path:
    """Where a run lies for the moment in which a new one takes its place."""
    return folder.with_name(f".{folder.name}.old")


def is_run(path: Path) -> bool:
    """Whether `path` is a run folder."""
    return (path / MANIFEST).is_file()


def open_run(path: Path | str | None = None) -> Run:
    """Open a run folder, ./clif-run unless told otherwise; raises InputError if there is none."""
    folder = Path(path or DEFAULT_RUN)
    if not is_run(folder):
        what = "this folder holds no run" if folder.is_dir() else "there is no run here"
        make = "Make one with `clif train`, or name the folder of a run."
        if replaced(folder).exists():
            what = "this run was being replaced when its command was stopped"
            make = f"Run that command again, or rename {replaced(folder)} back to {folder.name}."
        raise InputError(what, where=str(folder), next=make)
    manifest = read_json(folder / MANIFEST, "Train again with --force.")
    try:
        known = manifest["format"] == FORMAT and all(keys <= set(manifest[part]) for part, keys in _PARTS.items())
        check_manifest(manifest)
    except DAMAGE:
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
    write_tensors(path, {"U": U, "C": C}, about)


def read_matrices(path: Path, next_step: str = _AGAIN) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
    """Read U, C and what was written about them; raises InputError with `next_step` for a damaged file."""
    arrays, about = read_tensors(path, _KIND, next_step)
    try:
        check_matrices(arrays["U"], arrays["C"])
    except DAMAGE as error:
        raise InputError(f"holds no input and output vectors: {error}", where=str(path), next=next_step) from error
    return arrays["U"], arrays["C"], about


def read_about(path: Path, next_step: str = _AGAIN) -> dict[str, Any]:
    """Read what was written about matrices, without them; raises InputError with `next_step` for a damaged file."""
    return tensors.read_about(path, _KIND, next_step)
