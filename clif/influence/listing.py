"""Contexts, pairs of words and sentences in rank order: by sign(T) x influence, ascending."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clif.corpus.spans import Spans
from clif.influence.attribution import Cells, Pairs
from clif.influence.problem import Problem
from clif.influence.scorers import sum_between
from clif.influence.scores import stream_tokens
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
    spans = Spans.of(problem.corpus)
    influence = sentence_influence(pairs, spans, threads)
    order = np.argsort(np.sign(problem.value) * influence, kind="stable")[:top]
    return Sentences(
        spans.document[order], spans.number[order], spans.start[order], spans.lengths[order], influence[order]
    )


def sentence_influence(pairs: Pairs, spans: Spans, threads: int | None = None) -> Values:
    """Influence (sentences,) of each sentence; a context counts for those of its two words, half for each."""
    corpus, parts = pairs.problem.corpus, [np.empty(0)]
    for first, last, tokens in stream_tokens(pairs, threads):
        base, end = corpus.offsets[first], corpus.offsets[last]
        own = spans.start[np.searchsorted(spans.start, base) : np.searchsorted(spans.start, end)]
        parts.append(sum_between(tokens[:1], np.append(own, end) - base)[0] if len(own) else np.empty(0))
    return np.concatenate(parts)
