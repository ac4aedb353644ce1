"""Influence, retraining and the parts of both: each against something independent, and a small grid from end to end."""

from __future__ import annotations

import csv
import json
import multiprocessing
import os
import time
import tomllib
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch import Tensor
from torch.func import functional_call, jacrev

from clif.crossloss import fit, influence, objective, predict_set
from clif.errors import InputError, MismatchError, UsageError
from clif.experiments import experiment, fragility
from clif.experiments.folder import Pieces
from clif.experiments.fragility import measuring, procedures
from clif.experiments.fragility.agreement import pearson, spearman, spread
from clif.experiments.fragility.curvature import gauss_newton, rough_inverse
from clif.experiments.fragility.estimates import Trained, newton, predict
from clif.experiments.fragility.minimising import minimise
from clif.experiments.fragility.networks import ACTIVATIONS, Network
from clif.experiments.fragility.problems import Classifying, Problem, load
from clif.experiments.fragility.procedures import (
    Effort,
    by_adam,
    from_optimum,
    from_scratch,
    generator,
    weights_without,
)
from clif.experiments.fragility.settings import Cell, Settings, base_cell, make_cells
from clif.experiments.fragility.working import side_by_side
from clif.experiments.settings import read_settings
from clif.processes import alone
from clif.progress import silent
from clif.storage.files import read_json

SMALL: dict[str, Any] = {
    "data": ("iris",),
    "depths": (1, 2),
    "widths": (3,),
    "activations": ("tanh",),
    "decays": (0.1,),
    "points": 10,
    "repeats": 2,
    "tests": 3,
    "sizes": (2,),
    "groups": 3,
    "controls": 2,
    "train_limit": 200,
    "limit": 20,
    "plain": 10,
    "few": 2,
    "steps": 5,
    "batch": 5,
    "processes": 1,
}
EFFORT = Effort(tolerance=1e-9, limit=400, after=50, every=20, preconditioned=700, few=3, steps=7, batch=4, rate=1e-2)
PROBLEM = Problem(Network(4, 3, 2, 3, "tanh"), load("iris", 20, 3), 0.3)
TESTS = torch.tensor([5, 17, 40])


def starts(count: int, problem: Problem = PROBLEM) -> Tensor:
    return torch.stack([problem.network.start(generator(7, row)) for row in range(count)])


@pytest.fixture(scope="module")
def trained() -> Trained:
    found = from_scratch(PROBLEM, starts(1), torch.ones(1, 20, dtype=torch.float64), EFFORT)
    assert found.gradients[0] <= 1e-9
    return Trained(PROBLEM, found.vectors[0], TESTS)


def retrained(trained: Trained, weights: Tensor) -> Tensor:
    """From the optimum, (k, p)."""
    inverse = trained.positive_inverse(1e-9)[None]
    return from_optimum(PROBLEM, trained.vector[None], inverse, weights[None], EFFORT)[0]


class TestNetworks:
    @pytest.mark.parametrize("activation", ACTIVATIONS)
    def test_many_at_once_are_torch_modules_one_by_one(self, activation: str) -> None:
        problem = replace(PROBLEM, network=Network(4, 5, 3, 3, activation))
        vectors, weights = starts(3, problem), torch.rand(3, 20, generator=generator(1), dtype=torch.float64)
        values, gradients = problem.slopes(vectors, weights)
        for row in range(3):
            model = problem.network.module(vectors[row])
            total = objective(Classifying(problem, TESTS), model, weights[row])
            total.backward()
            slopes = torch.cat([each.grad.ravel() for each in model.parameters() if each.grad is not None])
            torch.testing.assert_close(values[row], total.detach())
            torch.testing.assert_close(gradients[row], slopes)
            right = model(problem.data.test_x).argmax(1) == problem.data.test_y
            assert problem.accuracy(vectors, test=True)[row] == right.double().mean()

    @pytest.mark.parametrize(("name", "size", "classes"), [("iris", 150, 3), ("digits", 1797, 10)])
    def test_data_are_divided(self, name: str, size: int, classes: int) -> None:
        data = load(name, 60, 1)
        assert (len(data.y), len(data.test_y), data.classes) == (60, size - 60, classes)
        assert len(torch.unique(torch.cat([data.X, data.test_x]), dim=0)) >= size - 1  # Iris holds one flower twice
        if name == "iris":
            torch.testing.assert_close(data.X.mean(0), torch.zeros(4, dtype=torch.float64))
            torch.testing.assert_close(data.X.std(0), torch.ones(4, dtype=torch.float64))


class TestTraining:
    @given(st.integers(1, 6), st.integers(0, 2**31))
    @settings(max_examples=10, deadline=None)
    def test_quadratics_have_a_closed_form(self, p: int, seed: int) -> None:
        draws = generator(seed)
        root = torch.randn(3, p, p, generator=draws, dtype=torch.float64)
        A = root @ root.transpose(1, 2) + 0.1 * torch.eye(p, dtype=torch.float64)
        b = torch.randn(3, p, generator=draws, dtype=torch.float64)

        def slopes(x: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
            pushed = torch.einsum("kpq,kq->kp", A[rows], x)
            return (x * pushed).sum(1) / 2 - (b[rows] * x).sum(1), pushed - b[rows]

        def renew(x: Tensor, rows: Tensor) -> Tensor:
            return torch.linalg.inv(A[rows]) + 0.01 * torch.eye(p, dtype=torch.float64)

        right = torch.linalg.solve(A, b)
        for how in (None, renew):
            start = torch.zeros(3, p, dtype=torch.float64)
            found = minimise(slopes, start, tolerance=1e-9, limit=500, renew=how, every=50)
            torch.testing.assert_close(found.vectors, right, rtol=1e-6, atol=1e-7)
            assert float(found.gradients.max()) <= 1e-9

    def test_a_kink_ends_the_search(self) -> None:
        def slopes(x: Tensor, _: Tensor) -> tuple[Tensor, Tensor]:
            return x.abs().sum(1), torch.sign(x) + (x == 0)

        start = torch.tensor([[0.7]], dtype=torch.float64)
        found = minimise(slopes, start, tolerance=1e-9, limit=10_000, every=10,
                         renew=lambda x, _: torch.ones(len(x), 1, 1, dtype=torch.float64))  # fmt: skip
        assert float(found.values[0]) < 1e-3

    def test_gauss_newton_by_its_definition(self) -> None:
        vectors, weights = starts(2), torch.rand(2, 20, generator=generator(2), dtype=torch.float64)
        found = gauss_newton(PROBLEM, vectors, weights)
        for row in range(2):
            logits = lambda v: PROBLEM.network.layers(v[None], PROBLEM.data.X)[-1][1][0]  # noqa: E731
            J, q = jacrev(logits)(vectors[row]), torch.softmax(logits(vectors[row]), 1)
            S = torch.diag_embed(q) - q[:, :, None] * q[:, None, :]
            right = torch.einsum("n,ncp,ncd,ndq->pq", weights[row], J, S, J)
            right += 0.3 * torch.eye(len(right), dtype=torch.float64)
            torch.testing.assert_close(found[row], right)
            both = rough_inverse(PROBLEM, vectors, weights, 0.0)[row] @ right
            torch.testing.assert_close(both, torch.eye(len(right), dtype=torch.float64))

    def test_without_preconditioner(self, trained: Trained) -> None:
        plain = replace(EFFORT, preconditioned=10, limit=2000)
        found = from_scratch(PROBLEM, starts(2), torch.ones(2, 20, dtype=torch.float64), plain)
        torch.testing.assert_close(found.vectors[0], trained.vector, rtol=0, atol=1e-5)


class TestEstimates:
    def test_hessian_is_that_of_automatic_differentiation(self, trained: Trained) -> None:
        whole = torch.ones(1, 20, dtype=torch.float64)
        right = torch.autograd.functional.hessian(lambda v: PROBLEM.values(v[None], whole)[0], trained.vector)
        torch.testing.assert_close(trained.H, right)
        eye = torch.eye(len(right), dtype=torch.float64)
        torch.testing.assert_close(trained.hessians().sum(0) + 0.3 * eye, right)
        torch.testing.assert_close(trained.inverse() @ right, eye, rtol=0, atol=1e-7)

    def test_exact_and_newton_are_those_of_crossloss(self, trained: Trained) -> None:
        task, model = Classifying(PROBLEM, TESTS), PROBLEM.network.module(trained.vector)
        single = predict(trained, [torch.tensor([i]) for i in range(20)])
        torch.testing.assert_close(single["exact"], influence(task, model).values, rtol=1e-5, atol=1e-8)
        torch.testing.assert_close(single["gradient"], influence(task, model, solver="gradient").values)
        sets = [torch.tensor([3]), torch.tensor([1, 5, 8]), torch.tensor([0, 19])]
        together, stepped = predict(trained, sets)["exact"], newton(trained, sets)
        for column, members in enumerate(sets):
            torch.testing.assert_close(together[:, column], single["exact"][:, members].sum(1))
            torch.testing.assert_close(stepped[:, column], predict_set(task, model, members), rtol=1e-6, atol=1e-9)

    def test_newton_is_exact_where_losses_are_quadratic(self, trained: Trained) -> None:
        """sum_i (a_i . theta - b_i)^2 / 2 + (decay/2)|theta|^2 has a closed form without any of its points."""
        p, draws = len(trained.vector), generator(9)
        a, b = torch.randn(20, p, generator=draws, dtype=torch.float64), torch.randn(20, generator=draws)
        eye = 0.3 * torch.eye(p, dtype=torch.float64)

        class Ridge(Trained):
            def __init__(self) -> None:
                self.problem, self.H = PROBLEM, a.T @ a + eye
                self.vector = torch.linalg.solve(self.H, a.T @ b.double())
                self.bends, self.turns = torch.linalg.eigh(self.H)
                self.slopes = (a @ self.vector - b)[:, None] * a
                self.measures = self.measure(self.vector[None])[0]

            def hessians(self) -> Tensor:
                return a[:, :, None] * a[:, None, :]

            def measure(self, vectors: Tensor) -> Tensor:
                return torch.tanh(vectors[:, :2])

        ridge = Ridge()
        members = torch.tensor([2, 11, 12])
        kept = weights_without([members], 20)[0]
        without = torch.linalg.solve(a.T @ (kept[:, None] * a) + eye, a.T @ (kept * b))
        right = (ridge.measure(without[None]) - ridge.measures)[0]
        torch.testing.assert_close(newton(ridge, [members])[:, 0], right)

    def test_predicts_retraining(self, trained: Trained) -> None:
        sets = [torch.tensor([i]) for i in range(20)]
        weights = weights_without(sets, 20)
        vectors = retrained(trained, weights)
        assert float(PROBLEM.slopes(vectors, weights)[1].norm(dim=1).max()) < 1e-7
        realised = (trained.measure(vectors) - trained.measures).T.numpy()
        assert spearman(predict(trained, sets)["exact"].numpy(), realised).min() > 0.9
        assert spearman(newton(trained, sets).numpy(), realised).min() > 0.95

    def test_a_small_part_of_a_point_is_a_derivative(self, trained: Trained) -> None:
        """(m(w_i = 1 - h) - m(w_i = 1 + h)) / 2h by retraining, without any Hessian."""
        task, model = Classifying(PROBLEM, TESTS), PROBLEM.network.module(trained.vector)
        h, point = 1e-4, 6
        weights = torch.ones(2, 20, dtype=torch.float64)
        weights[0, point], weights[1, point] = 1 - h, 1 + h
        less, more = fit(task, model, weights, tolerance=1e-11).measures(task, model)
        found = predict(trained, [torch.tensor([point])])["exact"][:, 0]
        torch.testing.assert_close(found, (less - more) / (2 * h), rtol=1e-4, atol=1e-9)

    def test_flat_directions_are_left_out(self) -> None:
        """A feature that is always zero makes H singular; the others are as if it were not there."""
        data = PROBLEM.data
        none = (torch.zeros(20, 1), torch.zeros(130, 1))
        wider = replace(data, X=torch.cat([data.X, none[0]], 1), test_x=torch.cat([data.test_x, none[1]], 1))
        plain = Problem(Network(4, 3, 1, 3, "tanh"), data, 0.0)
        vector = plain.network.start(generator(4))
        padded = torch.cat([torch.nn.functional.pad(vector[:12].view(3, 4), (0, 1)).ravel(), vector[12:]])
        flat = Trained(Problem(Network(5, 3, 1, 3, "tanh"), wider, 0.0), padded, TESTS)
        kept = padded != 0
        kept[15:18] = kept[27:] = True  # biases
        inner = flat.H[kept][:, kept]
        torch.testing.assert_close(inner, Trained(plain, vector, TESTS).H)
        found = flat.inverse()
        torch.testing.assert_close(found[kept][:, kept] @ inner @ found[kept][:, kept], found[kept][:, kept])
        assert float(found[~kept].abs().max()) < 1e-9 * float(found.abs().max())


class TestProcedures:
    def test_from_the_optimum_is_the_minimum_that_newton_finds(self, trained: Trained) -> None:
        weights = weights_without([torch.tensor([0]), torch.tensor([4, 7])], 20)
        right = fit(Classifying(PROBLEM, TESTS), PROBLEM.network.module(trained.vector), weights).vectors
        torch.testing.assert_close(retrained(trained, weights), right, rtol=0, atol=1e-6)

    def test_nothing_removed_changes_nothing(self, trained: Trained) -> None:
        whole = torch.ones(2, 20, dtype=torch.float64)
        assert torch.equal(retrained(trained, whole), trained.vector.repeat(2, 1))
        again = from_scratch(PROBLEM, starts(1).repeat(2, 1), whole, EFFORT).vectors
        torch.testing.assert_close(again, trained.vector.repeat(2, 1), rtol=0, atol=1e-6)

    def test_in_parts_or_at_once(self, trained: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
        weights = weights_without([torch.tensor([i]) for i in range(5)], 20)
        at_once = [from_scratch(PROBLEM, starts(5), weights, EFFORT).vectors, retrained(trained, weights)]
        monkeypatch.setattr(procedures, "ENTRIES", 2 * len(trained.vector) ** 2)
        in_parts = [from_scratch(PROBLEM, starts(5), weights, EFFORT).vectors, retrained(trained, weights)]
        torch.testing.assert_close(in_parts, at_once, rtol=0, atol=1e-6)

    @pytest.mark.parametrize("kept", [False, True])
    def test_adam_one_network_at_a_time(self, trained: Trained, kept: bool) -> None:
        weights = torch.stack([weights_without([torch.tensor([0]), torch.tensor([4, 7])], 20)] * 2)
        vectors = torch.stack([trained.vector, trained.vector + 0.1])
        moments = None
        if kept:
            whole, draws = torch.ones(2, 1, 20, dtype=torch.float64), [generator(5, repeat) for repeat in range(2)]
            few, held, moments = by_adam(PROBLEM, vectors, whole, EFFORT, draws, rate=0.0)
            assert torch.equal(held[:, 0], vectors)
        draws = [generator(6, repeat) for repeat in range(2)]
        few, last, _ = by_adam(PROBLEM, vectors, weights, EFFORT, draws, rate=EFFORT.rate, moments=moments)
        for repeat in range(2):
            state = None
            if kept:
                order = orders(generator(5, repeat), 1)[0]
                _, state = slow_adam(vectors[repeat], torch.ones(20), order, 0.0, None)
            order = orders(generator(6, repeat), 2)
            for row in range(2):
                for found, steps in ((few, EFFORT.few), (last, EFFORT.steps)):
                    right, _ = slow_adam(vectors[repeat], weights[repeat, row], order[row][:steps], EFFORT.rate, state)
                    torch.testing.assert_close(found[repeat, row], right)

    def test_a_removed_point_is_without_effect(self, trained: Trained) -> None:
        X = PROBLEM.data.X.clone()
        X[4] = 1e3
        weights = weights_without([torch.tensor([4])], 20)
        found = [
            torch.stack(
                [
                    from_scratch(problem, starts(1), weights, EFFORT).vectors,
                    by_adam(problem, starts(1), weights[None], EFFORT, [generator(1)], rate=0.01)[1][0],
                ]
            )
            for problem in (PROBLEM, replace(PROBLEM, data=replace(PROBLEM.data, X=X)))
        ]
        torch.testing.assert_close(*found)


def orders(draws: torch.Generator, rows: int) -> list[list[Tensor]]:
    """Batches of 4 of 20 points: five of them before the points are drawn anew."""
    batches: list[list[Tensor]] = [[] for _ in range(rows)]
    for _ in range(2):
        order = torch.rand(rows, 20, generator=draws).argsort(1)
        for row in range(rows):
            batches[row] += list(order[row].split(4))
    return [each[: EFFORT.steps] for each in batches]


def slow_adam(
    vector: Tensor, weights: Tensor, batches: Sequence[Tensor], rate: float, state: dict[str, Any] | None
) -> tuple[Tensor, dict[str, Any]]:
    """Adam of Kingma and Ba 2015 as the paper writes it, on a module."""
    model = PROBLEM.network.module(vector)
    names = [name for name, _ in model.named_parameters()]
    theta = vector.clone()
    m, v, t = (state["m"], state["v"], state["t"]) if state else (torch.zeros_like(vector), torch.zeros_like(vector), 0)

    def total(theta: Tensor, batch: Tensor) -> Tensor:
        sizes = [each.numel() for each in model.parameters()]
        shapes = [each.shape for each in model.parameters()]
        parts = [part.view(shape) for part, shape in zip(theta.split(sizes), shapes, strict=True)]
        logits = functional_call(model, dict(zip(names, parts, strict=True)), (PROBLEM.data.X[batch],))
        losses = torch.nn.functional.cross_entropy(logits, PROBLEM.data.y[batch], reduction="none")
        return 5 * (weights[batch] * losses).sum() + 0.15 * (theta**2).sum()

    for batch in batches:
        g = torch.func.grad(total)(theta, batch)
        m, v, t = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2, t + 1
        theta = theta - rate * (m / (1 - 0.9**t)) / ((v / (1 - 0.999**t)).sqrt() + 1e-8)
    return theta, {"m": m, "v": v, "t": t}


class TestAgreement:
    matrices = arrays(np.float64, (3, 8), elements=st.sampled_from([-2.0, -1.0, 0.0, 0.5, 3.0]))

    @given(matrices, matrices)
    @settings(max_examples=50, deadline=None)
    def test_as_scipy_has_them(self, x: np.ndarray, y: np.ndarray) -> None:
        for row in range(3):
            if np.ptp(x[row]) == 0 or np.ptp(y[row]) == 0:
                assert np.isnan(spearman(x, y)[row])
                assert np.isnan(pearson(x, y)[row])
                continue
            assert spearman(x, y)[row] == pytest.approx(scipy.stats.spearmanr(x[row], y[row]).statistic)
            assert pearson(x, y)[row] == pytest.approx(scipy.stats.pearsonr(x[row], y[row]).statistic)

    def test_tiny_changes_are_changes(self) -> None:
        x = np.array([[1e-200, 3e-200, 2e-200]])
        assert pearson(x, 2 * x) == pytest.approx(1)

    def test_spread_is_of_what_is_defined(self) -> None:
        assert spread(np.array([1.0, np.nan, 3.0, 2.0]), "s") == {"s": 2.0, "s_low": 1.5, "s_high": 2.5}
        assert spread(np.array([np.nan]), "s") == {"s": None, "s_low": None, "s_high": None}


class TestSettings:
    def test_file_says_what_the_defaults_are(self) -> None:
        path = Path(__file__).parents[2] / "configs" / "fragility.toml"
        values = tomllib.loads(path.read_text(encoding="utf-8"))
        assert {key: tuple(v) if isinstance(v, list) else v for key, v in values.items()} == asdict(Settings())

    def test_grid(self) -> None:
        default = Settings()
        cells = make_cells(default)
        assert len({cell.name for cell in cells}) == len(cells)
        assert base_cell(default, "iris") == Cell("iris", 1, 5, 0.3, "tanh") == cells[0]
        for cell in cells:  # from the base, one factor at a time, but for depth by decay
            base = base_cell(default, cell.data)
            other = {name for name in asdict(cell) if getattr(cell, name) != getattr(base, name)}
            assert len(other) <= 1 or (other == {"depth", "decay"} and cell.decay == 0)
        for data in default.data:
            plane = {(cell.depth, cell.decay) for cell in cells if cell.data == data}
            assert plane >= {(depth, decay) for depth in default.depths for decay in (0.0, 0.3)}

    @pytest.mark.parametrize(
        ("change", "says"),
        [
            ({"depths": (1, 1)}, "depths"),
            ({"depths": ()}, "empty"),
            ({"widths": (0,)}, "widths"),
            ({"activations": ("sine",)}, "sine"),
            ({"data": ("digits",)}, "data"),
            ({"points": 120}, "points"),
            ({"tests": 100}, "tests"),
            ({"sizes": (60,)}, "sizes"),
            ({"groups": 1}, "groups"),
            ({"batch": 61}, "batch"),
            ({"few": 301}, "steps"),
            ({"decay": 0.0}, "decay"),
            ({"decays": (0.0,)}, "decays"),
            ({"repeats": 0}, "repeats"),
            ({"seed": -1}, "seed"),
            ({"rate": -1.0}, "rate"),
        ],
    )
    def test_bad(self, change: dict[str, Any], says: str) -> None:
        with pytest.raises(UsageError, match=says) as error:
            Settings(**change)
        assert error.value.next


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fragility")
    experiment("fragility", changes=SMALL, out=folder)
    return folder


class TestExperiment:
    def test_outcome(self, folder: Path) -> None:
        result = json.loads((folder / "result.json").read_text())
        assert [claim["source"][:4] for claim in result["claims"]] == ["Basu"] * 4 + ["Epif", "clif"]
        tables = {}
        for name in ("cells", "parts", "procedures", "training"):
            with (folder / f"{name}.csv").open() as file:
                tables[name] = list(csv.DictReader(file))
        assert len(tables["cells"]) == len(tables["training"]) == 5
        rows = tables["procedures"]
        # Five procedures have one estimate more than the reference; the base cell has Newton steps, and sets of 2.
        assert len(rows) == 4 * (6 * 2 + 5) + 2 * (6 * 3 + 5)
        assert {(int(row["n"]) + int(row["undefined"])) for row in rows} == {2 * 3}
        base = [row for row in rows if (row["depth"], row["decay"], row["removed"]) == ("1", "0.3", "1")]
        by = {(row["procedure"], row["estimate"]): float(row["spearman"]) for row in base}
        assert by["optimum", "exact"] > 0.85
        assert by["optimum", "newton"] > 0.95
        assert {float(row["control"]) for row in base if row["procedure"] == "optimum"} == {0.0}
        assert f"{by['optimum', 'exact']:.3f}" in result["claims"][0]["found"]
        part = next(row for row in tables["parts"] if (row["decay"], row["procedure"]) == ("0.3", "scratch-other"))
        checks = [float(row["spearman"]) for row in rows if row["procedure"] == "scratch-other"
                  and (row["decay"], row["estimate"], row["removed"]) == ("0.3", "retraining", "1")]  # fmt: skip
        assert float(part["check"]) == pytest.approx(np.median(checks))
        for name in ("depth", "base"):
            assert (folder / f"{name}.svg").read_text().startswith("<?xml")

    def test_interrupted_goes_on(self, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        done: list[str] = []

        def measure(_: Settings, cell: Cell) -> Any:  # cells as they were measured before: that is tested below
            if len(done) == 2:
                done.append("interrupted")
                raise KeyboardInterrupt
            done.append(cell.name)
            return read_json(folder / "pieces" / f"{cell.name}.json", "")

        monkeypatch.setattr(fragility, "measure_cell", measure)
        with pytest.raises(KeyboardInterrupt):
            experiment("fragility", changes=SMALL, out=tmp_path)
        assert not (tmp_path / "result.json").exists()
        experiment("fragility", changes=SMALL, out=tmp_path)
        assert len(done) == len(set(done)) == 6
        for path in folder.iterdir():
            if path.is_file():
                assert (tmp_path / path.name).read_bytes() == path.read_bytes(), path.name

    def test_a_cell_gives_the_same_again(self, folder: Path) -> None:
        given = read_settings(Settings, None, SMALL)
        cell = base_cell(given, "iris")
        kept = read_json(folder / "pieces" / f"{cell.name}.json", "")
        assert json.loads(json.dumps(measuring.measure_cell(given, cell))) == kept

    def test_other_settings_are_another_experiment(self, folder: Path) -> None:
        with pytest.raises(MismatchError):
            experiment("fragility", changes={**SMALL, "seed": 2}, out=folder)


class TestWorking:
    def test_processes_make_no_difference(self, tmp_path: Path) -> None:
        jobs = {f"{base}": partial(pow, base, 3) for base in range(4)}
        for processes in (1, 2):
            with Pieces.open(tmp_path / str(processes), "fragility", Settings()) as pieces:
                found = side_by_side(jobs, processes, pieces, silent)
                assert found == {"0": 0, "1": 1, "2": 8, "3": 27}
                assert side_by_side({name: partial(int, "none") for name in jobs}, processes, pieces, silent) == found

    def test_other_processes_of_the_caller_go_on(self, tmp_path: Path) -> None:
        with alone():
            other = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(600,))
            other.start()
        try:
            with Pieces.open(tmp_path, "fragility", Settings()) as pieces:
                side_by_side({"a": partial(pow, 1, 1), "b": partial(pow, 2, 1)}, 2, pieces, silent)
            assert multiprocessing.active_children() == [other]
        finally:
            other.kill()
            other.join()

    def test_a_process_that_is_killed(self, tmp_path: Path) -> None:
        with Pieces.open(tmp_path, "fragility", Settings()) as pieces, pytest.raises(InputError, match="killed"):
            side_by_side({"a": partial(os._exit, 1), "b": partial(pow, 1, 1)}, 2, pieces, silent)
