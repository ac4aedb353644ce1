"""Held-out words: choose documents with half of a test's words, judge on the other half.

One split of some words says little: halves differ in how hard their words are. So the words can be halved several
times, in complementary pairs: the second half is the first one with used and held-out words exchanged, the fourth the
third one, and so on. Over a pair every word is used once and held out once, and what makes some words easier to move
cancels. An odd number leaves the last half without its counterpart.
"""

from __future__ import annotations

from dataclasses import replace
from math import comb, prod
from typing import Any

import numpy as np

from clif.errors import CoverageError, UsageError
from clif.objectives import BiasTest, Coverage, kind_of

HOLDOUTS = {"targets": ("X", "Y"), "attributes": ("A", "B"), "both": ("X", "Y", "A", "B")}
Split = tuple[BiasTest, BiasTest]


def split_words(coverage: Coverage, kind: str, seed: int) -> Split:
    """Two tests that share no word of the `kind` of sets that is halved: the used and the held-out one.

    Only words of the vocabulary are halved; a set of odd size gives the larger half to the used test. Pairs stay
    together, and a set that the test does not have is not halved.

    Raises
    ------
    UsageError
        `kind` is not one of targets, attributes, both.
    CoverageError
        A set has fewer than 4 words to halve.

    """
    if kind not in HOLDOUTS:
        raise UsageError(
            f"unknown kind of words {kind!r}",
            where="--holdout-words",
            next=f"Choose one of: {', '.join(HOLDOUTS)}.",
        )
    rng = np.random.default_rng(seed)
    used: dict[str, Any] = {}
    held: dict[str, Any] = {}
    paired, shuffled = kind_of(coverage.test).paired, np.empty(0, dtype=np.int64)
    for key, words in coverage.words.items():
        if key not in HOLDOUTS[kind] or not coverage.test.sets[key]:
            used[key] = held[key] = words
            continue
        if len(words) < 4:
            raise CoverageError(
                f"set {key} has {len(words)} words in the vocabulary, too few to halve",
                where=f"test {coverage.test.name!r}",
                next="Hold out words of another kind, or use a test with more words.",
            )
        if not (paired and key == "B"):  # then the order of A stays
            shuffled = rng.permutation(len(words))
        half = (len(words) + 1) // 2
        used[key] = tuple(words[n] for n in sorted(shuffled[:half]))
        held[key] = tuple(words[n] for n in sorted(shuffled[half:]))
    return _named(coverage, f"{kind}-{seed}", replace(coverage.test, **used), replace(coverage.test, **held))


def split_halves(coverage: Coverage, kind: str, seed: int, halves: int) -> list[Split]:
    """So many different splits: those of `split_words` with `seed`, `seed` + 1, ..., each followed by its exchange.

    A seed whose split came before, or is the exchange of one that did, is passed over.

    Raises
    ------
    UsageError
        The words cannot be halved in that many ways, or as `split_words`.
    CoverageError
        As `split_words`.

    """
    split_words(coverage, kind, seed)  # raises where nothing can be halved
    drawn = [key for key in HOLDOUTS[kind] if not (kind_of(coverage.test).paired and key == "B")]
    ways = prod(comb(len(coverage.words[key]), len(coverage.words[key]) // 2) for key in drawn)
    if halves > ways:
        raise UsageError(
            f"the {kind} of test {coverage.test.name!r} can be halved in {ways} ways",
            where=f"--halves {halves}",
            next=f"Give {ways} or fewer, or hold out words of another kind.",
        )
    found: list[Split] = []
    seen: set[Any] = set()
    number = seed
    while len(found) < halves:
        used, held = split_words(coverage, kind, number)
        marks = {tuple(half.sets.values()) for half in (used, held)}
        if not marks & seen:
            found += [(used, held), _named(coverage, f"{kind}-{number}-exchanged", held, used)]
        seen |= marks
        number += 1
    return found[:halves]


def _named(coverage: Coverage, name: str, used: BiasTest, held: BiasTest) -> Split:
    start = f"{coverage.test.name}.{name}"
    return replace(used, name=f"{start}.used"), replace(held, name=f"{start}.held-out")
