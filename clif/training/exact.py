"""The trainer of which theory speaks: the expected loss with an L2 penalty, minimised over all pairs at once.

Nothing is sampled: the loss is that of `expected`, with the pair counts that sampling would have on average, and the
vectors end where its gradient is zero, up to `tolerance`. There documents can be removed from the loss exactly, and
influence functions mean what they say. The loss is not convex, so the minimum depends on the start, which the seed
chooses; U = C = 0 is a saddle. Epochs, learning rates and workers have no meaning here.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
from numpy.typing import NDArray

from clif.errors import InputError
from clif.pairs import stream_contexts
from clif.threads import one_thread
from clif.training.draws import spread_rows
from clif.training.expected import ExpectedLoss, Matrix
from clif.training.newton import minimise
from clif.training.trained import Trained

if TYPE_CHECKING:
    from clif.corpus.encoding import Corpus
    from clif.settings import TrainingSettings
    from clif.vocabulary import Vocabulary

LARGEST = 5000  # words
# Matrices (V, V) that are held, and (2, V, d) at the height of a step.
SQUARES, MODELS = 3, 12


def count_dense(
    corpus: Corpus,
    vocabulary: Vocabulary,
    settings: TrainingSettings,
    weights: NDArray[np.floating] | None = None,
) -> Matrix:
    """Expected pair counts (V, V) of an epoch, each document's multiplied by its weight, (documents,); None: 1 each."""
    size = len(vocabulary)
    keep = vocabulary.keep_probabilities(settings.sample)
    counts = np.zeros(size * size)
    documents = None if weights is None else np.flatnonzero(weights)
    for contexts in stream_contexts(corpus.tokens, corpus.offsets, keep, settings.window, documents=documents):
        times = contexts.weight if weights is None else contexts.weight * weights[contexts.document]
        np.add.at(counts, contexts.input * size + contexts.output, times)
    corpus.release()
    return counts.reshape(size, size)


def expected_loss(vocabulary: Vocabulary, settings: TrainingSettings, counts: Matrix) -> ExpectedLoss:
    """The loss of these counts, with the noise of the vocabulary and the penalty of the settings."""
    return ExpectedLoss(counts, settings.negative * vocabulary.noise(settings.ns_exponent), settings.l2)


def start(vocabulary: Vocabulary, settings: TrainingSettings) -> Matrix:
    """U and C before training, (2, V, d): uniform in [-1, 1] / d, each row by its word and the seed alone."""
    sides = [spread_rows(side, settings.seed, vocabulary.words, settings.dim) for side in ("word", "output word")]
    return np.stack(sides) / settings.dim


def train_exact(
    corpus: Corpus,
    vocabulary: Vocabulary,
    settings: TrainingSettings,
    *,
    weights: NDArray[np.floating] | None = None,
    warm: Matrix | None = None,
    step: Callable[[int, float], None] | None = None,
    after_epoch: Callable[[int, NDArray[Any], NDArray[Any]], None] | None = None,
) -> Trained:
    """Minimise the expected loss of the documents, each times its weight (documents,), until

        |gradient| <= tolerance |gradient at the start of the seed|.

    It begins at that start, or at `warm` (2, V, d). `step(number, |gradient| / |gradient at the start|)` is called
    after each step, `after_epoch(1, U, C)` at the end; its time is not counted. Equal inputs give equal bytes. Where
    the gradient stays above the tolerance, the vectors are where it got to, and `about` says so.

    Raises
    ------
    InputError
        There are more than LARGEST words, or memory would not do.

    """
    check_size(vocabulary, settings)
    began = time.process_time()
    with one_thread():  # the same bits on any number of cores
        loss = expected_loss(vocabulary, settings, count_dense(corpus, vocabulary, settings, weights))
        cold = start(vocabulary, settings)
        scale = float(np.linalg.norm(loss.at(cold).gradient))
        found = minimise(
            loss,
            cold if warm is None else np.asarray(warm, dtype=np.float64),
            settings.tolerance * scale,
            seen=(lambda number, size: step(number, size / scale)) if step else None,
        )
    spent = time.process_time() - began
    share = found.gradient / scale if scale else 0.0
    U, C = found.Z
    if after_epoch:
        after_epoch(1, U, C)
    about = {"gradient": share, "converged": found.reached, "steps": found.steps, "products": found.products}
    return Trained(U, C, spent, about)


def check_size(vocabulary: Vocabulary, settings: TrainingSettings) -> None:
    """Raise InputError if there are too many words, or not the memory for them."""
    size = len(vocabulary)
    if size > LARGEST:
        raise InputError(
            f"every step goes through all pairs of words, and {size:,} words are more than the {LARGEST:,} it takes",
            where="--trainer exact",
            next=f"Raise --min-count to {int(vocabulary.counts[LARGEST]) + 1}, or train with --trainer paired.",
        )
    needed = 8 * (SQUARES * size**2 + MODELS * 2 * size * settings.dim)
    free = psutil.virtual_memory().available
    if needed > free:
        raise InputError(
            f"training {size:,} words at once would need about {needed / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free",
            where="--trainer exact",
            next="Raise --min-count, or train with --trainer paired.",
        )
