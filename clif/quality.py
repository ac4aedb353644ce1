"""Is the embedding still good for anything? Human judgements of word similarity, and analogies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from clif.errors import InputError

LEAST_PAIRS = 10
ANALOGIES = 512  # that are solved at a time
Judgement = tuple[str, str, float]


@dataclass(frozen=True)
class Quality:
    """Spearman correlation of cosines with human judgements of pairs of words, and the pairs it rests on.

    `spearman` is None where fewer than LEAST_PAIRS pairs are in the vocabulary, or all cosines or judgements are alike.
    """

    spearman: float | None
    pairs: int


@dataclass(frozen=True)
class Analogies:
    """Share of questions "a is to b as c is to ?" that are answered `right` (None: no question is covered)."""

    right: float | None
    questions: int


def wordsim353(U: NDArray[np.float32], index: Mapping[str, int]) -> Quality:
    """Quality of the input vectors (V, d) on the pairs of WordSim-353 (Finkelstein et al. 2002)."""
    return similarity(U, index, wordsim_pairs())


def similarity(U: NDArray[np.float32], index: Mapping[str, int], judgements: Iterable[Judgement]) -> Quality:
    """Quality on the pairs that the vocabulary covers; words as written, else lower-cased."""
    from scipy.stats import spearmanr

    rows, human = covered_pairs(index, judgements)
    if len(rows) < LEAST_PAIRS:
        return Quality(None, len(rows))
    left, right = (U[column].astype(np.float64) for column in rows.T)
    lengths = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    cosine = np.einsum("nd,nd->n", left, right) / np.where(lengths > 0, lengths, 1.0)
    if np.ptp(cosine) == 0 or np.ptp(human) == 0:
        return Quality(None, len(rows))
    return Quality(float(spearmanr(cosine, human).statistic), len(rows))


def covered_pairs(
    index: Mapping[str, int], judgements: Iterable[Judgement]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Rows (P, 2) of the pairs whose words are both in `index`, as written or lower-cased, and their scores (P,)."""
    rows, human = [], []
    for first, second, score in judgements:
        pair = [index.get(word, index.get(word.lower(), -1)) for word in (first, second)]
        if min(pair) >= 0:
            rows.append(pair)
            human.append(score)
    return np.array(rows, dtype=np.int64).reshape(-1, 2), np.array(human, dtype=np.float64)


def read_judgements(path: Path) -> list[Judgement]:
    """Two words and a score between tabs, commas or spaces, one pair a line; the first line may be a header.

    Raises
    ------
    InputError
        The file cannot be read, or a line is something else.

    """
    schema = "Give two words and a score a line, between tabs, commas or spaces."
    found = []
    for number, line in enumerate(_lines(path, schema), 1):
        if not line.strip() or line.startswith("#"):
            continue
        separator = next((mark for mark in ("\t", ",") if mark in line), None)
        cells = [cell.strip() for cell in line.split(separator)]
        try:
            found.append((cells[0], cells[1], _finite(cells[2])))
        except (IndexError, ValueError) as error:
            if number > 1:
                what = f"not two words and a score: {line!r:.80}"
                raise InputError(what, where=f"{path}:{number}", next=schema) from error
    return found


def solve_analogies(U: NDArray[np.floating], words: Sequence[str], path: Path | None = None) -> Analogies:
    """Answers of the vectors (V, d) of `words` to the questions in `path`, or to those of Mikolov et al. 2013.

    The answer is the word other than a, b and c whose vector has the largest cosine with b/|b| - a/|a| + c/|c|.
    Questions with unknown words do not count. Case does not either: of words that differ in it the first is meant.

    Raises
    ------
    InputError
        The file cannot be read.

    """
    rows: dict[str, int] = {}
    for row, word in enumerate(words):
        rows.setdefault(word.upper(), row)
    asked = [line.upper().split() for line in _lines(path or _shipped("questions-words.txt"), "Give a text file.")]
    found = [[rows.get(word, -1) for word in question] for question in asked if len(question) == 4]
    known = np.array([question for question in found if min(question) >= 0], dtype=np.int64).reshape(-1, 4)
    lengths = np.linalg.norm(U, axis=1, keepdims=True)
    units = U / np.where(lengths > 0, lengths, 1.0)
    first = np.array([rows[word.upper()] == row for row, word in enumerate(words)], dtype=np.bool_)
    right = 0
    for start in range(0, len(known), ANALOGIES):
        a, b, c, d = known[start : start + ANALOGIES].T
        near = (units[b] - units[a] + units[c]) @ units.T
        near[:, ~first] = -np.inf
        for given in (a, b, c):
            near[np.arange(len(a)), given] = -np.inf
        right += int((near.argmax(1) == d).sum())
    return Analogies(right / len(known) if len(known) else None, len(known))


@cache
def wordsim_pairs() -> list[Judgement]:
    """The pairs of WordSim-353 with their scores."""
    rows = (
        line.split("\t")
        for line in _shipped("wordsim353.tsv").read_text(encoding="utf-8").splitlines()
        if not line.startswith("#")
    )
    return [(first, second, float(score)) for first, second, score in rows]


def _shipped(name: str) -> Path:
    """A file that gensim brings along."""
    # Found, not imported: importing gensim takes longer than everything else here.
    spec = find_spec("gensim")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0]) / "test" / "test_data" / name


def _lines(path: Path, next_step: str) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"cannot be read: {reason}", where=str(path), next=next_step) from error


def _finite(text: str) -> float:
    value = float(text)
    if not np.isfinite(value):
        raise ValueError(text)
    return value
