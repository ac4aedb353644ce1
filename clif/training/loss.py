"""An honest loss per epoch: the expected loss of a pair on a fixed sample of contexts.

gensim's own running loss is summed in single precision across threads and drifts; this one is computed anew
at the end of each epoch, always on the same contexts and noise words, so epochs can be compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from clif.pairs import stream_contexts

if TYPE_CHECKING:
    from clif.corpus.encoding import Corpus
    from clif.settings import TrainingSettings
    from clif.vocabulary import Vocabulary

CONTEXTS, NOISE = 50_000, 500


class LossSample:
    """Contexts from documents spread over the corpus, and noise words drawn from q; false if there are none."""

    def __init__(self, corpus: Corpus, vocabulary: Vocabulary, settings: TrainingSettings) -> None:
        rng = np.random.default_rng(settings.seed)
        keep = vocabulary.keep_probabilities(settings.sample)
        documents = rng.permutation(len(corpus))
        stream = stream_contexts(
            corpus.tokens, corpus.offsets, keep, settings.window, documents=documents, block=CONTEXTS
        )
        first = next(stream, None)
        self.negative = settings.negative
        self.size = 0 if first is None else len(first)
        if first is None:
            return
        self.input, self.output, self.weight = first.input, first.output, first.weight
        self.noise = rng.choice(len(vocabulary), NOISE, p=vocabulary.noise(settings.ns_exponent))

    def __bool__(self) -> bool:
        return self.size > 0

    def loss(self, U: NDArray[np.float32], C: NDArray[np.float32]) -> float:
        """Mean over the contexts, by weight, of softplus(-x) + k E_q[softplus(x)]."""
        x = np.einsum("nd,nd->n", U[self.input], C[self.output])
        inputs, which = np.unique(self.input, return_inverse=True)
        noise = np.logaddexp(0, U[inputs] @ C[self.noise].T).mean(1)
        pair = np.logaddexp(0, -x) + self.negative * noise[which]
        return float(np.average(pair, weights=self.weight))
