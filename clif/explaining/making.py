"""From a document to its explanation: choose the question, score its contexts, rank it among the others."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clif.compiling import warm_up
from clif.corpus.metadata_file import read_row
from clif.errors import InputError, UsageError
from clif.explaining.asking import Asked, choose_question
from clif.explaining.explanation import Explanation
from clif.explaining.parts import associations, context_columns, pair_shares, sets_of_tokens, share_out, word_shares
from clif.explaining.texts import DocumentText, read_texts
from clif.influence.attribution import Attribution, Pairs
from clif.influence.memory import check_memory
from clif.influence.problem import Problem
from clif.influence.rehearsal import rehearse
from clif.influence.scores import document_influence
from clif.objectives import BiasTest
from clif.pairs import Contexts
from clif.progress import Progress, silent
from clif.ranking import bias_of, make_problem, solve_store
from clif.ranking.lists import warnings_of
from clif.run import Run
from clif.threads import one_thread

Values = NDArray[np.float64]


def explain(run: Run, doc_id: str, test: str | BiasTest | None = None, **options: Any) -> Explanation:
    """Explain the influence of one document on a test by its contexts; options are those of `explain_many`."""
    return explain_many(run, [doc_id], test, **options)[0]


def explain_many(
    run: Run,
    doc_ids: Sequence[str],
    test: str | BiasTest | None = None,
    *,
    method: str | None = None,
    measure: str | None = None,
    damping: float | None = None,
    curvature: str | None = None,
    tolerance: float | None = None,
    threads: int | None = None,
    progress: Progress = silent,
) -> list[Explanation]:
    """Explain the influence of documents on a test by their contexts; one solve and one pass over the text do for all.

    What is not said is taken from the newest stored ranking of documents if that is of the same test, else the
    defaults of `rank`. No list is made or changed; a solve is taken from the run, or kept there.

    Raises
    ------
    InputError
        The run has no document of that id.
    UsageError
        The test, method or measure is unknown, a number is out of its range, or the method scores documents as a
        whole.
    CoverageError
        The vocabulary does not cover the test.
    MismatchError
        Files of the run do not belong together.

    """
    documents = [_find(run, doc_id) for doc_id in doc_ids]
    asked = choose_question(run, test, method, measure, damping, curvature, tolerance)
    problem = make_problem(run, asked.test, asked.measure, asked.damping, progress=progress)
    # Numbers that predict nothing are numbers of whole documents, and some take long.
    attribution = _attribute(run, problem, asked, progress) if asked.method.predicts else Attribution()
    pairs = attribution.pairs
    if pairs is None:
        raise UsageError(
            f"the method {asked.method.name} scores documents as a whole: there are no parts to explain",
            where="--method",
            next="Use --method block, clif or gradient.",
        )
    warnings = tuple(_warnings(problem, asked, attribution))
    everyone: Values | None = None
    found: list[Explanation] = []
    for document, text in zip(documents, read_texts(run, documents, progress), strict=True):
        progress("explain", len(found), len(documents), f"{len(found)} of {len(documents)} documents")
        if everyone is None:
            everyone = _of_all(run, asked, pairs, document, threads, progress)
        found.append(_explain(run, asked, problem, pairs, document, text, everyone, warnings))
    return found


def _explain(
    run: Run,
    asked: Asked,
    problem: Problem,
    pairs: Pairs,
    document: int,
    text: DocumentText,
    everyone: Values,
    warnings: tuple[str, ...],
) -> Explanation:
    """The explanation of one document; `everyone` holds the influence of all."""
    blocks = list(pairs.contexts(np.array([document])))
    contexts = Contexts.join([block for block, _ in blocks])
    influence = np.concatenate([np.empty(0), *(values for _, values in blocks)])
    tokens, total = _tokens(pairs, document)
    if asked.method.contexts:  # found apart from the documents, so up to rounding
        total = float(everyone[document])
        tokens, influence = share_out(tokens, total), share_out(influence, total)
    about = {
        "doc_id": run.corpus.doc_ids[document],
        "rank": _rank(everyone, document, problem.value),
        "documents": len(run.corpus),
        "influence": total,
        "test": asked.test.name,
        "method": asked.method.name,
        "measure": asked.measure,
        "value": problem.value,
        "damping": problem.damp if asked.method.damped else None,
        "metadata": read_row(run.path, document, run.corpus.content_hash),
        "labels": dict(asked.test.labels),
        "kind": asked.test.kind,
        "contexts": len(contexts),
    }
    return Explanation(
        about=about,
        text=text,
        influence=tokens,
        sets=sets_of_tokens(problem, document),
        columns=context_columns(problem, contexts, influence),
        pairs=pair_shares(problem, contexts, influence),
        words=word_shares(problem, contexts, influence),
        associations=associations(problem, document),
        warnings=warnings,
    )


def _tokens(pairs: Pairs, document: int) -> tuple[Values, float]:
    """Influence of a document's tokens, and their sum: to the last bits that of the ranking, which sums tokens too."""
    tokens = pairs.tokens(document, document + 1)[0]
    return tokens, float(tokens.sum())


def _find(run: Run, doc_id: str) -> int:
    number = run.corpus.number
    if doc_id in number:
        return number[doc_id]
    lower: dict[str, str] = {}
    for known in number:
        lower.setdefault(known.lower(), known)
    asked = doc_id.lower()
    close = difflib.get_close_matches(asked, lower, 20)
    # Ids are often numbers, of which many are equally close: those that begin alike come first.
    close = [lower[name] for name in sorted(close, key=lambda name: -_alike(asked, name))[:3]]
    hint = f"Did you mean {' or '.join(repr(name) for name in close)}? " if close else ""
    raise InputError(
        f"no document of this run has the id {doc_id!r}",
        where=str(run.path),
        next=f"{hint}`clif rank {run.path} --out ranking.csv` lists all ids in the column doc_id.",
    )


def _alike(one: str, other: str) -> int:
    """Characters with which both begin."""
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _attribute(run: Run, problem: Problem, asked: Asked, progress: Progress) -> Attribution:
    """What the method finds, with the solve that the run keeps if there is one."""
    kept = solve_store(run, problem, asked.solving)

    def store(name: str, solve: Any) -> Any:
        def checked() -> Any:
            check_memory(problem, asked.method, asked.solving)
            return solve()

        return kept(name, checked)

    warm_up(lambda: rehearse(problem, asked.method), lambda note: progress("compile", 0, None, note))
    progress("solve", 0, None, "pairs of words")
    with one_thread():  # the same bits as in a ranking
        return asked.method.find(problem, asked.solving, store, parts=True)


def _of_all(run: Run, asked: Asked, pairs: Pairs, document: int, threads: int | None, progress: Progress) -> Values:
    """Influence of all documents: of the stored list, if that is of this question and agrees, else scored."""
    if asked.stored is not None and set(asked.stored.doc_ids) == run.corpus.number.keys():
        influence = np.empty(len(run.corpus))
        influence[[run.corpus.number[doc_id] for doc_id in asked.stored.doc_ids]] = asked.stored.influence
        total = _tokens(pairs, document)[1]
        # Another version of clif may have made the list.
        rounding = 1e-4 if asked.method.contexts else 1e-9
        if np.isclose(influence[document], total, rtol=1e-6, atol=rounding * np.abs(influence).max()):
            return influence
    return np.asarray(document_influence(pairs, threads, progress)[0])


def _rank(influence: Values, document: int, value: float) -> int:
    """Rank of the document, as in a list of documents: by sign(T) x influence, ties in the order of the corpus."""
    order = np.argsort(np.sign(value) * influence, kind="stable")
    return int(np.flatnonzero(order == document)[0]) + 1


def _warnings(problem: Problem, asked: Asked, attribution: Attribution) -> list[str]:
    solve = attribution.solve if asked.method.solves else None
    warnings = []
    if asked.models > 1:
        warnings.append(
            f"the newest ranking is the mean over {asked.models} models; this is the run's own model, in which the "
            "document has another influence and rank."
        )
    return warnings + warnings_of(
        {
            "measure": problem.measure,
            "value": problem.value,
            "bound": bias_of(problem).bound,
            "method": asked.method.name,
            "tolerance": asked.solving.tolerance,
            "converged": solve.converged if solve else None,
            "residual": solve.residual if solve else None,
            "iterations": solve.iterations if solve else None,
        }
    )
