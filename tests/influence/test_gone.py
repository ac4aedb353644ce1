"""The pairs that an edit takes out, against counting the edited text anew; and what is predicted of it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
from helpers import cut, document_counts, documents_of, random_problem, slow_counts
from hypothesis import given, settings
from hypothesis import strategies as st

from clif.corpus.change import OUTSIDE, Change
from clif.corpus.spans import Spans
from clif.influence.adaptive import choose_adaptively
from clif.influence.groups import predict_change, predict_value, removal, vectors_after
from clif.influence.listing import top_sentences
from clif.influence.methods import METHODS
from clif.influence.scores import score_documents
from clif.influence.source import source
from clif.influence.units import Documents, Sentences
from clif.retraining.limits import Limits
from clif.training.paired import train_paired

problems = st.builds(
    partial(random_problem, size=20, dim=3),
    st.integers(0, 10**6),
    window=st.integers(1, 5),
    sample=st.sampled_from([0, 1e-3, 1e-2, 0.1]),
    documents=st.integers(1, 6),
)
quick = settings(max_examples=30, deadline=None)


def counted(problem, texts):
    """Counts (n, V) of texts, the slow way."""
    found = sum(slow_counts(text, problem.keep, problem.settings.window) for text in texts)
    return found[problem.rows]


@quick
@given(problem=problems, seed=st.integers(0, 99))
def test_of_sentences_it_is_the_count_of_the_text_less_that_of_the_text_without_them(problem, seed):
    problem = cut(problem, seed)
    units, rng = Sentences(problem.corpus), np.random.default_rng(seed)
    chosen = np.flatnonzero(rng.random(len(units)) < 0.4)
    places = set(units.spans.places(chosen).tolist())
    offsets = problem.corpus.offsets
    shorter = [
        [int(token) for place, token in zip(range(start, start + len(text)), text, strict=True) if place not in places]
        for start, text in zip(offsets.tolist(), documents_of(problem), strict=False)
    ]
    expected = counted(problem, documents_of(problem)) - counted(problem, shorter)
    np.testing.assert_allclose(problem.gone(units.without(chosen)), expected, rtol=1e-8, atol=1e-8)
    assert units.lengths[chosen].sum() == len(places)


def test_what_stays_is_counted_in_tokens():
    corpus = random_problem(1, size=20, dim=3, documents=4).corpus
    sizes, none = np.diff(corpus.offsets), np.zeros(4)
    first = none.copy()
    first[0] = 1
    share = sizes[0] / sizes.sum()
    assert 0 < share < 1
    assert Change(none).stays(corpus) == 1
    assert Change(first).stays(corpus) == pytest.approx(1 - share)
    assert Change(-first).stays(corpus) == pytest.approx(1 - share)
    assert Change(first / 4).stays(corpus) == pytest.approx(1 - share / 4)
    assert Change(none + 1).stays(corpus) == Change(none - 7).stays(corpus) == 0
    places = np.arange(3)
    changed = Change.of_tokens(corpus, places, np.full(3, OUTSIDE))
    assert changed.stays(corpus) == pytest.approx(1 - 3 / sizes.sum())


@quick
@given(problem=problems, seed=st.integers(0, 99))
def test_of_other_words_it_is_the_count_of_the_text_less_that_of_the_text_with_them(problem, seed):
    rng, size = np.random.default_rng(seed), len(problem.corpus.tokens)
    places = np.flatnonzero(rng.random(size) < 0.3)
    words = rng.integers(0, 24, len(places)).astype(np.uint32)  # some outside of the vocabulary
    tokens = problem.corpus.tokens.copy()
    tokens[places] = words
    offsets = problem.corpus.offsets.tolist()
    after = [tokens[a:b].tolist() for a, b in pairwise(offsets)]
    expected = counted(problem, documents_of(problem)) - counted(problem, after)
    change = Change.of_tokens(problem.corpus, places, words)
    np.testing.assert_allclose(problem.gone(change), expected, rtol=1e-8, atol=1e-8)


@quick
@given(problem=problems, seed=st.integers(0, 99))
def test_of_parts_of_documents_it_is_their_share(problem, seed):
    share = np.random.default_rng(seed).uniform(-2, 1, len(problem.corpus))
    expected = np.einsum("z,znv->nv", share, document_counts(problem)[:, problem.rows])
    np.testing.assert_allclose(problem.gone(Change(share)), expected, rtol=1e-8, atol=1e-8)


def test_of_a_share_of_a_document_with_other_words_it_is_what_is_left():
    problem = random_problem(4)
    places, share = np.arange(5, 11), np.zeros(len(problem.corpus))
    z = int(np.searchsorted(problem.corpus.offsets, 5, side="right")) - 1
    share[z] = 0.25
    both = Change(share, places, np.full(6, OUTSIDE))
    after = replace(both, times=np.zeros_like(share)).text(problem.corpus)
    stays = problem.reading(after).count(times=1 - share)
    np.testing.assert_allclose(problem.gone(both), problem.count() - stays, atol=1e-9)


def test_counts_are_kept_for_the_models_of_other_seeds_and_no_edit_is_taken_for_another():
    problem = cut(random_problem(5))
    units = Sentences(problem.corpus)
    one, other = (units.without(np.array(chosen)) for chosen in ([0, 3], [0, 4]))
    first = problem.gone(one)
    assert problem.gone(one) is first
    further = problem.of_model(problem.U + 1, problem.C, problem.settings)
    assert further.gone(one) is first
    assert np.abs(problem.gone(other) - first).max() > 0
    fresh = replace(problem)
    np.testing.assert_array_equal(fresh.gone(other), problem.gone(other))


def trained(seed=0):
    """A question whose model was trained, so that `source` may be asked."""
    problem = cut(random_problem(seed, documents=30, damping=30.0))
    options = replace(problem.settings, epochs=3, alpha=0.3, min_alpha=0.03)
    found = train_paired(problem.corpus, problem.vocabulary, options)
    return replace(problem, U=found.U, C=found.C, settings=options)


@pytest.mark.parametrize("method", ["block", "source"])
def test_predictions_go_by_these_counts_and_a_half_is_about_half(method):
    problem = trained()
    if method == "source":
        problem = problem.knowing(source(problem).predictor)
    units = Sentences(problem.corpus)
    change = units.without(np.array([2, 5, 9]))
    if method == "block":
        moved = vectors_after(problem, problem.gone(change))
        assert predict_value(problem, change) == problem.objective.value(moved, problem.measure)
    # A whole document, sentence by sentence, is the document.
    z = int(np.argmax(np.bincount(units.document)))
    own = np.flatnonzero(units.document == z)
    whole = predict_value(problem, removal(problem, np.array([z])))
    assert predict_value(problem, units.without(own)) == pytest.approx(whole, rel=1e-9)
    small = 1e-3 * removal(problem, np.array([z]))
    change, half = (predict_change(problem, "newton", np.zeros(30), share * small) for share in (1.0, 0.5))
    assert half == pytest.approx(change / 2, rel=1e-2)


def test_unrolled_predicts_what_source_does_where_single_tokens_change(monkeypatch):
    from clif.influence import unrolled as module
    from clif.influence.joint import SolveSettings

    problem = trained(1)
    monkeypatch.setattr(module, "part_changes", lambda p: np.zeros((len(p.corpus), p.objective.n_X + p.objective.n_Y)))
    found = METHODS["unrolled"].attribute(problem, SolveSettings(), lambda _name, solve: solve())
    change = Sentences(problem.corpus).without(np.array([1, 4]))
    assert found.predictor(change) == source(problem).predictor(change) != problem.value


# Sentences chosen chunk by chunk


@pytest.mark.parametrize("method", ["block", "source"])
def test_the_first_chunk_of_sentences_is_the_ranking(method):
    problem = trained(2)
    units = Sentences(problem.corpus)
    scores = score_documents(problem, METHODS[method])
    ranked = top_sentences(problem, scores.pairs, 6)
    choice = choose_adaptively([problem], 6, chunk=6, method=method, units=units)
    assert (units.spans.start[choice.documents] == ranked.start).all()
    np.testing.assert_allclose(choice.influence, ranked.influence, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("method", ["block", "source"])
def test_values_are_those_predicted_for_what_was_chosen_before(method):
    problem = trained(3)
    problem = problem.knowing(source(problem).predictor) if method == "source" else problem
    units, protected = Sentences(problem.corpus), np.arange(30) % 2 == 0
    choice = choose_adaptively(
        [problem, problem], 12, chunk=4, method=method, units=units, enough=lambda _: False,
        pick=Limits.free(~protected[units.document]).pick,
    )  # fmt: skip
    assert len(set(choice.documents.tolist())) == 12
    assert not protected[units.document[choice.documents]].any()
    for chunk, value in enumerate(choice.values):
        change = units.without(choice.documents[: 4 * chunk])
        assert predict_value(problem, change) == pytest.approx(value, rel=1e-6)


def test_the_influence_of_later_chunks_is_that_in_the_text_that_is_left():
    """Once its neighbours are gone, what is left of a document stands closer together."""
    problem = trained(4)
    units = Sentences(problem.corpus)
    pairs = score_documents(problem, METHODS["block"]).pairs
    gone = units.without(np.arange(0, len(units), 3))
    found = units.influence(pairs, gone)
    # Sums over sentences are sums over the pairs of the text that is left.
    left = problem.counts - problem.gone(gone)
    assert found.sum() == pytest.approx((left * pairs.table).sum(), rel=1e-9)
    assert not found[::3].any()


def test_documents_as_units_are_documents():
    problem = random_problem(6)
    units = Documents(problem.corpus)
    assert len(units) == len(problem.corpus)
    assert units.without(np.array([2])).times.tolist() == removal(problem, np.array([2])).tolist()


def test_spans_are_the_sentences_of_each_document():
    problem = cut(random_problem(7))
    spans, starts = Spans.of(problem.corpus), problem.corpus.sentences.astype(int).tolist()
    assert spans.start.tolist() == starts
    assert spans.end.tolist() == [*starts[1:], len(problem.corpus.tokens)]
    for s in range(len(spans)):
        z = spans.document[s]
        assert problem.corpus.offsets[z] <= spans.start[s] < spans.end[s] <= problem.corpus.offsets[z + 1]
        assert spans.number[s] == sum(other == z for other in spans.document[: s + 1])
    chosen = np.array([4, 1])
    assert spans.places(chosen).tolist() == [
        *range(spans.start[1], spans.end[1]), *range(spans.start[4], spans.end[4])
    ]  # fmt: skip
