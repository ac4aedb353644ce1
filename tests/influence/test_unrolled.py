"""The derivative of a training run against finite differences of the training itself, and against real removals."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import corpus_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trainings import DIM, Doubles, question, topical, train, vocabulary_of

from clif.corpus.change import Change
from clif.errors import InputError, UsageError
from clif.influence.joint import SolveSettings
from clif.influence.memory import needs
from clif.influence.methods import METHODS
from clif.influence.problem import Problem
from clif.influence.scores import score_documents
from clif.influence.source import course_of
from clif.influence.unrolled import derivatives, part_changes, shift_of_parts
from clif.settings import TrainingSettings
from clif.training.checkpoints import Checkpoints
from clif.training.paired import train_paired

WORDS = 24


def made_corpus(seed, documents=8, longest=40):
    rng = np.random.default_rng(seed)
    share = 1 / np.arange(1, WORDS + 1)
    lengths = rng.integers(0, longest, documents)
    return corpus_of([rng.choice(WORDS, n, p=share / share.sum()) for n in lengths], WORDS)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    seed=st.integers(0, 10**6),
    epochs=st.integers(1, 3),
    window=st.integers(1, 4),
    negative=st.integers(1, 6),
    sample=st.sampled_from([0, 0.02, 0.1]),
    alpha=st.sampled_from([0.025, 0.1, 0.4]),
    segment=st.sampled_from([1, 50, 10_000]),
)
def test_the_derivative_is_that_of_the_training(seed, epochs, window, negative, sample, alpha, segment):
    corpus = made_corpus(seed)
    options = TrainingSettings(
        dim=DIM, epochs=epochs, window=window, negative=negative, sample=sample, alpha=alpha, seed=seed
    )
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.permutation(WORDS)[:6])
    gradients = rng.normal(size=(3, 6, DIM))
    checkpoints = Doubles(corpus, vocabulary_of(corpus), options)
    found = derivatives(checkpoints, rows, gradients, precision=np.float64, segment=segment)
    step = 1e-5
    actual = np.empty_like(found)
    for z in range(len(corpus)):
        ends = []
        for sign in (1, -1):
            weights = np.ones(len(corpus))
            weights[z] += sign * step
            ends.append(np.einsum("mnd,nd->m", gradients, train(corpus, options, weights)[0][rows]))
        actual[z] = (ends[0] - ends[1]) / (2 * step)
    scale = max(np.abs(actual).max(), 1e-6)
    assert np.abs(found - actual).max() <= 1e-4 * scale


def plain_speech(documents, length):
    """Documents in which one word in seven is the same, in a training that keeps them all."""
    rng = np.random.default_rng(0)
    share = 1 / np.arange(1, 201)
    share[0] = share[1:].sum() / 6
    corpus = corpus_of([rng.choice(200, length, p=share / share.sum()) for _ in range(documents)], 200)
    options = TrainingSettings(dim=DIM, epochs=2, sample=0, min_count=1)
    return Checkpoints(corpus, vocabulary_of(corpus), options), np.arange(20), rng.normal(size=(2, 20, DIM))


def test_rounding_does_not_grow_out_of_hand():
    asked = plain_speech(400, 150)
    fine = derivatives(*asked, segment=500)
    scale = np.abs(fine).max()
    assert np.abs(derivatives(*asked) - fine).max() < 1e-3 * scale
    with pytest.raises(InputError, match="rounding errors grow too large") as caught:
        derivatives(*asked, segment=10**6)
    assert "--method source" in caught.value.next
    with pytest.raises(InputError, match="a document is too long"):
        derivatives(*plain_speech(1, 60_000))


def test_removals_do_what_was_predicted():
    corpus = topical(1)
    options = TrainingSettings(dim=16, epochs=6, sample=0, alpha=0.05, min_count=1)
    problem = question(corpus, options, measure="mean_difference")
    scores = score_documents(problem, METHODS["unrolled"])
    order = np.argsort(scores.influence)
    predicted, realised = [], []
    for chosen in [order[:5], order[-5:], *(order[n : n + 5] for n in range(20, 100, 10))]:
        weights = np.ones(len(corpus))
        weights[chosen] = 0
        U = train_paired(corpus, problem.vocabulary, options, weights=weights).U
        realised.append(problem.objective.value(U[problem.rows].astype(float), problem.measure) - problem.value)
        predicted.append(scores.influence[chosen].sum())
    assert np.corrcoef(predicted, realised)[0, 1] > 0.97
    assert 0.8 < np.polyfit(predicted, realised, 1)[0] < 1.5
    assert realised[0] < 0 < realised[1]


def test_parts_and_documents_agree_and_more_parts_than_lanes_are_carried(monkeypatch):
    corpus = topical(2, documents=20)
    options = TrainingSettings(dim=16, epochs=2, sample=0, min_count=1)
    problem = question(corpus, options)
    whole = part_changes(problem)
    monkeypatch.setattr("clif.influence.unrolled.LANES", 3)
    assert part_changes(problem) == pytest.approx(whole, abs=1e-6 * np.abs(whole).max())
    attribution = METHODS["unrolled"].attribute(problem, SolveSettings(), lambda _name, solve: solve())
    slope = problem.objective.join_gradient(problem.objective.associations(problem.E))
    assert attribution.documents == pytest.approx(whole @ slope, rel=1e-4, abs=1e-7)
    one = np.zeros(20)
    one[3] = 1e-4
    change = attribution.predictor(Change(one)) - problem.value
    assert change == pytest.approx(1e-4 * attribution.documents[3], rel=0.02)


def test_what_goes_beyond_the_first_order_of_a_set_is_of_its_second():
    options = TrainingSettings(dim=16, epochs=3, sample=0, alpha=0.05, min_count=1)
    problem = question(topical(1), options)
    course, some = course_of(problem), problem.count(np.arange(10))
    both = ((h, shift_of_parts(problem, course, h * some)) for h in (1e-3, 5e-4))
    small, smaller = ((moved - first) / h**2 for h, (moved, first) in both)
    assert small == pytest.approx(smaller, rel=0.02, abs=1e-3 * np.abs(small).max())
    _, linear = shift_of_parts(problem, course, some)
    tables = [course.table(slope) for slope in problem.objective.part_gradients(problem.E)]
    assert linear == pytest.approx([(table * some).sum() for table in tables], rel=1e-9)


def test_the_further_an_edit_goes_the_less_of_the_runs_own_answer_counts():
    """Of what sets the run apart from `source`: half at half of the text, nothing at none of it."""
    options = TrainingSettings(dim=16, epochs=2, sample=0, alpha=0.05, min_count=1)
    problem = question(topical(2, documents=20), options)
    settings, store = SolveSettings(), lambda _name, solve: solve()
    predict = METHODS["unrolled"].attribute(problem, settings, store).predictor
    objective, course, parts = problem.objective, course_of(problem), part_changes(problem)
    tables = [course.table(slope) for slope in objective.part_gradients(problem.E)]

    def check(times, share):
        change = Change(np.asarray(times, dtype=float))
        counts = problem.gone(change)
        by_source = objective.associations(problem.E + course.shift(counts))
        own = change.times @ parts - [(table * counts).sum() for table in tables]
        assert np.abs(own).max() > 1e-3 or not change.times.any()
        assert predict(change) == pytest.approx(objective.join(by_source + share * own), rel=1e-7)

    half = np.arange(20) % 2
    share = problem.corpus.lengths[half == 0].sum() / problem.corpus.lengths.sum()
    check(half, share)
    check(-half, share)
    check(0.5 * half, (1 + share) / 2)
    check(np.zeros(20), 1)
    check(np.full(20, -3), 0)


def test_a_training_that_cannot_be_repeated_is_refused():
    corpus = topical(3, documents=5)
    for other, said in ((TrainingSettings(trainer="gensim"), "gensim"), (TrainingSettings(workers=2), "2 workers")):
        problem = question(corpus, TrainingSettings(dim=4, epochs=1, sample=0))
        problem = Problem(corpus, problem.vocabulary, other, problem.U, problem.C, problem.objective)
        with pytest.raises(UsageError, match=said) as caught:
            METHODS["unrolled"].attribute(problem, SolveSettings(), lambda _name, solve: solve())
        assert "paired" in caught.value.next


def test_the_memory_of_the_adjoints_is_asked_for():
    problem = question(topical(3, documents=5), TrainingSettings(dim=4, epochs=1, sample=0))
    (need,) = [need for need in needs(problem, METHODS["unrolled"], SolveSettings()) if "undoing" in need.stage]
    assert need.bytes > 2 * 8 * problem.U.size * 4  # eight parts, for U and C, in single precision
