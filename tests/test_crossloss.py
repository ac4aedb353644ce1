"""Influence across losses against closed forms, plain loops, re-optimised models, and the engine for skip-grams."""

from __future__ import annotations

from itertools import product as pairs

import numpy as np
import pytest
import torch
from helpers import apart, document_counts, random_problem, tensor
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import expit
from torch import Tensor, nn
from torch.nn.functional import softplus

from clif.crossloss import (
    SOLVERS,
    Flat,
    Task,
    curvature,
    fit,
    hessian,
    influence,
    influences,
    objective,
    predict_set,
    product,
    squared_norm,
)
from clif.crossloss import task as tasks
from clif.errors import UsageError
from clif.influence.joint import SolveSettings
from clif.influence.methods import METHODS
from clif.influence.scores import score_documents

quick = settings(max_examples=5, deadline=None)
seeds = st.integers(0, 10**6)


class Ridge(Task):
    """Half the squared error of a linear model; what is measured is its output at other inputs."""

    def __init__(self, seed: int, n: int = 12, p: int = 4, decay: float = 0.5) -> None:
        rng = np.random.default_rng(seed)
        self.X, self.y, self.at = rng.normal(size=(n, p)), rng.normal(size=n), rng.normal(size=(3, p))
        self.n, self.decay = n, decay

    def losses(self, model, samples):
        return (model(tensor(self.X)[samples])[:, 0] - tensor(self.y)[samples]) ** 2 / 2

    def penalty(self, model):
        return self.decay / 2 * squared_norm(model)

    def measure(self, model):
        return model(tensor(self.at))[:, 0]

    def matrix(self, weights: np.ndarray) -> np.ndarray:
        return (self.X.T * weights) @ self.X + self.decay * np.eye(self.X.shape[1])

    def solution(self, weights: np.ndarray) -> np.ndarray:
        return np.linalg.solve(self.matrix(weights), self.X.T @ (weights * self.y))

    def model(self, weights: np.ndarray) -> nn.Linear:
        linear = nn.Linear(len(self.at[0]), 1, bias=False).double()
        Flat(linear).load(tensor(self.solution(weights)))
        return linear


class Classes(Task):
    """Cross entropy of a small network, and two measures of quite another kind."""

    def __init__(self, seed: int, n: int = 14, decay: float = 0.3) -> None:
        rng = np.random.default_rng(seed)
        self.X, self.y = tensor(rng.normal(size=(n, 2))), torch.from_numpy(rng.integers(0, 3, n))
        self.n, self.decay = n, decay

    def losses(self, model, samples):
        return nn.functional.cross_entropy(model(self.X[samples]), self.y[samples], reduction="none")

    def penalty(self, model):
        return self.decay / 2 * squared_norm(model)

    def measure(self, model):
        out = model(self.X.flip(0)[:2] + 0.3)
        return torch.stack([out.var(), torch.tanh(out[0, 1] * out[1, 2])])


def network(seed: int) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 3)).double()


def trained(task: Task, seed: int) -> nn.Sequential:
    model = network(seed)
    found = fit(task, model)
    assert found.converged
    Flat(model).load(found.vectors[0])
    return model


def without(n: int, *samples: int) -> Tensor:
    weights = torch.ones(n, dtype=torch.float64)
    weights[list(samples)] = 0.0
    return weights


def loop_gradients(task: Task, model: nn.Module) -> np.ndarray:
    """Gradients (n, p) of the losses, one after the other."""
    rows = []
    for sample in range(task.n):
        loss = task.losses(model, torch.tensor([sample])).sum()
        rows.append(torch.cat([each.ravel() for each in torch.autograd.grad(loss, list(model.parameters()))]))
    return torch.stack(rows).numpy()


def loop_hessian(task: Task, model: nn.Module, samples: list[int], penalty: bool = True) -> np.ndarray:
    """Second derivatives (p, p), entry by entry, of the losses of some samples and the penalty."""
    parameters = list(model.parameters())
    total = sum(task.losses(model, torch.tensor([sample])).sum() for sample in samples)
    first = torch.cat(
        [
            each.ravel()
            for each in torch.autograd.grad(total + penalty * task.penalty(model), parameters, create_graph=True)
        ]
    )
    matrix = np.zeros((len(first), len(first)))
    for row, entry in enumerate(first):
        second = torch.cat([each.ravel() for each in torch.autograd.grad(entry, parameters, retain_graph=True)])
        for column in range(len(first)):
            matrix[row, column] = second[column]
    return matrix


def measure_gradients(task: Task, model: nn.Module) -> np.ndarray:
    rows = [
        torch.cat([each.ravel() for each in torch.autograd.grad(value, list(model.parameters()), retain_graph=True)])
        for value in task.measure(model)
    ]
    return torch.stack(rows).numpy()


# Closed forms.


@quick
@given(seeds, st.integers(2, 20), st.integers(1, 6), st.sampled_from([1e-3, 0.5, 10.0]))
def test_ridge_regression_has_its_known_leave_one_out(seed, n, p, decay):
    task = Ridge(seed, n, p, decay)
    model = task.model(np.ones(n))
    H = task.matrix(np.ones(n))
    assert apart(hessian(task, model).numpy(), H) < 1e-12
    leverage = np.einsum("ip,pq,iq->i", task.X, np.linalg.inv(H), task.X)
    truth = np.stack([task.at @ (task.solution(without(n, i).numpy()) - task.solution(np.ones(n))) for i in range(n)])
    # With a quadratic loss the influence falls short of leaving out by exactly one minus the leverage.
    assert apart(influence(task, model).values.numpy() / (1 - leverage), truth.T) < 1e-7


@quick
@given(seeds, st.integers(0, 12))
def test_one_newton_step_is_all_for_ridge_regression(seed, size):
    task = Ridge(seed)
    chosen = np.random.default_rng(seed).permutation(task.n)[:size]
    model = task.model(np.ones(task.n))
    truth = task.at @ (task.solution(without(task.n, *chosen).numpy()) - task.solution(np.ones(task.n)))
    matrix = hessian(task, model)
    for options in ({}, {"matrix": matrix}, {"solver": "cg", "tolerance": 1e-12}, {"solver": "minres"}):
        found = predict_set(task, model, torch.from_numpy(chosen), **options).numpy()
        np.testing.assert_allclose(found, truth, atol=1e-7)


@quick
@given(seeds, st.sampled_from([0.0, 2.0]))
def test_logistic_regression_by_its_formulas_and_by_scipy(seed, damping):
    rng = np.random.default_rng(seed)
    X, y, at = rng.normal(size=(30, 3)), rng.integers(0, 2, 30) * 2.0 - 1, rng.normal(size=(2, 3))

    def loss(w, weights=1.0):
        return (weights * np.logaddexp(0, -y * (X @ w))).sum() + w @ w

    def slope(w, weights=1.0):
        return X.T @ (-weights * y * expit(-y * (X @ w))) + 2 * w

    class Logistic(Task):
        n = 30

        def losses(self, model, samples):
            return softplus(-tensor(y)[samples] * model(tensor(X)[samples])[:, 0])

        def penalty(self, model):
            return squared_norm(model)

        def measure(self, model):
            return torch.sigmoid(model(tensor(at))[:, 0])

    model = nn.Linear(3, 1, bias=False).double()
    found = fit(Logistic(), model)
    w = minimize(loss, np.zeros(3), jac=slope, method="BFGS", options={"gtol": 1e-9}).x
    np.testing.assert_allclose(found.vectors[0], w, atol=1e-7)
    Flat(model).load(found.vectors[0])
    assert objective(Logistic(), model).item() == pytest.approx(loss(w), rel=1e-12)
    bend = expit(X @ w) * expit(-X @ w)
    H = (X.T * bend) @ X + 2 * np.eye(3)
    g = at * (expit(at @ w) * expit(-at @ w))[:, None]
    expected = g @ np.linalg.solve(H + damping * np.eye(3), (-y * expit(-y * (X @ w)))[None] * X.T)
    values = influence(Logistic(), model, damping=damping).values.numpy()
    assert apart(values, expected) < 1e-6
    if not damping:
        left = fit(Logistic(), model, without(30, 5)).vectors[0].numpy()
        weights = without(30, 5).numpy()
        again = minimize(loss, w, args=(weights,), jac=slope, method="BFGS", options={"gtol": 1e-9}).x
        np.testing.assert_allclose(left, again, atol=1e-7)


# Plain loops.


@pytest.mark.parametrize("seed", range(4))
def test_influence_is_what_plain_loops_make_of_it(seed):
    task, model = Classes(seed), network(seed)
    H = loop_hessian(task, model, list(range(task.n)))
    g, G = measure_gradients(task, model), loop_gradients(task, model)
    assert apart(hessian(task, model).numpy(), H) < 1e-12
    expected = np.zeros((2, task.n))
    inverse = np.linalg.inv(H + 3.0 * np.eye(len(H)))
    for j, i in pairs(range(2), range(task.n)):
        expected[j, i] = g[j] @ inverse @ G[i]
    found = influence(task, model, damping=3.0)
    assert apart(found.values.numpy(), expected) < 1e-10
    assert apart(found.solutions.numpy(), g @ inverse) < 1e-10
    assert found.residual < 1e-12
    assert found.converged
    assert apart(influence(task, model, solver="gradient").values.numpy(), g @ G.T) < 1e-12


@pytest.mark.parametrize("seed", range(3))
def test_products_are_those_of_the_matrix(seed):
    task, model = Classes(seed), network(seed)
    weights = tensor(np.random.default_rng(seed).uniform(-1, 2, task.n))
    H = hessian(task, model, weights)
    v = tensor(np.random.default_rng(seed).normal(size=(3, len(H))))
    assert apart(product(task, model, v, weights).numpy(), (v @ H).numpy()) < 1e-12
    assert apart(product(task, model, v[1], weights).numpy(), (H @ v[1]).numpy()) < 1e-12
    by_hand = sum(float(w) * loop_hessian(task, model, [i], penalty=False) for i, w in enumerate(weights))
    assert apart(H.numpy(), by_hand + task.decay * np.eye(len(H))) < 1e-12


def test_the_released_recursion_is_the_one_of_its_loop():
    task, model = Classes(3), network(3)
    order = np.random.default_rng(7).permutation(task.n)
    g, G = measure_gradients(task, model), loop_gradients(task, model)
    h = g.copy()
    for i in order:
        h = g + 0.99 * h - h @ loop_hessian(task, model, [int(i)], penalty=False) / 25
    found = influence(task, model, solver="lissa-released", seed=7)
    assert apart(found.values.numpy(), h @ G.T / task.n) < 1e-10
    H = loop_hessian(task, model, list(range(task.n)))
    residual = np.linalg.norm(h @ H - g, axis=1) / np.linalg.norm(g, axis=1)
    assert found.residual == pytest.approx(residual.max(), rel=1e-9)
    assert found.iterations == task.n
    assert not found.converged


# Solvers.


@pytest.mark.parametrize("solver", ["cg", "minres", "lissa"])
@pytest.mark.parametrize("seed", range(2))
def test_solvers_by_products_agree_with_the_exact_one(seed, solver):
    task = Classes(seed, decay=1.0)
    model = trained(task, seed)
    options = {"damping": 1.0, "tolerance": 1e-10}
    exact = influence(task, model, damping=1.0)
    found = influence(task, model, solver=solver, **options)
    assert found.converged
    assert found.residual <= 1.1e-10
    assert found.iterations > 0
    assert apart(found.values.numpy(), exact.values.numpy()) < 1e-8
    short = influence(task, model, solver=solver, limit=2, **options)
    assert not short.converged
    assert short.residual > 1e-6


def test_minres_solves_where_the_curvature_is_indefinite():
    task, model = Classes(0, decay=0.0), network(0)
    damping = 0.05
    values = np.linalg.eigvalsh(hessian(task, model).numpy()) + damping
    assert values.min() < -0.01
    exact = influence(task, model, damping=damping)
    found = influence(task, model, solver="minres", damping=damping, tolerance=1e-10)
    assert found.converged
    assert apart(found.values.numpy(), exact.values.numpy()) < 1e-7


@quick
@given(seeds, st.sampled_from([0.01, 1.0, 50.0]))
def test_damping_is_a_penalty_that_the_model_was_not_trained_with(seed, damping):
    model = network(seed)
    damped = influence(Classes(seed, decay=0.0), model, damping=damping).values
    penalised = influence(Classes(seed, decay=damping), model).values
    assert apart(damped.numpy(), penalised.numpy()) < 1e-8


# What influence is for.


@pytest.mark.parametrize("seed", range(3))
def test_influence_is_minus_the_derivative_of_the_measure_in_a_samples_weight(seed):
    task = Classes(seed, decay=1.0)
    model = trained(task, seed)
    step = 1e-4
    one, eye = torch.ones(task.n, dtype=torch.float64), torch.eye(task.n, dtype=torch.float64)
    less, more = (fit(task, model, one + side * step * eye, tolerance=1e-12).measures(task, model) for side in (-1, 1))
    slope = ((less - more) / (2 * step)).T
    assert apart(influence(task, model).values.numpy(), slope.numpy()) < 1e-5


@pytest.mark.parametrize("seed", range(3))
def test_predictions_have_the_sign_and_size_of_what_removal_does(seed):
    task = Classes(seed, n=60, decay=2.0)
    model = trained(task, seed)
    before = task.measure(model).detach()
    truth = fit(task, model, 1 - torch.eye(task.n, dtype=torch.float64)).measures(task, model) - before
    values = influence(task, model).values
    for predicted, realised in zip(values.numpy(), truth.T.numpy(), strict=True):
        assert np.corrcoef(predicted, realised)[0, 1] > 0.98
        assert 0.8 < predicted @ realised / (predicted @ predicted) < 1.3


@pytest.mark.parametrize("seed", range(3))
def test_a_set_is_predicted_by_the_newton_step_of_plain_loops(seed):
    task, model = Classes(seed), network(seed)
    chosen, rest = [1, 4, 9], [i for i in range(task.n) if i not in (1, 4, 9)]
    left = loop_hessian(task, model, rest) + 4.0 * np.eye(len(Flat(model)))
    step = np.linalg.solve(left, loop_gradients(task, model)[chosen].sum(0))
    after = network(seed)
    Flat(after).load(Flat(model).vector + tensor(step))
    expected = (task.measure(after) - task.measure(model)).detach().numpy()
    for options in ({}, {"matrix": hessian(task, model)}, {"solver": "minres", "tolerance": 1e-12}):
        assert apart(predict_set(task, model, torch.tensor(chosen), damping=4.0, **options).numpy(), expected) < 1e-9


def test_newton_steps_predict_sets_better_than_sums_where_the_loss_is_convex():
    task, model = Classes(0, n=40, decay=0.5), nn.Linear(2, 3).double()
    Flat(model).load(fit(task, model).vectors[0])
    values, rng = influence(task, model).values, np.random.default_rng(0)
    sets = [rng.permutation(task.n)[:8].tolist() for _ in range(12)]
    weights = torch.stack([without(task.n, *each) for each in sets])
    truth = fit(task, model, weights).measures(task, model) - task.measure(model).detach()
    steps = torch.stack([predict_set(task, model, torch.tensor(each)) for each in sets])
    added = torch.stack([values[:, each].sum(1) for each in sets])
    assert (steps - truth).norm() < 0.8 * (added - truth).norm()
    assert (steps - truth).norm() < 0.3 * truth.norm()


@quick
@given(seeds)
def test_the_order_of_samples_does_not_matter(seed):
    task, model = Classes(seed), network(seed)
    order = torch.from_numpy(np.random.default_rng(seed).permutation(task.n))
    before = influence(task, model, damping=5.0).values
    measure = task.measure(model)
    task.measure = lambda model, X=task.X: Classes.measure(type("", (), {"X": X}), model)
    task.X, task.y = task.X[order], task.y[order]
    assert torch.equal(task.measure(model), measure)
    assert apart(influence(task, model, damping=5.0).values.numpy(), before[:, order].numpy()) < 1e-10


def test_frozen_parameters_are_not_moved():
    task, model = Classes(1), network(1)
    model[0].requires_grad_(False)
    free = np.arange(9, 21)  # the second layer
    H, g, G = loop_frozen(task)
    inverse = np.linalg.inv(H[np.ix_(free, free)] + np.eye(len(free)))
    assert apart(hessian(task, model).numpy(), H[np.ix_(free, free)]) < 1e-12
    assert apart(influence(task, model, damping=1.0).values.numpy(), g[:, free] @ inverse @ G[:, free].T) < 1e-10
    before = model[0].weight.clone()
    Flat(model).load(fit(task, model).vectors[0])
    assert torch.equal(model[0].weight, before)
    assert not torch.equal(model[2].weight, network(1)[2].weight)


def loop_frozen(task: Task) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    model = network(1)
    return (
        loop_hessian(task, model, list(range(task.n))), measure_gradients(task, model), loop_gradients(task, model),
    )  # fmt: skip


def test_parameters_that_are_one_tensor_count_once():
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Linear(2, 2).double()
            self.last = nn.Linear(2, 2).double()
            self.last.weight = self.first.weight

        def forward(self, x):
            return self.last(torch.tanh(self.first(x)))

    class Reconstruction(Classes):
        def losses(self, model, samples):
            return ((model(self.X[samples]) - self.X[samples]) ** 2).sum(1)

        def measure(self, model):
            return model(self.X[:1])[0]

    torch.manual_seed(0)
    task, model = Reconstruction(0), Tied()
    assert len(Flat(model)) == 8
    assert apart(hessian(task, model).numpy(), loop_hessian(task, model, list(range(task.n)))) < 1e-12


def test_blocks_and_what_is_kept_change_nothing(monkeypatch):
    task, model = Classes(2), network(2)
    whole, H = influence(task, model, damping=4.0), hessian(task, model)
    value, gradient = objective(task, model).item(), influence(task, model, solver="gradient").values
    for module in (tasks, influences):
        monkeypatch.setattr(module, "BLOCK", 4)
    monkeypatch.setattr(curvature, "DIRECTIONS", 5)
    monkeypatch.setattr(curvature, "KEPT", 2)
    assert apart(hessian(task, model).numpy(), H.numpy()) < 1e-13
    assert objective(task, model).item() == pytest.approx(value, rel=1e-14)
    assert apart(influence(task, model, solver="gradient").values.numpy(), gradient.numpy()) < 1e-13
    for solver in ("exact", "cg"):
        found = influence(task, model, solver=solver, damping=4.0, tolerance=1e-12)
        assert apart(found.values.numpy(), whole.values.numpy()) < 1e-10


# Fitting.


def test_many_models_are_fitted_as_each_alone():
    task = Classes(4)
    model = trained(task, 4)
    weights = torch.stack([without(task.n, i) for i in range(5)])
    together = fit(task, model, weights)
    assert together.converged
    assert (together.gradients < 1e-9).all()
    for row, vector in zip(weights, together.vectors, strict=True):
        alone = fit(task, model, row)
        np.testing.assert_allclose(alone.vectors[0], vector, atol=1e-7)
        held = network(4)
        Flat(held).load(vector)
        gradient = torch.autograd.grad(objective(task, held, row), list(held.parameters()))
        assert sum(float((each**2).sum()) for each in gradient) < 1e-17
    assert torch.equal(Flat(model).vector, Flat(trained(task, 4)).vector)  # the model itself stays as it was


def test_a_quadratic_takes_one_step_and_a_saddle_is_left_downhill():
    task = Ridge(0)
    start = nn.Linear(4, 1, bias=False).double()
    found = fit(task, start)
    assert found.steps == 1
    np.testing.assert_allclose(found.vectors[0], task.solution(np.ones(task.n)), atol=1e-10)

    class Saddle(Task):
        n = 1

        def losses(self, model, samples):
            a, b = model.weight[0]
            return ((a**2 - 1) ** 2 + b**2).reshape(1)

        def measure(self, model):
            return model.weight[0]

    bent = nn.Linear(2, 1, bias=False).double()
    Flat(bent).load(tensor([0.01, 1.0]))
    found = fit(Saddle(), bent)
    np.testing.assert_allclose(found.vectors[0], [1.0, 0.0], atol=1e-6)
    assert fit(Saddle(), bent, limit=1).converged is False


# The engine for skip-grams.


class SkipGram(nn.Module):
    def __init__(self, U: np.ndarray, C: np.ndarray) -> None:
        super().__init__()
        self.U, self.C = nn.Parameter(tensor(U)), nn.Parameter(tensor(C))


class Documents(Task):
    """The expected-count loss, each document a sample; what is measured is the bias of U."""

    def __init__(self, problem) -> None:
        self.problem, self.counts = problem, tensor(document_counts(problem))
        self.n = len(self.counts)

    def losses(self, model, samples):
        counts, x = self.counts[samples], model.U @ model.C.T
        noise = self.problem.negative * (counts.sum(2, keepdim=True) - counts) * tensor(self.problem.noise)
        return (counts * softplus(-x, threshold=40) + noise * softplus(x, threshold=40)).sum((1, 2))

    def measure(self, model):
        words = self.problem.objective.coverage.test
        index = self.problem.vocabulary.index
        X, Y, A, B = (
            nn.functional.normalize(model.U[[index[word] for word in group]], dim=1)
            for group in (words.X, words.Y, words.A, words.B)
        )
        s = torch.cat([X, Y]) @ (A.mean(0) - B.mean(0))
        difference = s[: len(X)].mean() - s[len(X) :].mean()
        return (difference / s.std(correction=0) if self.problem.measure == "effect_size" else difference)[None]


@pytest.mark.parametrize("measure", ["effect_size", "mean_difference"])
@pytest.mark.parametrize("seed", range(4))
def test_documents_have_the_influence_that_the_engine_for_skip_grams_gives_them(seed, measure):
    problem = random_problem(
        seed, size=12, dim=3, documents=9, measure=measure, damping=40.0, precision=np.float64, sample=0.1
    )
    task, model = Documents(problem), SkipGram(problem.U, problem.C)
    assert task.measure(model).item() == pytest.approx(problem.value, rel=1e-12)
    engine = score_documents(problem, METHODS["clif"], SolveSettings("exact", tolerance=1e-12)).influence
    found = influence(task, model, damping=problem.damp)
    assert np.abs(engine).max() > 0
    assert apart(found.values[0].numpy(), engine) < 1e-6
    by_minres = influence(task, model, solver="minres", damping=problem.damp, tolerance=1e-10)
    assert apart(by_minres.values[0].numpy(), engine) < 1e-6


# What a user can get wrong.


def test_what_cannot_be_is_refused():
    task, model = Classes(0), network(0)
    with pytest.raises(UsageError, match="unknown solver"):
        influence(task, model, solver="newton")
    with pytest.raises(UsageError, match="unknown solver"):
        predict_set(task, model, torch.tensor([0]), solver="gradient")
    for samples in ([0, 0], [14], [-1]):
        with pytest.raises(UsageError, match="does not exist or comes twice"):
            predict_set(task, model, torch.tensor(samples))
    for function in (objective, hessian, fit):
        with pytest.raises(UsageError, match="weights have the shape"):
            function(task, model, torch.ones(3, dtype=torch.float64))
    with pytest.raises(UsageError, match="double precision"):
        influence(task, network(0).float())
    with pytest.raises(UsageError, match="requires a gradient"):
        influence(task, network(0).requires_grad_(False))
    task.losses = lambda model, samples: model(task.X[samples]).sum()
    with pytest.raises(UsageError, match="losses of 14 samples"):
        influence(task, model)
    task = Classes(0)
    task.measure = lambda model: model(task.X)
    with pytest.raises(UsageError, match="the measure came"):
        influence(task, model)


def test_a_singular_hessian_is_said_to_be_one():
    class Half(Ridge):
        def measure(self, model):
            return model.weight[0]

    task = Half(0, n=2, p=4, decay=0.0)
    model = nn.Linear(4, 1, bias=False).double()
    with torch.no_grad():
        model.weight.zero_()
    task.X[:] = 0.0
    with pytest.raises(UsageError, match="singular"):
        influence(task, model)
    assert influence(task, model, damping=1.0).converged


def test_every_solver_is_named():
    assert set(SOLVERS) == {"exact", "cg", "minres", "lissa", "lissa-released", "gradient"}
