"""Contexts, pairs of words and sentences in rank order: by sign(T) x influence, ascending."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clif.influence.attribution import Pairs, PairTable
from clif.influence.problem import Problem
from clif.influence.scores import stream_tokens, sum_between
from clif.pairs import Contexts

Values = NDArray[np.float64]
CHUNK = 1 << 20


def context_influence(pairs: Pairs, contexts: Contexts) -> Values:
    """Influence of each context: its expected weight times that of its pair; they sum to their document."""
    return contexts.weight * pairs.of(contexts.input, contexts.output)


def top_contexts(problem: Problem, pairs: Pairs, top: int | None) -> tuple[Contexts, Values]:
    """The first `top` contexts in rank order (all for None) and their influence.

    Rank order: sign(T) x influence, ascending; ties by document and position. Memory is bounded by `top` and
    one block. For a `PairTable`, the contexts whose input is a word of the test; others have no influence.
    """
    sign = np.sign(problem.value)
    wanted = pairs.wanted if isinstance(pairs, PairTable) else None
    kept: list[Contexts] = []
    influences: list[Values] = []
    bar = np.inf  # what a context must come below to be among the first
    for contexts in problem.contexts(wanted=wanted):
        influence = context_influence(pairs, contexts)
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
    """Pairs of words: rows of the vocabulary, expected count in the corpus, and influence of all of them together."""

    input: NDArray[np.int64]
    output: NDArray[np.int64]
    weight: Values
    influence: Values


def top_pairs(problem: Problem, pairs: Pairs, top: int | None) -> WordPairs:
    """The first `top` pairs (input, output) in rank order (all for None): N_wc times the influence of one pair."""
    sign = np.sign(problem.value)
    kept: list[tuple[NDArray[np.int64], NDArray[np.int64], Values, Values]] = []
    if isinstance(pairs, PairTable):
        slot, output = np.nonzero(problem.counts)
        found = [(problem.rows[slot], output, problem.counts[slot, output])]
    else:
        counts = problem.pair_counts
        row, column, weight = counts.row.astype(np.int64), counts.column.astype(np.int64), counts.weight.astype(float)
        same = row == column
        # Both directions of a pair, once for a word with itself, whose two directions are one cell.
        found = [(row, column, np.where(same, 2 * weight, weight)), (column[~same], row[~same], weight[~same])]
    for inputs, outputs, weights in found:
        for start in range(0, len(inputs), CHUNK):
            part = slice(start, start + CHUNK)
            influence = weights[part] * pairs.of(inputs[part], outputs[part])
            first = np.lexsort((outputs[part], inputs[part], sign * influence))[:top]
            kept.append((inputs[part][first], outputs[part][first], weights[part][first], influence[first]))
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
