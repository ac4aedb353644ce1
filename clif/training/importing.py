"""Make a run of a model that was trained elsewhere and the corpus it was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from clif.corpus.reading import ReadOptions
from clif.corpus.tokenising import Tokeniser
from clif.errors import InputError, MismatchError
from clif.folder import build, encode_into, finish
from clif.formats import load_vectors
from clif.progress import Progress, silent
from clif.run import DEFAULT_RUN
from clif.training import TrainResult

# Share of the model's tokens by which the counts of the corpus may differ from its own.
TOLERANCE = 0.1


def import_model(
    model: Path,
    sources: Sequence[Path | str],
    out: Path | str = DEFAULT_RUN,
    *,
    read: ReadOptions | None = None,
    tokeniser: Tokeniser | None = None,
    allow_pickle: bool = False,
    force: bool = False,
    progress: Progress = silent,
) -> TrainResult:
    """Make a run folder of a gensim skip-gram model and its corpus, so that documents can be ranked.

    Raises
    ------
    InputError
        The model holds no output vectors, or not the settings that the training loss needs.
    MismatchError
        The corpus is plainly not the one the model was trained on: word counts differ.

    """
    read, tokeniser = read or ReadOptions(), tokeniser or Tokeniser()
    loaded = load_vectors(model, allow_pickle=allow_pickle)
    if loaded.C is None or loaded.settings is None or loaded.counts is None:
        raise InputError(
            "holds no complete skip-gram model with negative sampling (output vectors, word counts and settings), "
            "so influence on it is not defined",
            where=loaded.source,
            next="Give a gensim model saved in full by Word2Vec.save with sg=1 and hs=0, or train with `clif train`.",
        )
    U, C, counts, settings, words = loaded.U, loaded.C, loaded.counts, loaded.settings, loaded.words

    def fill(folder: Path, paths: list[Path]) -> None:
        corpus = encode_into(folder, paths, read, tokeniser, progress, vocabulary=words)
        gap = float(np.abs(corpus.counts[: len(words)] - counts).sum() / counts.sum())
        if gap > TOLERANCE:
            raise MismatchError(
                f"its word counts differ from the model's by {gap:.0%} of the tokens, "
                "so the model was not trained on this corpus read this way",
                where="corpus",
                next="Give the model's own corpus; check --keep-case, --pretokenised and --text-field.",
            )
        training: dict[str, Any] = {
            "losses": [],
            "loss": None,
            "cpu_seconds": None,
            "reproducible": False,
            "imported": str(model),
        }
        finish(folder, paths, corpus, read, tokeniser, settings, len(words), U, C, training)

    def reusable(folder: Path, _paths: list[Path]) -> None:
        if not force:
            raise MismatchError(
                "holds a run already", where=str(folder), next="Add --force to replace it, or give another --out."
            )

    return TrainResult(build(out, sources, fill, reusable), reused=False)
