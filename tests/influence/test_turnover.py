"""Turn-over dropout: its masks, its trainer, and what its two halves tell about documents."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import corpus_of, expected_loss, random_problem, slow_counts, tensor

from clif.corpus.encoding import encode
from clif.corpus.reading import ReadOptions, read_documents
from clif.corpus.tokenising import Tokeniser
from clif.errors import UsageError
from clif.influence import turnover as module
from clif.influence.methods import METHODS
from clif.influence.problem import Problem
from clif.influence.scores import score_documents
from clif.influence.turnover import (
    draw_masks,
    train_documents,
    train_masked,
    turnover,
)
from clif.objectives import WEAT, BiasTest, cover
from clif.pairs import LONGEST
from clif.settings import TrainingSettings
from clif.training.draws import alias_table, name_keys
from clif.training.gensim import train_gensim
from clif.vocabulary import Vocabulary, vocabulary_size

DATA = Path(__file__).parents[2] / "data"
IDS = [f"d{z}" for z in range(400)]


def every(keys, dim):
    """Masks that leave nothing out."""
    return np.ones((len(keys), dim), dtype=bool)


def made_corpus(seed, documents=60, length=50, size=40):
    """Documents about topics: word numbers of one tenth of the vocabulary are frequent in each."""
    rng = np.random.default_rng(seed)
    topics = [rng.permutation(size) for _ in range(4)]
    return corpus_of([topics[z % 4][(size * rng.random(length) ** 3).astype(int)] for z in range(documents)], size)


def vocabulary_of(corpus):
    return Vocabulary(corpus.types, np.maximum(corpus.counts, 1))


def train(corpus, settings, masks=draw_masks, **options):
    keys = name_keys("turnover", settings.seed, corpus.doc_ids)
    return train_masked(corpus, vocabulary_of(corpus), settings, keys, masks, **options)


# Masks


@pytest.mark.parametrize("dim", [4, 7, 100])
def test_masks_hold_half_of_the_dimensions_exactly(dim):
    masks = draw_masks(name_keys("turnover", 1, IDS), dim)
    assert masks.dtype == bool
    assert masks.shape == (400, dim)
    assert (masks.sum(1) == dim // 2).all()


def test_masks_depend_on_the_seed_and_the_id_alone():
    masks = draw_masks(name_keys("turnover", 1, IDS), 100)
    assert np.array_equal(draw_masks(name_keys("turnover", 1, IDS[::-1]), 100), masks[::-1])
    assert np.array_equal(draw_masks(name_keys("turnover", 1, IDS[7:8]), 100)[0], masks[7])
    other = draw_masks(name_keys("turnover", 2, IDS), 100)
    # Two masks agree in half of their dimensions, by chance.
    assert (masks == other).mean() == pytest.approx(0.5, abs=0.02)
    assert (masks[:-1] == masks[1:]).mean() == pytest.approx(0.5, abs=0.02)
    assert np.abs(masks.mean(0) - 0.5).max() < 4.5 * 0.5 / np.sqrt(400)


# The trainer


def always(word, size):
    """A table that draws one word only."""
    return alias_table(np.eye(size)[word])


def test_one_update_is_a_gradient_step_of_the_loss_of_the_masked_model():
    rng = np.random.default_rng(0)
    before = rng.normal(size=(2, 3, 6)).astype(np.float32)
    mask = np.array([1, 0, 1, 1, 0, 0])
    scales = (2.0 * mask).astype(np.float32)[None]
    U, C = before.copy()
    # Each of the words 0 and 1 is the output once and the input once; the one negative is always word 2.
    train_documents(
        np.array([0, 1], dtype=np.uint32), np.array([0, 2]), np.array([9], dtype=np.uint64), scales,
        np.array([0.1], dtype=np.float32), np.ones(3), *always(2, 3), 1, 1, U, C,
    )  # fmt: skip
    exact_U, exact_C = (tensor(M).requires_grad_() for M in before)
    descent = torch.optim.SGD([exact_U, exact_C], lr=0.1)
    for output, word in ((0, 1), (1, 0)):
        descent.zero_grad()
        hidden = tensor(2.0 * mask) * exact_U[word]
        softplus = torch.nn.functional.softplus
        (softplus(-hidden @ exact_C[output]) + softplus(hidden @ exact_C[2])).backward()
        descent.step()
    np.testing.assert_allclose(U, exact_U.detach(), atol=1e-6)
    np.testing.assert_allclose(C, exact_C.detach(), atol=1e-6)
    assert np.abs(U - before[0]).max() > 0.01
    untouched = np.flatnonzero(mask == 0)
    assert np.array_equal(U[:, untouched], before[0][:, untouched])
    assert np.array_equal(C[:, untouched], before[1][:, untouched])


@pytest.mark.parametrize("keep", [[1.0] * 5, [0.3, 0.9, 1.0, 0.5, 0.7]])
def test_pairs_are_formed_as_often_as_expected(keep):
    """With a unit vector for each input word and a tiny rate, output vectors count the pairs that were drawn."""
    tokens, window, copies, rate = [0, 1, 2, 3, 9, 4, 1, 0, 0, 3], 3, 4000, 1e-4
    U = np.eye(6, dtype=np.float32)  # word 5 is the only negative
    totals, squares = np.zeros((6, 6)), np.zeros((6, 6))
    for key in name_keys("turnover", 1, [str(n) for n in range(copies)]):
        C = np.zeros((6, 6), dtype=np.float32)
        train_documents(
            np.array(tokens, dtype=np.uint32), np.array([0, len(tokens)]), key[None], np.ones((1, 6), np.float32),
            np.array([rate], dtype=np.float32), np.array([*keep, 1.0]), *always(5, 6), window, 1, U.copy(), C,
        )  # fmt: skip
        counts = C / (rate / 2)
        totals += counts
        squares += counts**2
    mean = totals / copies
    error = np.sqrt(np.maximum(squares / copies - mean**2, 1e-6) / copies)
    expected = slow_counts(tokens, np.array(keep), window)
    assert (np.abs(mean[:5, :5] - expected) < 4.5 * error[:5, :5] + 0.003).all()
    # Each pair has its negative.
    np.testing.assert_allclose(-mean[5], mean[:5].sum(0), atol=0.01)


def test_an_untouched_half_stays_as_it_was_and_is_zero_in_the_output_vectors():
    corpus, settings = made_corpus(0), TrainingSettings(dim=10, sample=0, epochs=2)
    half = np.arange(10) < 5
    U, C = train(corpus, settings, lambda keys, dim: np.tile(half, (len(keys), 1)))
    start, _ = train(corpus, replace(settings, epochs=1), lambda keys, dim: np.zeros((len(keys), dim), dtype=bool))
    assert np.array_equal(U[:, ~half], start[:, ~half])
    assert not C[:, ~half].any()
    assert np.abs(U[:, half] - start[:, half]).min() > 0
    assert np.abs(start).max() <= 0.5 / 10
    assert start.std() == pytest.approx(1 / 10 / np.sqrt(12), rel=0.1)


def split_by_key(chosen):
    """Masks of two networks: the first half of the dimensions for the `chosen` keys, the second for the others."""
    return lambda keys, dim: np.isin(keys, chosen)[:, None] == (np.arange(dim) < dim // 2)


def test_documents_in_one_half_know_nothing_of_those_in_the_other_nor_of_their_order():
    settings = TrainingSettings(dim=12, sample=0.05, epochs=3, alpha=0.05, min_alpha=0.05)
    corpus = made_corpus(1)
    own = np.arange(60) % 3 == 0
    masks = split_by_key(name_keys("turnover", settings.seed, corpus.doc_ids)[own])
    U, C = train(corpus, settings, masks)
    # The others are made of rare words only: nothing is trained on them.
    blank = corpus.tokens.copy()
    blank[np.repeat(~own, corpus.lengths)] = 99
    alone_U, alone_C = train(replace(corpus, tokens=blank), settings, masks)
    assert np.array_equal(U[:, :6], alone_U[:, :6])
    assert np.array_equal(C[:, :6], alone_C[:, :6])
    # Own documents first, in their order, then the others.
    order = np.argsort(~own, kind="stable")
    texts = [corpus.tokens[corpus.offsets[z] : corpus.offsets[z + 1]] for z in order]
    moved = replace(corpus_of(texts, 40), doc_ids=[corpus.doc_ids[z] for z in order])
    moved_U, moved_C = train(moved, settings, masks)
    assert np.array_equal(U, moved_U)
    assert np.array_equal(C, moved_C)


def test_training_reproduces_whatever_is_trained_between_two_looks_at_the_masks(monkeypatch):
    corpus, settings = made_corpus(2), TrainingSettings(dim=8, epochs=2, sample=0.01)
    U, C = train(corpus, settings)
    monkeypatch.setattr(module, "BLOCK", 7)
    again = train(corpus, settings)
    assert np.array_equal(U, again[0])
    assert np.array_equal(C, again[1])
    other, _ = train(corpus, replace(settings, seed=2))
    assert np.abs(U - other).max() > 0.01


@pytest.mark.parametrize("sample", [0.0, 0.02])
def test_without_masks_it_learns_what_gensim_learns(sample):
    corpus = made_corpus(3)
    vocabulary = vocabulary_of(corpus)
    settings = TrainingSettings(dim=10, window=3, negative=3, epochs=10, sample=sample, alpha=0.1)
    keep = vocabulary.keep_probabilities(sample)
    texts = [corpus.tokens[a:b].tolist() for a, b in pairwise(corpus.offsets)]
    counts = tensor(sum(slow_counts(text, keep, settings.window) for text in texts))

    def loss(U, C):
        return float(expected_loss(tensor(U), tensor(C), counts, tensor(vocabulary.noise()), settings.negative))

    found = {"gensim": [], "full": [], "half": []}
    for seed in (1, 2, 3):
        chosen = replace(settings, seed=seed)
        model = train_gensim(corpus, vocabulary, chosen)
        found["gensim"].append(loss(model.U, model.C))
        found["full"].append(loss(*train(corpus, chosen, every)))
        found["half"].append(loss(*train(corpus, chosen)))
    gensim, full, half = (np.mean(values) for values in found.values())
    start = loss(np.zeros((40, 10)), np.zeros((40, 10)))
    middle = loss(*train(corpus, replace(settings, epochs=3), every))
    assert full < middle < 0.9 * start
    assert full == pytest.approx(gensim, rel=0.01)
    # Half of the dimensions at a time learn a little less.
    assert full < half < 1.05 * full


def test_no_pair_is_formed_across_two_pieces_of_a_long_document():
    settings = TrainingSettings(dim=4, sample=0, epochs=1, negative=1)
    keys = name_keys("turnover", 1, ["long"])
    for length, apart in ((LONGEST, True), (LONGEST - 1, False)):
        corpus = corpus_of([[0] * length + [2, 1]], 3)
        vocabulary = Vocabulary(["w0", "w1"], np.array([length, 1]))
        # A token beyond the vocabulary of two words counts for nothing.
        corpus.tokens[-2:] = 7, 1
        U, _ = train_masked(corpus, vocabulary, settings, keys, every)
        start, _ = train_masked(replace(corpus, offsets=np.zeros(2, np.int64)), vocabulary, settings, keys, every)
        assert np.array_equal(U[1], start[1]) == apart


def test_progress_goes_from_block_to_block_through_the_epochs(monkeypatch):
    monkeypatch.setattr(module, "BLOCK", 25)
    said = []
    train(made_corpus(4), TrainingSettings(dim=4, epochs=2), progress=lambda *given: said.append(given))
    assert [stage for stage, *_ in said] == ["train"] * 6
    done = [each for _, each, *_ in said]
    assert done == sorted(done)
    assert done[-1] == said[-1][2] == 2
    assert said[0][3] == "epoch 1 of 2, with masks"


# The method


def test_influence_is_the_objective_outside_less_the_objective_inside_of_the_mask():
    problem = random_problem(3, dim=8, sample=0)
    settings = replace(problem.settings, alpha=0.5)
    problem = replace(problem, settings=settings)
    scores = score_documents(problem, METHODS["turnover"])
    keys = name_keys("turnover", settings.seed, problem.corpus.doc_ids)
    U, _ = train_masked(problem.corpus, problem.vocabulary, settings, keys, draw_masks)
    for z, mask in enumerate(draw_masks(keys, 8)):
        outside, inside = (problem.objective.value(U[problem.rows][:, side], problem.measure) for side in (~mask, mask))
        assert scores.influence[z] == pytest.approx(outside - inside, rel=1e-6)
    assert not METHODS["turnover"].predicts
    with pytest.raises(UsageError, match="whole documents only"):
        _ = scores.pairs


@pytest.mark.parametrize("dim", [4, 5, 9])
def test_any_number_of_dimensions_from_four_on_will_do(dim):
    problem = random_problem(4, dim=dim, measure="mean_difference")
    assert np.isfinite(turnover(problem).documents).all()


def test_fewer_dimensions_are_refused():
    with pytest.raises(UsageError, match="half of 3 dimensions") as caught:
        turnover(random_problem(0, dim=3))
    assert "block" in caught.value.next


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """The planted corpus as a problem, trained without masks, and which documents are its carriers."""
    read = list(read_documents([DATA / "planted.jsonl"], ReadOptions()))
    corpus = encode(read, Tokeniser(), tmp_path_factory.mktemp("planted"))
    settings = TrainingSettings(sample=0.0)
    size = vocabulary_size(corpus.counts, settings.min_count, "corpus")
    vocabulary = Vocabulary(corpus.types[:size], corpus.counts[:size])
    objective = WEAT(cover(BiasTest.from_toml(DATA / "planted.toml"), vocabulary.index))
    keys = name_keys("turnover", settings.seed, corpus.doc_ids)
    U, C = train_masked(corpus, vocabulary, settings, keys, every)
    carrier = np.array([document.metadata["carrier"] for document in read], dtype=bool)
    return Problem(corpus, vocabulary, settings, U, C, objective, "mean_difference"), carrier


def test_two_networks_show_the_sign_and_the_size_of_what_only_one_of_them_saw(planted, monkeypatch):
    """Carriers and half of the rest in one half of the dimensions, the other rest in the other."""
    problem, carrier = planted
    keys = name_keys("turnover", problem.settings.seed, problem.corpus.doc_ids)
    first = carrier | (np.arange(len(carrier)) % 2 == 0)
    monkeypatch.setattr(module, "draw_masks", split_by_key(keys[first]))
    influence = turnover(problem).documents
    assert problem.value > 0.05
    assert (influence[first] < -0.05).all()
    assert np.array_equal(influence, np.where(first, influence[first][0], -influence[first][0]))


def test_the_planted_documents_are_found_hardly_better_than_by_chance(planted):
    """One run has d numbers for all documents, so it finds little; the mean of several runs finds more."""
    problem, carrier = planted
    runs = []
    for seed in range(1, 11):
        own = replace(problem, settings=replace(problem.settings, seed=seed))
        runs.append(turnover(own).documents)
    together = np.mean(runs, axis=0)
    *found, found_together = (carrier[np.argsort(values, kind="stable")[:200]].mean() for values in (*runs, together))
    assert carrier.mean() == 0.2
    assert 0.2 < np.mean(found) < 0.35
    assert 0.28 < found_together < 0.5
    assert together[carrier].mean() < 0 < together[~carrier].mean()
    # Of the size of T itself: these numbers rank, but they cannot be added up.
    assert np.std(runs[0]) > 0.1 * problem.value
