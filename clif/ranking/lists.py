"""A ranked list: its columns, and what it is about."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from clif.corpus.encoding import Corpus
from clif.influence.listing import Sentences, WordPairs
from clif.influence.problem import Problem
from clif.objectives import BiasTest
from clif.objectives.frequency import frequency_warnings
from clif.pairs import Contexts
from clif.ranking.spread import is_sure
from clif.showing.views import Shown, View

if TYPE_CHECKING:
    import pandas as pd

SATURATION = 0.75  # of the bound
DOCUMENT_COLUMNS = ("rank", "doc_id", "influence", "stderr", "tokens")
ENSEMBLE_COLUMNS = (*DOCUMENT_COLUMNS, "agreement")
CONTEXT_COLUMNS = (
    "rank", "doc_id", "influence", "stderr", "weight", "position", "input", "output", "distance",
)  # fmt: skip
SENTENCE_COLUMNS = ("rank", "doc_id", "influence", "stderr", "tokens", "sentence", "position", "text")
PAIR_COLUMNS = ("rank", "input", "output", "influence", "stderr", "weight")


@dataclass(frozen=True, eq=False, repr=False)
class Ranking(Shown):
    """A ranked list. Rank 1: removal reduces |T| most; the last rank: it increases |T| most (but see `broad`).

    `influence` is the predicted change of T when the document (or context) is removed; `value` is T of the
    model; `zero_crossing` is the number of first documents whose removal is predicted to bring T nearest
    zero, None if none does. `columns` holds the table by column, in rank order. With its `corpus` the list can
    show how documents begin.
    """

    about: dict[str, Any]
    columns: dict[str, NDArray[Any]]
    path: Path
    reused: bool = False
    warnings: tuple[str, ...] = field(default=())
    corpus: Corpus | None = None

    @property
    def test(self) -> BiasTest:
        """The test that was ranked for, as it was then."""
        return BiasTest.from_dict(self.about["definition"])

    @property
    def doc_ids(self) -> list[str]:
        """Document ids in rank order."""
        return list(self.columns["doc_id"])

    @property
    def influence(self) -> NDArray[np.float64]:
        """Influence in rank order."""
        return np.asarray(self.columns["influence"])

    def __len__(self) -> int:
        return len(self.columns["rank"])

    @property
    def models(self) -> int:
        """How many models it is the mean of."""
        return len(self.about["ensemble"]["seeds"]) if self.about.get("ensemble") else 1

    @property
    def sure(self) -> NDArray[np.bool_]:
        """Which documents are sure at the list's confidence, in rank order; all, if it has none."""
        confidence = self.about.get("confidence")
        if confidence is None:
            return np.ones(len(self), dtype=np.bool_)
        return is_sure(self.influence, np.asarray(self.columns["stderr"]), self.models, confidence)

    def cut(self) -> Ranking:
        """The sure documents alone, ranked among themselves."""
        kept = self.sure
        columns = {name: column[kept] for name, column in self.columns.items()}
        return replace(self, columns=columns | {"rank": np.arange(1, kept.sum() + 1)})

    def to_frame(self, top: int | None = None) -> pd.DataFrame:
        """The list as a data frame, in rank order."""
        import pandas as pd

        frame = pd.DataFrame(self.columns)
        return frame if top is None else frame.head(top)

    def view(self) -> View:
        """Both ends of the list."""
        from clif.ranking.view import view_of

        return view_of(self)

    def to_dict(self) -> dict[str, Any]:
        """What the list is, without its rows."""
        hidden = ("asked_damping", "bound", "definition", "half", "identity", "recipe", "sha256", "solving")
        kept = {key: value for key, value in self.about.items() if key not in hidden}
        return {**kept, "ranking": str(self.path), "reused": self.reused, "warnings": list(self.warnings)}


def warnings_of(about: dict[str, Any]) -> list[str]:
    """What a reader of the list should know first."""
    warnings = []
    if about["measure"] == "effect_size" and about["bound"] and abs(about["value"]) > SATURATION * about["bound"]:
        warnings.append(
            f"|effect size| is {abs(about['value']):.2f}: near its bound of {about['bound']:.3g} it hardly shows who "
            "carries the bias. Rank with --measure mean_difference."
        )
    warnings.extend(frequency_warnings(about.get("test", ""), about.get("frequency")))
    models = about.get("ensemble")
    if models and min(models["values"]) * max(models["values"]) < 0:
        values = ", ".join(f"{value:+.2g}" for value in models["values"])
        warnings.append(
            f"the {len(models['seeds'])} models do not agree on the sign of the bias ({values}): what reduces it in "
            "one increases it in another. Train on more text, or for more epochs."
        )
    if about.get("converged") is False:
        warnings.append(
            f"the solve stopped after {about['iterations']} products at a relative residual of "
            f"{about['residual']:.2g}, above {about['tolerance']:.2g}: the influences are not those of "
            f"{about['method']}. Raise --steps or --tolerance."
        )
    return warnings


def document_columns(
    problem: Problem, influence: NDArray[np.float64], order: NDArray[np.int64]
) -> dict[str, NDArray[Any]]:
    """DOCUMENT_COLUMNS of the documents in `order`; stderr is empty for one model."""
    corpus = problem.corpus
    return {
        "rank": np.arange(1, len(order) + 1),
        "doc_id": np.array(corpus.doc_ids, dtype=object)[order],
        "influence": influence[order],
        "stderr": np.full(len(order), np.nan),
        "tokens": corpus.lengths[order],
    }


def context_columns(problem: Problem, contexts: Contexts, influence: NDArray[np.float64]) -> dict[str, NDArray[Any]]:
    """CONTEXT_COLUMNS; positions count the document's tokens from 0, distance is output minus input position."""
    words = np.array(problem.vocabulary.words, dtype=object)
    return {
        "rank": np.arange(1, len(contexts) + 1),
        "doc_id": np.array(problem.corpus.doc_ids, dtype=object)[contexts.document],
        "influence": influence,
        "stderr": np.full(len(contexts), np.nan),
        "weight": contexts.weight,
        "position": contexts.position,
        "input": words[contexts.input],
        "output": words[contexts.output],
        "distance": contexts.output_position - contexts.position,
    }


def sentence_columns(problem: Problem, sentences: Sentences) -> dict[str, NDArray[Any]]:
    """SENTENCE_COLUMNS; `position` is the sentence's first token in its document, `text` its words."""
    corpus = problem.corpus
    ends = sentences.start + sentences.tokens
    texts = [
        " ".join(corpus.types[token] for token in corpus.tokens[start:end])
        for start, end in zip(sentences.start, ends, strict=True)
    ]
    return {
        "rank": np.arange(1, len(texts) + 1),
        "doc_id": np.array(corpus.doc_ids, dtype=object)[sentences.document],
        "influence": sentences.influence,
        "stderr": np.full(len(texts), np.nan),
        "tokens": sentences.tokens,
        "sentence": sentences.number,
        "position": sentences.start - corpus.offsets[sentences.document],
        "text": np.array(texts, dtype=object),
    }


def pair_columns(problem: Problem, pairs: WordPairs) -> dict[str, NDArray[Any]]:
    """PAIR_COLUMNS; `weight` is how often the pair is formed in an epoch: expected, or drawn on the average."""
    words = np.array(problem.vocabulary.words, dtype=object)
    return {
        "rank": np.arange(1, len(pairs.input) + 1),
        "input": words[pairs.input],
        "output": words[pairs.output],
        "influence": pairs.influence,
        "stderr": np.full(len(pairs.input), np.nan),
        "weight": pairs.weight,
    }
