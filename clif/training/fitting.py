"""Make a model of vectors that came without output vectors: fit these on the corpus, and see if it is theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clif.corpus.encoding import Corpus
from clif.errors import InputError, MismatchError
from clif.model import SkipGram
from clif.progress import Progress
from clif.settings import TrainingSettings
from clif.training.explained import Explained, Losses, explain
from clif.training.outputs import OutputLoss, count_outputs, find_scale, fit_outputs
from clif.vocabulary import Vocabulary, vocabulary_size

# Least share of what training gains that skip-gram vectors of a corpus explain of it. Measured: .94 to 1.25 by vectors
# of the same corpus (our own, gensim's, normalised ones), .62 to .83 by those of other English text, .06 to .23 by
# shuffled ones. CBOW vectors of the very corpus explain .54 to .70: what they learn is another thing.
LEAST = 0.88
# Share of their words that the corpus may lack without a warning.
MISSING = 0.05


@dataclass(frozen=True, eq=False)
class Brought:
    """A model that was brought in: its corpus, the settings, U and C (V, d), and what the manifest says of it."""

    corpus: Corpus
    settings: TrainingSettings
    U: NDArray[Any]
    C: NDArray[Any]
    about: dict[str, Any]


def fit_vectors(
    loaded: SkipGram,
    encode: Callable[..., Corpus],
    settings: TrainingSettings,
    *,
    anyway: bool,
    progress: Progress,
) -> Brought:
    """Encode the corpus and fit output vectors on it, as if the vectors had been trained with `settings`.

    The vocabulary is made of the words that have a vector and stand in the corpus `settings.min_count` times or more,
    with the counts of the corpus: about words that it lacks it says nothing, and words without a vector are outside.

    Raises
    ------
    InputError
        Fewer than two words are left, or no two of them stand near each other.
    MismatchError
        The vectors explain less than LEAST of what training gains over frequency, and `anyway` is not set.

    """
    settings = replace(settings, dim=loaded.dim)
    corpus = encode(known=loaded.index)
    present = sum(word in loaded.index for word in corpus.types)
    size = vocabulary_size(
        corpus.counts[:present], settings.min_count, f"corpus, words that have a vector in {loaded.source}"
    )
    vocabulary = Vocabulary(list(corpus.types[:size]), corpus.counts[:size])
    U = loaded.U[[loaded.index[word] for word in vocabulary.words]]
    progress("prepare", 0, None, "compiling, the first time only")
    counts = count_outputs(corpus, vocabulary, settings)
    if not counts.nnz:
        raise InputError(
            "no document has two words of the vectors near each other, so there is nothing to fit",
            where="corpus",
            next="Check --keep-case and --pretokenised: words must be cut as they were for the vectors.",
        )
    scale = find_scale(OutputLoss.of(U, counts, vocabulary, settings))
    progress("fit", 0, None, "held-out documents, and a model of them to compare with")
    explained = explain(corpus, vocabulary, settings, U, scale)
    doubts = list(_belonging(explained))
    if doubts and not anyway:
        raise MismatchError(
            doubts[0],
            where=loaded.source,
            next="Give the corpus they were trained on, read as it was then (--keep-case, --pretokenised, "
            "--text-field); or add --anyway, for vectors that were trained otherwise than by skip-gram.",
        )
    absent = len(loaded.words) - present
    loss = OutputLoss.of(U, counts, vocabulary, settings, scale)
    fitted = fit_outputs(loss, seen=lambda words: progress("fit", words, size, "output vectors"))
    about: dict[str, Any] = {
        "losses": [],
        "loss": None,
        "cpu_seconds": None,
        "reproducible": False,
        "reproducible_because": "the vectors were trained elsewhere",
        "outputs": {
            "fitted": "no output vectors: fitted on the corpus, as the minimum of the training loss with the input "
            "vectors held fixed and a ridge of 1 / (sum of the learning rates)",
            "settings": "not known for these vectors: defaults or options; the default damping follows from them",
            "ridge": 1.0 / settings.tau,
            "scale": scale,
            "gradient": fitted.gradient,
            "words_of_vectors": len(loaded.words),
            "absent_from_corpus": absent,
            "too_rare": present - size,
            "explained": explained.to_dict(),
            "warnings": [*doubts, *_absent(absent, len(loaded.words))],
        },
    }
    return Brought(corpus, settings, loss.U.astype(np.float32), fitted.C.astype(np.float32), about)


def _belonging(explained: Explained) -> Iterator[str]:
    """Why the corpus is plainly not that of the vectors, if it is not."""
    seen, held = explained.seen, explained.held
    if seen.share is not None and seen.share >= LEAST:
        return
    found = (
        "whether they belong to this corpus cannot be judged, as training on it gains nothing over frequency alone"
        if seen.share is None
        else f"the vectors explain {seen.share:.0%} of what training on this corpus gains, at least {LEAST:.0%} is "
        "asked for, and skip-gram vectors of this corpus explain near 100%"
    )
    yield (
        f"{found} (loss of a pair by these vectors, by trained ones, by frequency alone: "
        f"{_figures(seen)}; in documents held out: {_figures(held)})"
    )


def _figures(losses: Losses) -> str:
    values = (losses.given, losses.trained, losses.frequency)
    return ", ".join("none" if value is None else f"{value:.4f}" for value in values)


def _absent(absent: int, words: int) -> Iterator[str]:
    if absent > MISSING * words:
        yield (
            f"{absent:,} of the {words:,} words of the vectors ({absent / words:.0%}) do not stand in the corpus: they "
            "were trained on more text than this, or it was cut into words otherwise; these words are left out"
        )
