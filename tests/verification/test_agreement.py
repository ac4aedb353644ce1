"""Agreement of predicted and realised: against SciPy, by what must not change it, and by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from clif.verification.statistics import (
    Contest,
    agreement,
    bootstrap,
    ceiling,
    datamodeling_score,
    pearson,
    reliability,
    rms,
    signs,
    slope,
    slope_origin,
    spearman,
    winning_rate,
)

number = st.floats(-100, 100).map(lambda value: round(value, 3))


@st.composite
def points(draw, least=3, most=12):
    """Predicted and realised values that vary."""
    size = draw(st.integers(least, most))
    x, y = (np.array(draw(st.lists(number, min_size=size, max_size=size))) for _ in range(2))
    assume(np.ptp(x) > 0.01)
    assume(np.ptp(y) > 0.01)
    return x, y


@given(points())
def test_the_figures_are_those_of_scipy(both):
    x, y = both
    assert pearson(x, y) == pytest.approx(stats.pearsonr(x, y).statistic, abs=1e-9)
    assert spearman(x, y) == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-9)
    assert slope(x, y) == pytest.approx(stats.linregress(x, y).slope, rel=1e-6, abs=1e-9)
    assert slope_origin(x, y) == pytest.approx(np.linalg.lstsq(x[:, None], y, rcond=None)[0][0], rel=1e-6, abs=1e-9)
    assert rms(x, y) == pytest.approx(np.linalg.norm(x - y) / np.sqrt(len(x)))


@given(points(), st.floats(0.1, 10), number)
def test_correlation_knows_no_unit_and_slope_does(both, times, more):
    x, y = both
    assert pearson(times * x + more, y) == pytest.approx(pearson(x, y), abs=1e-6)
    assert pearson(-x, y) == pytest.approx(-pearson(x, y), abs=1e-9)
    assert slope(times * x, y) == pytest.approx(slope(x, y) / times, rel=1e-6, abs=1e-9)
    assert slope(x, times * y + more) == pytest.approx(times * slope(x, y), rel=1e-6, abs=1e-9)
    assert slope_origin(x, times * y) == pytest.approx(times * slope_origin(x, y), rel=1e-6, abs=1e-9)
    assert pearson(x, y) == pytest.approx(pearson(y, x), abs=1e-9)


@given(points())
def test_ranks_see_only_the_order(both):
    x, y = both
    assert spearman(np.exp(x / 50), y) == pytest.approx(spearman(x, y), abs=1e-9)


@given(points(), st.randoms())
def test_the_order_of_the_sets_does_not_matter(both, random):
    x, y = both
    order = list(range(len(x)))
    random.shuffle(order)
    for name, value in agreement(x, y).items():
        assert agreement(x[order], y[order])[name] == pytest.approx(value, rel=1e-6, abs=1e-9)


@given(points())
def test_correlations_lie_between_minus_one_and_one(both):
    for figure in (pearson, spearman):
        assert -1 <= figure(*both) <= 1


def test_predictions_that_come_true():
    x = np.array([-1.0, 0.5, 2.0, -0.3])
    found = agreement(x, x)
    assert found == {
        "pearson": pytest.approx(1), "spearman": pytest.approx(1), "slope": pytest.approx(1),
        "slope_origin": pytest.approx(1), "rms": 0, "points": 4,
    }  # fmt: skip


def test_scores_without_a_unit_are_compared_by_rank_alone():
    found = agreement(np.array([5.0, 7.0, 9.0]), np.array([-0.1, 0.0, 0.3]), scaled=False)
    assert found.pop("spearman") == pytest.approx(1)
    assert found.pop("points") == 3
    assert set(found.values()) == {None}


@pytest.mark.parametrize(
    "values", [[], [1.0], [1.0, 2.0], [3.0, 3.0, 3.0], [0.0, 0.0, 0.0, 0.0], [0.1 + 0.2, 0.3, 0.3]]
)
def test_what_cannot_be_said_is_none(values):
    x = np.array(values)
    y = np.arange(len(x), dtype=float)
    assert pearson(x, y) is spearman(x, y) is pearson(y, x) is slope(x, y) is None
    assert (rms(x, y) is None) == (len(x) == 0)


def test_signs_of_all_and_of_those_beyond_the_noise():
    predicted, realised = np.array([-1.0, 0.2, 0.1, 2.0]), np.array([-2.0, -0.1, 0.05, 3.0])
    assert signs(predicted, realised, 0.5) == {"agreement": 0.75, "beyond_noise": 0.5, "agreement_beyond_noise": 1}
    assert signs(predicted, realised, None) == {"agreement": 0.75, "beyond_noise": None, "agreement_beyond_noise": None}
    assert signs(predicted, realised, 9.0)["agreement_beyond_noise"] is None
    assert signs(np.empty(0), np.empty(0), 0.5)["agreement"] is None


# Random subsets.


@pytest.mark.parametrize(("noise", "runs"), [(0.5, 2), (1.0, 2), (1.0, 5), (2.0, 3)])
def test_the_ceiling_is_what_the_truth_itself_would_reach(noise, runs):
    """Runs are truth and noise; the correlation of the truth with their mean is known to be the root of reliability."""
    rng = np.random.default_rng(0)
    truth = rng.normal(size=20_000)
    found = truth[:, None] + noise * rng.normal(size=(20_000, runs))
    assert ceiling(found) == pytest.approx(1 / np.sqrt(1 + noise**2 / runs), abs=0.02)
    assert ceiling(found) == pytest.approx(spearman(truth, found.mean(axis=1)), abs=0.03)


def test_reliability_at_its_ends():
    column = np.arange(6.0)
    assert reliability(np.stack([column, column], axis=1)) == pytest.approx(1)
    assert reliability(np.stack([column, -column], axis=1)) == 0
    assert reliability(column[:, None]) is None
    assert reliability(np.stack([column, np.ones(6)], axis=1)) is None
    assert ceiling(column[:, None]) is None


def test_the_score_is_the_rank_correlation_with_the_mean_of_the_runs():
    rng = np.random.default_rng(1)
    predicted, realised = rng.normal(size=30), rng.normal(size=(30, 3))
    score = datamodeling_score(0.5, predicted, realised).to_dict()
    assert score["spearman"] == pytest.approx(stats.spearmanr(predicted, realised.mean(axis=1)).statistic)
    assert score["ci95"][0] < score["spearman"] < score["ci95"][1]
    assert (score["alpha"], score["subsets"]) == (0.5, 30)
    assert datamodeling_score(0.5, predicted, realised).to_dict() == score
    assert datamodeling_score(0.5, predicted[:2], realised[:2]).to_dict() == {
        "alpha": 0.5, "spearman": None, "ci95": None, "ceiling": None, "subsets": 2,
    }  # fmt: skip


def test_the_bootstrap_interval_is_as_wide_as_the_score_varies():
    rng = np.random.default_rng(2)

    def drawn(size=40):
        x = rng.normal(size=size)
        return x, x + rng.normal(size=size)

    scores = np.array([spearman(*drawn()) for _ in range(400)])
    widths = [np.subtract(*bootstrap(*drawn(), draws=300)[::-1]) for _ in range(40)]
    assert np.median(widths) == pytest.approx(2 * 1.96 * scores.std(), rel=0.25)


def test_resamples_that_do_not_vary_are_left_out():
    few = bootstrap(np.array([1.0, 1.0, 1.0, 2.0]), np.array([1.0, 2.0, 3.0, 4.0]))
    assert few is not None
    assert bootstrap(np.ones(4), np.arange(4.0)) is None


# Chosen sets against random ones.


def test_a_contest_is_won_against_every_random_set():
    random = np.array([-0.1, 0.2])
    assert Contest(-1, -0.3, random).won
    assert not Contest(-1, -0.05, random).won
    assert Contest(1, 0.3, random).won
    assert not Contest(1, 0.2, random).won
    cases = [Contest(-1, -0.3, random), Contest(1, 0.1, random), Contest(1, 9.0, np.empty(0))]
    assert winning_rate(cases) == {"rate": 0.5, "won": 1, "of": 2}
    assert winning_rate([])["rate"] is None
