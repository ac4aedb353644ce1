"""What an explanation holds, as plain values and as a table."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from clif.explaining.texts import DocumentText
from clif.showing.views import Shown, View

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("position", "input", "output", "distance", "weight", "influence")
TOP = 10  # pairs and words


@dataclass(frozen=True)
class PairShare:
    """A pair of words in a document: how often it stands there and the influence of all its contexts.

    `weight` is how often an epoch trains it there (see `clif.pairs.Contexts`); `nearest` and `farthest` count words.
    """

    input: str
    output: str
    times: int
    weight: float
    nearest: int
    farthest: int
    influence: float


@dataclass(frozen=True)
class WordShare:
    """An input word, whose vector the document's pairs pull, and the influence of these pairs.

    `set` is X, Y, A or B for a word of the test, and `label` what that set stands for; None for others.
    """

    word: str
    set: str | None
    label: str | None
    influence: float


@dataclass(frozen=True)
class Association:
    """The part of T of a target word, s(w, A, B) for WEAT, in the model and as predicted without the document."""

    word: str
    set: str
    label: str
    before: float
    after: float


@dataclass(frozen=True, eq=False, repr=False)
class Explanation(Shown):
    """Why a document has its influence on a test: the sum over its contexts, by token, pair and word.

    `about` says what was asked and found: the document, its rank, its influence, the test. `influence` (tokens,) gives
    each token half of the influence of every context that it is part of; `sets` names the set of the test that a
    token belongs to. `columns` holds the contexts by column, in the order of the text. `pairs` and `words` come by
    falling |influence|, `associations` by falling |change|; all sum to the influence of the document.
    """

    about: dict[str, Any]
    text: DocumentText
    influence: NDArray[np.float64]
    sets: tuple[str | None, ...]
    columns: dict[str, NDArray[Any]]
    pairs: tuple[PairShare, ...]
    words: tuple[WordShare, ...]
    associations: tuple[Association, ...]
    warnings: tuple[str, ...] = ()

    def share(self, top: int = TOP) -> float:
        """Share of the first `top` pairs in the sum of all |influence of a pair|; 0 where all are 0."""
        sizes = [abs(pair.influence) for pair in self.pairs]
        total = sum(sizes)
        return sum(sizes[:top]) / total if total else 0.0

    def view(self) -> View:
        """Its strongest passages with their words marked, and the strongest pairs of words."""
        from clif.explaining.view import view_of

        return view_of(self)

    def to_frame(self) -> pd.DataFrame:
        """The contexts as a data frame, in the order of the text.

        `position` counts the document's tokens from 0, `distance` is output minus input position, `weight` the
        number of times that the pair is trained there in an epoch (see `clif.pairs.Contexts`).
        """
        import pandas as pd

        return pd.DataFrame(self.columns)

    def to_dict(self, top: int = TOP) -> dict[str, Any]:
        """All but the contexts as plain values, with the first `top` pairs and words."""
        tokens = zip(self.text.words, self.influence.tolist(), self.sets, strict=True)
        # JSON has no word for infinity, nor for a number that is none.
        fields = {
            name: str(value) if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in self.about["metadata"].items()
        }
        return {
            **self.about,
            "metadata": fields,
            "original_text": self.text.note is None,
            "note": self.text.note,
            "tokens": [
                {
                    "position": position,
                    "text": text,
                    "influence": influence,
                    "word_in_test": key is not None,
                    "set": key,
                }
                for position, (text, influence, key) in enumerate(tokens)
            ],
            "pairs_total": len(self.pairs),
            "pairs_share": self.share(top),
            "pairs": [asdict(pair) for pair in self.pairs[:top]],
            "words": [asdict(word) for word in self.words[:top]],
            "associations": [asdict(each) for each in self.associations],
            "warnings": list(self.warnings),
        }
