"""Contexts, pairs of words and sentences in rank order: by sign(T) x influence, ascending."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clif.influence.attribution import Cells, Pairs
from clif.influence.problem import Problem
from clif.influence.scores import stream_tokens, sum_between
from clif.pairs import Contexts

Values = NDArray[np.float64]
CHUNK = 1 << 20


def top_contexts(problem: Problem, pairs: Pairs, top: int | None) -> tuple[Contexts, Values]:
    """The first `top` contexts in rank order (all for None) and their influence.

    Rank order: sign(T) x influence, ascending; ties by document and position. Memory is bounded by `top` and
    one block. Contexts that have no influence by the kind of the method are left out, see `pairs.contexts`.
    """
    sign = np.sign(problem.value)
    kept: list[Contexts] = []
    influences: list[Values] = []
    bar = np.inf  # what a context must come below to be among the first
    for contexts, influence in pairs.contexts():
        good = np.flatnonzero(sign * influence <= bar)
        kept.append(contexts.take(good))
        influences.append(influence[good])
        if top is not None and sum(map(len, influences)) > 4 * max(top, 1 << 18):
            best, value = _select(kept, influences, sign, top)
            kept, influences = [best], [value]
            bar = float(sign * value[-1])
    return _select(kept, influences, sign, top)


def _select(kept: list[Contexts], influences: list[Values], sign: float, top: int | None) -> tuple[Contexts, Values]:
    joined = Contexts.join(kept)
    value = np.concatenate([np.empty(0), *influences])
    order = np.lexsort((joined.output_position, joined.position, joined.document, sign * value))[:top]
    return joined.take(order), value[order]


@dataclass(frozen=True, eq=False)
class WordPairs:
    """Pairs of words: rows of the vocabulary, count in an epoch, and influence of all of them together."""

    input: NDArray[np.int64]
    output: NDArray[np.int64]
    weight: Values
    influence: Values


def top_pairs(problem: Problem, pairs: Pairs, top: int | None) -> WordPairs:
    """The first `top` pairs (input, output) in rank order (all for None)."""
    sign = np.sign(problem.value)
    kept: list[Cells] = []
    for inputs, outputs, weights, influence in pairs.cells(CHUNK):
        first = np.lexsort((outputs, inputs, sign * influence))[:top]
        kept.append((inputs[first], outputs[first], weights[first], influence[first]))
    if not kept:
        none = np.empty(0, dtype=np.int64)
        return WordPairs(none, none, np.empty(0), np.empty(0))
    inputs, outputs, weights, influence = (np.concatenate(column) for column in zip(*kept, strict=True))
    order = np.lexsort((outputs, inputs, sign * influence))[:top]
    return WordPairs(inputs[order], outputs[order], weights[order], influence[order])


@dataclass(frozen=True, eq=False)
class Sentences:
    """Sentences: their document, number in it (from 1), first token and token count, and influence."""

    document: NDArray[np.int64]
    number: NDArray[np.int64]
    start: NDArray[np.int64]
    tokens: NDArray[np.int64]
    influence: Values


def top_sentences(problem: Problem, pairs: Pairs, top: int | None, threads: int | None = None) -> Sentences:
    """The first `top` sentences in rank order (all for None); they sum to their document.

    A context counts for the sentences of its two words, half for each.
    """
    corpus = problem.corpus
    begins = corpus.sentences.astype(np.int64)
    ends = np.append(begins[1:], len(corpus.tokens))
    parts = []
    for first, last, tokens in stream_tokens(pairs, threads):
        base, end = corpus.offsets[first], corpus.offsets[last]
        own = begins[np.searchsorted(begins, base) : np.searchsorted(begins, end)]
        parts.append(sum_between(tokens[:1], np.append(own, end) - base)[0] if len(own) else np.empty(0))
    influence = np.concatenate([np.empty(0), *parts])
    document = np.searchsorted(corpus.offsets, begins, side="right") - 1
    number = np.arange(len(begins)) - np.searchsorted(document, document) + 1
    order = np.argsort(np.sign(problem.value) * influence, kind="stable")[:top]
    return Sentences(document[order], number[order], begins[order], (ends - begins)[order], influence[order])
