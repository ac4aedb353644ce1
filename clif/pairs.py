"""Expected training pairs of skip-gram, without sampling.

word2vec drops frequent tokens (keep probability p), closes the gaps, draws a window b ~ Uniform{1..W} at each
remaining token and pairs it with the b tokens to either side. The pair of the tokens at positions i and j of
a document is therefore formed, in expectation,

    weight(i, j) = p_i p_j E[max(0, W - g)] / W        times an epoch,

with g the number of kept tokens strictly between them, a Poisson-binomial variable. Its distribution below W
is carried while scanning outwards from i; the scan ends when P(g < W) < 1e-9. `scan` is that scan: whatever
walks over training pairs (listing, counting, scoring) calls it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from clif.compiling import compiled, inlined

# gensim trains on at most this many tokens at once and silently cuts the rest; clif splits there instead.
LONGEST = 10_000
NEGLIGIBLE = 1e-9
BLOCK = 1 << 16


@dataclass(frozen=True, eq=False)
class Contexts:
    """Training contexts of some documents as parallel arrays, ordered by document and position.

    `document` indexes the corpus; `position` and `output_position` index the document's tokens; `input` and
    `output` are rows of the vocabulary; `weight` is the number of times the pair is formed in an epoch: expected,
    or, for contexts as a training drew them, the mean over its epochs.
    """

    document: NDArray[np.int64]
    position: NDArray[np.int64]
    output_position: NDArray[np.int64]
    input: NDArray[np.int64]
    output: NDArray[np.int64]
    weight: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.weight)

    def take(self, places: NDArray[np.integer]) -> Contexts:
        """Some of the contexts, in the order of `places`."""
        return Contexts(**{field.name: getattr(self, field.name)[places] for field in fields(self)})

    @classmethod
    def join(cls, parts: Sequence[Contexts]) -> Contexts:
        """Contexts one after the other."""
        kinds = {field.name: np.float64 if field.name == "weight" else np.int64 for field in fields(cls)}
        return cls(
            **{
                name: np.concatenate([np.empty(0, dtype=kind), *(getattr(part, name) for part in parts)])
                for name, kind in kinds.items()
            }
        )


def stream_contexts(
    tokens: NDArray[np.uint32],
    offsets: NDArray[np.int64],
    keep: NDArray[np.float64],
    window: int,
    wanted: NDArray[np.bool_] | None = None,
    documents: NDArray[np.int64] | None = None,
    block: int = BLOCK,
) -> Iterator[Contexts]:
    """Yield the contexts of a corpus in blocks of at most `block` contexts.

    `tokens` holds the documents one after the other, document z at offsets[z]:offsets[z + 1]; ids at or above
    V = len(keep) are outside the vocabulary and leave before anything else. `wanted` (V,) restricts the
    input words; `documents` restricts the documents (as indices, in the order they shall come).
    """
    if wanted is None:
        wanted = np.ones(len(keep), dtype=np.bool_)
    if documents is None:
        documents = np.arange(len(offsets) - 1)
    lengths = offsets[documents + 1] - offsets[documents]
    longest = int(lengths.max(initial=0))
    # A centre's contexts must fit whole, and there are at most two times LONGEST of them.
    block = max(block, 2 * min(LONGEST, longest) + 1)
    integers = np.empty((5, block), dtype=np.int64)
    weights = np.empty(block)
    inside = np.empty(longest, dtype=np.int64)
    done, centre = 0, 0
    while done < len(documents):
        done, centre, n = _fill(
            tokens, offsets, documents, keep, window, wanted, done, centre, inside, integers, weights
        )
        if n:
            document, position, output_position, word, output = integers[:, :n].copy()
            yield Contexts(document, position, output_position, word, output, weights[:n].copy())


@compiled
def _fill(tokens, offsets, documents, keep, window, wanted, done, centre, inside, integers, weights):  # type: ignore[no-untyped-def]
    """Fill the block from document `done`, centre `centre`; return where to go on and how many are filled."""
    size = len(keep)
    room = len(weights)
    between = np.empty(window)
    places = np.empty(LONGEST, dtype=np.int64)
    reached = np.empty(LONGEST)
    n = 0
    while done < len(documents):
        document = documents[done]
        start = offsets[document]
        length = 0
        any_wanted = False
        for position in range(offsets[document + 1] - start):
            token = tokens[start + position]
            if token < size:
                inside[length] = position
                length += 1
                any_wanted = any_wanted or wanted[token]
        if any_wanted:
            while centre < length:
                word = tokens[start + inside[centre]]
                if wanted[word]:
                    first = centre - centre % LONGEST
                    last = min(first + LONGEST, length)
                    if room - n < last - first:
                        return done, centre, n
                    for step in (-1, 1):
                        found = scan(
                            tokens, start, inside, centre, step, first, last, keep, window, between, places, reached
                        )
                        for f in range(found):
                            integers[0, n] = document
                            integers[1, n] = inside[centre]
                            integers[2, n] = inside[places[f]]
                            integers[3, n] = word
                            integers[4, n] = tokens[start + inside[places[f]]]
                            weights[n] = reached[f]
                            n += 1
                centre += 1
        done += 1
        centre = 0
    return done, centre, n


@inlined
def list_inside(tokens, start, end, size, inside):  # type: ignore[no-untyped-def]
    """Fill `inside` with the positions, from `start`, of a document's tokens below `size`; return how many."""
    length = 0
    for position in range(end - start):
        if tokens[start + position] < size:
            inside[length] = position
            length += 1
    return length


@inlined
def scan(tokens, start, inside, centre, step, first, last, keep, window, between, places, weights):  # type: ignore[no-untyped-def]
    """Find the partners of one centre in one direction (`step` -1 or 1), and the weight of each pair.

    `inside` holds the positions, from `start`, of a document's tokens inside the vocabulary; the centre is
    inside[centre], and the scan stays in inside[first:last]. Fills `places` (indices of `inside`) and `weights`, at
    least last - first long, and returns how many there are. `between` (window,) is scratch: the chance of g kept
    tokens strictly between.
    """
    p_centre = keep[tokens[start + inside[centre]]] / window
    between[:] = 0.0
    between[0] = 1.0
    other = centre + step
    n = 0
    while first <= other < last:
        p = keep[tokens[start + inside[other]]]
        reach = 0.0
        total = 0.0
        for g in range(window):
            reach += between[g] * (window - g)
            total += between[g]
        if total < NEGLIGIBLE:
            break
        places[n] = other
        weights[n] = p_centre * p * reach
        n += 1
        for g in range(window - 1, 0, -1):
            between[g] = between[g] * (1.0 - p) + between[g - 1] * p
        between[0] *= 1.0 - p
        other += step
    return n
