"""The influence of single contexts in a training: against a replay in which one of them has a weight, and as sums."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from helpers import corpus_of, cut
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trainings import DIM, Doubles, question, topical, train, vocabulary_of

from clif.influence import drawn as drawing
from clif.influence.drawn import DrawnContexts, pack, unpack
from clif.influence.listing import top_contexts, top_pairs, top_sentences
from clif.influence.methods import METHODS
from clif.influence.problem import Problem
from clif.influence.recording import record_contexts, unrolled_contexts
from clif.influence.scores import document_influence, score_documents
from clif.influence.unrolled import derivatives
from clif.objectives import WEAT, BiasTest, cover
from clif.settings import TrainingSettings
from clif.training.paired import PairedTraining
from clif.training.steps import draw_pairs, keep_tokens


def in_doubles(corpus, options, measure="mean_difference"):
    """A question about a training in double precision."""
    words = corpus.types
    test = BiasTest("made", X=tuple(words[0:2]), Y=tuple(words[2:4]), A=tuple(words[4:6]), B=tuple(words[6:8]))
    vocabulary = vocabulary_of(corpus)
    objective = WEAT(cover(test, vocabulary.index, least=2))
    problem = Problem(corpus, vocabulary, options, *train(corpus, options), objective, measure)
    problem.__dict__["checkpoints"] = Doubles(corpus, vocabulary, options)
    return problem


def small_corpus(seed, documents=6, words=12):
    """Documents of words of which the last two are outside the vocabulary."""
    rng = np.random.default_rng(seed)
    return corpus_of([rng.integers(0, words + 2, n) for n in rng.integers(0, 22, documents)], words + 2)


def drawn_pairs(training, corpus):
    """Document, position of input and of output, words of the update, and rate of each drawn pair, in order."""
    options = training.settings
    for number in range(options.epochs):
        epoch = training.epoch(number)
        for document, key, rate in zip(epoch.documents, epoch.keys, epoch.rates, strict=True):
            start, end = corpus.offsets[document : document + 2]
            room = max(1, end - start)
            words, places = np.empty(room, dtype=np.int32), np.empty((room, 2), dtype=np.int32)
            kept = keep_tokens(corpus.tokens, start, end, key, training.keep, words, places)
            room *= 2 * options.window
            inputs, outputs = np.empty(room, dtype=np.int32), np.empty((room, 1 + options.negative), dtype=np.int32)
            centres = np.empty((room, 2), dtype=np.int32)
            pairs = draw_pairs(
                words, places, kept, 0, kept, key, training.threshold, training.alias, options.window, inputs, outputs,
                centres,
            )  # fmt: skip
            for p in range(pairs):
                spots = places[centres[p], 0].tolist()
                yield (int(document), *spots), int(inputs[p]), outputs[p].tolist(), rate


def replay(problem, weights):
    """T after a training in plain Python, in which the contexts in `weights` have these."""
    corpus, options = problem.corpus, problem.settings
    training = PairedTraining(corpus, problem.vocabulary, options, precision=np.float64)
    U, C = training.start()
    for context, word, targets, rate in drawn_pairs(training, corpus):
        pull = np.zeros(options.dim)
        for k, target in enumerate(targets):
            if target >= 0:
                sigma = 1 / (1 + math.exp(-U[word] @ C[target]))
                g = rate * weights.get(context, 1.0) * ((k == 0) - sigma)
                pull += g * C[target]
                C[target] += g * U[word]
        U[word] += pull
    return problem.objective.value(U[problem.rows], problem.measure)


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    seed=st.integers(0, 10**6),
    epochs=st.integers(1, 3),
    window=st.integers(1, 4),
    sample=st.sampled_from([0, 0.1]),
    measure=st.sampled_from(["mean_difference", "effect_size"]),
    segment=st.sampled_from([40, 10_000]),
)
def test_the_influence_of_a_context_is_that_of_its_weight(seed, epochs, window, sample, measure, segment):
    options = TrainingSettings(
        dim=DIM, epochs=epochs, window=window, negative=3, sample=sample, alpha=0.3, seed=seed, min_count=1
    )
    problem = in_doubles(small_corpus(seed), options, measure)
    assert replay(problem, {}) == pytest.approx(problem.value, rel=1e-9)
    found = record_contexts(problem, precision=np.float64, segment=segment)
    every, influence = top_contexts(problem, found, None)
    keys = list(zip(every.document.tolist(), every.position.tolist(), every.output_position.tolist(), strict=True))
    training = PairedTraining(problem.corpus, problem.vocabulary, options)
    times = {}
    for context, *_ in drawn_pairs(training, problem.corpus):
        times[context] = times.get(context, 0) + 1
    assert dict(zip(keys, (every.weight * epochs).tolist(), strict=True)) == pytest.approx(times)
    scale, step = np.abs(influence).max(initial=1e-9), 1e-4
    # Those that matter most, either way, and one of the middle.
    for place in {0, len(keys) // 2, len(keys) - 1} if keys else ():
        ends = [replay(problem, {keys[place]: 1 + sign * step}) for sign in (1, -1)]
        assert influence[place] == pytest.approx(-(ends[0] - ends[1]) / (2 * step), rel=1e-5, abs=1e-6 * scale)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 10**6), epochs=st.integers(1, 3), window=st.integers(1, 5), sample=st.sampled_from([0, 0.1]))
def test_contexts_sentences_and_pairs_of_words_are_parts_of_one_sum(seed, epochs, window, sample):
    options = TrainingSettings(dim=DIM, epochs=epochs, window=window, sample=sample, alpha=0.2, seed=seed, min_count=1)
    problem = cut(in_doubles(small_corpus(seed), options), seed)
    corpus = problem.corpus
    found = record_contexts(problem, precision=np.float64)
    exact = -derivatives(problem.checkpoints, problem.rows, problem.gradient[None], precision=np.float64)[:, 0]
    contexts, influence = top_contexts(problem, found, None)
    close = {"rel": 1e-9, "abs": 1e-12 * np.abs(influence).sum()}
    assert np.bincount(contexts.document, influence, len(corpus)) == pytest.approx(exact, **close)
    assert document_influence(found)[0] == pytest.approx(exact, **close)
    blocks = list(found.contexts(np.array([3, 1])))
    for z in (3, 1):
        assert sum(own[block.document == z].sum() for block, own in blocks) == pytest.approx(exact[z], **close)
    tokens = corpus.offsets[contexts.document]
    assert np.array_equal(contexts.input, corpus.tokens[tokens + contexts.position])
    assert np.array_equal(contexts.output, corpus.tokens[tokens + contexts.output_position])
    halves = np.zeros(len(corpus.tokens))
    for position in (contexts.position, contexts.output_position):
        np.add.at(halves, tokens + position, influence / 2)
    assert found.tokens(0, len(corpus))[0] == pytest.approx(halves, **close)
    sentences = top_sentences(problem, found, None)
    assert np.bincount(sentences.document, sentences.influence, len(corpus)) == pytest.approx(exact, **close)
    words = top_pairs(problem, found, None)
    assert words.influence.sum() == pytest.approx(exact.sum(), **close)
    cells = np.zeros((len(problem.vocabulary),) * 2)
    np.add.at(cells, (contexts.input, contexts.output), influence)
    assert words.influence == pytest.approx(cells[words.input, words.output], **close)
    assert words.weight.sum() == pytest.approx(contexts.weight.sum())
    assert len(np.unique(words.input * len(cells) + words.output)) == len(words.input)


def test_one_adjoint_in_single_precision_agrees_with_all_the_parts():
    corpus = topical(4, documents=40)
    options = TrainingSettings(dim=16, epochs=3, sample=0, min_count=1, alpha=0.05)
    for measure in ("mean_difference", "effect_size"):
        problem = question(corpus, options, measure=measure)
        whole = score_documents(problem, METHODS["unrolled"]).influence
        parts = score_documents(problem, METHODS["unrolled"], parts=True)
        assert isinstance(parts.pairs, DrawnContexts)
        assert np.abs(parts.influence - whole).max() < 1e-4 * np.abs(whole).max()


@pytest.mark.parametrize("most", [1, 300, 10**6])
def test_files_of_any_size_give_the_same_bytes(most, tmp_path, monkeypatch):
    corpus = topical(5, documents=12)
    options = TrainingSettings(dim=16, epochs=2, sample=0, min_count=1)
    problem = question(corpus, options)
    plain = record_contexts(problem)
    words = top_pairs(problem, plain, None)
    problem = replace(problem, folder=tmp_path / "kept")
    found = record_contexts(problem, tmp_path / "kept" / "these.rows", most=most, segment=700)
    assert np.array_equal(plain.starts, found.starts)
    assert np.array_equal(plain.rows[["key", "times"]], found.rows[["key", "times"]])
    scale = float(np.abs(plain.rows["value"]).max())
    assert found.rows["value"] == pytest.approx(plain.rows["value"], abs=1e-4 * scale)
    again = record_contexts(problem, tmp_path / "again.rows", segment=700)
    assert np.array_equal(again.rows, found.rows)
    monkeypatch.setattr(drawing, "ROWS", most)
    monkeypatch.setattr(drawing, "BLOCK", 97)
    cut_up = top_pairs(problem, plain, None)
    for column in ("input", "output", "weight"):
        assert np.array_equal(np.sort(getattr(words, column)), np.sort(getattr(cut_up, column)))
    assert cut_up.influence == pytest.approx(words.influence, abs=1e-12)
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} >= {"these.rows", "again.rows"}
    assert not list(tmp_path.rglob("tmp*"))  # folders of what waited to be added up


def test_keys_come_apart_again():
    corpus = corpus_of([[], [1, 2, 3], [], [4], [5] * 40, []], 9)
    documents = np.array([1, 3, 4, 4])
    places, others = np.array([2, 0, 39, 0]), np.array([0, 0, 38, 39])
    key = pack(corpus, documents, places, others)
    assert (np.diff(key[[0, 1, 3, 2]]) > 0).all()  # in the order of the text
    for found, expected in zip(unpack(corpus, key), (documents, places, others), strict=True):
        assert np.array_equal(found, expected)


def test_a_corpus_without_a_pair_has_empty_lists(tmp_path):
    corpus = topical(6, documents=5)
    options = TrainingSettings(dim=16, epochs=1, sample=0, min_count=1)
    problem = replace(question(corpus, options), corpus=corpus_of([[], [1]], 48), folder=tmp_path)
    for path in (None, tmp_path / "none.rows"):
        found = record_contexts(problem, path)
        contexts, influence = top_contexts(problem, found, 5)
        assert len(contexts) == len(influence) == len(top_pairs(problem, found, 5).influence) == 0
        assert top_sentences(problem, found, 5).influence.tolist() == [0]
        assert document_influence(found)[0].tolist() == [0, 0]


def test_a_file_that_is_gone_or_cut_short_is_made_again(tmp_path):
    corpus = topical(7, documents=6)
    problem = question(corpus, TrainingSettings(dim=16, epochs=2, sample=0, min_count=1))
    problem = replace(problem, folder=tmp_path)
    kept = {}

    def store(name, solve):
        if name not in kept:
            kept[name] = solve()
        return kept[name]

    first = np.array(unrolled_contexts(problem, None, store).pairs.rows)
    (path,) = tmp_path.glob("*.rows")
    made = path.stat().st_mtime_ns
    assert np.array_equal(unrolled_contexts(problem, None, store).pairs.rows, first)
    assert path.stat().st_mtime_ns == made
    path.write_bytes(path.read_bytes()[:-1])
    assert np.array_equal(unrolled_contexts(problem, None, store).pairs.rows, first)
    path.unlink()
    assert np.array_equal(unrolled_contexts(problem, None, store).pairs.rows, first)
    other = replace(problem, measure="mean_difference")  # another question has a file of its own
    unrolled_contexts(other, None, lambda _name, solve: solve())
    assert len(list(tmp_path.glob("*.rows"))) == 2
