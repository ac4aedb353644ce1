"""Permutation p-values of WEAT: exact far beyond what can be listed, sampled without repeats further on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import comb, sqrt

import numpy as np
from numpy.typing import NDArray

from clif.errors import InputError

# Half the words have at most this many subsets to sort; 18 words against 18 just fit (60 ms).
_MOST_SUBSETS = 2**18
_CHUNK = 2**14


@dataclass(frozen=True)
class PValues:
    """Shares of the partitions of the target words that are as extreme as the sets X and Y of the test.

    `kind` is "exact" over all `partitions`, or "sampled" over that many different ones; `standard_error`
    belongs to `one_sided` and is None where that is exact.
    """

    one_sided: float
    two_sided: float
    kind: str
    partitions: int
    standard_error: float | None


def permutation_p_values(
    s: NDArray[np.float64], n_X: int, *, seed: int = 0, most: int = 10**10, draws: int = 100_000
) -> PValues:
    """P-values of the difference of mean associations under exchange of words between X and Y.

        one_sided = share of partitions with  statistic   >= statistic observed
        two_sided = share of partitions with |statistic| >= |statistic observed|

    over all ways to part the n words of X and Y into sets of n_X and n - n_X; the observed one is among
    them and counts itself. s (n,) holds the associations of X, then those of Y.
    Exact up to `most` partitions (and where counting them stays cheap), else over `draws` different ones
    drawn from `seed`, with the standard error for sampling without replacement,
    sqrt(p (1 - p) / draws x (all - draws) / (all - 1)).
    Source: Caliskan, Bryson and Narayanan 2017, Science 356:183 (one-sided).

    Raises
    ------
    InputError
        An association is not finite, or X or Y is empty.

    """
    n = len(s)
    if not 0 < n_X < n or not np.isfinite(s).all():
        raise InputError(
            f"no p-value for {n_X} of {n} associations: both sets need words and finite associations",
            where="p-values",
            next="Check the vectors of the test's words.",
        )
    # With mean zero the sum over X is the statistic up to a positive factor, and the sum over Y is its
    # negative; so the smaller set is enough.
    centred = s - s.mean()
    values, size = (centred, n_X) if 2 * n_X <= n else (-centred[::-1], n - n_X)
    observed = float(values[:size].sum())
    # Sums of the same numbers in another order differ by rounding; the observed partition must meet itself.
    slack = 4 * n * np.finfo(np.float64).eps * float(np.abs(s).sum() + np.abs(centred).sum())
    total = comb(n, size)
    subsets = sum(comb((n + 1) // 2, k) for k in range(size + 1))
    if total <= draws or (total <= most and subsets <= _MOST_SUBSETS):
        upper, both = _count_all(values, size, observed, slack)
        return PValues(upper / total, both / total, "exact", total, None)
    sums = _sampled_sums(values, size, seed, draws)
    upper, both = _extreme(np.sort(sums), np.zeros(1), observed, slack)
    p = upper / draws
    error = sqrt(p * (1 - p) / draws * ((total - draws) / (total - 1)))
    return PValues(p, both / draws, "sampled", draws, error)


def _count_all(values: NDArray[np.float64], size: int, observed: float, slack: float) -> tuple[int, int]:
    """Number of subsets of `size` values whose sum is extreme: upper side, both sides.

    Each such subset is k values of the left half and size - k of the right; with the sums of the right
    in order, one binary search counts all partners of a sum of the left. So 2^(n/2) sums are formed
    where there are up to 2^n subsets.
    """
    middle = len(values) // 2
    left, right = _subset_sums(values[:middle], size), _subset_sums(values[middle:], size)
    counts = [
        _extreme(np.sort(right[size - k]), left[k], observed, slack)
        for k in range(size + 1)
        if k < len(left) and size - k < len(right)
    ]
    return sum(upper for upper, _ in counts), sum(both for _, both in counts)


def _subset_sums(values: NDArray[np.float64], most: int) -> list[NDArray[np.float64]]:
    """Sums of all subsets of k values, for k = 0 .. min(most, number of values)."""
    sums = [np.zeros(1)]
    for count, value in enumerate(values, 1):
        if count <= most:
            sums.append(np.empty(0))
        for k in range(min(count, most), 0, -1):
            sums[k] = np.concatenate((sums[k], sums[k - 1] + value))
    return sums


def _extreme(
    ordered: NDArray[np.float64], others: NDArray[np.float64], observed: float, slack: float
) -> tuple[int, int]:
    """Number of pairs whose sum is >= observed, and >= it in absolute value; the first array is sorted."""

    def at_least(bound: float) -> int:
        return len(ordered) * len(others) - int(ordered.searchsorted(bound - slack - others).sum())

    upper = at_least(observed)
    far = abs(observed)
    if far <= slack:  # every sum is at least as far from zero
        return upper, len(ordered) * len(others)
    above = upper if observed > 0 else at_least(far)
    below = int(ordered.searchsorted(slack - far - others, side="right").sum())
    return upper, above + below


def _sampled_sums(values: NDArray[np.float64], size: int, seed: int, draws: int) -> NDArray[np.float64]:
    packed = _partitions(len(values), size, seed, draws)
    chunks = (packed[start : start + _CHUNK] for start in range(0, draws, _CHUNK))
    return np.concatenate([np.unpackbits(chunk, axis=1, count=len(values)) @ values for chunk in chunks])


@lru_cache(maxsize=8)
def _partitions(n: int, size: int, seed: int, draws: int) -> NDArray[np.uint8]:
    """`draws` different subsets of `size` out of n, one bit an element, the first `size` elements first.

    Kept, as retrainings are measured with the same test many times.
    """
    rng = np.random.default_rng(seed)
    found = np.packbits(np.arange(n) < size)[None]
    while len(found) < draws:
        drawn = [_random_subsets(rng, n, size) for _ in range(0, draws - len(found), _CHUNK)]
        found = np.concatenate([found, *drawn])
        # Dropping repeats in the order of drawing leaves every set of different subsets equally likely.
        _, first = np.unique(found.view(f"V{found.shape[1]}"), return_index=True)
        found = found[np.sort(first)]
    found = found[:draws].copy()
    found.setflags(write=False)
    return found


def _random_subsets(rng: np.random.Generator, n: int, size: int) -> NDArray[np.uint8]:
    order = np.argpartition(rng.random((_CHUNK, n), dtype=np.float32), size - 1, axis=1)
    chosen = np.zeros((_CHUNK, n), dtype=bool)
    np.put_along_axis(chosen, order[:, :size], True, axis=1)
    return np.packbits(chosen, axis=1)
