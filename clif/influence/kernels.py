# mypy: disable-error-code="no-untyped-def"
"""Compiled inner loops of curvature and scoring: sparse pairs in, sums out.

Precision is that of the matrices passed in; scalars that gather many terms are kept in double precision.
"""

from __future__ import annotations

import math

import numpy as np

from clif.compiling import compiled, inlined
from clif.pairs import LONGEST, list_inside, scan


@compiled
def pair_derivatives(pointer, first, last, block, place, weight, totals, U, C, kq, cluster, a, b, slope, rest):
    """Second and first derivative by x of what the pairs of the cells first to last - 1 contribute to the loss.

    slope = N (1 - k q_c) sigma (1 - sigma),  rest = -N (1 - sigma) - N k q_c sigma; `rest` may be empty. Between two
    words of the tail (cluster 0 or above), the exact noise slope replaces the approximation a_w b[cluster_w, c].
    `pointer`, `place` are those of Layout; weight, place, slope and rest begin at pointer[first].
    """
    size, dim = U.shape
    for cell in range(first, last):
        w = cell % size
        for n in range(pointer[cell] - pointer[first], pointer[cell + 1] - pointer[first]):
            c = (cell // size) * block + place[n]
            x = U.dtype.type(0)
            for i in range(dim):
                x += U[w, i] * C[c, i]
            sigma = 1.0 / (1.0 + math.exp(-x))
            count = weight[n]
            slope[n] = count * (1.0 - kq[c]) * sigma * (1.0 - sigma)
            if cluster[w] >= 0 and cluster[c] >= 0:
                more = totals[w] * kq[c] * sigma * (1.0 - sigma) - a[w] * b[cluster[w], c]
                # A word with itself is laid out twice.
                slope[n] += 0.5 * more if w == c else more
            if len(rest):
                rest[n] = -count * (1.0 - sigma) - count * kq[c] * sigma


@compiled
def pair_product(pointer, first, last, block, place, slope, rest, left, right, out_U, out_C):
    """Add the share of the pairs of the cells first to last - 1 in the product of the curvature with (P, Q).

    left = [P, U] and right = [C, Q], both (V, 2d), so t = P_w . C_c + U_w . Q_c is one inner product;
    out_U[w] += slope t C_c + rest Q_c,  out_C[c] += slope t U_w + rest P_w; `rest` may be empty.
    """
    size, double = left.shape
    dim = double // 2
    gathered = np.empty(dim, dtype=left.dtype)
    for cell in range(first, last):
        begin, end = pointer[cell] - pointer[first], pointer[cell + 1] - pointer[first]
        if begin == end:
            continue
        b, w = cell // size, cell % size
        gathered[:] = 0
        for n in range(begin, end):
            c = b * block + place[n]
            t = left.dtype.type(0)
            for i in range(double):
                t += left[w, i] * right[c, i]
            t *= slope[n]
            for i in range(dim):
                gathered[i] += t * right[c, i]
            for i in range(dim):
                out_C[c, i] += t * left[w, dim + i]
            if len(rest):
                r = rest[n]
                for i in range(dim):
                    gathered[i] += r * right[c, dim + i]
                for i in range(dim):
                    out_C[c, i] += r * left[w, i]
        for i in range(dim):
            out_U[w, i] += gathered[i]


@compiled
def pair_sums(pointer, first, last, block, place, slope, by_input, by_output):
    """Add up `slope` over the pairs of each input word and of each output word, of the cells first to last - 1."""
    size = len(by_input)
    for cell in range(first, last):
        b, w = cell // size, cell % size
        for n in range(pointer[cell] - pointer[first], pointer[cell + 1] - pointer[first]):
            by_input[w] += slope[n]
            by_output[b * block + place[n]] += slope[n]


@inlined
def joint_pair(left, right, noise_part, kq, w, c, objective, dim):
    """Influence of one expected pair (w, c) on an objective; `left`, `right` as in `score_joint`."""
    x = left.dtype.type(0)
    t = left.dtype.type(0)
    at = dim * (1 + objective)
    for i in range(dim):
        x += left[w, i] * right[c, i]
        t += left[w, at + i] * right[c, i] + left[w, i] * right[c, at + i]
    sigma = 1.0 / (1.0 + math.exp(-x))
    return noise_part[objective, w] - t * (1.0 - sigma + kq[c] * sigma)


@compiled
def joint_pairs(left, right, noise_part, kq, inputs, outputs, dim, result):
    """`joint_pair` of each (inputs[n], outputs[n]) on the first objective."""
    for n in range(len(inputs)):
        result[n] = joint_pair(left, right, noise_part, kq, inputs[n], outputs[n], 0, dim)


@compiled
def score_joint(tokens, offsets, first, last, keep, window, left, right, noise_part, kq, dim, result):
    """Influence of each token of the documents first to last - 1 on each objective, (objectives, tokens).

    left = [U, s_U of the first objective, of the second, ...] and right = [C, s_C ...], (V, (1 + objectives) d);
    noise_part (objectives, V). Half of a context's influence goes to each of its two tokens.
    """
    size = len(keep)
    base = offsets[first]
    longest = 0
    for document in range(first, last):
        longest = max(longest, offsets[document + 1] - offsets[document])
    inside = np.empty(longest, dtype=np.int64)
    between = np.empty(window)
    places = np.empty(LONGEST, dtype=np.int64)
    reached = np.empty(LONGEST)
    for document in range(first, last):
        start = offsets[document]
        length = list_inside(tokens, start, offsets[document + 1], size, inside)
        for centre in range(length):
            w = tokens[start + inside[centre]]
            begin = centre - centre % LONGEST
            found = scan(
                tokens, start, inside, centre, 1, begin, min(begin + LONGEST, length), keep, window,
                between, places, reached,
            )  # fmt: skip
            for f in range(found):
                c = tokens[start + inside[places[f]]]
                x = left.dtype.type(0)
                y = left.dtype.type(0)
                t = left.dtype.type(0)
                s = left.dtype.type(0)
                # Both directions and the first objective in one loop: most of the time goes into loading vectors.
                for i in range(dim):
                    x += left[w, i] * right[c, i]
                    y += left[c, i] * right[w, i]
                    t += left[w, dim + i] * right[c, i] + left[w, i] * right[c, dim + i]
                    s += left[c, dim + i] * right[w, i] + left[c, i] * right[w, dim + i]
                sigma_x = 1.0 / (1.0 + math.exp(-x))
                sigma_y = 1.0 / (1.0 + math.exp(-y))
                share_x = 1.0 - sigma_x + kq[c] * sigma_x
                share_y = 1.0 - sigma_y + kq[w] * sigma_y
                for objective in range(len(result)):
                    if objective:
                        at = dim * (1 + objective)
                        t = left.dtype.type(0)
                        s = left.dtype.type(0)
                        for i in range(dim):
                            t += left[w, at + i] * right[c, i] + left[w, i] * right[c, at + i]
                            s += left[c, at + i] * right[w, i] + left[c, i] * right[w, at + i]
                    pair = noise_part[objective, w] + noise_part[objective, c] - t * share_x - s * share_y
                    half = 0.5 * reached[f] * pair
                    result[objective, start - base + inside[centre]] += half
                    result[objective, start - base + inside[places[f]]] += half


@compiled
def score_table(tokens, offsets, first, last, keep, window, slot, table, result):
    """Influence of each token of the documents first to last - 1, (tokens,), from a table (n, V) of pairs.

    slot (V,) is the row of the table for an input word, -1 for none. Halves as in `score_joint`.
    """
    size = len(keep)
    base = offsets[first]
    longest = 0
    for document in range(first, last):
        longest = max(longest, offsets[document + 1] - offsets[document])
    inside = np.empty(longest, dtype=np.int64)
    between = np.empty(window)
    places = np.empty(LONGEST, dtype=np.int64)
    reached = np.empty(LONGEST)
    for document in range(first, last):
        start = offsets[document]
        length = 0
        wanted = False
        for position in range(offsets[document + 1] - start):
            token = tokens[start + position]
            if token < size:
                inside[length] = position
                length += 1
                wanted = wanted or slot[token] >= 0
        if not wanted:
            continue
        for centre in range(length):
            row = slot[tokens[start + inside[centre]]]
            if row < 0:
                continue
            begin = centre - centre % LONGEST
            end = min(begin + LONGEST, length)
            for step in (-1, 1):
                found = scan(tokens, start, inside, centre, step, begin, end, keep, window, between, places, reached)
                for f in range(found):
                    half = 0.5 * reached[f] * table[row, tokens[start + inside[places[f]]]]
                    result[start - base + inside[centre]] += half
                    result[start - base + inside[places[f]]] += half
