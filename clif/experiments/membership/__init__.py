"""Why does a word sit where it sits? The documents that put it there, and where it sits without them.

Silva, Chopra and Gombolay 2022 explain the clusters of a skip-gram model by cross-loss influence: the documents whose
removal takes a word away from its cluster are those that put it there. Here they are named for words of three
families (see `asking`) and then left out, as Brunet et al. 2019 do: a model is trained from scratch without them, with
the same seed, beside models without random documents, and models without documents that hold the same words.

seeds of the run, and the `models` - 1 that follow it    the models in which documents are ranked, by `block`, averaged
the `seeds` after these                                  those that are trained as they were and without documents

so no model that shows the change had a part in choosing for it. `ranking` says how documents are chosen and predicted,
`removing` what is left out beside them, `comparing` how far apart the outcomes are.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from clif.errors import MismatchError, UsageError
from clif.experiments.folder import Pieces
from clif.experiments.membership.asking import make_questions
from clif.experiments.membership.claims import make_claims
from clif.experiments.membership.clusters import find_clusters
from clif.experiments.membership.comparing import compare
from clif.experiments.membership.drawing import draw
from clif.experiments.membership.models import make_run, train_models
from clif.experiments.membership.ranking import predict, rank_question, show_documents
from clif.experiments.membership.removing import make_removals, train_removals
from clif.experiments.membership.tables import chance_rows, change_rows, figures_of, neighbour_rows, removed_rows
from clif.experiments.outcome import Outcome
from clif.progress import Progress
from clif.threads import one_thread


@dataclass(frozen=True)
class Settings:
    """What is asked, of which model, and how it is checked; configs/membership.toml says what each setting does."""

    corpus: tuple[str, ...] = ()
    run: str = ""
    pairs: tuple[str, ...] = ("silver gold", "mexico texas")
    cluster_words: tuple[str, ...] = ("railroads", "indians")
    start_words: tuple[str, ...] = ("cuba",)
    documents: tuple[int, ...] = (30, 100)
    models: int = 2
    seeds: int = 2
    controls: int = 10
    clusters: int = 40
    members: int = 10
    frequent: int = 3000
    dim: int = 64
    epochs: int = 5
    window: int = 5
    min_count: int = 5
    sample: float = 1e-3
    alpha: float = 0.025
    seed: int = 1

    def __post_init__(self) -> None:
        least = {"models": 1, "seeds": 1, "controls": 2, "clusters": 2, "members": 1, "frequent": 10}
        for name, value in least.items():
            if getattr(self, name) < value:
                raise _wrong(f"{name} must be at least {value}, got {getattr(self, name)}", f"Give {value} or more.")
        if not self.documents or min(self.documents) < 1 or len(set(self.documents)) < len(self.documents):
            raise _wrong(
                f"documents must be numbers of 1 or more, each once, got {list(self.documents)}", "Give [30, 100], say."
            )
        for name in ("corpus", "pairs", "cluster_words", "start_words"):
            if not all(isinstance(each, str) for each in getattr(self, name)):
                raise _wrong(f"{name} must be texts, got {list(getattr(self, name))}", "Put each in quotes.")
        for pair in self.pairs:
            if len(set(pair.split())) != 2:
                raise _wrong(f"{pair!r} is not two words", "Write a pair with a blank between, as in 'silver gold'.")
        if not (self.pairs or self.cluster_words or self.start_words):
            raise _wrong("nothing is asked", "Give pairs, cluster_words or start_words.")
        if self.run and self.corpus:
            raise _wrong("a run has its own corpus", "Give either run or corpus.")


def examine(settings: Settings, pieces: Pieces, progress: Progress) -> Outcome:
    """Name the documents for each question, leave them out, and compare; see the module."""
    with one_thread():  # for the same bits on any machine, and BLAS threads would mostly wait
        run = make_run(settings, pieces.folder / "run", progress)
        identity = pieces.get("identity", lambda: run.identity)
        if identity != run.identity:
            raise MismatchError(
                "the run is not the one that this experiment was begun with",
                where=str(run.path),
                next="Begin anew with --force, or name another folder by --out.",
            )
        clusters = pieces.get("clusters", lambda: find_clusters(run, settings))
        questions = make_questions(run, settings, clusters)
        models, unedited = train_models(run, settings, pieces.folder, progress)
        rankings, predictions = [], []
        for number, question in enumerate(questions):
            progress("rank", number, len(questions), question.name)
            rank = partial(rank_question, run, models, question, settings)
            rankings.append(pieces.get(f"ranking-{question.slug}", rank))
        documents = pieces.get("documents", lambda: show_documents(run, questions, rankings))
        removals = make_removals(run, questions, rankings, settings, [job.seed for job in unedited])
        for number, question in enumerate(questions):
            progress("predict", number, len(questions), question.name)
            edits = [removal.edit for removal in removals if removal.question == number]
            foresee = partial(predict, run, models, question, edits)
            predictions.append(pieces.get(f"prediction-{question.slug}", foresee))
        kept = train_removals(run, questions, removals, unedited, settings, pieces.folder, progress)
        results = compare(run, questions, unedited, removals, predictions, kept)
    return Outcome(
        claims=make_claims(questions, results),
        figures=figures_of(run, questions, rankings, results),
        tables={
            "changes": change_rows(questions, results),
            "chance": chance_rows(questions, results),
            "removed": removed_rows(questions, results),
            "neighbours": neighbour_rows(questions, results),
            "documents": documents,
            "contexts": [row for ranking in rankings for row in ranking["contexts"]],
            "clusters": [
                {"cluster": each["cluster"], "words": each["words"], "nearest": " ".join(each["nearest"])}
                for each in clusters
            ],
        },
        pictures=draw(questions, results),
    )


def _wrong(what: str, next_: str) -> UsageError:
    return UsageError(what, where="membership", next=next_)
