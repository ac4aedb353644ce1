"""A trained model as one object: what it was trained on, its vectors, and the verbs as its methods."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clif.explaining import Explanation
from clif.formats import keyed_vectors
from clif.library import others, retrainings, verbs
from clif.library.accepting import Test
from clif.library.verbs import Watch
from clif.objectives import Audit
from clif.ranking import Groups, Ranking
from clif.reporting import Pictures, Report
from clif.retraining import RetrainResult
from clif.run import Run
from clif.showing.views import Block, Line, Shown, Table, View
from clif.tradeoffs import TradeoffResult
from clif.training import TrainResult
from clif.verification import VerifyResult

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, repr=False)
class Model(Shown):
    """A skip-gram model and the run folder that holds it; `reused` where a finished run was taken as it is.

    Each method is the function of that name in `clif`, with this model as its first argument.
    """

    run: Run
    reused: bool = False

    @property
    def path(self) -> Path:
        """Folder of the run."""
        return self.run.path

    @property
    def outputs(self) -> dict[str, Any] | None:
        """How the output vectors came about, where they were fitted to vectors that had none."""
        return TrainResult(self.run, self.reused).outputs

    @cached_property
    def vectors(self) -> Any:
        """The input vectors U, which tests read, as gensim's KeyedVectors."""
        skipgram = self.run.model
        return keyed_vectors(skipgram.words, skipgram.U, skipgram.counts)

    @cached_property
    def output_vectors(self) -> Any:
        """The output vectors C, as gensim's KeyedVectors."""
        skipgram = self.run.model
        assert skipgram.C is not None
        return keyed_vectors(skipgram.words, skipgram.C, skipgram.counts)

    def documents(self) -> pd.DataFrame:
        """One row a document in the order of the corpus: `doc_id`, `tokens`, and its other fields."""
        import pandas as pd

        from clif.corpus.metadata_file import field_names, read_metadata

        corpus = self.run.corpus
        names = field_names(self.path, corpus.content_hash)
        others = read_metadata(self.path, names, corpus.content_hash)
        own = {"doc_id": corpus.doc_ids, "tokens": corpus.lengths}
        return pd.DataFrame({**own, **{name: values for name, values in others.items() if name not in own}})

    def to_dict(self) -> dict[str, Any]:
        """What was trained on what, and how, as plain values."""
        return TrainResult(self.run, self.reused).to_dict()

    def audit(
        self,
        test: Test | Sequence[Test] = "weat",
        *,
        seeds: int = 1,
        ddof: int = 0,
        seed: int = 0,
        allow_pickle: bool = False,
        processes: int | None = None,
        progress: Watch = None,
    ) -> Audit:
        """Measure bias; see `clif.audit`."""
        return verbs.audit(
            self, test, seeds=seeds, ddof=ddof, seed=seed, allow_pickle=allow_pickle, processes=processes,
            progress=progress,
        )  # fmt: skip

    def rank(self, test: Test | None = None, *, progress: Watch = None, **options: Any) -> Ranking:
        """Rank all documents by their influence on a bias; see `clif.rank`."""
        return verbs.rank(self, test, progress=progress, **options)

    def by_field(self, ranking: Ranking, field: str) -> Groups:
        """Add up a ranking by a field of the documents; see `clif.by_field`."""
        return others.by_field(ranking, self, field)

    def explain(
        self, doc_id: str | int, test: Test | Ranking | None = None, *, progress: Watch = None, **options: Any
    ) -> Explanation:
        """Explain the influence of one document by its words; see `clif.explain`."""
        return verbs.explain(self, doc_id, test, progress=progress, **options)

    def retrain(self, test: Test | Ranking | None = None, *, progress: Watch = None, **options: Any) -> RetrainResult:
        """Edit the corpus by a ranking, train again, and compare; see `clif.retrain`."""
        return retrainings.retrain(self, test, progress=progress, **options)

    def verify(
        self, test: Test | Ranking | Sequence[Test] | None = None, *, progress: Watch = None, **options: Any
    ) -> VerifyResult:
        """Hold predictions against what retraining does; see `clif.verify`."""
        return retrainings.verify(self, test, progress=progress, **options)

    def tradeoff(self, test: Test | Ranking | None = None, *, progress: Watch = None, **options: Any) -> TradeoffResult:
        """Hold bias against usefulness; see `clif.tradeoff`."""
        return retrainings.tradeoff(self, test, progress=progress, **options)

    def report(self, test: Test | None = None, *, out: Path | str | None = None, progress: Watch = None) -> Report:
        """Write all that the run holds as one HTML page; see `clif.report`."""
        return verbs.report(self, test, out=out, progress=progress)

    def plot(
        self, *kinds: str, test: Test | None = None, out: Path | str | None = None, progress: Watch = None
    ) -> Pictures:
        """Draw what the run holds; see `clif.plot`."""
        return verbs.plot(self, *kinds, test=test, out=out, progress=progress)

    def view(self) -> View:
        """What was trained on what."""
        values = self.to_dict()
        vocabulary, settings = values["vocabulary"], values["settings"]
        losses = " ".join(f"{loss:.3f}" for loss in values["losses"] or [])
        rows: list[list[str]] = [
            ["documents", f"{values['documents']:,}"],
            ["tokens", f"{values['tokens']:,} ({vocabulary['tokens']:,} in the vocabulary)"],
            ["vocabulary", f"{vocabulary['words']:,} of {vocabulary['types']:,} word types"],
            ["vectors", f"{settings['dim']} numbers, by {settings['trainer']}, seed {settings['seed']}"],
        ]
        if losses:
            rows.append(["loss a pair", losses])
        blocks: list[Block] = [Table(["", ""], rows, texts=(0, 1))]
        if self.reused:
            blocks.append(Line("Finished already, with this corpus and these settings.", note=True))
        return View(f"Model {self.path}", blocks)


# What a notebook shows for `model.rank?` is the whole text.
for _verb in (
    *(verbs.audit, verbs.rank, verbs.explain, verbs.report, verbs.plot),
    *(retrainings.retrain, retrainings.verify, retrainings.tradeoff, others.by_field),
):
    getattr(Model, _verb.__name__).__doc__ = _verb.__doc__
