"""The trainers behind one function: by name, with the same arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from clif.errors import UsageError

if TYPE_CHECKING:
    from clif.corpus.encoding import Corpus
    from clif.settings import TrainingSettings
    from clif.training.gensim import Trained
    from clif.vocabulary import Vocabulary

# What a manifest says of each trainer.
RANDOM_NUMBERS = {
    "paired": {
        "learning_rate": "by share of the tokens of the full corpus; a removed document still counts as seen",
        "random_numbers": "a hash of seed, epoch, document id and position: an edit of the corpus changes no draw for "
        "any other document",
    },
    "gensim": {
        "learning_rate": "by share of the documents seen; in retraining a removed document still counts as seen, "
        "so every other document keeps its rate to within one batch of 10,000 words",
        "random_numbers": "one stream: an edit of the corpus changes the draws for all documents that follow it",
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
) -> Trained:
    """Train by the trainer that the settings name; arguments as for `train_paired`.

    Raises
    ------
    UsageError
        gensim is asked for weights that are not whole numbers.

    """
    if settings.trainer == "gensim":
        from clif.training.gensim import train_gensim

        whole = np.ones(len(corpus)) if weights is None else np.rint(weights)
        if weights is not None and not np.array_equal(whole, weights):
            raise UsageError(
                "gensim cannot train on a part of a document",
                where="--trainer gensim",
                next="Use whole numbers of copies, or train with --trainer paired.",
            )
        return train_gensim(
            corpus, vocabulary, settings, copies=whole.astype(np.int64), seen=seen, after_epoch=after_epoch
        )
    from clif.training.paired import train_paired

    return train_paired(corpus, vocabulary, settings, weights=weights, seen=seen, after_epoch=after_epoch)
