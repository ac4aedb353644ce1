"""The documents and contexts behind a word's place, and what leaving them out is predicted to do.

Influences are those of `block`, the mean over the models: a pair of words has the mean of its influences, and contexts
and documents are sums of pairs. A set of documents is predicted by the mean over the models of one Newton step on what
remains (see `clif.influence.groups`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from clif.errors import InputError
from clif.experiments.membership.asking import Question
from clif.explaining.texts import read_texts
from clif.influence.attribution import PairTable
from clif.influence.groups import mean_value, predict_mean
from clif.influence.listing import top_contexts
from clif.influence.methods import METHODS
from clif.influence.problem import Problem
from clif.influence.scores import document_influence, score_documents
from clif.pairs import Contexts
from clif.retraining.edits import Edit
from clif.run import Run
from clif.training.pool import Job

if TYPE_CHECKING:
    from clif.experiments.membership import Settings

SHOWN = 5  # documents and contexts of a question
AROUND = 4  # words on both sides of a context
LONGEST = 100  # letters of a document


def rank_question(run: Run, models: Sequence[Job], question: Question, settings: Settings) -> dict[str, Any]:
    """The first documents of a question and their influences, as many as are ever left out; and its first contexts.

    `values` are T of the models.

    Raises
    ------
    InputError
        T is not above zero in all models, so the word does not sit where it is asked why it does.

    """
    problems = _problems(run, models, question)
    values = [problem.value for problem in problems]
    if min(values) <= 0:
        raise InputError(
            f"the word does not sit there: a {question.measure} of {min(values):.3f}",
            where=question.name,
            next="Choose words whose cosine is above zero.",
        )
    tables = []
    for problem in problems:
        pairs = score_documents(problem, METHODS["block"], threads=1).pairs
        assert isinstance(pairs, PairTable)
        tables.append(pairs.table)
    mean = PairTable(problems[0], np.mean(tables, axis=0))
    influence = document_influence(mean, 1)[0]
    order = np.argsort(influence, kind="stable")[: max(settings.documents)]
    contexts, shares = top_contexts(problems[0], mean, SHOWN)
    return {
        "values": values,
        "order": order,
        "influence": influence[order],
        "contexts": _context_rows(run, question, contexts, shares),
    }


def predict(run: Run, models: Sequence[Job], question: Question, edits: Sequence[Edit]) -> list[float]:
    """The predicted change of T by each edit, after minus before, the mean over the models."""
    problems = _problems(run, models, question)
    value = mean_value(problems)
    return [predict_mean(problems, edit.times(run.corpus)) - value for edit in edits]


def _problems(run: Run, models: Sequence[Job], question: Question) -> list[Problem]:
    """The question, put to the run's own model and to the further ones."""
    own = run.model
    assert own.C is not None
    asked = [(own.U, own.C, run.settings), *((*job.read(run), job.settings(run)) for job in models)]
    return [
        Problem(run.corpus, run.vocabulary, how, U, C, question.objective(run, how.seed), question.measure)
        for U, C, how in asked
    ]


def _context_rows(
    run: Run, question: Question, contexts: Contexts, influence: NDArray[np.float64]
) -> list[dict[str, Any]]:
    corpus, words = run.corpus, run.vocabulary.words
    rows = []
    for number, (z, i, o) in enumerate(
        zip(contexts.document, contexts.position, contexts.output_position, strict=True)
    ):
        start, end = corpus.offsets[z : z + 2]
        tokens = [corpus.types[token] for token in corpus.tokens[start:end]]
        tokens[i], tokens[o] = f"*{tokens[i]}*", f"*{tokens[o]}*"
        rows.append(
            {
                "question": question.name,
                "doc_id": corpus.doc_ids[z],
                "influence": float(influence[number]),
                "input": words[contexts.input[number]],
                "output": words[contexts.output[number]],
                "text": " ".join(tokens[max(0, min(i, o) - AROUND) : max(i, o) + AROUND + 1]),
            }
        )
    return rows


def show_documents(run: Run, questions: Sequence[Question], rankings: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows with the first documents of each question: id, influence, tokens, how often the word is in it, text."""
    chosen = [(q, n, z) for q, ranking in enumerate(rankings) for n, z in enumerate(ranking["order"][:SHOWN])]
    texts = read_texts(run, [z for _, _, z in chosen])
    return [
        {
            "question": questions[q].name,
            "doc_id": run.corpus.doc_ids[z],
            "influence": rankings[q]["influence"][n],
            "tokens": int(run.corpus.lengths[z]),
            "word": int(occurrences(run, questions[q].word)[z]),
            "text": _shortened(text.plain),
        }
        for (q, n, z), text in zip(chosen, texts, strict=True)
    ]


def occurrences(run: Run, word: str) -> NDArray[np.int64]:
    """How often a word stands in each document, (documents,)."""
    corpus = run.corpus
    places = np.flatnonzero(corpus.tokens == run.vocabulary.index[word])
    documents = np.searchsorted(corpus.offsets, places, side="right") - 1
    return np.bincount(documents, minlength=len(corpus))


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else line[: LONGEST - 3].rstrip() + "..."
