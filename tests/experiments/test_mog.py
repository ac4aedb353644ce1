"""The experiment with three Gaussians: its parts against plain versions of them, and all of it, small."""

from __future__ import annotations

import json
import tomllib
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from torch import nn

from clif.crossloss import Flat, objective
from clif.errors import UsageError
from clif.experiments import experiment, mog
from clif.experiments.mog import Settings, procedure, smooth
from clif.experiments.mog.claims import make_claims
from clif.experiments.mog.clustering import (
    Network,
    divergence,
    draw_points,
    make_task,
    target,
    unlikelihood,
)
from clif.experiments.mog.comparing import SOLVERS, agreement
from clif.experiments.settings import read_settings

SMALL = {"seeds": 2, "points": 4, "tests": 1, "hidden": 3, "decay": 1.0, "pretrain_steps": 20}
CONFIG = Path(__file__).parents[2] / "configs" / "mog.toml"


def network(seed: int = 0, hidden: int = 4) -> Network:
    model = Network(hidden, 2, nn.Tanh(), 5.0, seed)
    with torch.no_grad():
        model.centres.copy_(torch.randn(3, 2, generator=torch.Generator().manual_seed(seed)))
    return model


# The parts.


def test_assignments_are_those_of_students_t():
    model, (points, _) = network(), draw_points(4, 1, 3)
    with torch.no_grad():
        q, z, mu = model(points.at), model.encode(points.at), model.centres.detach()
    for i in range(len(points)):
        near = [1 / (1 + float(((z[i] - mu[k]) ** 2).sum())) for k in range(3)]
        np.testing.assert_allclose(q[i], np.array(near) / sum(near), rtol=1e-12)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.booleans())
def test_the_target_is_q_squared_over_the_size_of_the_cluster(seed, weighted):
    rng = np.random.default_rng(seed)
    q, w = rng.dirichlet(np.ones(3), 7), rng.integers(0, 2, 7) + (0.0 if weighted else 1.0)
    w = w if weighted and w.any() else np.ones(7)
    expected = np.zeros_like(q)
    for i in range(7):
        parts = [q[i, k] ** 2 / sum(w[j] * q[j, k] for j in range(7)) for k in range(3)]
        expected[i] = np.array(parts) / sum(parts)
    found = target(torch.from_numpy(q), torch.from_numpy(w) if weighted else None)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_losses_are_those_of_torch():
    rng = np.random.default_rng(0)
    p, q = (torch.from_numpy(rng.dirichlet(np.ones(3), 5)) for _ in range(2))
    classes = torch.tensor([0, 2, 1, 1, 0])
    divergences = nn.functional.kl_div(q.log(), p, reduction="none").sum(1)
    np.testing.assert_allclose(divergence(p, q), divergences, rtol=1e-12)
    np.testing.assert_allclose(unlikelihood(q, classes), nn.functional.nll_loss(q.log(), classes, reduction="none"))


def test_points_are_drawn_around_their_means_and_tests_are_others():
    points, tests = draw_points(4000, 2, 5)
    for number, mean in enumerate(((0, 0), (5, 5), (5, -5))):
        own = points.at[points.classes == number].numpy()
        np.testing.assert_allclose(own.mean(0), mean, atol=0.1)
        np.testing.assert_allclose(own.std(0), 1.25, atol=0.05)
    assert tests.classes.tolist() == [0, 0, 1, 1, 2, 2]
    assert not (tests.at[:, None] == points.at).all(2).any()


def test_pretrained_clusters_are_the_classes_and_chance_elsewhere_is_left_alone():
    points, _ = draw_points(50, 1, 1)
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    chosen = Settings(pretrain_steps=60)
    model = smooth.pretrained(chosen, points, 1)
    assert torch.equal(torch.rand(1), expected)
    assert model.accuracy(points) > 0.9
    again = smooth.pretrained(chosen, points, 1)
    assert torch.equal(Flat(model).vector, Flat(again).vector)
    assert not torch.equal(Flat(model).vector, Flat(smooth.pretrained(chosen, points, 2)).vector)


def test_both_columns_measure_the_same():
    points, tests = draw_points(5, 2, 0)
    model = network()
    cross, matched = (make_task(column, model, points, tests, 2.0) for column in ("cross", "matched"))
    expected = [float(model(tests.at)[i, k].log().detach()) for i, k in enumerate(tests.classes)]
    for task in (cross, matched):
        np.testing.assert_allclose(task.measure(model).detach(), expected, rtol=1e-12)
        assert task.penalty(model).item() == pytest.approx(float((Flat(model).vector ** 2).sum()))
    every = torch.arange(len(points))
    q = model(points.at)
    np.testing.assert_allclose(cross.losses(model, every).detach(), divergence(target(q), q).detach())
    assert not cross.p.requires_grad
    moved = network(1)  # the target stays as it was
    np.testing.assert_allclose(cross.losses(moved, every).detach(), divergence(cross.p, moved(points.at)).detach())


# The setting in which theory holds.


@pytest.mark.parametrize("column", ["cross", "matched"])
def test_what_is_realised_is_what_another_optimiser_makes_of_leaving_out(column):
    chosen = Settings(points=8, tests=1, hidden=3, decay=2.0, pretrain_steps=50)
    record = smooth.examine_smooth(chosen, 1, column, lambda *_: None)
    assert record["gradient"] <= 1e-8
    points, tests = draw_points(8, 1, 1)
    model = smooth.pretrained(chosen, points, 1)
    task, flat = make_task(column, model, points, tests, 2.0), Flat(model)

    def best(start: np.ndarray, weights: torch.Tensor) -> np.ndarray:
        def both(vector: np.ndarray) -> tuple[float, np.ndarray]:
            flat.load(torch.from_numpy(vector))
            model.zero_grad()
            value = objective(task, model, weights)
            value.backward()
            return value.item(), torch.cat([each.grad.ravel() for each in model.parameters()]).numpy()

        return minimize(both, start, jac=True, method="BFGS", options={"gtol": 1e-8, "maxiter": 2000}).x

    def measured(vector: np.ndarray) -> np.ndarray:
        flat.load(torch.from_numpy(vector))
        return task.measure(model).detach().numpy()

    names = [name for name, _ in model.named_parameters()]
    assert flat.split(flat.vector).keys() == {f"model.{name}" for name in names}
    full = best(flat.vector.numpy().copy(), torch.ones(24, dtype=torch.float64))
    np.testing.assert_allclose(measured(full), record["measured"], atol=1e-6)
    for point in (0, 9, 23):
        weights = torch.ones(24, dtype=torch.float64)
        weights[point] = 0.0
        change = measured(best(full, weights)) - record["measured"]
        np.testing.assert_allclose(change, np.array(record["realised"])[:, point], atol=1e-6)


def test_predictions_agree_with_what_is_realised():
    chosen = Settings(points=25, tests=2, hidden=4, pretrain_steps=100)
    record = smooth.examine_smooth(chosen, 3, "cross", lambda *_: None)
    exact = agreement(record, "exact")
    assert exact["pearson"] > 0.99
    assert exact["slope"] == pytest.approx(1.0, abs=0.15)
    assert agreement(record, "cg")["pearson"] == pytest.approx(exact["pearson"], abs=1e-4)
    assert agreement(record, "gradient")["pearson"] < exact["pearson"] - 0.02
    assert agreement(record, "lissa")["pearson"] < exact["pearson"] - 0.005


# The released procedure.


@pytest.mark.parametrize("column", ["cross", "matched"])
def test_models_trained_side_by_side_are_those_trained_alone(column):
    chosen = Settings(epochs=5, refresh=2, rate=0.02)
    points, _ = draw_points(5, 1, 2)
    start = procedure.started(points, 2)
    together = procedure.train(chosen, column, start, points)
    assert together.shape == (16, len(Flat(start)))
    assert torch.equal(Flat(start).vector, Flat(procedure.started(points, 2)).vector)
    for left_out in (None, 0, 11):
        kept = torch.tensor([i for i in range(15) if i != left_out])
        model = procedure.started(points, 2)
        optimiser = torch.optim.Adam(model.parameters(), lr=0.02)
        for epoch in range(5):
            q = model(points.at[kept])
            if epoch % 2 == 0:
                p = target(q).detach()
            losses = divergence(p, q) if column == "cross" else unlikelihood(q, points.classes[kept])
            optimiser.zero_grad()
            losses.mean().backward()
            optimiser.step()
        row = together[0 if left_out is None else left_out + 1]
        np.testing.assert_allclose(Flat(model).vector, row, atol=1e-9)


def test_the_released_comparison_sets_cross_loss_predictions_beside_retraining_with_labels():
    records = procedure.examine_procedure(Settings(points=6, tests=1), 1)
    assert records["released"]["predicted"] == records["cross"]["predicted"]
    assert records["released"]["realised"] == records["matched"]["realised"]
    assert records["cross"]["realised"] != records["matched"]["realised"]
    assert np.abs(records["cross"]["realised"]).max() > 0


# What is made of them.


def test_agreement_is_the_mean_over_test_points():
    predicted = [[1.0, 2.0, 3.0, 4.0], [1.0, 0.0, 0.0, -1.0]]
    realised = [[2.0, 4.0, 6.0, 8.0], [-1.0, 0.0, 0.5, 1.0]]
    found = agreement({"predicted": {"exact": predicted}, "realised": realised}, "exact")
    second = np.corrcoef(predicted[1], realised[1])[0, 1]
    assert found["pearson"] == pytest.approx((1 + second) / 2)
    assert found["slope"] == pytest.approx((2 - 1) / 2)
    assert -1 < found["spearman"] < 0.1
    still = agreement({"predicted": {"exact": [[0.0, 0.0, 0.0]]}, "realised": [[1.0, 2.0, 3.0]]}, "exact")
    assert still == {"pearson": 0.0, "spearman": 0.0, "slope": 0.0}


def made_figures(**pearson: float) -> dict:
    def column(name: str) -> dict:
        values = {solver: pearson.get(f"{name}_{solver}", 0.5) for solver in SOLVERS}
        return {
            solver: {"pearson": [value, value], "slope": [1.0, 1.0], "residual": [1e-9, 1e-9]}
            for solver, value in values.items()
        }

    two_step = {name: column(f"two_{name}") for name in ("cross", "matched", "released")}
    return {"cross": column("cross"), "matched": column("matched"), "two_step": two_step}


def test_claims_hold_or_fall_by_the_figures():
    holds = [claim.holds for claim in make_claims(made_figures(cross_exact=0.995, cross_cg=0.995, two_cross_lissa=0.6))]
    assert holds == [True, True, None, False, True]
    holds = [claim.holds for claim in make_claims(made_figures(cross_exact=0.98, cross_cg=0.97, cross_lissa=0.98))]
    assert holds == [False, False, None, True, False]
    unsure = made_figures()
    unsure["two_step"]["cross"]["lissa"]["pearson"] = [0.4, 0.8]  # above the other's .5 by .1, give or take .2
    assert make_claims(unsure)[1].holds is False
    assert "+0.100 (standard error 0.200)" in make_claims(unsure)[1].found
    for solver in SOLVERS:
        for name in ("cross", "matched"):
            unsure["two_step"][name][solver]["pearson"] = [0.4]
    assert make_claims(unsure)[1].holds is None
    found = make_claims(made_figures(cross_exact=0.9876))[0].found
    assert "0.9876" in found
    assert "2 seeds" in found


def test_all_of_it_by_the_command_and_again_after_an_interruption(clif, tmp_path, monkeypatch):
    options = [part for key, value in SMALL.items() for part in ("--set", f"{key}={value}")]
    outcome = clif("experiment", "mog", "--out", tmp_path / "a", "--json", *options).json()
    figures = outcome["figures"]
    for home in (figures, figures["two_step"]):
        for column in ("cross", "matched"):
            for solver in ("exact", "cg", "lissa", "gradient"):
                for name in ("pearson", "spearman"):
                    values = home[column][solver][name]
                    assert len(values) == 2
                    assert all(-1 <= value <= 1 for value in values)
    assert len(outcome["claims"]) == 5
    names = {"result.json", "agreement.csv", "seeds.csv", "removals.csv", "smooth.svg", "two-step.svg", "clusters.svg"}
    assert {file.name for file in (tmp_path / "a").iterdir() if file.is_file()} == names

    real, calls = mog.examine_procedure, []

    def interrupted(*args):
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*args)

    monkeypatch.setattr(mog, "examine_procedure", interrupted)
    with pytest.raises(KeyboardInterrupt):
        experiment("mog", changes=SMALL, out=tmp_path / "b")
    assert not (tmp_path / "b" / "result.json").exists()
    monkeypatch.setattr(mog, "examine_procedure", real)
    monkeypatch.setattr(mog, "examine_smooth", lambda *_: pytest.fail("was done before"))
    experiment("mog", changes=SMALL, out=tmp_path / "b")
    for name in names:
        assert (tmp_path / "b" / name).read_bytes() == (tmp_path / "a" / name).read_bytes(), name


def test_the_configuration_file_holds_the_defaults():
    assert read_settings(Settings, CONFIG) == Settings()
    assert set(tomllib.loads(CONFIG.read_text("utf-8"))) == set(asdict(Settings()))
    assert json.dumps(asdict(Settings()))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"seeds": 0}, "seeds must be at least 1"),
        ({"points": 2}, "points must be at least 3"),
        ({"epochs": 0}, "epochs must be at least 1"),
        ({"decay": 0.0}, "decay must be positive"),
        ({"rate": float("nan")}, "rate must be positive"),
        ({"tolerance": float("inf")}, "tolerance must be positive"),
    ],
    ids=str,
)
def test_settings_that_make_no_sense_are_refused(changes, says):
    with pytest.raises(UsageError, match=says):
        Settings(**changes)
