"""The kernel that undoes training step by step and carries adjoints along.

An update with steps g_i (see `clif.training.steps`) took u and its outputs c_i to u' = u + sum_i g_i c_i and
c_i' = c_i + g_i u. With the steps on tape it is undone exactly. For an output that is drawn twice, c_i' is what it is
after both, and with G_i the sum of the g_j of the same output over j >= i,

    u = (u' - sum_i g_i c_i') / (1 - sum_i g_i G_i)        then c_i -= g_i u, the last output first

and with the adjoint ubar' of u' and cbar_i' of c_i', the rate eta and r_i = |g_i| / eta,

    gbar_i = ubar' . c_i + cbar_i' . u        xbar_i = -eta r_i (1 - r_i) gbar_i
    cbar_i = cbar_i' + g_i ubar' + xbar_i u        ubar = ubar' + sum_i (g_i cbar_i' + xbar_i c_i)

The derivative by the weight of the document, which multiplies eta, grows by gbar_i g_i. The sum of these over the
outputs of one pair is the derivative by a weight on that pair alone.
"""

from __future__ import annotations

import numpy as np

from clif.compiling import LINE, compiled, inlined, number, prefetch
from clif.influence.rows import carry_back, step_back
from clif.training.steps import CENTRES, draw_pairs, keep_tokens


@inlined
def reverse_any(outputs, p, tape, at, slopes, w, U, C, U_bar, C_bar, u, c, old, sums):  # type: ignore[no-untyped-def]
    """Go back over one pair, whose outputs may be missing or repeat."""
    lanes, dim = U_bar.shape[1:]
    width = outputs.shape[1]
    left = U.dtype.type(1)
    for i in range(dim):
        u[i] = U[w, i]
    for k in range(width):
        target = outputs[p, k]
        if target < 0:
            continue
        g = tape[at, k]
        same = g
        for later in range(k + 1, width):
            if outputs[p, later] == target:
                same += tape[at, later]
        left -= g * same
        for i in range(dim):
            u[i] -= g * C[target, i]
    for i in range(dim):
        u[i] /= left
        U[w, i] = u[i]
        for m in range(lanes):
            old[m, i] = U_bar[w, m, i]
    for k in range(width - 1, -1, -1):
        target = outputs[p, k]
        if target < 0:
            continue
        g = tape[at, k]
        for i in range(dim):
            c[i] = C[target, i] - g * u[i]
            C[target, i] = c[i]
        for m in range(lanes):
            g_bar = U.dtype.type(0)
            for i in range(dim):
                g_bar += old[m, i] * c[i] + C_bar[target, m, i] * u[i]
            sums[m] += g_bar * g
            x_bar = slopes[k] * g_bar
            for i in range(dim):
                was = C_bar[target, m, i]
                C_bar[target, m, i] = was + (g * old[m, i] + x_bar * u[i])
                U_bar[w, m, i] += g * was + x_bar * c[i]


@inlined
def reverse(inputs, outputs, pairs, tape, begin, rate, U, C, U_bar, C_bar, sums, drawn, dim, count):  # type: ignore[no-untyped-def]
    """Go back over pairs, the last first; sums (lanes,) grows by the derivatives."""
    size, width, lanes = number(dim), number(count), U_bar.shape[1]
    flat_U, flat_C, flat_U_bar, flat_C_bar = U.reshape(-1), C.reshape(-1), U_bar.reshape(-1), C_bar.reshape(-1)
    one, eta = U.dtype.type(1), U.dtype.type(rate)
    before = np.empty(lanes if len(drawn) else 0)
    output_at, bar_at = np.empty(width, dtype=np.int64), np.empty(width, dtype=np.int64)
    steps, slopes, found = np.empty(width, U.dtype), np.empty(width, U.dtype), np.empty(width, U.dtype)
    u, c, rows = np.empty(size, U.dtype), np.empty(size, U.dtype), np.empty(width * size, U.dtype)
    old = np.empty((lanes, size), U.dtype)
    for p in range(pairs - 1, -1, -1):
        w, coming = inputs[p], max(p - 1, 0)
        for m in range(len(before)):
            before[m] = sums[m]
        for place in range(0, size, LINE):
            prefetch(flat_U, inputs[coming] * size + place)
        distinct = True
        left = one
        for k in range(width):
            target = outputs[p, k]
            for place in range(0, size, LINE):
                prefetch(flat_C, max(outputs[coming, k], 0) * size + place)
            distinct &= target >= 0
            for other in range(k):
                distinct &= outputs[p, other] != target
            g = tape[begin + p, k]
            share = abs(g) / eta
            steps[k], slopes[k] = g, -eta * share * (one - share)
            left -= g * g
            output_at[k], bar_at[k] = target * size, target * lanes * size
        if not distinct:
            reverse_any(outputs, p, tape, begin + p, slopes, w, U, C, U_bar, C_bar, u, c, old, sums)
        else:
            step_back(dim, count, flat_U, w * size, flat_C, output_at, steps, one / left, u, rows)
            for m in range(lanes):
                at = m * size
                for place in range(at, at + size, LINE):
                    prefetch(flat_U_bar, inputs[coming] * lanes * size + place)
                    for k in range(width):
                        prefetch(flat_C_bar, max(outputs[coming, k], 0) * lanes * size + place)
                here = (w * lanes + m) * size
                carry_back(dim, count, flat_U_bar, here, flat_C_bar, bar_at, at, steps, slopes, u, rows, found)
                for k in range(width):
                    sums[m] += found[k] * steps[k]
        for m in range(len(before)):
            drawn[begin + p, m] = sums[m] - before[m]


@compiled
def reverse_documents(  # type: ignore[no-untyped-def]
    tokens, offsets, documents, keys, rates, keep, threshold, alias, window, negative, U, C, tape,
    U_bar, C_bar, found, spots, drawn, dim, count,
):  # fmt: skip
    """Go back over documents, the last first.

    The arguments are those of `train_documents` with a full tape, then the adjoints, U_bar and C_bar (V, lanes, d), and
    `found` (documents of the corpus, lanes), to which the derivatives by the documents' weights are added. U and C go
    from their state after the documents to that before, the adjoints likewise.

    `spots` (pairs, 2) and `drawn` (pairs, lanes) receive of each pair on the tape the positions of input and output in
    the document, and the derivatives by the weight of the pair alone; unless their length is 0.

    dim and count are Fixed: d, and the 1 + k outputs of a pair.
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
    lanes = U_bar.shape[1]
    sums = np.empty(lanes)
    left = len(tape)
    for n in range(len(documents) - 1, -1, -1):
        document = documents[n]
        start, end = offsets[document], offsets[document + 1]
        kept = keep_tokens(tokens, start, end, keys[n], keep, words, places)
        sums[:] = 0
        for block in range((kept + CENTRES - 1) // CENTRES - 1, -1, -1):
            first = block * CENTRES
            last = min(first + CENTRES, kept)
            pairs = draw_pairs(
                words, places, kept, first, last, keys[n], threshold, alias, window, inputs, outputs, centres
            )
            left -= pairs
            reverse(inputs, outputs, pairs, tape, left, rates[n], U, C, U_bar, C_bar, sums, drawn, dim, count)
            if len(spots):
                for p in range(pairs):
                    for side in range(2):
                        spots[left + p, side] = places[centres[p, side], 0]
        for m in range(lanes):
            found[document, m] += sums[m]
