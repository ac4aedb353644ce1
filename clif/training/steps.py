"""Kernels of skip-gram training on drawn pairs: what is kept, which pairs are formed, and what is learnt from them.

One update takes an input vector u and, one after the other, its outputs c_i: the observed word (y = 1) and the
negatives (y = 0), with the rate eta,

    g_i = eta (y_i - sigma(u . c_i))        c_i += g_i u        and at the end u += sum_i g_i c_i (c_i as it was)

which is word2vec's, but for an exact sigma (word2vec looks it up in a table and skips |u . c_i| >= 6).
"""

from __future__ import annotations

import math

import numpy as np

from clif.compiling import LINE, compiled, inlined, number, prefetch
from clif.pairs import LONGEST
from clif.training.draws import GOLDEN, NEGATIVES, draw_reach, draw_word, hash_one, is_kept

CENTRES = 64  # that are drawn at a time: their pairs stay in cache


@inlined
def keep_tokens(tokens, start, end, key, keep, words, places):  # type: ignore[no-untyped-def]
    """Fill words and places (position in the document, and number of the piece) of kept tokens; return how many.

    The document is tokens[start:end]; ids from V = len(keep) on are outside the vocabulary. It is cut into pieces of
    LONGEST tokens of the vocabulary, over whose ends no window reaches. words (n,) and places (n, 2) have room for all.
    """
    size = len(keep)
    inside = 0
    kept = 0
    for place in range(start, end):
        word = np.int64(tokens[place])
        if word >= size:
            continue
        state = hash_one(key + np.uint64(place - start) * GOLDEN)
        if is_kept(state, keep[word]):
            words[kept] = word
            places[kept, 0] = place - start
            places[kept, 1] = inside // LONGEST
            kept += 1
        inside += 1
    return kept


@inlined
def draw_pairs(words, places, kept, first, last, key, threshold, alias, window, inputs, outputs, centres):  # type: ignore[no-untyped-def]
    """Draw the pairs of the centres first to last - 1 of words[:kept]; return how many there are.

    The centre is the output word, its neighbours are the inputs (pairs,). outputs (pairs, 1 + k): the observed word,
    then the negatives; -1 where a negative would be the observed word, and is left out. centres (pairs, 2): the places,
    among those kept, of input and output. A centre gives 2 * window pairs at the most, and not more than kept - 1.
    """
    n = 0
    for centre in range(first, last):
        word = words[centre]
        state = hash_one(key + np.uint64(places[centre, 0]) * GOLDEN)
        reach = draw_reach(state, window)
        draw = NEGATIVES
        for other in range(max(centre - reach, 0), min(centre + reach + 1, kept)):
            if other == centre or places[other, 1] != places[centre, 1]:
                continue
            inputs[n] = words[other]
            outputs[n, 0] = word
            centres[n, 0] = other
            centres[n, 1] = centre
            for k in range(1, outputs.shape[1]):
                target = draw_word(hash_one(state + draw * GOLDEN), threshold, alias)
                draw += np.uint64(1)
                outputs[n, k] = -1 if target == word else target
            n += 1
    return n


@inlined
def learn(inputs, outputs, pairs, rate, U, C, pull, steps, fixed):  # type: ignore[no-untyped-def]
    """Update U and C (V, d) by the first `pairs` pairs, in order; steps (pairs, 1 + k) receives each g.

    fixed is Fixed(d); pull (d,) is room to work in.
    """
    dim = number(fixed)
    one = U.dtype.type(1)
    eta = U.dtype.type(rate)
    flat_U, flat_C = U.reshape(-1), C.reshape(-1)
    for p in range(pairs):
        w = inputs[p]
        coming = min(p + 1, pairs - 1)
        for place in range(0, dim, LINE):
            prefetch(flat_U, inputs[coming] * dim + place)
        for i in range(dim):
            pull[i] = 0
        for k in range(outputs.shape[1]):
            for place in range(0, dim, LINE):
                prefetch(flat_C, max(outputs[coming, k], 0) * dim + place)
            target = outputs[p, k]
            if target < 0:
                steps[p, k] = 0
                continue
            x = U.dtype.type(0)
            for i in range(dim):
                x += U[w, i] * C[target, i]
            sigma = one / (one + math.exp(-x))
            g = eta * ((one - sigma) if k == 0 else -sigma)
            steps[p, k] = g
            for i in range(dim):
                pull[i] += g * C[target, i]
                C[target, i] += g * U[w, i]
        for i in range(dim):
            U[w, i] += pull[i]


@compiled
def train_documents(  # type: ignore[no-untyped-def]
    tokens, offsets, documents, keys, rates, keep, threshold, alias, window, negative, U, C, tape, fixed
):
    """Train U and C (V, d) on `documents` once, in order, with their keys and rates; return how many pairs there were.

    Document z holds tokens[offsets[z]:offsets[z + 1]]. tape (pairs, 1 + k) receives the steps, unless its length is 0.
    fixed is Fixed(d).
    """
    longest = 1
    for document in documents:
        longest = max(longest, offsets[document + 1] - offsets[document])
    words = np.empty(longest, dtype=np.int32)
    places = np.empty((longest, 2), dtype=np.int32)
    room = CENTRES * min(2 * window, longest)
    inputs = np.empty(room, dtype=np.int32)
    outputs = np.empty((room, 1 + negative), dtype=np.int32)
    centres = np.empty((room, 2), dtype=np.int32)
    steps = np.empty((room, 1 + negative), dtype=U.dtype)
    pull = np.empty(U.shape[1], dtype=U.dtype)
    done = 0
    for n in range(len(documents)):
        start, end = offsets[documents[n]], offsets[documents[n] + 1]
        kept = keep_tokens(tokens, start, end, keys[n], keep, words, places)
        for first in range(0, kept, CENTRES):
            last = min(first + CENTRES, kept)
            pairs = draw_pairs(
                words, places, kept, first, last, keys[n], threshold, alias, window, inputs, outputs, centres
            )
            learn(inputs, outputs, pairs, rates[n], U, C, pull, steps, fixed)
            if len(tape):
                for p in range(pairs):
                    for k in range(1 + negative):
                        tape[done + p, k] = steps[p, k]
            done += pairs
    return done


@compiled
def count_drawn(tokens, offsets, documents, keys, keep, window):  # type: ignore[no-untyped-def]
    """How many pairs each of the documents gives with its key, (documents,)."""
    longest = 1
    for document in documents:
        longest = max(longest, offsets[document + 1] - offsets[document])
    words = np.empty(longest, dtype=np.int32)
    places = np.empty((longest, 2), dtype=np.int32)
    result = np.zeros(len(documents), dtype=np.int64)
    for n in range(len(documents)):
        start, end = offsets[documents[n]], offsets[documents[n] + 1]
        kept = keep_tokens(tokens, start, end, keys[n], keep, words, places)
        for centre in range(kept):
            reach = draw_reach(hash_one(keys[n] + np.uint64(places[centre, 0]) * GOLDEN), window)
            for other in range(max(centre - reach, 0), min(centre + reach + 1, kept)):
                result[n] += other != centre and places[other, 1] == places[centre, 1]
    return result
