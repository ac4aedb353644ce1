"""Word vectors in memory: models of gensim, tables of pandas, mappings; and back to gensim."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clif.errors import InputError, UsageError
from clif.formats.pickles import convert
from clif.model import SkipGram

SOURCE = "vectors in memory"


class Keyed(Protocol):
    """What is needed of gensim's KeyedVectors."""

    @property
    def index_to_key(self) -> Sequence[Any]:
        """The words."""

    @property
    def vectors(self) -> Any:
        """Their vectors, (V, d)."""


class Trained(Protocol):
    """What is needed of gensim's Word2Vec."""

    @property
    def wv(self) -> Any:
        """Its KeyedVectors."""


class Table(Protocol):
    """What is needed of a pandas data frame: a word a row, by its label."""

    @property
    def index(self) -> Any:
        """The words."""

    def to_numpy(self) -> Any:
        """Their vectors, (V, d)."""


Vectors = SkipGram | Keyed | Trained | Table | Mapping[str, ArrayLike]


def vectors_of(given: Vectors) -> SkipGram:
    """Take vectors from what holds them: gensim's KeyedVectors or Word2Vec, a data frame by word, a mapping.

    Raises
    ------
    UsageError
        It is none of these.
    InputError
        The vectors are not numbers or differ in length, a word stands twice, or a value is not finite.

    """
    if isinstance(given, SkipGram):
        return given
    if hasattr(given, "index_to_key") or hasattr(given, "wv"):
        return convert(given, SOURCE)
    if hasattr(given, "index") and hasattr(given, "to_numpy"):
        return _skipgram(list(given.index), given.to_numpy())
    if isinstance(given, Mapping):
        lengths = {len(np.atleast_1d(np.asarray(vector))) for vector in given.values()}
        if len(lengths) > 1:
            raise _wrong(f"vectors have different lengths, such as {min(lengths)} and {max(lengths)}")
        return _skipgram(list(given), list(given.values()))
    raise UsageError(
        f"vectors cannot be of type {type(given).__name__}",
        where="clif.audit",
        next="Give a model of clif or gensim, a data frame with a word a row, a mapping, or the path of a file.",
    )


def keyed_vectors(words: Sequence[str], vectors: NDArray[np.float32], counts: NDArray[np.int64] | None = None) -> Any:
    """Gensim's KeyedVectors of these words, with their counts where they are known."""
    from gensim.models import KeyedVectors

    keyed = KeyedVectors(vectors.shape[1])
    keyed.lifecycle_events = None  # or gensim writes times and paths into its files
    keyed.add_vectors(list(words), vectors)
    if counts is not None:
        keyed.expandos["count"] = np.asarray(counts, np.int64)
    return keyed


def _skipgram(words: list[Any], vectors: Any) -> SkipGram:
    if not words:
        raise _wrong("there are no vectors")
    if not all(isinstance(word, str) for word in words):
        raise _wrong(f"a word cannot be of type {type(next(w for w in words if not isinstance(w, str))).__name__}")
    try:
        U = np.ascontiguousarray(vectors, np.float32)
    except (TypeError, ValueError) as error:
        raise _wrong(f"not numbers: {error}") from error
    return SkipGram(words, U, source=SOURCE)


def _wrong(what: str) -> InputError:
    return InputError(what, where=SOURCE, next="Give one vector of numbers for each word, all of one length.")
