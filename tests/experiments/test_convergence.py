"""The experiment on what the assumptions are worth, small, from end to end."""

from __future__ import annotations

import json
import tomllib
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from clif.errors import InputError, UsageError
from clif.experiments import experiment
from clif.experiments.convergence import Settings
from clif.experiments.convergence.relaxing import GAPS, NONE, relaxations
from clif.experiments.convergence.reporting import intervals
from clif.experiments.convergence.training import Trainings
from clif.experiments.corpora import SPEECHES, open_ground
from clif.objectives import BiasTest, cover
from clif.verification.statistics import pearson, slope

ROOT = Path(__file__).parents[2]
SMALL = {
    "corpora": ("planted",),
    "words": 120,
    "dim": 5,
    "sizes": (1, 4),
    "large": (12,),
    "random": (3,),
    "few": (1,),
    "products": (1,),
    "dampings": (100.0,),
    "gradients": (0.1,),
    "penalties": (30.0,),
    "epochs": 1,
}


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """A smaller planted corpus, with its test beside it."""
    folder = tmp_path_factory.mktemp("planted")
    lines = (ROOT / "data" / "planted.jsonl").read_text("utf-8").splitlines(keepends=True)
    (folder / "planted.jsonl").write_text("".join(lines[:120]), "utf-8")
    (folder / "planted.toml").write_text((ROOT / "data" / "planted.toml").read_text("utf-8"), "utf-8")
    return folder / "planted.jsonl"


@pytest.fixture(scope="module")
def done(planted, tmp_path_factory):
    """The experiment, interrupted once and then finished, and its folder."""
    out = tmp_path_factory.mktemp("convergence") / "out"
    changes = {**SMALL, "planted": str(planted)}
    trained = []
    plain = Trainings._train

    def interrupted(self, *args):
        trained.append(args)
        if len(trained) == 4:
            raise KeyboardInterrupt
        return plain(self, *args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Trainings, "_train", interrupted)
        with pytest.raises(KeyboardInterrupt):
            experiment("convergence", changes=changes, out=out)
        outcome = experiment("convergence", changes=changes, out=out)
        count = len(trained)
        again = experiment("convergence", changes=changes, out=out)
        assert len(trained) == count, "what is kept was trained again"
    assert again == outcome
    return outcome, out


def rows_of(outcome, **wanted):
    return [row for row in outcome.tables["agreement"] if all(row[key] == value for key, value in wanted.items())]


def test_theory_holds_where_it_should_and_every_gap_is_named(done):
    outcome, _ = done
    base = rows_of(outcome, gap=NONE, measure="mean_difference", which="all")
    assert len(base) == 1
    assert base[0]["sets"] == 2 * (3 + 2)
    assert base[0]["pearson"] > 0.99
    assert 0.9 < base[0]["slope"] < 1.1
    assert base[0]["pearson_low"] <= base[0]["pearson"] <= base[0]["pearson_high"]
    assert {row["gap"] for row in outcome.tables["agreement"]} == {NONE, *GAPS}
    damped = rows_of(outcome, gap="proximity", measure="mean_difference", which="all")[0]
    assert damped["slope"] > 1.3, "a damping that retraining has not makes predictions too small"
    assert [claim.source[:3] for claim in outcome.claims] == ["Koh", "Bae", "cli", "Bas"]


def test_figures_are_those_of_the_sets_in_the_table(done):
    outcome, _ = done
    for row in rows_of(outcome, which="all", measure="effect_size"):
        mine = [each for each in outcome.tables["sets"] if each["relaxation"] == row["relaxation"]]
        x, y = (np.array([each[f"{name}_effect_size"] for each in mine]) for name in ("predicted", "realised"))
        assert len(x) == row["sets"]
        assert row["pearson"] == pytest.approx(np.corrcoef(x, y)[0, 1])
        assert row["slope"] == pytest.approx(np.polyfit(x, y, 1)[0])
        assert row["signs"] == pytest.approx(np.mean(np.sign(x) == np.sign(y)))
        assert row["rms"] == pytest.approx(np.sqrt(np.mean((x - y) ** 2)))


def test_it_leaves_files_that_say_the_same(done):
    outcome, out = done
    result = json.loads((out / "result.json").read_text("utf-8"))
    assert result["claims"] == [claim.to_dict() for claim in outcome.claims]
    assert {path.suffix for path in out.glob("*.*")} == {".json", ".csv", ".svg"}
    svg = (out / "agreement.svg").read_text("utf-8")
    for relaxation in relaxations(Settings(**SMALL)):
        assert relaxation.name in svg


def test_intervals_are_percentiles_of_the_figures_of_resampled_sets():
    rng = np.random.default_rng(3)
    x = rng.normal(size=12)
    y = x + rng.normal(size=12)
    (low, high), (slope_low, slope_high) = intervals(x, y)
    picked = np.random.default_rng(0).integers(0, 12, (2000, 12))
    slow = np.array([(pearson(x[row], y[row]), slope(x[row], y[row])) for row in picked])
    np.testing.assert_allclose([low, high], np.quantile(slow[:, 0], [0.025, 0.975]))
    np.testing.assert_allclose([slope_low, slope_high], np.quantile(slow[:, 1], [0.025, 0.975]))
    assert intervals(x[:2], y[:2]) == ((None, None), (None, None))


@pytest.mark.parametrize(
    "changes",
    [
        {"corpora": ()},
        {"sizes": (0,)},
        {"random": (8,)},
        {"few": (9, 9)},
        {"gradients": (1.5,)},
        {"dampings": (-1.0,)},
        {"residual": 0.0},
        {"dim": 0},
        {"products": (0,)},
    ],
)
def test_settings_that_make_no_sense_are_refused(changes):
    with pytest.raises(UsageError) as caught:
        replace(Settings(), **changes)
    assert caught.value.where
    assert caught.value.next


def test_a_corpus_that_is_unknown_missing_or_too_small_is_said(planted, tmp_path):
    with pytest.raises(UsageError, match="unknown corpus 'wiki'"):
        open_ground("wiki")
    with pytest.raises(InputError, match="no planted corpus") as caught:
        open_ground("planted", planted=str(tmp_path / "none.jsonl"))
    assert "make_planted" in caught.value.next
    with pytest.raises(InputError, match="120 documents cannot have 100 each"):
        experiment("convergence", changes={**SMALL, "planted": str(planted), "sizes": (100,)}, out=tmp_path / "out")


def test_the_tests_of_the_speeches_are_covered_by_their_frequent_words():
    ground = open_ground("speeches", every=10, words=2000)
    assert len(ground.vocabulary) == 2000
    assert [test.name for test in ground.tests] == list(SPEECHES)
    for test in ground.tests:
        found = cover(test, ground.vocabulary.index)
        assert found.reason is None
        assert not any(found.missing.values())
        assert isinstance(test, BiasTest)


def test_the_configuration_says_what_the_defaults_are():
    values = tomllib.loads((ROOT / "configs" / "convergence.toml").read_text("utf-8"))
    assert {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()} == asdict(Settings())
