"""Hard debiasing: taking a direction out of vectors that are trained already, as what removal is held against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clif.errors import CoverageError, UsageError
from clif.objectives import Coverage
from clif.storage.toml_file import read_toml

Pair = tuple[str, str]
LEAST = 2
_SCHEMA = 'Give pairs = [["she", "he"], ["woman", "man"], ...].'


def pairs_of(coverage: Coverage) -> tuple[Pair, ...]:
    """Words of A and B at the same place of their sets, where the vocabulary has both.

    Raises
    ------
    CoverageError
        There are fewer than LEAST.

    """
    known = set(coverage.words["A"]) | set(coverage.words["B"])
    sets = coverage.test.sets
    found = tuple(pair for pair in zip(sets["A"], sets["B"], strict=False) if known.issuperset(pair))
    return _enough(found, f"test {coverage.test.name!r}")


def read_pairs(path: Path, index: Mapping[str, int]) -> tuple[Pair, ...]:
    """Pairs from a TOML file, where the vocabulary has both words.

    Raises
    ------
    UsageError
        The file cannot be read as pairs of words.
    CoverageError
        The vocabulary has fewer than LEAST.

    """
    try:
        pairs = read_toml(path).get("pairs")
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot be read as TOML: {error}", where=str(path), next=_SCHEMA) from error
    if not isinstance(pairs, list) or not all(_is_pair(pair) for pair in pairs):
        raise UsageError("holds no pairs of two different words", where=str(path), next=_SCHEMA)
    return _enough(tuple((a, b) for a, b in pairs if a in index and b in index), str(path))


def hard_debias(
    U: NDArray[np.floating], pairs: Sequence[tuple[int, int]], definitional: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Vectors (V, d) of unit length without the direction in which `pairs` of rows differ.

        g   first principal component of the unit vectors of the pairs, each less the middle of its pair
        w   <- (w - (w . g) g) / |w - (w . g) g|                               words that are not `definitional` (rows)
        w_1, w_2 <- m' +- sqrt(1 - |m'|^2) g,  m' = m - (m . g) g              m the middle of a pair

    with the sign of (w_1 - w_2) . g. Afterwards every neutral word is as near to the one of a pair as to the other.
    Source: Bolukbasi, Chang, Zou, Saligrama, Kalai 2016, "Man is to Computer Programmer as Woman is to Homemaker?".
    """
    found = U.astype(np.float64)
    found /= np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-300)
    first, second = (found[list(rows)] for rows in zip(*pairs, strict=True))
    g = np.linalg.svd(np.vstack([first - second, second - first]) / 2)[2][0]
    middle = (first + second) / 2
    middle -= np.outer(middle @ g, g)
    reach = np.sqrt(1.0 - (middle**2).sum(1))[:, None] * np.sign((first - second) @ g)[:, None] * g
    neutral = np.ones(len(found), dtype=np.bool_)
    neutral[definitional] = False
    left = found[neutral] - np.outer(found[neutral] @ g, g)
    found[neutral] = left / np.maximum(np.linalg.norm(left, axis=1, keepdims=True), 1e-300)
    for rows, values in zip(zip(*pairs, strict=True), (middle + reach, middle - reach), strict=True):
        found[list(rows)] = values
    return found


def _is_pair(pair: Any) -> bool:
    words = isinstance(pair, list) and all(isinstance(word, str) for word in pair)
    return words and len(pair) == 2 and pair[0] != pair[1]


def _enough(pairs: tuple[Pair, ...], where: str) -> tuple[Pair, ...]:
    if len(pairs) < LEAST:
        raise CoverageError(
            f"{len(pairs)} pairs of words are in the vocabulary, too few for a direction to take out",
            where=where,
            next="Give --pairs FILE.toml with pairs of common words, or leave out the policy debias.",
        )
    return pairs
