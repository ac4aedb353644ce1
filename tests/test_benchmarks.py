"""The problem that scripts/benchmark --peers puts to other libraries is the one that clif solves."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import document_counts, expected_loss, random_problem, tensor

from clif.pairs import stream_contexts

SCRIPTS = Path(__file__).parents[1] / "scripts"


@pytest.fixture
def peer_problem(monkeypatch):
    monkeypatch.syspath_prepend(SCRIPTS)
    yield importlib.import_module("peer_problem")
    for name in ("peer_problem", "peers"):
        sys.modules.pop(name, None)


def data_of(peer_problem, problem):
    contexts = list(stream_contexts(problem.corpus.tokens, problem.corpus.offsets, problem.keep, 3))
    pairs = {name: np.concatenate([getattr(part, name) for part in contexts]) for name in peer_problem.PAIRS}
    return peer_problem.Data(
        U=problem.U, C=problem.C, noise=problem.vocabulary.noise(problem.settings.ns_exponent),
        negative=problem.settings.negative, damp=problem.damp, rows=problem.rows,
        sizes=np.array([2, 2, 2, 2]), documents=len(problem.corpus), **pairs,
    )  # fmt: skip


@pytest.mark.parametrize("given", ["U and C", "U", "rows"])
def test_a_sample_has_the_loss_of_its_document(peer_problem, given):
    problem = random_problem(3)
    data = data_of(peer_problem, problem)
    model = peer_problem.SkipGram(data, given).double()
    counts = document_counts(problem)
    if given == "rows":
        counts[:, np.setdiff1d(np.arange(len(problem.U)), problem.rows)] = 0
    noise = tensor(data.noise)
    expected = [
        expected_loss(tensor(problem.U), tensor(problem.C), tensor(each), noise, data.negative) for each in counts
    ]
    losses = model(*peer_problem.padded(model.samples(data)))
    assert losses.detach().numpy() == pytest.approx(torch.stack(expected).numpy(), rel=1e-5)
    assert model(*model.whole(data)).item() == pytest.approx(sum(expected).item(), rel=1e-5)
    assert model().item() == pytest.approx(problem.value, rel=1e-6)


def test_the_reference_solves_the_gauss_newton_system(peer_problem):
    problem = random_problem(4, size=12, dim=3)
    data = data_of(peer_problem, problem)
    counts, shape = document_counts(problem), problem.U.shape
    point = torch.stack([tensor(problem.U), tensor(problem.C)]).flatten()

    def loss(values, counts):
        u, c = values.view(2, *shape)
        return expected_loss(u, c, tensor(counts), tensor(data.noise), data.negative)

    def scores(values):
        u, c = values.view(2, *shape)
        return (u @ c.T).flatten()

    jacobian = torch.autograd.functional.jacobian(scores, point)
    sigma = torch.sigmoid(scores(point)).numpy()
    total = counts.sum(0)
    weights = total + data.negative * (total.sum(1, keepdims=True) - total) * data.noise
    system = jacobian.T @ torch.diag(tensor(weights.ravel() * sigma * (1 - sigma))) @ jacobian
    wanted = np.zeros((2, *shape))
    wanted[0, problem.rows] = problem.gradient
    s = torch.linalg.solve(system + problem.damp * torch.eye(len(point)), tensor(wanted.ravel()))
    exact = [s @ torch.autograd.functional.jacobian(lambda p, n=n: loss(p, n), point) for n in counts]
    assert peer_problem.reference(data) == pytest.approx(torch.stack(exact).numpy(), rel=1e-5, abs=1e-9)
