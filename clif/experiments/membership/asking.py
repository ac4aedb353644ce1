"""The questions: how near is a word to another one, to the middle of its cluster, to where it began?

pair      the cosine of two words
cluster   the cosine of a word with the mean of the words nearest to the middle of its cluster, itself left out
start     the distance of a word from its vector before training, in the model with the same seed

Asked for silver and gold, the documents at the top are those whose removal is predicted to lower the cosine most; asked
for a word and its start, those whose removal leaves it nearer to where it began: they brought it where it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from clif.errors import UsageError
from clif.experiments.membership.clusters import cluster_of
from clif.objectives import Membership, known_words
from clif.run import Run
from clif.training.paired import PairedTraining

if TYPE_CHECKING:
    from clif.experiments.membership import Settings

PAIR, CLUSTER, START = "pair", "cluster", "start"


@dataclass(frozen=True)
class Question:
    """A word and the `others` that it is held against, none for its start."""

    family: str
    word: str
    others: tuple[str, ...] = ()

    @property
    def measure(self) -> str:
        """The measure of T."""
        return "distance" if self.family == START else "cosine"

    @property
    def name(self) -> str:
        """The question in words: near and in stand for a cosine, from for a distance."""
        place = {PAIR: f"near {' '.join(self.others)}", CLUSTER: "in its cluster", START: "from its start"}
        return f"{self.word} {place[self.family]}"

    @property
    def slug(self) -> str:
        """The question as part of a file name: vocabularies may hold words with any sign."""
        words = (self.family, self.word, *(self.others if self.family == PAIR else ()))
        return "-".join("".join(sign if sign.isalnum() else f"_{ord(sign):x}" for sign in word) for word in words)

    def objective(self, run: Run, seed: int) -> Membership:
        """T for the model with this seed; only the start differs between seeds."""
        index = run.vocabulary.index
        if self.family != START:
            return Membership.to_cluster(self.word, self.others, index)
        start, _ = PairedTraining(run.corpus, run.vocabulary, replace(run.settings, seed=seed)).start()
        return Membership.to_start(self.word, start, index)


def make_questions(run: Run, settings: Settings, clusters: Sequence[dict[str, Any]]) -> list[Question]:
    """The questions of the settings.

    Raises
    ------
    UsageError
        The vocabulary lacks a word, a word has no cluster to speak of, a question is asked twice, or as many documents
        are to be left out as there are.

    """
    if max(settings.documents) >= len(run.corpus):
        raise UsageError(
            f"cannot leave out {max(settings.documents):,} of {len(run.corpus):,} documents",
            where="documents",
            next="Give smaller numbers.",
        )
    index = run.vocabulary.index
    questions = []
    for pair in settings.pairs:
        word, other = known_words(pair.split(), index, where="pairs")
        questions.append(Question(PAIR, word, (other,)))
    for word in known_words(settings.cluster_words, index, where="cluster_words"):
        nearest = [other for other in clusters[cluster_of(run, word, clusters)]["nearest"] if other != word]
        questions.append(Question(CLUSTER, word, tuple(nearest[: settings.members])))
    questions += [Question(START, word) for word in known_words(settings.start_words, index, where="start_words")]
    for question in questions:
        question.objective(run, run.settings.seed)  # two forms of one word, or a cluster of one
    if len(set(questions)) < len(questions):
        raise UsageError("a question is asked twice", where="membership", next="Give each pair and each word once.")
    return questions
