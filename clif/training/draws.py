"""Random numbers that belong to a place in the corpus: each is a hash of (seed, document, epoch, position, draw).

    key of a document      first 64 bits of the sha256 of (purpose, seed, document id)
    key in an epoch        hash(key of the document + epoch), which is also its place in the order
    key of a further pass  hash(key in the epoch + pass x GOLDEN), for documents that are repeated
    state at a position    hash(key + position x GOLDEN)
    draw n there           hash(state + n x GOLDEN)

No draw depends on those before it, so a training is a function of the corpus: run again it gives the same bytes, and
without one document all others keep their places in the order, their windows, their negatives and their rates.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from clif.compiling import compiled, inlined

Keys = NDArray[np.uint64]

# Constants of splitmix64; NumPy's unsigned integers wrap around, as they shall.
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
FIRST, SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
N27, N30, N31 = (np.uint64(n) for n in (27, 30, 31))
N11, N32 = np.uint64(11), np.uint64(32)
LOW = np.uint64(0xFFFFFFFF)
TWO_53 = 2.0**53
# Draw 0 at a position says whether the token is kept, draw 1 how far its window reaches, all others are negatives.
NEGATIVES = np.uint64(2)


def name_keys(purpose: str, seed: int, names: Sequence[str]) -> Keys:
    """A number of 64 bits for each name, by hash of (purpose, seed, name), (names,)."""
    digests = (hashlib.sha256(f"{purpose}:{seed}:{name}".encode("utf-8", "surrogatepass")).digest() for name in names)
    return np.array([int.from_bytes(digest[:8], "big") for digest in digests], dtype=np.uint64)


def spread_rows(purpose: str, seed: int, names: Sequence[str], dim: int) -> NDArray[np.float64]:
    """A row for each name, uniform in [-1, 1], by hash of (purpose, seed, name), (names, dim)."""
    rows = name_keys(purpose, seed, names)
    return 2 * (hashed(rows[:, None] + np.arange(dim, dtype=np.uint64) * GOLDEN) / 2.0**64) - 1


def hashed(x: Keys) -> Keys:
    """Numbers of 64 bits, as good as random: the finaliser of splitmix64 (Steele, Lea, Flood 2014)."""
    x = (x ^ (x >> N30)) * FIRST
    x = (x ^ (x >> N27)) * SECOND
    return x ^ (x >> N31)


hash_one = compiled(hashed)


@inlined
def is_kept(state, chance):  # type: ignore[no-untyped-def]
    """Whether subsampling keeps the token at a position: a number in [0, 1) of 53 bits lies below its chance."""
    return float(hash_one(state) >> N11) / TWO_53 < chance


@inlined
def draw_reach(state, window):  # type: ignore[no-untyped-def]
    """How far the window of a centre reaches: 1 to `window`, uniformly."""
    return 1 + np.int64(((hash_one(state + GOLDEN) >> N32) * np.uint64(window)) >> N32)


@compiled
def alias_table(q):  # type: ignore[no-untyped-def]
    """A table (threshold, alias), each (V,), that draws from q by one look (Walker 1977); see `draw_word`."""
    size = len(q)
    left = q * size
    alias = np.arange(size)
    threshold = np.full(size, LOW)
    poor, large = np.empty(size, dtype=np.int64), np.empty(size, dtype=np.int64)
    count = rich = 0
    for n in range(size):
        if left[n] < 1.0:
            poor[count] = n
            count += 1
        else:
            large[rich] = n
            rich += 1
    while count and rich:
        count -= 1
        n, giver = poor[count], large[rich - 1]
        threshold[n] = np.uint64(left[n] * 4294967295.0)
        alias[n] = giver
        left[giver] -= 1.0 - left[n]
        if left[giver] < 1.0:
            rich -= 1
            poor[count] = giver
            count += 1
    return threshold, alias


@inlined
def draw_word(bits, threshold, alias):  # type: ignore[no-untyped-def]
    """The word that 64 random bits give: the upper half chooses a row, the lower half the row's word or its alias."""
    row = np.int64(((bits >> N32) * np.uint64(len(alias))) >> N32)
    return alias[row] if (bits & LOW) > threshold[row] else row
