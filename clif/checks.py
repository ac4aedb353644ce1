"""Whether the files of a run hold what clif writes there: compiled code follows their numbers without looking."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from clif.corpus.documents import ReadOptions
from clif.corpus.tokenising import Tokeniser
from clif.errors import DAMAGE, ClifError, InputError
from clif.settings import TrainingSettings

if TYPE_CHECKING:
    from clif.corpus.encoding import Corpus

AGAIN = "Train again with --force."
BLOCK = 1 << 22  # tokens
# Rows of a table: documents and words have names, which take some bytes each.
LEAST_ROWS, ROWS_A_BYTE = 1 << 20, 4


def check_manifest(manifest: Mapping[str, Any]) -> None:
    """Raise ValueError or TypeError if the values of a manifest, whose keys are there, are not of their kinds."""
    try:
        TrainingSettings.from_dict(manifest["settings"])
        ReadOptions.from_dict(manifest["corpus"]["read"])
        tokens = Tokeniser.from_dict(manifest["corpus"]["tokens"]).to_dict()
    except ClifError as error:
        raise ValueError(error.what) from error
    corpus, vocabulary, training = manifest["corpus"], manifest["vocabulary"], manifest["training"]
    counted = [corpus[name] for name in ("documents", "tokens_total", "split_documents")]
    counted += [vocabulary[name] for name in ("words", "types", "tokens")]
    good = (
        all(isinstance(value, bool) for value in tokens.values())
        and isinstance(corpus["sources"], list)
        and all(isinstance(source, str) and source and "\0" not in source for source in corpus["sources"])
        and isinstance(corpus["hash"], str)
        and corpus["hash"] != ""
        and all(type(count) is int and count >= 0 for count in counted)
        and isinstance(training, dict)
    )
    if not good:
        raise ValueError("values of other kinds")


def check_corpus(corpus: Corpus, where: Path) -> None:
    """Raise InputError if documents, sentences or words of an encoded corpus cannot be where its tables say."""
    fits = (
        len(set(corpus.doc_ids)) == len(corpus.doc_ids)
        and _counts(corpus.lengths)
        and _counts(corpus.counts)
        and corpus.tokens.ndim == 1
        and _most(corpus) < len(corpus.types)
    )
    if not fits:
        raise _damaged(where)


def check_sentences(starts: NDArray[Any], tokens: int, where: Path) -> None:
    """Raise InputError if these are not rising places of a text of so many tokens."""
    fits = starts.dtype == np.uint64 and starts.ndim == 1 and bool((starts[1:] > starts[:-1]).all())
    if not fits or (len(starts) and starts[-1] >= tokens):
        raise _damaged(where)


def check_matrices(U: NDArray[Any], C: NDArray[Any]) -> None:
    """Raise ValueError if these are not two matrices of numbers, alike in shape."""
    if U.ndim != 2 or U.shape != C.shape or U.dtype != C.dtype or U.dtype not in (np.float32, np.float64):
        raise ValueError(f"U {U.dtype}{list(U.shape)} and C {C.dtype}{list(C.shape)} are no vectors of words")


def check_rows(rows: int, size: int) -> None:
    """Raise ValueError if a table has far more rows than a file of `size` bytes can name."""
    if rows > max(LEAST_ROWS, ROWS_A_BYTE * size):
        raise ValueError(f"{rows:,} rows in {size:,} bytes")


@contextmanager
def as_stored(path: Path, next_step: str) -> Iterator[None]:
    """Turn what goes wrong where stored values are taken into an InputError: they are not those that clif stores."""
    try:
        yield
    except ClifError:
        raise
    except DAMAGE as error:
        raise InputError(
            f"does not hold what clif stores there ({type(error).__name__}: {error!s:.80})",
            where=str(path),
            next=next_step,
        ) from error


def check_keys(values: Any, kinds: Mapping[str, type | tuple[type, ...]], path: Path, next_step: str) -> dict[str, Any]:
    """The values of a JSON file; raises InputError if it is no object, or lacks a key, or one is of another kind."""
    if not isinstance(values, dict):
        raise InputError("does not hold what clif stores there", where=str(path), next=next_step)
    for key, kind in kinds.items():
        if key not in values or not isinstance(values[key], kind):
            raise InputError(f"does not hold what clif stores there: {key}", where=str(path), next=next_step)
    return values


def _counts(values: NDArray[Any]) -> bool:
    return values.dtype.kind in "iu" and values.ndim == 1 and bool((values >= 0).all())


def _most(corpus: Corpus) -> int:
    """The largest token, found without filling memory with all of them."""
    most = -1
    for start in range(0, len(corpus.tokens), BLOCK):
        most = max(most, int(corpus.tokens[start : start + BLOCK].max()))
        corpus.release()
    return most


def _damaged(where: Path) -> InputError:
    return InputError("its parts do not fit together, so it is damaged", where=str(where), next=AGAIN)
