"""How much of a corpus given input vectors explain: whether it can be the one they were trained on.

One document in HELD is held out, by hash of its id; the others, up to MOST tokens of them, are learnt from. Three
models of these are judged by the mean loss of an expected pair with its negatives, in documents that were held out and
in as many that were learnt from:

    given      the given vectors, output vectors fitted to the documents learnt from (`outputs`)
    trained    vectors that the paired trainer makes of the same documents
    frequency  one vector for all words, output vectors fitted likewise: how frequent an output is, and nothing else

    share = (frequency - given) / (frequency - trained)

Of the corpus that they were trained on, vectors have seen what is held out too: there they beat the trained model. So
can good vectors of other text, where the corpus is small. What only its own vectors know is its chances, which any
training on it picks up: on documents learnt from their share is near 1 or above, and that of others is well below.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from clif.noise_sample import NoiseSample
from clif.training.draws import name_keys
from clif.training.outputs import OutputLoss, count_outputs, find_scale, fit_outputs
from clif.training.pair_loss import PairLoss
from clif.training.paired import train_paired

if TYPE_CHECKING:
    from clif.corpus.encoding import Corpus
    from clif.settings import TrainingSettings
    from clif.vocabulary import Vocabulary

Matrix = NDArray[Any]

HELD = 10
MOST = 1_000_000
NOISE = 1000  # noise words that the negatives are taken over, the same for all models


@dataclass(frozen=True)
class Losses:
    """Loss of a pair by each of the models, in the same documents; None where these have no pair."""

    given: float | None
    trained: float | None
    frequency: float | None

    @property
    def share(self) -> float | None:
        """What the given vectors explain of what training gains; None where that is nothing, or not known."""
        if self.given is None or self.trained is None or self.frequency is None:
            return None
        gain = self.frequency - self.trained
        return (self.frequency - self.given) / gain if gain > 0 else None


@dataclass(frozen=True)
class Explained:
    """Losses in `held_out` documents and in as many of those `learnt_from`, and what it took to find them."""

    held: Losses
    seen: Losses
    held_out: int
    learnt_from: int
    cpu_seconds: float

    def to_dict(self) -> dict[str, Any]:
        """The figures as plain values, for the manifest."""
        losses = {
            name: {**asdict(part), "share": part.share} for name, part in (("held", self.held), ("seen", self.seen))
        }
        return {**asdict(self), **losses}


def explain(corpus: Corpus, vocabulary: Vocabulary, settings: TrainingSettings, U: Matrix, scale: float) -> Explained:
    """Judge the vectors `scale` U (V, d). The trained model has the `settings`."""
    began = time.process_time()
    held, learnt = split(corpus)
    counts = count_outputs(corpus, vocabulary, settings, learnt)
    if not counts.nnz:  # nothing is learnt from these documents
        none = Losses(None, None, None)
        return Explained(none, none, len(held), len(learnt), round(time.process_time() - began, 3))
    noise = vocabulary.noise(settings.ns_exponent)
    judges = [
        PairLoss(count_outputs(corpus, vocabulary, settings, documents), noise, settings.negative, _few(noise))
        for documents in (held, learnt[:: max(1, len(learnt) // max(1, len(held)))])
    ]

    def fitted(vectors: Matrix, scale: float | None = None) -> list[float | None]:
        if scale is None:
            scale = find_scale(OutputLoss.of(vectors, counts, vocabulary, settings))
        loss = OutputLoss.of(vectors, counts, vocabulary, settings, scale)
        C = fit_outputs(loss).C
        return [judge.mean(loss.U, C) for judge in judges]

    weights = np.zeros(len(corpus))
    weights[learnt] = 1.0
    model = train_paired(corpus, vocabulary, settings, weights=weights)
    trained = [judge.mean(model.U, model.C) for judge in judges]
    losses = zip(fitted(U, scale), trained, fitted(np.ones((len(vocabulary), 1))), strict=True)
    first, second = (Losses(*each) for each in losses)
    return Explained(first, second, len(held), len(learnt), round(time.process_time() - began, 3))


def split(corpus: Corpus) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Documents to hold out and to learn from, as rising indices; none of the first if there is but one document."""
    order = np.argsort(name_keys("held out", 0, corpus.doc_ids), kind="stable")
    held, rest = np.split(order, [-(-len(order) // HELD) if len(order) > 1 else 0])
    few = int(np.searchsorted(np.cumsum(corpus.lengths[rest]), MOST, side="right"))
    return np.sort(held), np.sort(rest[: max(1, few)])


def _few(noise: NDArray[np.float64]) -> NoiseSample:
    """Words drawn from the noise, each with the same weight; a word may be among them twice."""
    words = np.random.default_rng(0).choice(len(noise), NOISE, p=noise)
    return NoiseSample(words, 1.0 / (NOISE * noise[words]))
