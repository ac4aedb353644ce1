"""Make a run of a model, or of vectors, that were trained elsewhere, and the corpus they were trained on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from clif.corpus.encoding import Corpus
from clif.corpus.reading import ReadOptions
from clif.corpus.remote import Source
from clif.corpus.tokenising import Tokeniser
from clif.errors import InputError, MismatchError, UsageError
from clif.folder import Given, build, encode_into, finish
from clif.formats import load_vectors
from clif.model import SkipGram
from clif.progress import Progress, silent
from clif.run import DEFAULT_RUN
from clif.settings import TrainingSettings
from clif.training import TrainResult
from clif.training.fitting import Brought, fit_vectors

# Share of the model's tokens by which the counts of the corpus may differ from its own.
TOLERANCE = 0.1


def import_model(
    model: Path,
    sources: Sequence[Given],
    out: Path | str = DEFAULT_RUN,
    settings: TrainingSettings | None = None,
    *,
    read: ReadOptions | None = None,
    tokeniser: Tokeniser | None = None,
    allow_pickle: bool = False,
    force: bool = False,
    anyway: bool = False,
    progress: Progress = silent,
) -> TrainResult:
    """Make a run folder of a model and its corpus, so that documents can be ranked.

    A gensim skip-gram model is taken with its own settings. Vectors alone get output vectors that are fitted on the
    corpus (`fit_vectors`), as if they had been trained with `settings`; `anyway` takes them even if they explain
    little of it.

    Raises
    ------
    InputError
        The model lacks word counts or usable settings, or next to no word of the vectors is in the corpus.
    UsageError
        `settings` are given for a model that has its own.
    MismatchError
        The corpus is plainly not the one the model or the vectors were trained on.

    """
    read, tokeniser = read or ReadOptions(), tokeniser or Tokeniser()
    loaded = load_vectors(model, allow_pickle=allow_pickle)
    if loaded.C is not None and settings is not None:
        raise UsageError(
            "this model knows the settings it was trained with",
            where=loaded.source,
            next="Leave out --window, --epochs and the like: they are for vectors without output vectors.",
        )

    def fill(folder: Path, paths: list[Source]) -> None:
        def encode(**words: Any) -> Corpus:
            return encode_into(folder, paths, read, tokeniser, progress, **words)

        if loaded.C is None:
            given = settings or TrainingSettings()
            brought = fit_vectors(loaded, encode, given, anyway=anyway, progress=progress)
        else:
            brought = _take_whole(loaded, encode)
        finish(
            folder, paths, brought.corpus, read, tokeniser, brought.settings, len(brought.U), brought.U, brought.C,
            {**brought.about, "imported": str(model)},
        )  # fmt: skip

    def reusable(folder: Path, _paths: list[Source]) -> None:
        if not force:
            raise MismatchError(
                "holds a run already", where=str(folder), next="Add --force to replace it, or give another --out."
            )

    return TrainResult(build(out, sources, fill, reusable), reused=False)


def _take_whole(loaded: SkipGram, encode: Callable[..., Corpus]) -> Brought:
    """A skip-gram model as it is, with its own words, counts and settings."""
    if loaded.C is None or loaded.settings is None or loaded.counts is None:
        raise InputError(
            "holds no complete skip-gram model with negative sampling (output vectors, word counts and settings), "
            "so influence on it is not defined",
            where=loaded.source,
            next="Give a gensim model saved in full by Word2Vec.save with sg=1 and hs=0, or its vectors alone "
            "(model.wv.save): output vectors are then fitted on the corpus.",
        )
    corpus = encode(vocabulary=loaded.words)
    gap = float(np.abs(corpus.counts[: len(loaded.words)] - loaded.counts).sum() / loaded.counts.sum())
    if gap > TOLERANCE:
        raise MismatchError(
            f"its word counts differ from the model's by {gap:.0%} of the tokens, "
            "so the model was not trained on this corpus read this way",
            where="corpus",
            next="Give the model's own corpus; check --keep-case, --pretokenised and --text-field.",
        )
    about: dict[str, Any] = {
        "losses": [],
        "loss": None,
        "cpu_seconds": None,
        "reproducible": False,
        "reproducible_because": "the model was trained elsewhere",
    }
    return Brought(corpus, loaded.settings, loaded.U, loaded.C, about)
