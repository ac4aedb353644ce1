"""The trainers behind one function: by name, with the same arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from clif.training.trained import Trained

if TYPE_CHECKING:
    from clif.corpus.encoding import Corpus
    from clif.settings import TrainingSettings
    from clif.vocabulary import Vocabulary

# What stays as it was when documents are removed or repeated, beside vocabulary, subsampling and noise, by trainer.
HELD_FIXED: Mapping[str, Mapping[str, str]] = {
    "paired": {
        "learning_rate": "by share of the tokens of the full corpus; a removed document still counts as seen",
        "random_numbers": "a hash of seed, epoch, document id and position: an edit of the corpus changes no draw for "
        "any other document",
    },
    "gensim": {
        "learning_rate": "by share of the documents seen; in retraining a removed document still counts as seen, "
        "so every other document keeps its rate to within one batch of 10,000 words; one that counts for a part is "
        "passed in that share of the epochs, by a hash of seed, document id and epoch",
        "random_numbers": "one stream: an edit of the corpus changes the draws for all documents that follow it",
    },
    "exact": {
        "start": "a hash of seed and word; a retraining starts there as well, and ends where the gradient of its own "
        "loss is as small a share of that at the start",
        "random_numbers": "none but the start: pairs and noise enter by what is expected of them",
        "not_used": "epochs, alpha, min_alpha and workers have no meaning for this trainer",
    },
}


def train_model(
    corpus: Corpus,
    vocabulary: Vocabulary,
    settings: TrainingSettings,
    *,
    weights: NDArray[np.float64] | None = None,
    seen: Callable[[int], None] | None = None,
    after_epoch: Callable[[int, NDArray[np.float32], NDArray[np.float32]], None] | None = None,
    step: Callable[[int, float], None] | None = None,
    start: tuple[int, NDArray[np.float32], NDArray[np.float32]] | None = None,
) -> Trained:
    """Train by the trainer that the settings name.

    `weights` (documents,) say how often each document stands: 0 removes it, 2 adds a copy, and what lies between scales
    its learning rate (see `PairedTraining`), its pairs in the expected loss (`train_exact`), or leaves it out of some
    epochs (gensim's `Sentences`); None: one each. `seen(documents)` is called now and then with how many documents of
    the epoch are done, `after_epoch(epoch, U, C)` with the matrices in place; its time is not counted. The exact
    trainer has no epochs: it calls `step` (see `train_exact`), and `after_epoch` once, at the end. `start`, for the
    paired trainer alone, is where to go on: how many epochs are done, with the matrices after them, which are changed.

    Raises
    ------
    InputError
        As `train_exact` raises it.

    """
    if settings.trainer == "exact":
        from clif.training.exact import train_exact

        return train_exact(corpus, vocabulary, settings, weights=weights, step=step, after_epoch=after_epoch)
    if settings.trainer == "paired":
        from clif.training.paired import train_paired

        return train_paired(
            corpus, vocabulary, settings, weights=weights, seen=seen, after_epoch=after_epoch, start=start
        )
    from clif.training.gensim import train_gensim

    return train_gensim(corpus, vocabulary, settings, weights=weights, seen=seen, after_epoch=after_epoch)
