"""Coverage: which words of a bias test a vocabulary holds, and whether they suffice."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from clif.errors import CoverageError
from clif.objectives.bias_tests import SETS, BiasTest
from clif.objectives.kinds import kind_of

LEAST = 4
NAMED = 3
STRANGE = 0.1  # share of known words up to which the language may be another


@dataclass(frozen=True, eq=False)
class Coverage:
    """The words of `test` that a vocabulary holds, by set X, Y, A, B.

    `words` are in the vocabulary's own form, `rows` their rows in U, `missing` in the form of the test.
    `reason` is None where the test is covered, else a sentence saying why not, with the words.
    """

    test: BiasTest
    words: dict[str, tuple[str, ...]]
    rows: dict[str, NDArray[np.int64]]
    missing: dict[str, tuple[str, ...]]
    reason: str | None


def cover(test: BiasTest, index: Mapping[str, int], least: int = LEAST) -> Coverage:
    """Look up the words of a test in a vocabulary, `index` from word to row.

    A word is taken as written, else in lower case, capitalised, in upper case, or with its case folded (Straße as
    strasse), each time also in the composed and decomposed Unicode form. Lower case is Unicode's, in the corpus and
    here alike: it knows no Turkish, and makes an i of a capital I. Words of one set that meet in one row count once;
    words of different sets that do leave the test uncovered. Covered: each set that the test has keeps `least` words
    and at least half of its own; a smaller set of a kind that takes small ones keeps all. Of pairs, both words are kept
    or neither. Errors are those of `find_kind`, and of `BiasTest` for a plug-in's kind, which is checked here at last.
    """
    kind = kind_of(test)
    test.check(kind)
    words: dict[str, tuple[str, ...]] = {}
    rows: dict[str, NDArray[np.int64]] = {}
    missing: dict[str, tuple[str, ...]] = {}
    for key, asked in test.sets.items():
        forms = [(word, next((form for form in _forms(word) if form in index), None)) for word in asked]
        found = {index[form]: form for _, form in forms if form is not None}
        words[key] = tuple(found.values())
        rows[key] = np.fromiter(found, dtype=np.int64, count=len(found))
        missing[key] = tuple(word for word, form in forms if form is None)
    if kind.paired:
        pairs = _complete_pairs(test, index)
        for place, key in enumerate("AB"):
            words[key] = tuple(pair[place] for pair in pairs)
            rows[key] = np.array([index[word] for word in words[key]], dtype=np.int64)
    reasons = [*_too_few(test, words, missing, least), *_clashes(words)]
    return Coverage(test, words, rows, missing, "; ".join(reasons) or None)


def _complete_pairs(test: BiasTest, index: Mapping[str, int]) -> list[tuple[str, str]]:
    """The pairs of A and B of which the vocabulary has both words, each word in one pair."""
    pairs: list[tuple[str, str]] = []
    for asked in zip(test.A, test.B, strict=True):
        a, b = (next((form for form in _forms(word) if form in index), None) for word in asked)
        if a is not None and b is not None and not any(a == c or b == d for c, d in pairs):
            pairs.append((a, b))
    return pairs


def uncovered_error(coverages: Sequence[Coverage], where: str) -> CoverageError:
    """The error to raise when none of the tests asked for is covered; it names the words that miss."""
    names = ", ".join(coverage.test.name for coverage in coverages)
    return CoverageError(
        f"the vocabulary covers none of the tests asked for ({names})",
        where=where,
        details=[f"{coverage.test.name}: {_why(coverage, brief=len(coverages) > 2)}" for coverage in coverages],
        next=f"{_language(coverages)}Train on more text or with a smaller --min-count, or give a test made of words of "
        "this corpus.",
    )


def _language(coverages: Sequence[Coverage]) -> str:
    """A question, where next to none of the words is known: the corpus may be in another language than the tests."""
    lost = sum(len(words) for coverage in coverages for words in coverage.missing.values())
    kept = sum(len(words) for coverage in coverages for words in coverage.words.values())
    if kept > STRANGE * (kept + lost):
        return ""
    languages = ", ".join(sorted({coverage.test.language for coverage in coverages}))
    return f"Next to none of these words is known: is the text in the language of the test ({languages})? "


def lacking(missing: Mapping[str, Sequence[str]]) -> str:
    """How many words each set lacks, and the first of them: one line for many tests."""
    sets = [(key, words) for key, words in missing.items() if words]
    counts = ", ".join(f"{len(words)} of {key}" for key, words in sets)
    named = [word for _, words in sets for word in words]
    return f"lacks {counts}: {', '.join(named[:NAMED])}{', ...' if len(named) > NAMED else ''}"


def _why(coverage: Coverage, brief: bool) -> str | None:
    return lacking(coverage.missing) if brief and any(coverage.missing.values()) else coverage.reason


def _forms(word: str) -> Iterator[str]:
    for form in (word, word.lower(), word.capitalize(), word.upper(), word.casefold()):
        yield form
        yield unicodedata.normalize("NFC", form)
        yield unicodedata.normalize("NFD", form)


def _too_few(
    test: BiasTest, words: Mapping[str, Sequence[str]], missing: Mapping[str, Sequence[str]], least: int
) -> Iterator[str]:
    kind = kind_of(test)
    for key in (key for key in SETS if test.sets[key] or key in kind.least):
        pairs = kind.paired and key in "AB"
        kept, lost = len(words[key]), len(missing[key])
        if pairs:
            lost = len(test.sets[key]) - kept
        asked = kept + lost
        wanted = min(least, asked) if kind.small else least
        label = key if test.labels[key] == key else f"{key} ({test.labels[key]})"
        if kept < wanted or kept < lost:
            rule = f"at least {wanted}" if kept < wanted else "at least half"
            lack = f", missing: {', '.join(missing[key])}" if missing[key] else ""
            what = "words in whole pairs" if pairs else "words"
            yield f"set {label} keeps {kept} of its {asked} {what}, {rule} needed{lack}"


def _clashes(words: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for key, other in combinations(SETS, 2):
        if both := sorted(set(words[key]) & set(words[other])):
            yield f"words of {key} and of {other} are the same in this vocabulary: {', '.join(both)}"
