"""Turn-over dropout: a model in which every document was kept out of half of the dimensions.

Kobayashi, Yokoi, Suzuki, Inui 2020, "Efficient Estimation of Influence of a Training Instance". Each document z has a
mask m_z (d,) of zeros and ones, by hash of (seed, document id): h = floor(d / 2) dimensions are kept, the same in every
epoch. While z is trained the hidden layer is (d / h) m_z * u_w (inverted dropout), so for a pair or a negative (w, c),
y = 1 or 0,

    x = (d / h) sum_i m_zi u_wi c_ci        u_w += rate (y - sigma(x)) (d / h) m_z * c_c
                                            c_c += rate (y - sigma(x)) (d / h) m_z * u_w

and z touches no dimension outside its mask. Afterwards T is taken of both parts of the vectors (cosines know no scale):

    influence(z) = T(U outside m_z) - T(U inside m_z)        from "z was learnt" to "z was not": the change when removed

For odd d one part is larger, which shifts all documents about alike. Settings and the order of documents are
the run's own, and the loop is gensim's, but: sigma is exact (gensim takes it from a table and skips |x| >= 6), the rate
falls at every document (there, once in 10,000 words), and each draw is a hash of (seed, document id, epoch, position,
number of the draw). A document's mask and draws hence depend on nothing else; the vectors it meets, on those before it.

What to expect: cosines are sums over dimensions, so T is nearly linear in the mask (R^2 .9997 for the difference of
means, .996 for the effect size). All documents of a run share d numbers, so the correlation with the truth is about
sqrt(d / documents) at best, and the chances of the initial vectors come on top. On planted corpora (1,000 documents,
d = 100; three corpora, ten runs each) the first 200 hold 26% carriers by the difference of means and 24% by the effect
size, where chance gives 20% and `block` 95% or more by the former; the mean of ten runs finds 38% and 31%. The numbers
spread over a third of T itself, 70 to 90 times as far as those of `block`: they rank, but predict no change of T. Nor
are the parts independent: documents whose masks lie across both make up, in one, for what z did in the other.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from clif.compiling import compiled, inlined
from clif.errors import UsageError
from clif.influence.attribution import Attribution
from clif.influence.problem import Problem
from clif.pairs import LONGEST
from clif.progress import Progress, silent
from clif.training.draws import (
    GOLDEN,
    NEGATIVES,
    Keys,
    alias_table,
    draw_reach,
    draw_word,
    hash_one,
    hashed,
    is_kept,
    name_keys,
)

if TYPE_CHECKING:
    from clif.corpus.encoding import Corpus
    from clif.settings import TrainingSettings
    from clif.vocabulary import Vocabulary

Masks = NDArray[np.bool_]
Vectors = NDArray[np.float32]

LEAST = 4  # dimensions; in one dimension alone every cosine is 1 or -1
BLOCK = 1024  # documents that are trained between two looks at the masks


def turnover(problem: Problem) -> Attribution:
    """Train with the documents' masks, then compare T inside and outside of each mask.

    Raises
    ------
    UsageError
        The model has fewer than LEAST dimensions.

    """
    dim = problem.settings.dim
    if dim < LEAST:
        raise UsageError(
            f"half of {dim} dimensions is too little to measure a bias in",
            where="--method turnover",
            next=f"Train with --dim {LEAST} or more, or use --method block.",
        )
    if problem.settings.trainer == "exact":
        raise UsageError(
            "documents are told apart by training, and the exact trainer takes all of them at once",
            where="--method turnover",
            next="Use --method block or clif.",
        )
    keys = name_keys("turnover", problem.settings.seed, problem.corpus.doc_ids)
    U, _ = train_masked(
        problem.corpus, problem.vocabulary, problem.settings, keys, draw_masks, progress=problem.progress
    )
    vectors = U[problem.rows].astype(np.float64)
    influence = np.empty(len(keys))
    for first in range(0, len(keys), BLOCK):
        for z, mask in enumerate(draw_masks(keys[first : first + BLOCK], dim), first):
            without, with_it = (problem.objective.value(vectors[:, side], problem.measure) for side in (~mask, mask))
            influence[z] = without - with_it
    return Attribution(documents=influence)


def draw_masks(keys: Keys, dim: int) -> Masks:
    """The dimensions in which each document is trained, floor(dim / 2) of them: (documents, dim)."""
    drawn = hashed(hashed(~keys)[:, None] + np.arange(dim, dtype=np.uint64) * GOLDEN)
    masks = np.zeros(drawn.shape, dtype=np.bool_)
    np.put_along_axis(masks, np.argsort(drawn, axis=1)[:, : dim // 2], True, axis=1)
    return masks


def train_masked(
    corpus: Corpus,
    vocabulary: Vocabulary,
    settings: TrainingSettings,
    keys: Keys,
    masks: Callable[[Keys, int], Masks],
    *,
    progress: Progress = silent,
) -> tuple[Vectors, Vectors]:
    """Train U and C (V, d), each document in the dimensions that `masks(keys, d)` gives for its key."""
    dim, size = settings.dim, len(vocabulary)
    start = name_keys("turnover", settings.seed, [""]) + np.arange(size * dim, dtype=np.uint64) * GOLDEN
    U = ((hashed(start) / 2.0**64 - 0.5) / dim).astype(np.float32).reshape(size, dim)
    C = np.zeros_like(U)
    keep = vocabulary.keep_probabilities(settings.sample)
    threshold, alias = alias_table(vocabulary.noise(settings.ns_exponent))
    documents, tokens = len(corpus), max(1, int(corpus.offsets[-1]))
    for epoch in range(settings.epochs):
        for first in range(0, documents, BLOCK):
            last = min(first + BLOCK, documents)
            allowed = masks(keys[first:last], dim)
            scales = allowed * (dim / np.maximum(allowed.sum(1, keepdims=True), 1))
            seen = (epoch + corpus.offsets[first:last] / tokens) / settings.epochs
            rates = settings.alpha - (settings.alpha - settings.min_alpha) * seen
            train_documents(
                corpus.tokens, corpus.offsets[first : last + 1], hashed(keys[first:last] + np.uint64(epoch)),
                scales.astype(np.float32), rates.astype(np.float32), keep, threshold, alias,
                settings.window, settings.negative, U, C,
            )  # fmt: skip
            done = epoch + last / documents
            progress("train", done, settings.epochs, f"epoch {epoch + 1} of {settings.epochs}, with masks")
    return U, C


@compiled
def train_documents(tokens, offsets, keys, scales, rates, keep, threshold, alias, window, negative, U, C):  # type: ignore[no-untyped-def]
    """Train on each document once, in order: document n holds tokens[offsets[n]:offsets[n + 1]].

    `keys` (documents,) are for this epoch; `scales` (documents, d) is d / h in the mask and 0 outside of it.
    """
    size = len(keep)
    words = np.empty(LONGEST, dtype=np.int64)
    states = np.empty(LONGEST, dtype=np.uint64)
    hidden = np.empty(U.shape[1], dtype=U.dtype)
    pull = np.empty(U.shape[1], dtype=U.dtype)
    for document in range(len(keys)):
        start, end = offsets[document], offsets[document + 1]
        place = start
        while place < end:
            inside = 0
            kept = 0
            while place < end and inside < LONGEST:
                word = np.int64(tokens[place])
                if word < size:
                    inside += 1
                    state = hash_one(keys[document] + np.uint64(place - start) * GOLDEN)
                    if is_kept(state, keep[word]):
                        words[kept] = word
                        states[kept] = state
                        kept += 1
                place += 1
            train_piece(
                words, states, kept, scales[document], rates[document], threshold, alias, window, negative,
                U, C, hidden, pull,
            )  # fmt: skip


@inlined
def train_piece(words, states, length, scale, rate, threshold, alias, window, negative, U, C, hidden, pull):  # type: ignore[no-untyped-def]
    """Train on words[:length]: each is the output word, its neighbours in the window are the inputs."""
    for centre in range(length):
        word, state = words[centre], states[centre]
        reach = draw_reach(state, window)
        draw = NEGATIVES
        for step in range(-reach, reach + 1):
            other = centre + step
            if step == 0 or not 0 <= other < length:
                continue
            u = U[words[other]]
            for i in range(len(u)):
                hidden[i] = scale[i] * u[i]
                pull[i] = 0.0
            update(C[word], hidden, pull, rate, 1.0)
            for _ in range(negative):
                target = draw_word(hash_one(state + draw * GOLDEN), threshold, alias)
                draw += np.uint64(1)
                if target != word:
                    update(C[target], hidden, pull, rate, 0.0)
            for i in range(len(u)):
                u[i] += scale[i] * pull[i]


@inlined
def update(c, hidden, pull, rate, label):  # type: ignore[no-untyped-def]
    """One step on an output vector; what the input vector shall move by is added to `pull`."""
    x = c.dtype.type(0)
    for i in range(len(c)):
        x += hidden[i] * c[i]
    g = c.dtype.type(rate * (label - 1.0 / (1.0 + math.exp(-x))))
    for i in range(len(c)):
        pull[i] += g * c[i]
        c[i] += g * hidden[i]
