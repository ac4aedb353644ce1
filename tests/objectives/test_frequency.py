"""What word frequency alone does to a WEAT statistic."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import linregress

from clif.model import SkipGram
from clif.objectives import WEAT, BiasTest, audit
from clif.objectives.coverage import cover
from clif.objectives.frequency import Frequency, frequency_of, frequency_warnings

SIZE, DIM = 3000, 20
TEST = BiasTest("planted", *(tuple(f"{key}{n}" for n in range(8)) for key in "xyab"))


def model(effect: float, gap: float, meaning: float = 0.0, seed: int = 0) -> tuple[SkipGram, WEAT]:
    """Vectors whose first number grows with the logarithm of frequency by `effect`; A stands at its upper end, B at its
    lower. X is more frequent than Y by `gap` in logarithms, and leans to A by `meaning` for itself.
    """
    rng = np.random.default_rng(seed)
    words = [f"w{n}" for n in range(SIZE)] + [word for key in "XYAB" for word in TEST.sets[key]]
    spread = np.linspace(-1, 1, 8)
    targets = [6 + gap / 2 + spread, 6 - gap / 2 + spread]
    logs = np.concatenate([rng.uniform(2, 10, SIZE), *targets, np.full(16, 7.0)])
    U = rng.normal(size=(len(words), DIM)) / np.sqrt(DIM)
    U[:, 0] += effect * (logs - logs[:SIZE].mean())
    U[SIZE : SIZE + 8, 0] += meaning
    U[-16:] = rng.normal(size=(16, DIM)) * 0.02
    U[-16:-8, 0] += 1
    U[-8:, 0] -= 1
    counts = np.maximum(np.exp(logs).astype(np.int64), 1)
    made = SkipGram(words, U.astype(np.float32), counts=counts)
    return made, WEAT(cover(TEST, made.index))


def found(effect: float, gap: float, meaning: float = 0.0, seed: int = 0) -> Frequency:
    made, weat = model(effect, gap, meaning, seed)
    frequency = frequency_of(weat, made.U, made.counts)
    assert frequency is not None
    return frequency


@pytest.mark.parametrize("seed", range(4))
def test_a_planted_effect_of_frequency_is_found(seed):
    frequency = found(effect=0.3, gap=2.0, seed=seed)
    assert 0.6 < frequency.share < 1.4
    assert frequency.correlation > 0.5
    (warning,) = frequency_warnings("planted", frequency)
    assert "more frequent than Y" in warning
    hidden = found(effect=0.3, gap=-2.0, meaning=2.0, seed=seed)
    assert hidden.share < -0.25
    (warning,) = frequency_warnings("planted", hidden)
    assert "less frequent than Y" in warning
    assert "hides" in warning


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("effect", "gap", "meaning"), [(0.0, 2.0, 0.5), (0.3, 0.0, 0.5)])
def test_no_warning_without_one(effect, gap, meaning, seed):
    frequency = found(effect, gap, meaning, seed)
    assert abs(frequency.share) < 0.15
    assert not list(frequency_warnings("planted", frequency))


def test_slope_and_error_are_those_of_scipy():
    made, weat = model(0.1, 1.0)
    frequency = frequency_of(weat, made.U, made.counts)
    targets = made.counts[weat.rows[:16]]
    outside = np.setdiff1d(np.flatnonzero((made.counts >= targets.min()) & (made.counts <= targets.max())), weat.rows)
    units = made.U / np.linalg.norm(made.U, axis=1, keepdims=True)
    axis = units[weat.coverage.rows["A"]].mean(0) - units[weat.coverage.rows["B"]].mean(0)
    line = linregress(np.log(made.counts[outside]), units[outside] @ axis)
    assert frequency.words == len(outside)  # fewer than would be drawn from
    assert frequency.slope == pytest.approx(line.slope, rel=1e-4)
    assert frequency.correlation == pytest.approx(line.rvalue, rel=1e-4)
    assert frequency.standard_error == pytest.approx(line.stderr * abs(frequency.target_gap), rel=1e-4)
    assert frequency.predicted == pytest.approx(line.slope * frequency.target_gap, rel=1e-4)


def test_an_audit_says_so_where_counts_are_known():
    made, _ = model(0.3, 2.0)
    (result,) = audit(made, [TEST]).results
    assert result.frequency.share > 0.25
    assert len(result.warnings) == 1
    assert json.loads(json.dumps(result.to_dict()))["frequency"]["share"] == result.frequency.share
    assert audit(made, [TEST]).to_frame()["frequency_share"][0] == result.frequency.share
    (bare,) = audit(SkipGram(made.words, made.U), [TEST]).results
    assert (bare.frequency, bare.warnings) == (None, ())


def test_nothing_is_said_of_few_words_or_of_counts_that_are_not_there():
    made, weat = model(0.3, 2.0)
    counts = made.counts.copy()
    counts[weat.rows[0]] = 0
    assert frequency_of(weat, made.U, counts) is None
    few = np.r_[0:20, SIZE : SIZE + 32]
    small = SkipGram([made.words[n] for n in few], made.U[few], counts=made.counts[few])
    assert frequency_of(WEAT(cover(TEST, small.index)), small.U, small.counts) is None
    assert not list(frequency_warnings("planted", None))


def test_commands_say_what_it_is(workplace, clif, monkeypatch):
    audited = clif("audit", "--test", "planted.toml", "--json").json()["results"][0]
    assert (audited["frequency"], audited["warnings"]) == (None, [])  # too few words are as frequent as the targets
    monkeypatch.setattr("clif.objectives.frequency.FEWEST", 5)
    audited = clif("audit", "--test", "planted.toml", "--json").json()["results"][0]
    rank = ("rank", "--test", "planted.toml", "--measure", "mean_difference", "--json")
    ranked = clif(*rank, "--no-cache").json()
    assert ranked["frequency"] == pytest.approx(audited["frequency"])
    assert clif(*rank).json()["frequency"] == pytest.approx(audited["frequency"])  # as it was stored
    monkeypatch.setattr("clif.objectives.frequency.LARGE", 0.0)
    monkeypatch.setattr("clif.objectives.frequency.ERRORS", 0.0)
    for said in (clif(*rank), clif("audit", "--test", "planted.toml")):
        assert "depends on word frequency" in said.err
