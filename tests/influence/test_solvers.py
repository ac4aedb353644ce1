"""Solvers by products, against dense solves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from helpers import apart, random_problem
from hypothesis import given, settings
from hypothesis import strategies as st

from clif.influence.joint import LISSA_STEPS, STEPS, SolveSettings, solve_joint
from clif.solvers import Solution, conjugate_gradients, largest_eigenvalue, lissa, minimum_residual

quick = settings(max_examples=30, deadline=None)
systems = {
    "seed": st.integers(0, 10**6),
    "size": st.integers(1, 40),
    "spread": st.sampled_from([1.0, 30.0, 1e3]),
    "rough": st.booleans(),
}


class System:
    """A random symmetric matrix over (2, size, 1), with a preconditioner, and how its products are counted."""

    def __init__(self, seed: int, size: int, spread: float, rough: bool, signed: bool = False) -> None:
        rng = np.random.default_rng(seed)
        vectors = np.linalg.qr(rng.normal(size=(2 * size, 2 * size)))[0]
        values = np.exp(rng.uniform(0, np.log(spread), 2 * size)) * (rng.choice([-1, 1], 2 * size) if signed else 1)
        self.matrix = (vectors * values) @ vectors.T
        self.g = rng.normal(size=(2, size, 1))
        weights = np.exp(rng.uniform(-1, 1, 2 * size))
        self.rough = (vectors * (weights / np.abs(values))) @ vectors.T if rough else np.eye(2 * size)
        self.solution = np.linalg.solve(self.matrix, self.g.ravel()).reshape(self.g.shape)
        self.products = 0

    def product(self, Z: np.ndarray) -> np.ndarray:
        self.products += 1
        return (self.matrix @ Z.ravel()).reshape(Z.shape).astype(Z.dtype)

    def precondition(self, Z: np.ndarray) -> np.ndarray:
        return (self.rough @ Z.ravel()).reshape(Z.shape).astype(Z.dtype)

    def residual(self, s: np.ndarray) -> float:
        return apart((self.matrix @ s.ravel()).reshape(s.shape), self.g)

    def solve(self, solver: Any, tolerance: float = 1e-11, limit: int = 3000, **options: Any) -> Solution:
        if solver is not lissa:
            options["precondition"] = self.precondition
        if solver is not minimum_residual:
            options["project"] = lambda Z: Z
        return solver(self.product, self.g, tolerance=tolerance, limit=limit, **options)


def check(system: System, found: Solution, tolerance: float = 1e-11) -> None:
    assert found.converged
    assert apart(found.s, system.solution) < 1e-8
    assert found.residual == pytest.approx(system.residual(found.s), rel=1e-3, abs=1e-13)
    assert found.residual <= 1.1 * tolerance


@quick
@given(**systems)
def test_conjugate_gradients_solve_positive_systems(seed, size, spread, rough):
    system = System(seed, size, spread, rough)
    found = system.solve(conjugate_gradients)
    check(system, found)
    assert len(found.residuals) == found.iterations == system.products - 1  # and one to see what is left
    assert found.iterations <= 4 * size + 40


@quick
@given(**systems, signed=st.booleans())
def test_minres_solves_symmetric_systems_of_any_sign(seed, size, spread, rough, signed):
    system = System(seed, size, spread, rough, signed)
    check(system, system.solve(minimum_residual))


@quick
@given(**systems)
def test_lissa_solves_positive_systems(seed, size, spread, rough):
    system = System(seed, size, min(spread, 30.0), rough)
    check(system, system.solve(lissa))


@pytest.mark.parametrize("solver", [conjugate_gradients, minimum_residual, lissa])
@pytest.mark.parametrize("limit", [1, 3])
def test_a_solve_that_is_cut_short_says_so(solver, limit):
    system = System(0, 20, 1e3, rough=False)
    found = system.solve(solver, limit=limit)
    assert not found.converged
    assert found.iterations == limit
    assert found.residual > 1e-3
    assert found.residual == pytest.approx(system.residual(found.s), rel=1e-6)
    assert found.s.any()


@pytest.mark.parametrize("solver", [conjugate_gradients, minimum_residual, lissa])
def test_the_tolerance_is_what_is_reached_and_hardly_more(solver):
    system, iterations = System(1, 20, 30.0, rough=False), []
    for tolerance in (1e-2, 1e-5, 1e-8):
        found = system.solve(solver, tolerance=tolerance)
        assert found.converged
        assert found.residual <= 1.1 * tolerance
        assert found.residual == pytest.approx(system.residual(found.s), rel=1e-4)
        iterations.append(found.iterations)
    assert iterations[0] < iterations[1] < iterations[2]


@pytest.mark.parametrize("solver", [conjugate_gradients, minimum_residual, lissa])
def test_nothing_asked_for_is_nothing_to_solve(solver):
    system = System(2, 5, 30.0, rough=True)
    system.g[:] = 0
    found = system.solve(solver)
    assert (found.iterations, found.residual, found.converged) == (0, 0.0, True)
    assert not found.s.any()
    assert found.s.shape == system.g.shape
    assert system.products == 0


@pytest.mark.parametrize("solver", [conjugate_gradients, minimum_residual, lissa])
def test_single_precision_stays_so_and_goes_as_far_as_it_can(solver):
    system = System(3, 20, 30.0, rough=False)
    system.g = system.g.astype(np.float32)
    found = system.solve(solver, tolerance=1e-5)
    assert found.converged
    assert found.s.dtype == np.float32
    assert apart(found.s, system.solution) < 1e-3
    # More than rounding allows is not reached, and that is said.
    found = system.solve(solver, tolerance=1e-12, limit=500)
    assert not found.converged
    assert found.residual == pytest.approx(system.residual(found.s), rel=0.2)
    assert apart(found.s, system.solution) < 1e-3


@pytest.mark.parametrize("solver", [conjugate_gradients, lissa])
def test_what_is_projected_away_is_not_solved_for(solver):
    system = System(4, 20, 30.0, rough=False)
    flat = np.linalg.qr(np.random.default_rng(0).normal(size=(40, 5)))[0]
    off = np.eye(40) - flat @ flat.T
    system.matrix = off @ system.matrix @ off  # singular: nothing comes of the flat directions
    system.rough = np.diag(np.random.default_rng(1).uniform(0.5, 2, 40))

    def project(Z: np.ndarray) -> np.ndarray:
        return (off @ Z.ravel()).reshape(Z.shape)

    options = {} if solver is lissa else {"precondition": system.precondition}
    found = solver(system.product, system.g, project=project, tolerance=1e-11, limit=3000, **options)
    assert found.converged
    expected = np.linalg.lstsq(system.matrix, off @ system.g.ravel(), rcond=1e-10)[0]
    assert apart(found.s.ravel(), expected) < 1e-8
    assert np.abs(flat.T @ found.s.ravel()).max() < 1e-8


@pytest.mark.parametrize("solver", [conjugate_gradients, minimum_residual, lissa])
def test_progress_is_told_at_every_step(solver):
    told: list[float] = []
    found = System(5, 10, 30.0, rough=False).solve(solver, 1e-6, progress=lambda *args: told.append(args[1]))
    assert told == list(range(1, found.iterations + 1))


def test_a_curvature_that_is_not_positive_stops_conjugate_gradients_and_lissa():
    system = System(6, 20, 30.0, rough=False, signed=True)
    for solver in (conjugate_gradients, lissa):
        found = system.solve(solver)
        assert not found.converged
        assert np.isfinite(found.s).all()
        assert found.residual == pytest.approx(system.residual(found.s), rel=1e-6)


@quick
@given(st.integers(0, 10**6), st.integers(1, 30))
def test_the_largest_eigenvalue_is_estimated_from_below(seed, size):
    system = System(seed, size, 1e3, rough=False)
    top = np.linalg.eigvalsh(system.matrix)[-1]
    value = largest_eigenvalue(system.product, system.g)
    assert 0.5 * top < value <= top * (1 + 1e-12)
    assert largest_eigenvalue(system.product, system.g, 2000) == pytest.approx(top, rel=0.01)


# On a model.


@pytest.mark.parametrize("seed", range(3))
def test_lissa_comes_to_the_solution_of_conjugate_gradients(seed):
    problem = random_problem(seed, documents=30, longest=60, damping=3.0, precision=np.float64)
    chosen = SolveSettings(tolerance=1e-10, steps=20_000)
    s, report = solve_joint(problem, chosen)
    slow, slow_report = solve_joint(problem, chosen, by_lissa=True)
    assert report.converged
    assert slow_report.converged
    assert apart(slow, s) < 1e-8
    assert report.iterations < slow_report.iterations


def test_the_steps_are_bounded_by_the_settings():
    problem = random_problem(0, documents=30, longest=60, precision=np.float64)
    for chosen, by_lissa in ((SolveSettings(steps=2), False), (SolveSettings("exact", steps=2), False),
                             (SolveSettings(steps=2), True)):  # fmt: skip
        _, report = solve_joint(problem, chosen, by_lissa=by_lissa)
        assert report.iterations == 2
        assert not report.converged
    assert (STEPS, LISSA_STEPS) == (500, 5000)


@pytest.mark.parametrize("seed", range(3))
def test_the_preconditioner_saves_steps(seed):
    problem = random_problem(seed, size=60, documents=60, longest=60, sample=0, precision=np.float64)
    curvature = problem.curvature()
    g = np.zeros((2, *problem.U.shape))
    g[0, problem.rows] = problem.gradient
    taken = [
        conjugate_gradients(
            lambda Z: curvature.product(Z, 0.5), g, precondition=rough, project=curvature.project, tolerance=1e-8,
            limit=1000,
        ).iterations
        for rough in (lambda Z: curvature.precondition(Z, 0.5), lambda Z: Z)
    ]  # fmt: skip
    assert taken[0] < 0.6 * taken[1]
