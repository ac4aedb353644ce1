"""Held-out words: choose documents with half of a test's words, judge on the other half."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from clif.errors import CoverageError, UsageError
from clif.objectives import BiasTest, Coverage

HOLDOUTS = {"targets": ("X", "Y"), "attributes": ("A", "B"), "both": ("X", "Y", "A", "B")}


def split_words(coverage: Coverage, kind: str, seed: int) -> tuple[BiasTest, BiasTest]:
    """Two tests that share no word of the `kind` of sets that is halved: the used and the held-out one.

    Only words of the vocabulary are halved; a set of odd size gives the larger half to the used test.

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
    for key, words in coverage.words.items():
        if key not in HOLDOUTS[kind]:
            used[key] = held[key] = words
            continue
        if len(words) < 4:
            raise CoverageError(
                f"set {key} has {len(words)} words in the vocabulary, too few to halve",
                where=f"test {coverage.test.name!r}",
                next="Hold out words of another kind, or use a test with more words.",
            )
        shuffled = rng.permutation(len(words))
        half = (len(words) + 1) // 2
        used[key] = tuple(words[n] for n in sorted(shuffled[:half]))
        held[key] = tuple(words[n] for n in sorted(shuffled[half:]))
    name = f"{coverage.test.name}.{kind}-{seed}"
    return (
        replace(coverage.test, name=f"{name}.used", **used),
        replace(coverage.test, name=f"{name}.held-out", **held),
    )
