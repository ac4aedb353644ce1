"""Words beside those that a test names, on which a list that acts on many words counts, too.

What moves the words of a test need not move others of their kind; what moves many does. The words beside come from

pairs        such as he and she, of which the test holds some: these say on which side of the test each of a pair is
neighbours   the NEIGHBOURS words w with the largest, and those with the smallest, w . (mean of X - mean of Y), of unit
             vectors (or of A and B), that are no rarer than the rarest word of the set that they stand beside

The test itself stays what it is, and none of its words is among those beside it. So neither are words of it that a
retraining holds out, and the neighbours of a half are those of its own words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from clif.errors import UsageError
from clif.influence.problem import Problem
from clif.objectives import WEAT, BiasTest, cover, kind_of, uncovered_error
from clif.objectives.kinds import WEAT_KIND
from clif.objectives.word_pairs import DEFAULT, WordPairs
from clif.ranking.questions import HALF_LEAST, bias_of
from clif.run import Run

SIDES = {"targets": ("X", "Y"), "attributes": ("A", "B")}
NEIGHBOURS = 10  # beside each set
FROM_MODEL = "neighbours"

Words = dict[str, Any]  # `name`, the words beside each of two sets, and of neighbours those `without` which they are


def check_wider(wider: object, broad: str | None) -> None:
    """Raise UsageError where words beside those of a test have no meaning."""
    if wider is not None and broad is None:
        raise UsageError(
            "words beside those of the test count only in a list that acts on many",
            where="--wider",
            next="Add --broad targets or --broad attributes, the kind of words that they stand beside.",
        )


def words_beside(run: Run, wider: str | Path | Mapping[str, Any], test: BiasTest, broad: str) -> Words:
    """The words beside the targets, or attributes, of a test; all are of the run's vocabulary.

    `wider` is "neighbours"; "gender", the pairs that come with clif; a TOML file of pairs; or what this function
    returned before, of a test of which this one is a half.

    Raises
    ------
    UsageError
        Of pairs, which side is which cannot be told, as the test holds words of them on neither side or on both alike;
        or no word is left; the vocabulary lacks one that is given; or the test is of another kind than WEAT's.
    CoverageError
        The vocabulary does not cover the test.
    InputError
        The file cannot be read.

    """
    if kind_of(test).name != WEAT_KIND:
        raise UsageError(
            f"tests of kind {test.kind} take no words beside their own",
            where="--wider",
            next="Leave it out, or rank for a test of kind weat.",
        )
    sides = SIDES[broad]
    if isinstance(wider, Mapping):
        if "without" in wider:
            return _near(run, test, sides, _checked(wider, "without"))
        words = {key: _checked(wider, key) for key in sides}
        unknown = [word for side in words.values() for word in side if word not in run.vocabulary.index]
        if unknown:
            raise UsageError(
                f"the vocabulary lacks {unknown[0]!r}", where="wider", next="Leave out words that it does not hold."
            )
        return {"name": str(wider.get("name", "given")), **words}
    if str(wider) == FROM_MODEL:
        return _near(run, test, sides, sorted({word for words in test.sets.values() for word in words}))
    pairs = WordPairs.read(DEFAULT if str(wider) == DEFAULT.stem else Path(wider), "--wider")
    return _paired(pairs, test, broad, run.vocabulary.index)


def _checked(wider: Mapping[str, Any], key: str) -> list[str]:
    words = wider.get(key)
    if isinstance(words, Sequence) and words and not isinstance(words, str) and all(isinstance(w, str) for w in words):
        return list(words)
    raise UsageError(
        f"the words beside a test are no list of words for {key}",
        where="wider",
        next="Give the name or file of pairs, or a list of words for each of the two sets.",
    )


def _paired(pairs: WordPairs, test: BiasTest, broad: str, index: Mapping[str, int]) -> Words:
    """Those of the pairs that are in the vocabulary, and no words of the test."""
    first, second = SIDES[broad]
    own = {key: {word.lower() for word in test.sets[key]} for key in (first, second)}
    straight = sum((a in own[first]) + (b in own[second]) for a, b in pairs.pairs)
    turned = sum((b in own[first]) + (a in own[second]) for a, b in pairs.pairs)
    if straight == turned:
        raise UsageError(
            f"the {broad} of {test.name} do not say on which side the words of the pairs are: "
            f"{straight} of them stand as in the pairs {pairs.name!r}, and {turned} the other way round",
            where="--wider",
            next=f"Give pairs of which some words are among the {broad}, or --wider {FROM_MODEL}.",
        )
    named = {word.lower() for words in test.sets.values() for word in words}
    left = [pair for pair in pairs.pairs if all(word in index and word not in named for word in pair)]
    if not left:
        raise UsageError(
            f"no pair of {pairs.name!r} is in the vocabulary and without a word of {test.name}",
            where="--wider",
            next=f"Give pairs of other words, or --wider {FROM_MODEL}.",
        )
    sides = zip(*(pair if straight > turned else pair[::-1] for pair in left), strict=True)
    return {"name": pairs.name, **{key: list(words) for key, words in zip((first, second), sides, strict=True)}}


def _near(run: Run, test: BiasTest, sides: tuple[str, str], without: list[str]) -> Words:
    """The neighbours of the words of a test, which are none of `without`, words of the test of which it is a half."""
    coverage = cover(test, run.vocabulary.index, HALF_LEAST)
    if coverage.reason:
        raise uncovered_error([coverage], where=str(run.path))
    U = run.model.U.astype(np.float64)
    units = U / np.maximum(np.linalg.norm(U, axis=1, keepdims=True), np.finfo(float).tiny)
    first, second = (units[coverage.rows[key]].mean(axis=0) for key in sides)
    along = units @ (first - second)
    named = {word.lower() for words in (without, *test.sets.values()) for word in words}
    found: Words = {"name": FROM_MODEL}
    for key, toward in zip(sides, (along, -along), strict=True):
        common = run.vocabulary.counts >= run.vocabulary.counts[coverage.rows[key]].min()
        rows = np.flatnonzero(common & (toward > 0))
        nearest = rows[np.argsort(-toward[rows], kind="stable")][: NEIGHBOURS + 2 * len(named)]
        words = [run.vocabulary.words[row] for row in nearest]
        found[key] = [word for word in words if word.lower() not in named][:NEIGHBOURS]
        if not found[key]:
            raise UsageError(
                f"no other word as frequent as those of {key} lies on its side",
                where=f"--wider {FROM_MODEL}",
                next="Give a file of pairs, or leave it out.",
            )
    return {**found, "without": without}


def widened(problem: Problem, words: Words) -> Problem:
    """The question with these words beside its own."""
    coverage = bias_of(problem).coverage
    sets = {key: (*own, *words.get(key, ())) for key, own in coverage.words.items()}
    test = replace(coverage.test, X=sets["X"], Y=sets["Y"], A=sets["A"], B=sets["B"])
    return problem.asking(WEAT(cover(test, problem.vocabulary.index, HALF_LEAST)))
