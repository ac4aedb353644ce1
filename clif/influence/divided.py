"""Scoring and counting divided among the workers of a cluster, part by part of the corpus.

Every part is a function of its tokens and of what is sent along once. Parts come back in the order of the text: scores
are put one after the other, bit for bit those of one process, as a document's sum lies within a block; counts are added
up in that order, in double precision, and so differ from those of one process by rounding alone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clif.cluster import Cluster
from clif.corpus.encoding import Corpus
from clif.corpus.parts import BLOCK, MOST, Part, blocks_of, finds, folder_of, parts_of
from clif.counts import PIECE, ROOM, Block, PairCounts, add_blocks, list_blocks
from clif.influence.scorers import Scorer, sum_between
from clif.pairs import Contexts, stream_contexts
from clif.progress import Progress
from clif.spilling import add_on_disk, counts_fit

Values = NDArray[np.float64]


def score_divided(cluster: Cluster, corpus: Corpus, scorer: Scorer, progress: Progress) -> Values:
    """Influence (objectives, documents) of all documents."""
    parts = list(_divided(cluster, corpus, "score", "tokens", progress, _score_part, scorer))
    return np.concatenate(parts, axis=1) if parts else np.zeros((1, 0))


def count_words(contexts: Iterable[Contexts], slot: NDArray[np.int64], times: Values | None = None) -> Values:
    """Counts (n, V) of contexts by slot (V,) of the input word and by output word.

    `times` (documents,) multiplies each document's.
    """
    size = len(slot)
    counts = np.zeros((int(slot.max(initial=-1)) + 1) * size)
    for block in contexts:
        weight = block.weight if times is None else block.weight * times[block.document]
        np.add.at(counts, slot[block.input] * size + block.output, weight)
    return counts.reshape(-1, size)


def count_words_divided(
    cluster: Cluster, corpus: Corpus, keep: Values, window: int, slot: NDArray[np.int64], progress: Progress
) -> Values:
    """`count_words` of all contexts whose input word has a slot."""
    total = np.zeros((int(slot.max(initial=-1)) + 1, len(slot)))
    for counts in _divided(cluster, corpus, "count", "pairs of words", progress, _count_words, keep, window, slot):
        total += counts
    return total


def count_pairs_divided(
    cluster: Cluster, corpus: Corpus, keep: Values, window: int, precision: type[np.floating], progress: Progress
) -> PairCounts:
    """`count_pairs` of the whole corpus, bit for bit: the same blocks added up in the same order, on disk as there.

    The noise part of the curvature draws words by these counts, so that a difference in the last bit could show.
    """
    parts = _divided(
        cluster, corpus, "count", "pairs of words", progress, _count_pairs, keep, window, precision, block=PIECE, most=1
    )
    blocks = (block for found in parts for block in found)
    fit = counts_fit(len(corpus.tokens), len(keep), np.dtype(precision).itemsize)
    return (add_blocks if fit else add_on_disk)(blocks, len(keep), precision)


def _divided(
    cluster: Cluster,
    corpus: Corpus,
    stage: str,
    note: str,
    progress: Progress,
    function: Any,
    *common: Any,
    block: int = BLOCK,
    most: int = MOST,
) -> Iterator[Any]:
    """Yield function(part, *common) for each part, of up to `most` blocks, in the order of the text."""
    folder = folder_of(corpus)
    by_path = folder is not None and cluster.all(finds, str(folder), corpus.tokens_sha256)
    ends: deque[int] = deque()

    def parts() -> Iterator[Part]:
        for part in parts_of(corpus, cluster.threads, block, most, by_path=by_path):
            corpus.release()
            ends.append(part.start + int(part.offsets[-1]))
            yield part

    progress(stage, 0, float(len(corpus.tokens)), note)
    for found in cluster.map(function, parts(), *common):
        progress(stage, float(ends.popleft()), float(len(corpus.tokens)), note)
        yield found


def _score_part(part: Part, scorer: Scorer) -> Values:
    tokens, offsets = part.tokens(), part.offsets
    sums = [
        sum_between(scorer(tokens, offsets, first, last), offsets[first : last + 1] - offsets[first])
        for first, last in blocks_of(offsets, BLOCK)
    ]
    return np.concatenate(sums, axis=1)


def _count_words(part: Part, keep: Values, window: int, slot: NDArray[np.int64]) -> Values:
    return count_words(stream_contexts(part.tokens(), part.offsets, keep, window, wanted=slot >= 0), slot)


def _count_pairs(part: Part, keep: Values, window: int, precision: type[np.floating]) -> list[Block]:
    return list(list_blocks(part.tokens(), part.offsets, keep, window, precision, ROOM))
