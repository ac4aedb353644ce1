"""Models and vectors that gensim saved. They are pickles: reading one runs whatever code it names."""

from __future__ import annotations

import io
import pickle
import re
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clif.errors import InputError, UsageError
from clif.formats.streams import Stream
from clif.model import SkipGram
from clif.settings import TrainingSettings

_MAGIC = re.compile(rb"\x80[\x02-\x05]")


def is_pickle(head: bytes) -> bool:
    """Whether bytes begin a pickle of protocol 2 to 5; no text and no word2vec file begins like this."""
    return _MAGIC.match(head) is not None


def read_pickle(stream: Stream, *, allow_pickle: bool) -> SkipGram:
    """Read a model or keyed vectors that gensim saved, with the arrays it stored beside the file.

    Output vectors and settings are taken from skip-gram models with negative sampling alone, since others
    minimise another loss; `source` says what was left out.

    Raises
    ------
    InputError
        `allow_pickle` is false, the file is damaged or not gensim's, or an array beside it is missing.

    """
    if not allow_pickle:
        raise InputError(
            "is a pickle, as gensim saves its models, and such a file can run any code when it is read",
            where=stream.where,
            next="If you trust where it comes from, repeat with --allow-pickle. If not, let its owner export "
            "it with gensim as word2vec text: wv.save_word2vec_format('vectors.txt').",
        )
    try:
        with warnings.catch_warnings():
            # Old files name things that NumPy and gensim have moved or retyped since; they still load.
            warnings.simplefilter("ignore")
            return convert(_restore(stream), stream.where)
    except InputError:
        raise
    except FileNotFoundError as error:
        raise InputError(
            f"its array file {error.filename} is missing",
            where=stream.where,
            next="gensim stores large arrays in files beside the model; copy them into the same folder.",
        ) from error
    except Exception as error:  # unpickling can raise anything at all
        raise InputError(
            f"cannot be read as a model of gensim ({type(error).__name__}: {error})",
            where=stream.where,
            next="The file is cut off, damaged or made by something else; save it again with gensim.",
        ) from error


def _restore(stream: Stream) -> Any:
    from gensim.models import KeyedVectors, Word2Vec
    from gensim.utils import SaveLoad

    # What SaveLoad.load does, except that compression is found by content and the type is checked before the
    # object is used. Files from Python 2 need latin1.
    if stream.plain:
        with stream.path.open("rb") as file:
            found = pickle.load(file, encoding="latin1")
    else:
        found = pickle.load(io.BytesIO(stream.rest()), encoding="latin1")
    if not isinstance(found, (Word2Vec, KeyedVectors)):
        raise InputError(
            f"holds a {type(found).__module__}.{type(found).__qualname__}, not word vectors of gensim",
            where=stream.where,
            next="Give a saved Word2Vec or KeyedVectors.",
        )
    compressed, beside = SaveLoad._adapt_by_suffix(stream.where)
    found._load_specials(stream.where, None, compressed, beside)
    return found


def convert(found: Any, where: str) -> SkipGram:
    """A model, or vectors, of gensim as a SkipGram; `source` says what it is if it lacks something."""
    from gensim.models import Word2Vec

    kind = type(found).__name__
    if not isinstance(found, Word2Vec):
        counts = _counts(found)
        # Where it knows no counts, as after reading word2vec text, gensim makes up V, V - 1, ..., 1.
        if counts is not None and np.array_equal(counts, np.arange(len(counts), 0, -1)):
            counts = None
        return _vectors(found, counts, source=f"{where} (gensim {kind})")
    counts = _counts(found.wv)
    lacking = _other_loss(found)
    if lacking:
        return _vectors(found.wv, counts, source=f"{where} (gensim {kind}, {lacking}: input vectors only)")
    note, settings = "", None
    try:
        settings = _settings(found)
    except UsageError as error:
        note = f", settings not usable: {error.what}"
    source = f"{where} (gensim {kind}{note})"
    return _vectors(found.wv, counts, source=source, C=found.syn1neg, settings=settings)


def _other_loss(model: Any) -> str:
    """Why the loss of a gensim model is not that of skip-gram with negative sampling; empty if it is."""
    from gensim.models import Doc2Vec, FastText

    if isinstance(model, (Doc2Vec, FastText)):
        return "trained on more than words"  # documents, character n-grams
    if not model.sg:
        return "CBOW"
    if model.hs:
        return "hierarchical softmax"
    if not model.negative > 0:
        return "no negative sampling"
    if getattr(model, "syn1neg", None) is None:
        return "saved without output vectors"
    return ""


def _settings(model: Any) -> TrainingSettings:
    if not model.shrink_windows:
        raise UsageError("windows of fixed size", where="shrink_windows", next="Train with shrink_windows.")
    if model.sample >= 1:
        raise UsageError("sample from 1 on is a count", where="sample", next="Train with sample as a frequency.")
    return TrainingSettings(
        trainer="gensim",
        dim=int(model.vector_size),
        window=int(model.window),
        negative=int(model.negative),
        epochs=int(model.epochs),
        min_count=max(1, int(getattr(model, "effective_min_count", model.min_count))),
        sample=float(model.sample),
        alpha=float(model.alpha),
        min_alpha=float(model.min_alpha),
        ns_exponent=float(model.ns_exponent),
        seed=int(model.seed),
        workers=int(model.workers),
    )


def _vectors(
    keyed: Any,
    counts: NDArray[np.int64] | None,
    *,
    source: str,
    C: NDArray[np.float32] | None = None,
    settings: TrainingSettings | None = None,
) -> SkipGram:
    words = list(keyed.index_to_key)
    if not words or not all(isinstance(word, str) for word in words):
        raise InputError("holds no words", where=source, next="Give a model that was trained on words.")
    U = np.ascontiguousarray(keyed.vectors, np.float32)
    if C is not None:
        C = np.ascontiguousarray(C, np.float32)
    return SkipGram(words, U, C, counts, settings, source)


def _counts(keyed: Any) -> NDArray[np.int64] | None:
    counts = keyed.expandos.get("count")
    if counts is None or len(counts) != len(keyed.index_to_key):
        return None
    return np.asarray(counts).astype(np.int64)
