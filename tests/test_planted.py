"""The planted corpus: as it is described, and found by the ranking that should find it."""

import importlib.util
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from clif.corpus.encoding import encode
from clif.corpus.reading import Document, ReadOptions, read_documents
from clif.corpus.tokenising import Tokeniser
from clif.influence.methods import METHODS
from clif.influence.problem import Problem
from clif.influence.scores import score_documents
from clif.objectives import WEAT, BiasTest, cover
from clif.settings import TrainingSettings
from clif.training.trainers import train_model
from clif.vocabulary import Vocabulary, vocabulary_size

DATA = Path(__file__).parents[1] / "data"


def load_generator():
    # A script beside the package, so it is loaded by its path; dataclasses look their module up by name.
    spec = importlib.util.spec_from_file_location("make_planted", DATA / "make_planted.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


planted = load_generator()


@pytest.fixture(scope="module", params=["1-paired", "2-paired", "3-paired", "1-gensim"])
def trained(request, tmp_path_factory):
    """A planted corpus, encoded and trained on by the settings that the generator names."""
    seed, trainer = request.param.split("-")
    documents = planted.planted_corpus(int(seed))
    read = [Document(document.doc_id, document.text, "", None) for document in documents]
    corpus = encode(read, Tokeniser(), tmp_path_factory.mktemp("planted"))
    settings = TrainingSettings(**planted.SETTINGS, trainer=trainer)
    size = vocabulary_size(corpus.counts, settings.min_count, "corpus")
    vocabulary = Vocabulary(corpus.types[:size], corpus.counts[:size])
    model = train_model(corpus, vocabulary, settings)
    objective = WEAT(cover(BiasTest.from_toml(planted.TEST), vocabulary.index))
    return SimpleNamespace(
        carrier=np.array([document.carrier for document in documents]),
        corpus=corpus,
        problem=lambda measure: Problem(corpus, vocabulary, settings, model.U, model.C, objective, measure),
    )


def share_found(trained, method, measure=planted.MEASURE):
    """Share of carriers among the first of the ranking, as many as there are carriers."""
    problem = trained.problem(measure)
    influence = score_documents(problem, METHODS[method]).influence
    order = np.argsort(np.sign(problem.value) * influence, kind="stable")
    return trained.carrier[order[: trained.carrier.sum()]].mean()


def test_the_file_is_what_the_generator_makes(tmp_path, monkeypatch):
    out = tmp_path / "planted.jsonl"
    monkeypatch.setattr(sys, "argv", ["make_planted.py", "--seed", "1", "--out", str(out)])
    planted.main()
    assert out.read_bytes() == (DATA / "planted.jsonl").read_bytes()


def test_the_file_is_read_as_the_generator_meant_it():
    documents = planted.planted_corpus(1)
    read = list(read_documents([DATA / "planted.jsonl"], ReadOptions()))
    assert [(d.doc_id, d.text) for d in read] == [(d.doc_id, d.text) for d in documents]
    rows = [json.loads(line) for line in (DATA / "planted.jsonl").read_text("utf-8").splitlines()]
    assert [row["carrier"] for row in rows] == [d.carrier for d in documents]
    assert sum(d.carrier for d in documents) == planted.CARRIERS


def test_another_seed_gives_another_corpus():
    assert planted.planted_corpus(2) != planted.planted_corpus(1)


def test_the_words_of_the_test_stand_in_no_other_list():
    test = BiasTest.from_toml(planted.TEST)
    assert {key: tuple(words) for key, words in planted.WORDS.items()} == test.sets
    special = [word for words in (*test.sets.values(), *planted.CUES.values()) for word in words]
    assert len(special) == 4 * 8 + 2 * 12 == len(set(special))
    assert all(word.isalpha() and word == word.lower() for word in special)
    filler = {word for words in planted.FILLER.values() for word in words}
    templates = Tokeniser()(
        " ".join((*planted.CORES, *planted.ENDS, *planted.ASIDES)).replace("{", "").replace("}", "")
    )
    assert not set(special) & (filler | set(templates))


def test_in_carriers_every_cue_in_the_window_is_of_the_words_own_group():
    group = {word: groups[0] for key, groups in planted.GROUPS.items() for word in planted.WORDS[key]}
    cue = {word: name for name, words in planted.CUES.items() for word in words}
    window = TrainingSettings(**planted.SETTINGS).window
    own = {True: [], False: []}
    for document in planted.planted_corpus(1):
        words = document.text.replace(".", "").split()
        for place in (n for n, word in enumerate(words) if word in group):
            near = words[max(0, place - window) : place] + words[place + 1 : place + 1 + window]
            assert not group.keys() & set(near)
            own[document.carrier] += [cue[word] == group[words[place]] for word in near if word in cue]
    assert all(own[True])
    # About 20,000 cues of even chance.
    assert np.mean(own[False]) == pytest.approx(0.5, abs=0.02)


def test_leanings_cancel():
    assert len(planted.LEANINGS) == 8
    assert sum(planted.LEANINGS) == pytest.approx(0, abs=1e-12)


def test_lengths_and_words_do_not_tell_carriers_from_the_rest(trained):
    corpus, carrier = trained.corpus, trained.carrier
    counts = np.zeros((len(corpus), len(corpus.types)))
    np.add.at(counts, (np.repeat(np.arange(len(corpus)), corpus.lengths), np.asarray(corpus.tokens)), 1)

    def z(values):
        inside, outside = values[carrier], values[~carrier]
        apart = inside.var(axis=0) / len(inside) + outside.var(axis=0) / len(outside)
        # A rare word that is missing from one kind has no variance there, hence that of all documents too.
        together = values.var(axis=0) * (1 / len(inside) + 1 / len(outside))
        return (inside.mean(axis=0) - outside.mean(axis=0)) / np.sqrt(np.maximum(apart, together))

    # Of 248 words the largest |z| is above 4.5 with chance .002. The last line compares the spread of the lengths.
    assert np.abs(z(counts)).max() < 4.5
    assert np.mean(z(counts) ** 2) < 1.4
    assert abs(z(corpus.lengths.astype(float))) < 3.5
    assert abs(z((corpus.lengths - corpus.lengths.mean()) ** 2)) < 3.5


def test_the_plant_is_clear_and_the_effect_size_is_not_saturated(trained):
    assert trained.problem("mean_difference").value > 0.04
    assert 0.8 < trained.problem("effect_size").value < 1.7


@pytest.mark.parametrize("method", ["block", "kfac", "gradient", "mirrored", "representer"])
def test_the_ranking_finds_the_carriers(trained, method):
    assert share_found(trained, method) >= 0.95


def test_with_all_vectors_moving_it_finds_nearly_as_many(trained):
    assert share_found(trained, "clif") >= 0.88


def test_the_effect_size_finds_most_of_them(trained):
    assert share_found(trained, "block", "effect_size") >= 0.6


@pytest.mark.parametrize("method", ["frequency", "length", "random"])
def test_baselines_find_them_by_chance(trained, method):
    assert share_found(trained, method) == pytest.approx(trained.carrier.mean(), abs=0.1)
