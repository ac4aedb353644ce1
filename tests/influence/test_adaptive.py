"""Choosing chunk by chunk."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from helpers import random_problem

from clif.influence.adaptive import ADAPTIVE, choose_adaptively
from clif.influence.groups import predict_value, removal
from clif.influence.methods import METHODS
from clif.influence.scores import score_documents
from clif.influence.source import source
from clif.training.paired import train_paired


def made(seed, method):
    """A question about random vectors; for `source`, about a model whose training can be gone through again."""
    problem = random_problem(seed, documents=12, damping=30.0)
    if method == "block":
        return problem
    chosen = replace(problem.settings, epochs=3, alpha=0.3, min_alpha=0.03)
    found = train_paired(problem.corpus, problem.vocabulary, chosen)
    problem = replace(problem, U=found.U, C=found.C, settings=chosen)
    return problem.knowing(predictor=source(problem).predictor)


def value_without(problem, documents):
    return abs(predict_value(problem, removal(problem, documents)))


@pytest.mark.parametrize("method", ADAPTIVE)
@pytest.mark.parametrize("seed", range(3))
def test_one_chunk_is_the_ranking(seed, method):
    problem = made(seed, method)
    influence = score_documents(problem, METHODS[method]).influence
    order = np.argsort(np.sign(problem.value) * influence, kind="stable")
    limit = len(order) // 2
    choice = choose_adaptively([problem], limit, chunk=limit, method=method)
    assert choice.documents.tolist() == order[:limit].tolist()
    assert choice.influence == pytest.approx(influence[order[:limit]], rel=1e-9, abs=1e-15)


@pytest.mark.parametrize("method", ADAPTIVE)
@pytest.mark.parametrize("seed", range(3))
def test_every_document_is_chosen_once_and_the_influence_is_that_of_the_step(seed, method):
    problem = made(seed, method)
    choice = choose_adaptively([problem, problem], len(problem.corpus), chunk=1, method=method)
    assert sorted(choice.documents) == list(range(len(problem.corpus)))
    # The first of each chunk: what its removal changes once the others are out, to first order.
    for done in (0, 1, 2):
        gone = choice.documents[:done]
        before = predict_value(problem, removal(problem, gone))
        part = removal(problem, gone)
        part[choice.documents[done]] = 1e-4
        assert (predict_value(problem, part) - before) / 1e-4 == pytest.approx(
            choice.influence[done], rel=0.2, abs=1e-6
        )


def test_no_documents_are_asked_for():
    problem = made(1, "block")
    assert len(choose_adaptively([problem], 0).documents) == 0
