"""The paired trainer once more, slowly and by itself: Python's whole numbers for the hashes, lists for the rest."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from clif.corpus.encoding import Corpus
from clif.settings import TrainingSettings
from clif.vocabulary import Vocabulary

MASK = 2**64 - 1
GOLDEN = 0x9E3779B97F4A7C15


def mix(x: int) -> int:
    """The finaliser of splitmix64."""
    x &= MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def slow_key(purpose: str, seed: int, name: str) -> int:
    return int(hashlib.sha256(f"{purpose}:{seed}:{name}".encode()).hexdigest()[:16], 16)


def slow_table(q: Sequence[float]) -> tuple[list[int], list[int]]:
    """Walker's table: the poor are filled up by the rich, last ones first."""
    left = [share * len(q) for share in q]
    threshold, alias = [2**32 - 1] * len(q), list(range(len(q)))
    poor = [n for n, share in enumerate(left) if share < 1]
    rich = [n for n, share in enumerate(left) if share >= 1]
    while poor and rich:
        n, giver = poor.pop(), rich[-1]
        threshold[n], alias[n] = int(left[n] * (2**32 - 1)), giver
        left[giver] -= 1 - left[n]
        if left[giver] < 1:
            poor.append(rich.pop())
    return threshold, alias


def slow_draws(
    tokens: Sequence[int],
    key: int,
    keep: Sequence[float],
    window: int,
    longest: int,
    positions: Sequence[int] | None = None,
) -> list[tuple[int, int, int]]:
    """Pairs of one pass over a document in their order: place of the input, place of the output, state there.

    `positions` name the draws of the tokens; where nothing was taken out they are 0, 1, ...
    """
    pieces: list[list[tuple[int, int]]] = [[]]
    inside = 0
    for place, token in enumerate(tokens):
        if token >= len(keep):
            continue
        if inside == longest:
            pieces.append([])
            inside = 0
        inside += 1
        state = mix(key + (place if positions is None else positions[place]) * GOLDEN)
        if (mix(state) >> 11) / 2**53 < keep[token]:
            pieces[-1].append((place, state))
    pairs = []
    for piece in pieces:
        for n, (centre, state) in enumerate(piece):
            reach = 1 + (((mix(state + GOLDEN) >> 32) * window) >> 32)
            near = piece[max(0, n - reach) : n] + piece[n + 1 : n + 1 + reach]
            pairs += [(other, centre, state) for other, _ in near]
    return pairs


def slow_epoch(
    corpus: Corpus,
    settings: TrainingSettings,
    number: int,
    weights: Sequence[float],
    lengths: Sequence[int] | None = None,
) -> list[tuple[int, int, float]]:
    """Document, key and rate of each pass of an epoch, in order; the schedule goes by the `lengths` of documents."""
    lengths = corpus.lengths.tolist() if lengths is None else lengths
    keys = [mix(slow_key("document", settings.seed, doc_id) + number) for doc_id in corpus.doc_ids]
    total = sum(lengths)
    before, passes = 0, []
    for z in sorted(range(len(keys)), key=keys.__getitem__):
        done = (number + before / max(1, total)) / settings.epochs
        rate = settings.alpha - (settings.alpha - settings.min_alpha) * done
        before += lengths[z]
        w = weights[z]
        times = max(1, math.floor(w)) if w > 0 else 0
        passes += [(z, mix(keys[z] + n * GOLDEN) if n else keys[z], rate * w / times) for n in range(times)]
    return passes


def slow_training(
    corpus: Corpus,
    vocabulary: Vocabulary,
    settings: TrainingSettings,
    weights: Sequence[float] | None = None,
    epochs: int | None = None,
    longest: int = 10_000,
    positions: Sequence[Sequence[int]] | None = None,
    lengths: Sequence[int] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """U and C after `epochs` epochs, all if left out, in double precision.

    For a text from which tokens were taken out: the `positions` (by document) that its tokens had, and the `lengths`
    that its documents had.
    """
    dim, k = settings.dim, settings.negative
    weights = [1.0] * len(corpus) if weights is None else weights
    keep = vocabulary.keep_probabilities(settings.sample).tolist()
    threshold, alias = slow_table(vocabulary.noise(settings.ns_exponent).tolist())
    keys = [slow_key("word", settings.seed, word) for word in vocabulary.words]
    U = np.array([[(2 * (mix(key + i * GOLDEN) / 2**64) - 1) / dim for i in range(dim)] for key in keys])
    C = np.zeros_like(U)
    for number in range(settings.epochs if epochs is None else epochs):
        for z, key, rate in slow_epoch(corpus, settings, number, weights, lengths):
            tokens = corpus.tokens[corpus.offsets[z] : corpus.offsets[z + 1]].tolist()
            drawn: dict[int, int] = {}  # negatives that each centre has drawn so far
            for place, centre, state in slow_draws(
                tokens, key, keep, settings.window, longest, positions[z] if positions else None
            ):
                word, output = tokens[place], tokens[centre]
                u, pull = U[word].copy(), np.zeros(dim)
                for n in range(1 + k):
                    target = output
                    if n:
                        bits = mix(state + (2 + drawn.get(centre, 0)) * GOLDEN)
                        drawn[centre] = drawn.get(centre, 0) + 1
                        target = ((bits >> 32) * len(keep)) >> 32
                        target = alias[target] if bits & (2**32 - 1) > threshold[target] else target
                        if target == output:
                            continue
                    g = rate * ((n == 0) - 1 / (1 + math.exp(-(u @ C[target]))))
                    pull += g * C[target]
                    C[target] += g * u
                U[word] += pull
    return U, C
