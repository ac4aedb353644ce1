"""Solves as a run keeps them: taken again for the same question, refused where they do not belong."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from conftest import SETTINGS, Made
from safetensors import safe_open
from safetensors.numpy import save_file

from clif.errors import ConvergenceError, InputError, MismatchError
from clif.influence.attribution import SolveReport
from clif.influence.joint import SolveSettings
from clif.objectives import BiasTest
from clif.ranking import make_problem, rank, rank_many, solve_store
from clif.run import Run, open_run
from clif.training import train


@pytest.fixture
def planted(made: Made) -> BiasTest:
    return BiasTest.from_toml(made.test)


def solves(run: Run) -> list[str]:
    return sorted(path.name for path in run.solves.glob("*")) if run.solves.exists() else []


def test_a_solve_is_stored_and_serves_every_unit(opened, planted):
    first = rank(opened, planted, method="clif")
    assert (first.about["solve_reused"], first.about["converged"]) == (False, True)
    assert first.about["residual"] <= 1.1e-3
    (name,) = solves(opened)
    assert name.startswith("planted.clif.effect_size.")
    assert name.endswith(".safetensors")
    for unit in ("context", "pair", "sentence"):
        again = rank(open_run(opened.path), planted, method="clif", unit=unit)
        assert again.about["solve_reused"]
        for key in ("residual", "iterations", "converged", "noise_error"):
            assert again.about[key] == first.about[key]
    assert solves(opened) == [name]


def test_a_stored_solve_gives_the_same_scores_to_the_last_bit(opened, planted):
    first = rank(opened, planted, method="clif")
    shutil.rmtree(opened.rankings)
    again = rank(opened, planted, method="clif")
    assert (again.reused, again.about["solve_reused"]) == (False, True)
    assert again.doc_ids == first.doc_ids
    assert again.influence.tolist() == first.influence.tolist()


@pytest.mark.parametrize(
    ("first", "other"),
    [
        ({}, {"measure": "mean_difference"}), ({}, {"damping": 3.0}), ({"damping": 300.0}, {"curvature": "exact"}),
        ({}, {"dense": True}), ({"damping": 100.0}, {"method": "lissa"}), ({}, {"tolerance": 1e-5}),
    ],
    ids=str,
)  # fmt: skip
def test_another_question_is_solved_anew(opened, planted, first, other):
    rank(opened, planted, method="clif", **first)
    asked = {"method": "clif", **first, **other}
    assert not rank(opened, planted, **asked).about["solve_reused"]
    assert rank(opened, planted, **asked, unit="context").about["solve_reused"]


def test_other_words_or_another_half_are_another_question(opened, planted):
    rank(opened, planted, method="clif")
    fewer = replace(planted, X=planted.X[:-1])
    assert not rank(opened, fewer, method="clif").about["solve_reused"]
    half = replace(planted, X=planted.X[:2], Y=planted.Y[:2])
    assert not rank(opened, half, method="clif", half=True).about["solve_reused"]
    assert len(solves(opened)) == 3


def test_a_finer_solve_serves_a_coarser_question(opened, planted):
    rank(opened, planted, method="clif", tolerance=1e-5)
    coarse = rank(opened, planted, method="clif", tolerance=1e-2)
    assert coarse.about["solve_reused"]
    assert coarse.about["residual"] <= 1.1e-5
    finer = rank(opened, planted, method="clif", tolerance=1e-6, unit="context")
    assert not finer.about["solve_reused"]
    assert rank(opened, planted, method="clif", tolerance=1e-6).about["solve_reused"]


@pytest.mark.parametrize("curvature", ["gn", "exact"])
def test_a_solve_that_counts_as_converged_is_taken_again(opened, planted, curvature):
    for tolerance in (0.1, 1e-3, 1e-5, 2e-6):
        asked = {"method": "clif", "tolerance": tolerance, "curvature": curvature, "damping": 300.0}
        first = rank(opened, planted, **asked, cache=False)
        if first.about["converged"]:
            assert rank(opened, planted, **asked, unit="context").about["solve_reused"]
        else:
            assert tolerance < 1e-5  # single precision ends about there


def test_a_residual_that_rounding_lifted_over_the_tolerance_is_good_enough_to_be_taken_again(opened, planted):
    problem, settings = make_problem(opened, planted, "effect_size"), SolveSettings(tolerance=1e-3)
    s = np.zeros((2, *problem.U.shape), dtype=np.float32)
    for residual, taken in ((1.05e-3, True), (1.2e-3, False)):
        keep = solve_store(opened, problem, settings)
        keep("clif", lambda residual=residual: (s, SolveReport(residual, 7)))
        _, report = keep("clif", lambda: (s, SolveReport(1e-4, 8)))
        assert report.reused == taken
        shutil.rmtree(opened.solves)


def test_without_the_cache_the_solve_is_made_and_stored_anew(opened, planted):
    rank(opened, planted, method="clif")
    (name,) = solves(opened)
    path = opened.solves / name
    before = path.read_bytes()
    anew = rank(opened, planted, method="clif", cache=False)
    assert not anew.about["solve_reused"]
    assert path.read_bytes() == before
    with safe_open(path, framework="numpy") as file:
        s, metadata = file.get_tensor("s"), file.metadata()
    save_file({"s": s + 1}, path, metadata=metadata)
    rank(opened, planted, method="clif", cache=False)
    assert path.read_bytes() == before


def test_a_solve_of_another_run_is_refused(opened, made, planted):
    """Of the same words and settings but another seed: the question is the same, the model is not."""
    other = train([made.corpus], opened.path.parent / "other-run", replace(SETTINGS, seed=2)).run
    rank(other, planted, method="clif")
    shutil.copytree(other.solves, opened.solves)
    (name,) = solves(opened)
    with pytest.raises(MismatchError, match="does not belong") as caught:
        rank(opened, planted, method="clif")
    assert caught.value.where == str(opened.solves / name)
    assert "--no-cache" in caught.value.next
    assert not rank(opened, planted, method="clif", cache=False).about["solve_reused"]
    assert rank(opened, planted, method="clif", unit="context").about["solve_reused"]


@pytest.mark.parametrize("damage", ["empty", "cut", "no metadata", "no tensor", "not JSON", "no report", "a list"])
def test_a_damaged_solve_is_named(opened, planted, damage):
    rank(opened, planted, method="clif")
    path = opened.solves / solves(opened)[0]
    whole = path.read_bytes()
    with safe_open(path, framework="numpy") as file:
        s, metadata = file.get_tensor("s"), file.metadata()
    if damage in ("empty", "cut"):
        path.write_bytes(whole[: 0 if damage == "empty" else len(whole) // 2])
    elif damage == "no tensor":
        said = {key: value for key, value in json.loads(metadata["clif"]).items() if key != "seal"}
        save_file({"t": s}, path, metadata={"clif": json.dumps(said)})
    else:
        said = {
            "no metadata": {}, "not JSON": {"clif": "{"}, "no report": {"clif": '{"identity": 1}'},
            "a list": {"clif": "[]"},
        }[damage]  # fmt: skip
        save_file({"s": s}, path, metadata=said)
    shutil.rmtree(opened.rankings)
    with pytest.raises(InputError, match="cannot be read as a solve") as caught:
        rank(opened, planted, method="clif")
    assert caught.value.where == str(path)
    assert "--no-cache" in caught.value.next
    rank(opened, planted, method="clif", cache=False)
    assert path.read_bytes() == whole


def test_a_solve_that_is_cut_short_is_not_stored(opened, planted):
    ranking = rank(opened, planted, method="clif", steps=1)
    assert ranking.about["converged"] is False
    assert ranking.about["iterations"] == 1
    assert ranking.about["residual"] > ranking.about["tolerance"] == 1e-3
    assert solves(opened) == []
    assert any("stopped after 1 products" in warning for warning in ranking.warnings)
    again = rank(opened, planted, method="clif", steps=1)
    assert again.reused
    assert again.warnings == ranking.warnings
    # With as many steps as it takes it is another question.
    assert rank(opened, planted, method="clif").about["converged"]


def test_who_is_strict_gets_an_error_and_no_list(opened, planted):
    before = sorted(opened.rankings.iterdir())
    with pytest.raises(ConvergenceError, match="relative residual") as caught:
        rank(opened, planted, method="clif", steps=1, strict=True)
    assert caught.value.exit_code == 4
    assert sorted(opened.rankings.iterdir()) == before
    assert solves(opened) == []
    rank(opened, planted, method="clif", steps=1)
    with pytest.raises(ConvergenceError):  # from the store as well
        rank(opened, planted, method="clif", steps=1, strict=True)
    assert rank(opened, planted, method="clif", strict=True).about["converged"]


def test_several_tests_are_solved_once_each_and_stored(opened, planted):
    other = replace(planted, name="other", X=planted.Y, Y=planted.X)
    both = rank_many(opened, [planted, other], method="clif")
    assert [ranking.about["test"] for ranking in both] == ["planted", "other"]
    assert len(solves(opened)) == 2
    third = replace(planted, name="third", A=planted.B, B=planted.A)
    mixed = rank_many(opened, [third, planted, other], method="clif")
    assert [ranking.reused for ranking in mixed] == [False, True, True]
    assert [ranking.about["test"] for ranking in mixed] == ["third", "planted", "other"]
    alone = rank(open_run(opened.path), planted, method="clif", cache=False)
    assert alone.doc_ids == both[0].doc_ids
    np.testing.assert_allclose(alone.influence, both[0].influence, rtol=1e-5)


def test_the_solve_is_that_of_the_run_in_single_precision(opened, planted):
    rank(opened, planted, method="clif")
    with safe_open(opened.solves / solves(opened)[0], framework="numpy") as file:
        s = file.get_tensor("s")
    problem = make_problem(opened, planted, "effect_size")
    assert s.dtype == np.float32 == opened.model.U.dtype
    assert s.shape == (2, *problem.U.shape)
    g = np.zeros_like(s)
    g[0, problem.rows] = problem.gradient
    curvature = problem.curvature()
    gap = curvature.project(g - curvature.product(s, problem.damp))
    assert np.linalg.norm(gap) < 1.1e-3 * np.linalg.norm(curvature.project(g))
