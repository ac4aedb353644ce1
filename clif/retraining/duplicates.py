"""Near-duplicates: documents, or sentences, that say the same form one unit, which goes as a whole or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from clif.errors import UsageError
from clif.progress import Progress, silent

if TYPE_CHECKING:
    from clif.corpus.encoding import Corpus

SHINGLE = 5  # tokens
HASHES = 128
SAID_EVERY = 256  # documents
# Of the errors of the first look, pairs that it misses weigh this much: those that it finds are looked at again.
MISSED = 0.95
_PRIME = np.uint64(1_099_511_628_211)

Integers = NDArray[np.int64]


def near_duplicates(
    corpus: Corpus, similarity: float, ends: Integers | None = None, progress: Progress = silent
) -> Integers:
    """The unit of each document, (documents,), numbered from 0; or of the sentences between `ends` (sentences + 1,).

    Two documents are near-duplicates where the sets of their runs of SHINGLE tokens share at least `similarity` of what
    either holds (Jaccard); a shorter document is one run. Units are the connected parts: a document that is near two
    others joins them. Candidates come from MinHash and banding (Broder 1997; by datasketch), which overlooks some pairs
    just above the threshold; each is checked by the sets themselves. Documents without tokens are units of their own.

    Raises
    ------
    UsageError
        `similarity` is not above 0 and at most 1, or datasketch is not installed.

    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    check_similarity(similarity)
    try:
        from datasketch import MinHash, MinHashLSH
    except ImportError as error:
        raise UsageError(
            "near-duplicates are found by the package datasketch, which is not installed",
            where="--near-duplicates",
            next="Install it (pip install datasketch), or leave the option out.",
        ) from error
    between = corpus.offsets if ends is None else ends

    def runs_of(z: int) -> NDArray[np.uint64]:
        return shingles(corpus.tokens[between[z] : between[z + 1]])

    count = len(between) - 1
    threshold = min(similarity, 0.99)  # its banding knows no 1
    index = MinHashLSH(threshold=threshold, num_perm=HASHES, weights=(1 - MISSED, MISSED))
    pairs = []
    for z in range(count):
        if z % SAID_EVERY == 0:
            progress("compare", z, count, "near-duplicates")
            corpus.release()
        own = runs_of(z)
        if not len(own):
            continue
        sketch = MinHash(num_perm=HASHES, hashfunc=int)
        sketch.update_batch((own & np.uint64(0xFFFFFFFF)).tolist())
        pairs += [(z, other) for other in sorted(index.query(sketch)) if _jaccard(own, runs_of(other)) >= similarity]
        index.insert(z, sketch, check_duplication=False)
    left, right = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    graph = coo_array((np.ones(len(left)), (left, right)), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def check_similarity(similarity: float) -> None:
    """Raise UsageError for what is no share of shingles."""
    if not 0 < similarity <= 1:
        raise UsageError(
            f"a similarity is above 0 and at most 1, got {similarity:g}",
            where="--near-duplicates",
            next="Give .8, say, or leave out the number.",
        )


def shingles(tokens: NDArray[np.integer]) -> NDArray[np.uint64]:
    """Different runs of SHINGLE tokens as hashes of 64 bits, rising; of fewer tokens one run, of none none."""
    if not len(tokens):
        return np.empty(0, dtype=np.uint64)
    width = min(SHINGLE, len(tokens))
    found = np.zeros(len(tokens) - width + 1, dtype=np.uint64)
    for shift in range(width):
        found = (found ^ _mixed(tokens[shift : shift + len(found)].astype(np.uint64) + np.uint64(1))) * _PRIME
    return np.unique(_mixed(found))


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of MurmurHash3: every bit of a number moves every bit of its hash."""
    for shift, factor in ((33, 0xFF51AFD7ED558CCD), (33, 0xC4CEB9FE1A85EC53)):
        values = (values ^ (values >> np.uint64(shift))) * np.uint64(factor)
    return values ^ (values >> np.uint64(33))


def _jaccard(one: NDArray[np.uint64], other: NDArray[np.uint64]) -> float:
    both = len(np.intersect1d(one, other, assume_unique=True))
    return both / (len(one) + len(other) - both)
